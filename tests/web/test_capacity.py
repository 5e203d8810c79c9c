"""Running streams that get too little are told everywhere, and take no company."""

from dataclasses import replace
from typing import cast

from server.config.settings import Settings
from server.config.watching import Alerts
from server.domain.alert import SourceKind
from server.pipeline.packet_ring import PacketRing
from server.pipeline.stream import Stream
from server.web import keys
from tests.conftest import ClientFactory, with_sections
from tests.pipeline.test_capacity import STREAM
from tests.web.test_whip import half_open


class SlowStream:
    """A stream that gets two detections a second of its thirty frames."""

    def stats(self) -> object:
        """What it reached."""
        return replace(STREAM, processed_fps=2.0)


class SlowSession:
    """A live session with a slow stream."""

    kind = SourceKind.WEBCAM
    packets: PacketRing | None = None

    id = "slow"
    stream = cast("Stream", SlowStream())

    def announce_draining(self, grace_s: float) -> None:
        """Nobody to tell."""

    async def aclose(self, reason: str) -> None:
        """Nothing to end."""


async def test_no_session_is_opened_on_top_of_streams_that_get_too_little(
    start_client: ClientFactory, settings: Settings
) -> None:
    """Room for eight was measured, but the one that runs gets too little: the 503, /api/info and the metrics say one."""
    client = await start_client(with_sections(settings, alerts=Alerts(enabled=False)))
    registry = client.app[keys.LIVE].registry
    session = SlowSession()
    with registry.reserve() as place:
        place.fill(session)
    info = await (await client.get("/api/info")).json()
    metrics = await (await client.get("/metrics")).text()
    refused = await half_open(client)
    assert (info["capacity"], info["active"], info["limits"]["live_reason"]) == (1, 1, "streams_short")
    assert "sightline_live_streams_short 1.0" in metrics
    assert "sightline_live_capacity 1.0" in metrics
    problem = await refused.json(content_type=None)
    assert (refused.status, problem["capacity"], problem["active"]) == (503, 1, 1)
    registry.remove(session)
    assert (await (await client.get("/api/info")).json())["capacity"] == 8
