"""The guard of the media ports, with aioice's real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator

import aioice
import pytest
from aioice.stun import Class, Message, Method

from server.transports.aiortc_changes import AiortcChanges, apply
from server.transports.port_guard import PortGuard
from tests.transports.rig import eventually


@pytest.fixture
async def pair() -> AsyncIterator[tuple[aioice.Connection, aioice.Connection]]:
    """Two connected peers behind the guard."""
    undo = apply(AiortcChanges())
    one, other = (aioice.Connection(ice_controlling=leads, use_ipv6=False) for leads in (True, False))
    await asyncio.gather(one.gather_candidates(), other.gather_candidates())
    for here, there in ((one, other), (other, one)):
        for candidate in here.local_candidates:
            await there.add_remote_candidate(candidate)
        await there.add_remote_candidate(None)
        there.remote_username, there.remote_password = here.local_username, here.local_password
    await asyncio.gather(one.connect(), other.connect())
    yield one, other
    await asyncio.gather(one.close(), other.close())
    undo()


async def test_a_strangers_datagrams_go_no_further(
    pair: tuple[aioice.Connection, aioice.Connection], caplog: pytest.LogCaptureFixture
) -> None:
    """Empty, or media, or STUN that cannot be read: dropped with one line, and the peer's come through."""
    one, other = pair
    unreadable = bytes(Message(Method.BINDING, Class.REQUEST))[:-1]
    wrong = bytes.fromhex("000100082112a442") + bytes(12) + bytes.fromhex("0024000412")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for candidate in other.local_candidates:
            for data in (b"", b"\x80media", b"\x16dtls", unreadable, wrong):
                stranger.sendto(data, (candidate.host, candidate.port))
    await eventually(lambda: "datagrams that came from no peer" in caplog.text)
    await one.send(b"\x80from the peer")
    assert await other.recv() == b"\x80from the peer"
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_drops_are_told_of_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """With how many there were."""
    now = 0.0
    guard = PortGuard(clock=lambda: now)
    receive = guard.guarded(lambda *_: None)
    for at in (0.0, 1.0, 59.0, 60.0):
        now = at
        receive(None, b"", ("192.0.2.1", 9))  # type: ignore[arg-type]  # an empty datagram is dropped before it is looked at
    assert [record.args for record in caplog.records] == [(1,), (4,)]
