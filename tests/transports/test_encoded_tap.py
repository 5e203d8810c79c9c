"""What a WebRTC peer sends is held for clips, as it was encoded."""

from collections.abc import AsyncIterator
from pathlib import Path

import av
import pytest

from server.domain.alert import SourceKind
from server.media.clip_writer import write_clip
from server.pipeline.packet_ring import PacketRing
from server.transports import encoded_tap
from tests.transports.rig import Client, Rig, eventually, run_rig


@pytest.fixture
async def holding(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """A service whose sessions hold what is sent; key frames are asked for twice a second."""
    monkeypatch.setattr(encoded_tap, "KEY_FRAME_EVERY_S", 0.5)

    def new_ring(kind: SourceKind) -> PacketRing | None:
        return PacketRing(seconds=20, max_bytes=1 << 24) if kind is SourceKind.WEBCAM else None

    async with run_rig(new_ring=new_ring) as rig:
        yield rig


@pytest.mark.usefixtures("changed_aiortc")
@pytest.mark.parametrize("codec", ["h264", "vp8"])
async def test_what_is_sent_becomes_a_clip(holding: Rig, tmp_path: Path, codec: str) -> None:
    """Key frames come because they are asked for; what is held has the times of receipt and plays from its first picture on."""
    client = Client(codec=codec)
    session = await holding.connect(client)
    ring = session.packets
    assert ring is not None
    await eventually(lambda: sum(packet.keyframe for packet in ring.since(0)) >= 3, within_s=20)
    packets = ring.since(0)
    await client.close()
    assert {packet.codec.name for packet in packets} == {codec}
    assert len({packet.received_at for packet in packets}) > len(packets) / 2
    made = write_clip(packets, tmp_path / "clip.mp4")
    assert made.first_received_at == packets[0].received_at
    with av.open(str(tmp_path / "clip.mp4"), "r") as clip:
        assert abs(sum(1 for _ in clip.decode(clip.streams.video[0])) - len(packets)) <= 1


@pytest.mark.usefixtures("changed_aiortc")
async def test_nothing_is_held_of_what_makes_no_alerts(holding: Rig) -> None:
    """A publisher that is left out of `alerts.sources` costs no memory."""
    client = Client(direction="sendonly")
    session = await holding.connect(client, annotated=False)
    assert (session.kind, session.packets) == (SourceKind.PUBLISHER, None)
    await eventually(lambda: session.stream.stats().processed >= 3)
    await client.close()
