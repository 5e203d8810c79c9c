"""WebRTC sessions: what goes back to the client, and that nothing of a session stays."""

import asyncio
import logging
import random
import re
from typing import Any

import aioice.ice
import av
import pytest
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from server.domain.errors import AtCapacity, Draining, InvalidRequest, Outdated, SettingsError, Unprocessable
from server.transports import peer
from server.transports.peer_session import WebrtcLimits
from tests.builders import make_options
from tests.marked_video import TIME_BASE, MarkedVideoTrack
from tests.transports.rig import Client, Rig, eventually, live_threads, run_rig


@pytest.mark.parametrize("codec", ["h264", "vp8"])
async def test_the_same_pictures_come_back_annotated(rig: Rig, codec: str) -> None:
    """What comes back has the numbers of what was sent, in order, with a box drawn into it."""
    client = Client(codec=codec)
    await rig.connect(client)
    await eventually(lambda: len(client.numbers) >= 20)
    await client.close()
    numbers = [number for number in client.numbers if number is not None]
    assert len(numbers) >= len(client.numbers) - 1
    assert numbers == sorted(numbers)
    assert max(client.coloured[5:]) > 100


async def test_answers_a_plain_offer_with_receiving_only(rig: Rig) -> None:
    """Without the wish for annotated video a sendrecv offer is answered recvonly."""
    client = Client()
    session = await rig.open(await client.offer(), annotated=False)
    assert _video_direction(session.answer_sdp) == "recvonly"
    await client.close()


async def test_answers_an_annotated_offer_in_both_directions(rig: Rig) -> None:
    """With the wish for annotated video a sendrecv offer is answered sendrecv."""
    client = Client()
    session = await rig.open(await client.offer(), annotated=True)
    assert _video_direction(session.answer_sdp) == "sendrecv"
    await client.close()


async def test_a_standard_whip_publisher_is_processed(rig: Rig) -> None:
    """A sendonly offer gets a recvonly answer, and its frames are detected on."""
    client = Client(direction="sendonly")
    session = await rig.connect(client, annotated=True)
    assert _video_direction(session.answer_sdp) == "recvonly"
    await eventually(lambda: session.stream.stats().processed >= 3)
    await client.close()


async def test_prefers_h264(rig: Rig) -> None:
    """A client that offers VP8 first is answered with H.264 first."""
    client = Client(codec="vp8")
    client.pc.getTransceivers()[0].setCodecPreferences([])
    session = await rig.open(await client.offer())
    lines = [line for line in session.answer_sdp.splitlines() if line.startswith("a=rtpmap:")]
    assert "H264" in lines[0]
    assert any("VP8" in line for line in lines)
    await client.close()


async def test_tells_what_it_finds(rig: Rig) -> None:
    """Each processed frame is told on the data channel with its objects, its age and the options in force."""
    client = Client()
    await rig.connect(client)
    await eventually(lambda: len(client.messages) >= 10)
    await client.close()
    message = client.messages[-1]
    assert message["results"][0] | {"box": None} == {
        "class": 0,
        "name": "firearm",
        "confidence": 0.9,
        "box": None,
        "track_id": 1,
    }
    assert message["shape"] == [256, 512]
    assert message["age_ms"] >= 0
    assert message["box_age_ms"] >= 0
    assert (message["conf"], message["classes"], message["mode"], message["annotate"]) == (0.4, None, "smooth", True)
    frames = [message["frame"] for message in client.messages]
    assert frames == sorted(set(frames))


async def test_controls_act_and_are_confirmed(rig: Rig) -> None:
    """A control changes what the next messages and pictures show."""
    client = Client()
    await rig.connect(client)
    await eventually(lambda: client.messages)
    client.channel.send('{"classes":["person"],"mode":"exact","conf":0.25}')
    await eventually(lambda: client.messages[-1].get("mode") == "exact")
    assert client.messages[-1]["conf"] == 0.25
    assert client.messages[-1]["classes"] == [1]
    await client.close()


@pytest.mark.parametrize(
    "control", ['{"conf":2}', '{"volume":1}', '{"classes":["cow"]}', "nonsense", '{"mode":"fast"}', '{"view_h":0}', "[]"]
)
async def test_refuses_controls_that_cannot_be_meant(rig: Rig, control: str) -> None:
    """A refused control is answered with the reason and changes nothing."""
    client = Client()
    session = await rig.connect(client)
    await eventually(lambda: client.channel.readyState == "open")
    client.channel.send(control)
    await eventually(lambda: any("error" in message for message in client.messages))
    assert session.stream.options == make_options()
    await client.close()


async def test_ages_stay_bounded_when_detection_is_slower_than_the_camera() -> None:
    """With frames three times as fast as detection, results stay as many frames behind as arrive during a detection."""
    async with run_rig(detect_s=0.1) as rig:
        client = Client()
        session = await rig.connect(client, options=make_options(exact=True))
        await eventually(lambda: len(client.messages) >= 30)
        stats = session.stream.stats()
        await client.close()
    assert stats.dropped > stats.processed
    assert min(message["age_ms"] for message in client.messages) >= 100
    # Had the frames queued up, the last results would be some sixty frames behind.
    behind = [message["received"] - 1 - message["frame"] for message in client.messages[-10:]]
    assert max(behind) < 20


async def test_nothing_stays_when_the_client_leaves(rig: Rig) -> None:
    """A client that closes its connection frees the session, its tasks, threads and sockets at once."""
    before = asyncio.all_tasks()
    client = Client()
    session = await rig.connect(client)
    await eventually(lambda: client.numbers)
    assert live_threads()
    await client.close()
    await eventually(lambda: session.closed, within_s=5)
    assert len(rig.registry) == 0
    assert not live_threads()
    await eventually(lambda: not asyncio.all_tasks() - before, within_s=5)
    assert not len(session.stream.pictures)
    assert not len(session.stream.results)


async def test_closing_from_our_side_ends_the_client_too(rig: Rig) -> None:
    """Closing a session ends the client's connection, and closing it again does nothing."""
    client = Client()
    session = await rig.connect(client)
    await session.aclose("deleted")
    assert session.closed
    await session.aclose("again")
    await eventually(lambda: client.pc.connectionState == "closed")
    await client.close()


async def test_a_client_that_never_connects_is_dropped(changed_aiortc: None) -> None:
    """A client that takes the answer and stays away frees its place when the time is up."""
    before = asyncio.all_tasks()
    async with run_rig(limits=WebrtcLimits(connect_timeout_s=0.4)) as rig:
        client = Client()
        session = await rig.open(await client.offer())
        assert len(rig.registry) == 1
        await eventually(lambda: session.closed, within_s=5)
        assert len(rig.registry) == 0
        await client.close()
        await eventually(lambda: not asyncio.all_tasks() - before, within_s=5)


async def test_a_client_without_video_packets_is_closed(changed_aiortc: None, caplog: pytest.LogCaptureFixture) -> None:
    """A client that stays connected but sends no video is closed, and the log says why."""
    caplog.set_level(logging.INFO, "server")
    async with run_rig(limits=WebrtcLimits(media_timeout_s=0.5)) as rig:
        client = Client()
        session = await rig.connect(client)
        await eventually(lambda: client.numbers)
        _silence(client)
        await eventually(lambda: session.closed, within_s=6)
        await client.close()
    assert "no video for 0.5 s" in caplog.text


async def test_a_client_that_sends_garbage_is_closed(changed_aiortc: None, caplog: pytest.LogCaptureFixture) -> None:
    """Packets that no decoder understands are video for a while, then no more, and do not fill the log."""
    caplog.set_level(logging.INFO, "server")
    async with run_rig(limits=WebrtcLimits(media_timeout_s=0.6)) as rig:
        client = Client(codec="vp8", track=GarbageTrack())
        session = await rig.connect(client)
        await eventually(lambda: session.closed, within_s=5)
        await client.close()
    assert "no picture could be decoded for 1.8 s" in caplog.text
    assert session.stream.stats().received == 0
    assert len([record for record in caplog.records if "failed to decode" in record.getMessage()]) <= 1


async def test_a_client_that_was_killed_is_noticed(changed_aiortc: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that answers no consent check any more is closed, before any media timeout."""
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.1)
    async with run_rig(limits=WebrtcLimits(media_timeout_s=60)) as rig:
        client = Client()
        session = await rig.connect(client)
        await eventually(lambda: client.numbers)
        monkeypatch.setattr(aioice.ice.Connection, "request_received", _ignore_request(client))
        await eventually(lambda: session.closed, within_s=8)
        await client.close()


async def test_refuses_more_sessions_than_there_are_places() -> None:
    """The offer above the limit is refused with the limit and what is taken."""
    async with run_rig(capacity=1) as rig:
        clients = [Client(), Client()]
        await rig.open(await clients[0].offer())
        with pytest.raises(AtCapacity) as refused:
            await rig.open(await clients[1].offer())
        for client in clients:
            await client.close()
    assert (refused.value.capacity, refused.value.active) == (1, 1)


async def test_many_offers_at_once_do_not_pass_the_limit() -> None:
    """Of many offers at the same moment only as many are answered as there are places."""
    async with run_rig(capacity=2) as rig:
        clients = [Client() for _ in range(5)]
        offers = [await client.offer() for client in clients]
        answers = await asyncio.gather(*(rig.open(offer) for offer in offers), return_exceptions=True)
        for client in clients:
            await client.close()
    assert sum(isinstance(answer, AtCapacity) for answer in answers) == 3


async def test_a_refused_offer_leaves_its_place_free(rig: Rig) -> None:
    """After any number of refused offers all places are free."""
    for text in ("nonsense", "v=0\r\n", ""):
        with pytest.raises(InvalidRequest):
            await rig.open(text)
    assert rig.registry.active == 0


@pytest.mark.parametrize("steps", [1, 2, 3])
async def test_an_opening_that_is_cancelled_leaves_nothing(rig: Rig, steps: int) -> None:
    """A server that ends while it answers closes what it had made."""
    client = Client()
    offer = await client.offer()
    before = asyncio.all_tasks()
    opening = asyncio.create_task(rig.open(offer))
    for _ in range(steps):
        await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert rig.registry.active == 0
    await eventually(lambda: not asyncio.all_tasks() - before, within_s=5)
    await client.close()


async def test_draining_tells_the_client_and_then_ends_the_session(rig: Rig) -> None:
    """A draining server says so on the data channel, takes nobody new and ends what still runs after the grace."""
    client = Client()
    session = await rig.connect(client)
    await eventually(lambda: client.messages)
    await rig.registry.drain(0.3)
    assert {"event": "draining", "grace_s": 0.3} in client.messages
    assert session.closed
    late = Client()
    with pytest.raises(Draining):
        await rig.open(await late.offer())
    await late.close()
    await client.close()


async def test_candidates_can_trickle_in(rig: Rig) -> None:
    """A client whose offer names no candidate connects with those it sends afterwards."""
    client = Client()
    offer = await client.offer()
    bare = "".join(line for line in offer.splitlines(keepends=True) if not line.startswith("a=candidate:"))
    session = await rig.open(bare)
    candidates = [line for line in offer.splitlines() if line.startswith("a=candidate:")]
    fragment = "\r\n".join(["m=video 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", *candidates, ""])
    await session.add_candidates(fragment, session.etag)
    await client.accept(session.answer_sdp)
    await client.close()


async def test_refuses_an_ice_restart(rig: Rig) -> None:
    """A fragment under another ICE name is an ICE restart, which is not supported."""
    client = Client()
    session = await rig.open(await client.offer())
    with pytest.raises(Unprocessable):
        await session.add_candidates("a=ice-ufrag:another\r\na=ice-pwd:0123456789012345678901\r\n", None)
    await client.close()


async def test_refuses_a_fragment_for_another_ice_session(rig: Rig) -> None:
    """A fragment whose entity tag is not the session's is outdated."""
    client = Client()
    session = await rig.open(await client.offer())
    with pytest.raises(Outdated):
        await session.add_candidates("a=end-of-candidates\r\n", '"other"')
    await client.close()


async def test_the_public_address_stands_in_the_answer() -> None:
    """The answer's candidates carry the announced address in place of the private one."""
    async with run_rig(limits=WebrtcLimits(public_address="203.0.113.7")) as rig:
        client = Client()
        session = await rig.open(await client.offer())
        candidates = [line.split()[4] for line in session.answer_sdp.splitlines() if line.startswith("a=candidate:")]
        await client.close()
    assert "203.0.113.7" in candidates or candidates == ["127.0.0.1"]


def test_refuses_a_public_address_that_is_none() -> None:
    """A wrong address in the settings is told when the server starts."""
    with pytest.raises(SettingsError, match="public_address"):
        WebrtcLimits(public_address="example.org")


async def test_two_lines_are_logged_for_a_session(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """One line when a session opens and one when it ends, with the reason and what it did."""
    caplog.set_level(logging.INFO, "server.transports")
    client = Client()
    session = await rig.connect(client)
    await eventually(lambda: client.numbers)
    await client.close()
    await eventually(lambda: session.closed)
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("server.transports")]
    assert len(lines) == 2
    assert lines[0].startswith("session opened: test")
    assert lines[1].startswith("session ended: the peer ")  # its goodbyes on several layers race each other
    assert re.search(r"\d+ frames received, \d+ dropped, \d+ processed, \d+ pictures sent, box age p95", lines[1])


async def test_a_client_whose_pictures_are_too_large_is_closed(changed_aiortc: None, caplog: pytest.LogCaptureFixture) -> None:
    """The session ends at the first picture above the limit, and the log says why."""
    caplog.set_level(logging.INFO, "server")
    async with run_rig(limits=WebrtcLimits(max_pixels=512 * 256 - 1)) as rig:
        client = Client()
        session = await rig.open(await client.offer())
        await client.take_answer(session.answer_sdp)
        await eventually(lambda: session.closed)
        await client.close()
    assert session.stream.stats().processed == 0
    assert "session ended: its video of 512x256 has more than 131,071 pixels (live.max_pixels)" in caplog.text


async def test_a_message_without_end_closes_the_data_channels(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """A peer that begins a message above 64 KiB loses its data channels before it has sent it; its video goes on."""
    client = Client()
    session = await rig.connect(client)
    await eventually(lambda: client.channel.readyState == "open" and client.messages)
    assert client.pc.sctp is not None
    client.pc.sctp._remote_max_message_size = 0
    client.channel.send("x" * 10_000_000)
    await eventually(lambda: client.channel.readyState == "closed")
    before = session.stream.stats().processed
    await eventually(lambda: session.stream.stats().processed > before)
    assert not len(session.stream.results)
    assert [record.getMessage() for record in caplog.records] == [
        "a peer sends messages that are too large: its data channels are closed"
    ]
    await client.close()


async def test_the_largest_announced_message_is_taken(rig: Rig) -> None:
    """A message of 64 KiB arrives whole, and is refused as a control."""
    client = Client()
    await rig.connect(client)
    await eventually(lambda: client.channel.readyState == "open")
    client.channel.send("x" * 65_536)
    await eventually(lambda: any("a control has at most" in message.get("error", "") for message in client.messages))
    await client.close()


async def test_a_closed_data_channel_can_be_opened_again(rig: Rig) -> None:
    """A viewer that has closed its channel gets results on a new one of the same name."""
    client = Client()
    session = await rig.connect(client)
    await eventually(lambda: client.messages)
    client.channel.close()
    await eventually(lambda: client.channel.readyState == "closed")
    again: list[str | bytes] = []
    client.pc.createDataChannel("detections").on("message", again.append)
    await eventually(lambda: again)
    assert len(session.stream.results) == 1
    await client.close()


async def test_a_connection_that_does_not_close_leaves_no_task(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Closing is given up when the time is over, and what had hung is ended."""
    monkeypatch.setattr(peer, "CLOSE_TIMEOUT_S", 0.05)
    client = Client()
    session = await rig.open(await client.offer())
    close = session._peer._pc.close
    monkeypatch.setattr(session._peer._pc, "close", asyncio.Event().wait)
    await session.aclose("deleted")
    assert session.closed
    assert "did not close within 0.05 s" in caplog.text
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "close the peer connection"]
    await close()
    await client.close()


async def test_a_section_that_the_client_has_rejected_stays_rejected(rig: Rig) -> None:
    """The answer has all sections of the offer at their places, the rejected one with port 0."""
    client = Client()
    head, *sections = re.split(r"(?=^m=)", await client.offer(), flags=re.MULTILINE)
    audio = "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:7\r\na=rtpmap:111 opus/48000/2\r\na=inactive\r\n"
    session = await rig.open("".join([head, sections[0], audio, *sections[1:]]))
    answered = [line.split()[:2] for line in session.answer_sdp.splitlines() if line.startswith("m=")]
    assert [name for name, _ in answered] == ["m=video", "m=audio", "m=application"]
    assert [port == "0" for _, port in answered] == [False, True, False]
    assert "a=mid:7" in session.answer_sdp
    await client.close()


async def test_damaged_offers_are_answered_or_refused(rig: Rig) -> None:
    """Whatever is wrong with an offer, it opens a session or is the client's fault."""
    client = Client()
    client.pc.addTransceiver("audio")
    offer = await client.offer()
    choose = random.Random(7)
    for _ in range(60):
        try:
            session = await rig.open(_damaged(offer, choose))
        except InvalidRequest:
            continue
        await session.aclose("it was opened")
    assert rig.registry.active == 0
    await client.close()


class GarbageTrack(MediaStreamTrack):
    """Sends packets whose content no decoder understands."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    async def recv(self) -> Any:
        """Returns the next packet after a thirtieth of a second."""
        if self.readyState != "live":
            raise MediaStreamError
        await asyncio.sleep(1 / 30)
        packet = av.Packet(bytes([self._count * 7 % 256 | 1]) * 300)
        packet.pts, packet.time_base = self._count * 3000, TIME_BASE
        self._count += 1
        return packet


def _damaged(offer: str, choose: random.Random) -> str:
    """The offer with some lines dropped, doubled, cut or changed in one word."""
    lines = offer.splitlines()
    for _ in range(choose.randint(1, 3)):
        place = choose.randrange(len(lines))
        words = lines[place].split(" ")
        words[choose.randrange(len(words))] = choose.choice(["", "x", "0", "-1", "99999999999"])
        kept = choose.randint(0, len(lines[place]))
        lines[place : place + 1] = choose.choice([[], [lines[place]] * 2, [lines[place][:kept]], [" ".join(words)]])
    groups = ["BUNDLE", "BUNDLE 9", "BUNDLE 0 0", "BUNDLE 9 0", "BUNDLE 0 1 2 9"]
    if choose.random() < 0.2:
        lines = [f"a=group:{choose.choice(groups)}" if line.startswith("a=group:BUNDLE") else line for line in lines]
    return "\r\n".join([*lines, ""])


def _video_direction(sdp: str) -> str:
    section = sdp[sdp.index("m=video") :]
    return next(line[2:] for line in section.splitlines() if line[2:] in ("recvonly", "sendonly", "sendrecv", "inactive"))


def _silence(client: Client) -> None:
    """Has the client send no more pictures, without ending its track."""
    track = client.sent
    assert isinstance(track, MarkedVideoTrack)
    track.pause()


def _ignore_request(client: Client) -> Any:
    """A handler of STUN requests that answers all but those that come to this client."""
    mine = {id(receiver.transport.transport._connection) for receiver in client.pc.getReceivers()}
    answer = aioice.ice.Connection.request_received

    def request_received(self: aioice.ice.Connection, *arguments: Any) -> None:
        if id(self) not in mine:
            answer(self, *arguments)

    return request_received
