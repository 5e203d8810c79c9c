"""Each change to aiortc, switched on and off, and none for another version."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aioice.ice
import aiortc.clock
import av
import pytest
from aiortc import (
    RTCConfiguration,
    RTCPeerConnection,
    rtcdtlstransport,
    rtcpeerconnection,
    rtcrtpreceiver,
    rtcrtpsender,
    rtcsctptransport,
)
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.opus import OpusEncoder
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RTCP_PSFB_APP, RTCP_PSFB_FIR, RTCP_PSFB_PLI, RtcpPsfbPacket, RtpPacket, pack_remb_fci

from server.transports import aiortc_changes
from server.transports.aiortc_changes import AiortcChanges, apply
from server.transports.aiortc_receiver import FreshReceiver, ReceiverChanges, last_packet_of, lost_frames_of, receipt_of
from server.transports.aiortc_sender import EncodedVideoTrack
from server.transports.encoders import Bitrates, PromptH264Encoder
from tests.transports.packets import H264, VP8, VP8_DELTA_FRAME, VP8_KEY_FRAME
from tests.transports.rig import eventually
from tests.transports.set_clock import SetClock

NOTHING = AiortcChanges(
    receiver=None,
    bitrates=None,
    shared_encoding=False,
    quick_consent=False,
    quiet_decoder=False,
    bounded_messages=False,
    guarded_ports=False,
    steady_clock=False,
    quiet_sends=False,
    rsa_peers=False,
    loopback_candidates=False,
)
OPUS = RTCRtpCodecParameters(mimeType="audio/opus", clockRate=48000, channels=2, payloadType=96)


@contextmanager
def applied(changes: AiortcChanges) -> Iterator[None]:
    """Changes aiortc for the block."""
    undo = apply(changes)
    try:
        yield
    finally:
        undo()


async def test_a_message_to_a_peer_that_is_gone_is_lost() -> None:
    """Aiortc sends in tasks that nobody waits for, so an error there is a traceback in the log; ours counts it as lost."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    pc.createDataChannel("detections")
    chunk = rtcsctptransport.DataChunk()
    transport = pc.sctp
    assert transport is not None
    transport._remote_port = 5000
    with pytest.raises(ConnectionError):
        await transport._send_chunk(chunk)
    with applied(AiortcChanges()):
        await transport._send_chunk(chunk)
    await pc.close()


def test_switched_off_nothing_is_changed() -> None:
    """With every switch off aiortc and aioice stay as they are."""
    before = _state()
    with applied(NOTHING):
        assert _state() == before


def test_undoing_restores_everything() -> None:
    """What `apply()` returns puts back what was there."""
    before = _state()
    with applied(AiortcChanges()):
        assert _state() != before
    assert _state() == before


@pytest.mark.parametrize("package", ["aiortc", "aioice"])
def test_another_version_stays_as_it_is(
    package: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With a version that the changes were not written for, one warning is logged and nothing is changed."""
    monkeypatch.setitem(aiortc_changes.CHECKED_VERSIONS, package, "0.1")
    before = _state()
    with applied(AiortcChanges()):
        assert _state() == before
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert package in record.getMessage()


def test_our_encoders_are_used() -> None:
    """H.264 is encoded by ours with its bitrates, audio by aiortc's."""
    with applied(AiortcChanges(bitrates=Bitrates(start_bps=700_000))):
        encoder = rtcrtpsender.get_encoder(H264)  # type: ignore[attr-defined]  # aiortc's own name for it
        assert isinstance(encoder, PromptH264Encoder)
        assert encoder.target_bitrate == 700_000
        assert isinstance(rtcrtpsender.get_encoder(OPUS), OpusEncoder)  # type: ignore[attr-defined]  # likewise
    assert type(rtcrtpsender.get_encoder(H264)) is H264Encoder  # type: ignore[attr-defined]  # likewise


class ToldTrack(EncodedVideoTrack):
    """A track that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str | int] = []

    async def recv(self) -> "av.Packet[Any]":
        """Brings nothing."""
        return await asyncio.Future()

    def begin(self, mime_type: str) -> None:
        """Keeps the type."""
        self.told.append(mime_type)

    def ask_for_key_frame(self) -> None:
        """Keeps that it was asked."""
        self.told.append("key frame")

    def note_estimate(self, bps: int) -> None:
        """Keeps the estimate."""
        self.told.append(bps)


@pytest.mark.parametrize("changes", [AiortcChanges(), NOTHING], ids=["on", "off"])
async def test_encoded_video_is_told_what_its_receiver_asks_for(changes: AiortcChanges) -> None:
    """PLI, FIR and REMB for its own SSRC reach the track; damaged ones and those for others do not, nor any where it is off."""
    track = ToldTrack()
    with applied(changes):
        pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        sender = pc.addTrack(track)
        ssrc = sender._ssrc
        for fmt, fci in [
            (RTCP_PSFB_PLI, b""),
            (RTCP_PSFB_FIR, b""),
            (RTCP_PSFB_APP, pack_remb_fci(600_000, [ssrc])),
            (RTCP_PSFB_APP, pack_remb_fci(700_000, [ssrc + 1])),
            (RTCP_PSFB_APP, b"ABCD"),
        ]:
            await sender._handle_rtcp_packet(RtcpPsfbPacket(fmt=fmt, ssrc=1, media_ssrc=ssrc, fci=fci))
        await pc.close()
    assert track.told == (["key frame", "key frame", 600_000] if changes.shared_encoding else [])


def test_a_machine_with_loopback_only_offers_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where aioice finds no address, 127.0.0.1 is offered."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [])
    with applied(AiortcChanges()):
        assert aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True) == ["127.0.0.1"]
    assert aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True) == []


def test_other_addresses_are_preferred_to_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where aioice finds an address, loopback is not offered."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["192.0.2.1"])
    with applied(AiortcChanges()):
        assert aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True) == ["192.0.2.1"]


def test_a_killed_peer_is_noticed_within_fifteen_seconds() -> None:
    """The longest time that consent checks take, each a fifth late and answered half a second too late, is below 15 s."""
    with applied(AiortcChanges()):
        assert aioice.ice.CONSENT_FAILURES * (aioice.ice.CONSENT_INTERVAL * 1.2 + 0.5) < 15


def test_damaged_frames_log_one_line_in_ten_seconds(caplog: pytest.LogCaptureFixture) -> None:
    """Of many warnings at once only the first is logged; errors all are."""
    log = logging.getLogger("aiortc.rtcrtpreceiver")
    with applied(AiortcChanges()):
        for number in range(5):
            log.warning("failed to decode %d", number)
        log.error("something else")
    log.warning("failed to decode again")
    assert [record.getMessage() for record in caplog.records] == [
        "failed to decode 0",
        "something else",
        "failed to decode again",
    ]


async def test_the_first_estimate_is_seeded() -> None:
    """The receiver tells the first sender the given estimate, or none for three seconds as in aiortc."""
    for bps in (2_500_000, None):
        async with _receiver(ReceiverChanges(start_bitrate_bps=bps)) as receiver:
            control = receiver._RTCRtpReceiver__remote_bitrate_estimator.rate_control
            assert control.current_bitrate_initialized is (bps is not None)
            assert bps is None or control.current_bitrate == bps


async def test_a_frame_is_decoded_at_its_marker_bit() -> None:
    """With early release the decoder has a frame when its last packet is there, otherwise when the next one begins."""
    for early_release in (True, False):
        async with _receiver(ReceiverChanges(early_release=early_release)) as receiver:
            await receiver._handle_rtp_packet(_packet(1, frame=0), 0)
            assert receiver._RTCRtpReceiver__decoder_queue.qsize() == int(early_release)


async def test_all_frames_that_a_packet_completes_are_decoded() -> None:
    """A retransmitted packet that completes three frames gives all three to the decoder."""
    async with _receiver(ReceiverChanges()) as receiver:
        for number in (1, 3, 4, 2):
            await receiver._handle_rtp_packet(_packet(number, frame=number), 0)
        assert receiver._RTCRtpReceiver__decoder_queue.qsize() == 4


async def test_lost_packets_are_asked_for_again() -> None:
    """While a packet is missing the NACK is repeated, and after a while a key frame is asked for; then nothing more."""
    async with _receiver(ReceiverChanges()) as receiver:
        for number in (1, 3):
            await receiver._handle_rtp_packet(_packet(number, frame=number), 0)
        await _sent(receiver, nacks=4, plis=1)
        await receiver._handle_rtp_packet(_packet(4, frame=4, data=b"\x10" + VP8_KEY_FRAME), 0)
        await asyncio.sleep(0.15)
        asked = len(receiver.nacks)
        await asyncio.sleep(0.15)
        assert len(receiver.nacks) == asked
        assert receiver._RTCRtpReceiver__decoder_queue.qsize() == 2


async def test_a_packet_that_comes_ends_the_asking() -> None:
    """When the missing packet arrives nothing is asked for any more."""
    async with _receiver(ReceiverChanges()) as receiver:
        for number in (1, 3):
            await receiver._handle_rtp_packet(_packet(number, frame=number), 0)
        await _sent(receiver, nacks=2, plis=0)
        await receiver._handle_rtp_packet(_packet(2, frame=2), 0)
        await asyncio.sleep(0.15)
        assert receiver._retry is None
        assert receiver.plis == 0


async def test_without_retry_lost_packets_are_asked_for_once() -> None:
    """Switched off, a NACK is sent once, as in aiortc."""
    async with _receiver(ReceiverChanges(nack_retry=False)) as receiver:
        for number in (1, 3):
            await receiver._handle_rtp_packet(_packet(number, frame=number), 0)
        await asyncio.sleep(0.2)
        assert receiver.nacks == [[2]]


async def test_the_time_of_receipt_reaches_the_source() -> None:
    """The time at which a frame's last packet arrived is found under the pts that the decoder gives it."""
    async with _receiver(ReceiverChanges(), clock=lambda: 42.0) as receiver:
        await receiver._handle_rtp_packet(_packet(1, frame=5), 0)
        await receiver._handle_rtp_packet(_packet(2, frame=6), 0)
        assert receipt_of(receiver, 3000) == 42.0
        assert receipt_of(receiver, 12345) is None


async def test_frames_that_the_decoder_could_not_keep_up_with_are_counted() -> None:
    """What the queue before the decoder gives up is told."""
    async with _receiver(ReceiverChanges(decoder_limit=1)) as receiver:
        for number in (1, 2, 3):
            await receiver._handle_rtp_packet(_packet(number, frame=number), 0)
        assert lost_frames_of(receiver) == 3


async def test_a_decoder_that_fell_behind_asks_until_a_key_frame_comes() -> None:
    """A request that got lost is repeated, else the picture would stand still for good."""
    clock = SetClock()
    async with _receiver(ReceiverChanges(decoder_limit=1), clock=clock) as receiver:
        for number, clock.now in enumerate([0.0, 0.1, 0.2, 0.3, 0.7, 0.8]):
            await receiver._handle_rtp_packet(_packet(number, frame=number), 0)
        assert receiver.plis == 2
        await receiver._handle_rtp_packet(_packet(6, frame=6, data=b"\x10" + VP8_KEY_FRAME), 0)
        clock.now = 9.0
        receiver._RTCRtpReceiver__decoder_queue.get_nowait()
        for number in (7, 8):
            await receiver._handle_rtp_packet(_packet(number, frame=number), 0)
            receiver._RTCRtpReceiver__decoder_queue.get_nowait()
        assert receiver.plis == 2


async def test_the_last_packet_s_time_is_known() -> None:
    """Every packet counts, also one that no picture comes out of, but not the padding that probes a connection."""
    async with _receiver(ReceiverChanges(), clock=lambda: 42.0) as receiver:
        await receiver._handle_rtp_packet(_packet(1, frame=1, data=b""), 0)
        assert last_packet_of(receiver) is None
        await receiver._handle_rtp_packet(_packet(2, frame=2, data=b"\xff"), 0)
        assert last_packet_of(receiver) == 42.0


async def test_an_unchanged_receiver_knows_no_time_of_receipt() -> None:
    """Without the change the source has to take its own time."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    receiver = pc.addTransceiver("video").receiver
    assert receipt_of(receiver, 0) is None
    assert (lost_frames_of(receiver), last_packet_of(receiver)) == (0, None)
    await pc.close()


async def test_audio_is_received_as_in_aiortc() -> None:
    """The changes are for video only."""
    with applied(AiortcChanges()):
        pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        receiver = pc.addTransceiver("audio").receiver
        assert isinstance(receiver, FreshReceiver)
        assert receipt_of(receiver, 0) is None
        assert not hasattr(receiver._RTCRtpReceiver__jitter_buffer, "skipping")
        await pc.close()


class NotingReceiver(FreshReceiver):
    """A receiver that notes what it would send."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.nacks: list[list[int]] = []
        self.plis = 0
        self._RTCRtpReceiver__codecs[97] = VP8
        self._RTCRtpReceiver__decoder_thread = object()  # type: ignore[assignment]  # there only has to be one

    async def _send_rtcp_nack(self, media_ssrc: int, lost: list[int]) -> None:
        assert media_ssrc == 7
        self.nacks.append(lost)

    async def _send_rtcp_pli(self, media_ssrc: int) -> None:
        assert media_ssrc == 7
        self.plis += 1


class _receiver:  # noqa: N801 - used like a function
    """A receiver without a connection, stopped at the end."""

    def __init__(self, changes: ReceiverChanges, **options: Any) -> None:
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        transport = self._pc.addTransceiver("video").receiver.transport
        self._receiver = NotingReceiver("video", transport, changes=changes, **options)

    async def __aenter__(self) -> NotingReceiver:
        return self._receiver

    async def __aexit__(self, *exc: object) -> None:
        retry = self._receiver._retry
        await self._receiver.stop()
        if retry is not None:
            await asyncio.wait([retry])
        await self._pc.close()


async def _sent(receiver: NotingReceiver, *, nacks: int, plis: int) -> None:
    await eventually(lambda: len(receiver.nacks) >= nacks and receiver.plis >= plis)


def _packet(number: int, *, frame: int, data: bytes = b"\x10" + VP8_DELTA_FRAME) -> RtpPacket:
    packet = RtpPacket(payload_type=97, sequence_number=number, timestamp=frame * 3000, marker=1, payload=data)
    packet.ssrc = 7
    return packet


def _state() -> tuple[object, ...]:
    return (
        rtcpeerconnection.RTCRtpReceiver,  # type: ignore[attr-defined]  # aiortc's own name for it
        rtcpeerconnection.RTCRtpSender,  # type: ignore[attr-defined]  # likewise
        rtcrtpsender.get_encoder,  # type: ignore[attr-defined]  # likewise
        aioice.ice.CONSENT_INTERVAL,
        aioice.ice.CONSENT_FAILURES,
        aioice.ice.get_host_addresses,
        aioice.ice.StunProtocol.datagram_received,
        aiortc.clock.current_datetime,
        *(module.time for module in (rtcrtpreceiver, rtcrtpsender, rtcsctptransport)),
        rtcsctptransport.RTCSctpTransport._receive_data_chunk,
        rtcdtlstransport.RTCCertificate._create_ssl_context,
        tuple(logging.getLogger("aiortc.rtcrtpreceiver").filters),
    )
