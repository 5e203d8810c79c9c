"""A WHIP client in another process against the real application: the same pictures come back, annotated and fresh."""

import pytest

from tests.conftest import ClientFactory
from tests.e2e.whip_process import WhipProcess
from tests.transports.rig import FixedDetector


@pytest.mark.parametrize("codec", ["h264", "vp8"])
async def test_the_same_pictures_come_back_annotated(start_client: ClientFactory, codec: str) -> None:
    """With a detector of 60 ms every picture that comes back is one that was sent, in order, boxes drawn, ages told."""
    server = await start_client(detector=FixedDetector(takes_s=0.06))
    process = await WhipProcess.start(server.make_url("/whip?return=annotated"), "--codec", codec, "--seconds", "3")
    report = await process.report()
    assert report["returned"] > report["sent"] / 4
    assert report["unreadable"] == 0
    assert report["backwards"] == 0
    assert report["annotated"] > report["returned"] / 2
    assert all(message["age_ms"] >= 60 for message in report["messages"])
    # Frames come twice as fast as they are detected: had they queued up, the last results would be some fifty behind.
    assert all(message["received"] - 1 - message["frame"] < 25 for message in report["messages"])
    assert report["messages"][-1]["results"][0]["name"] == "firearm"
    assert report["round_trip_ms"]["p50"] > 0


@pytest.mark.parametrize("codec", ["h264", "vp8"])
async def test_lost_packets_do_not_stop_the_video(start_client: ClientFactory, codec: str) -> None:
    """With 2 % of all packets lost in both directions the pictures go on coming, whole and in order."""
    server = await start_client(detector=FixedDetector(takes_s=0.06))
    arguments = ["--codec", codec, "--seconds", "4", "--loss", "0.02"]
    report = await (await WhipProcess.start(server.make_url("/whip?return=annotated"), *arguments)).report()
    assert report["returned"] > report["sent"] / 4
    assert report["unreadable"] == 0
    assert report["backwards"] == 0


async def test_a_standard_publisher_with_sound_is_processed(start_client: ClientFactory) -> None:
    """A sendonly offer with an audio section is answered recvonly, and its pictures are detected on."""
    server = await start_client(detector=FixedDetector())
    arguments = ["--direction", "sendonly", "--audio", "--seconds", "2"]
    report = await (await WhipProcess.start(server.make_url("/whip"), *arguments)).report()
    directions = [line for line in report["answer"].splitlines() if line in {"a=recvonly", "a=sendrecv", "a=sendonly"}]
    assert directions == ["a=recvonly", "a=recvonly"]
    assert report["returned"] == 0
    assert report["message_count"] > 5


async def test_controls_act_within_a_second(start_client: ClientFactory) -> None:
    """A control that was sent is confirmed by the messages of the next second, a wrong one is answered."""
    server = await start_client(detector=FixedDetector(takes_s=0.06))
    arguments = ["--seconds", "4", "--control", '{"conf":0.95}', "--control", '{"mode":"exact"}', "--control", '{"conf":-1}']
    report = await (await WhipProcess.start(server.make_url("/whip?return=annotated"), *arguments)).report()
    last = report["messages"][-1]
    assert (last["conf"], last["mode"], last["results"]) == (0.95, "exact", [])
    assert any("error" in message for message in report["messages"])


async def test_delete_frees_the_session(start_client: ClientFactory) -> None:
    """A client that ends with DELETE leaves no stream behind."""
    server = await start_client(detector=FixedDetector())
    process = await WhipProcess.start(server.make_url("/whip?return=annotated"), "--seconds", "1", "--delete")
    await process.connected()
    assert (await (await server.get("/api/info")).json())["active"] == 1
    await process.report()
    assert (await (await server.get("/api/info")).json())["active"] == 0
