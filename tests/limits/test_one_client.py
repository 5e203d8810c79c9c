"""Tests of what one client may have at once: live sessions and places of viewers."""

from contextlib import ExitStack

import pytest

from server.config.settings import Live, Server, Settings
from server.domain.errors import TooMany
from server.transports.registry import SessionRegistry
from server.transports.viewer_places import ViewerPlaces
from tests.conftest import ClientFactory, with_sections
from tests.transports.test_registry import NotingSession


def test_one_client_has_a_limit_of_live_sessions() -> None:
    """Open ones and those being opened; another client is not concerned, nor is a camera, which is nobody's."""
    registry = SessionRegistry(capacity=8, per_client=2)
    session = NotingSession(registry)
    with registry.reserve(client="a") as place:
        place.fill(session)
    with registry.reserve(client="a"), registry.reserve(client="b"), registry.reserve(), registry.reserve(), registry.reserve():
        message = r"one client may have 2 live sessions at once \(live.max_sessions_per_client\)"
        with pytest.raises(TooMany, match=message), registry.reserve(client="a"):
            pass
    registry.remove(session)
    with registry.reserve(client="a"), registry.reserve(client="a"):
        assert registry.active == 2


def test_one_client_has_a_limit_of_viewers() -> None:
    """Whatever the streams are; the place is free after the block."""
    places = ViewerPlaces(per_stream=8, in_all=8, per_client=2)
    message = r"one client may watch 2 times at once \(live.max_viewers_per_client\)"
    for _ in range(2):
        with ExitStack() as held:
            for stream, client in (("1", "a"), ("2", "a"), ("1", "b")):
                held.enter_context(places.hold(stream, client=client))
            with pytest.raises(TooMany, match=message):
                held.enter_context(places.hold("3", client="a"))
    assert places.active == 0


async def test_a_second_session_of_a_client_is_refused(start_client: ClientFactory, settings: Settings) -> None:
    """429 over the WebSocket's handshake, with when to come back, while others get a place."""
    live = Live(max_sessions_per_client=1)
    server = Server(data_dir=settings.server.data_dir, trusted_proxies=["127.0.0.1"])
    client = await start_client(with_sections(settings, live=live, server=server))
    key = "A" * 22 + "=="
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
    }
    async with client.ws_connect("/ws/stream", headers={"X-Forwarded-For": "203.0.113.9"}):
        refused = await client.get("/ws/stream", headers={**upgrade, "X-Forwarded-For": "203.0.113.9"})
        assert (refused.status, refused.headers["Retry-After"]) == (429, "15")
        sentence = "one client may have 1 live sessions at once (live.max_sessions_per_client)"
        assert (await refused.json(content_type=None))["detail"] == sentence
        async with client.ws_connect("/ws/stream", headers={"X-Forwarded-For": "203.0.113.10"}):
            pass
