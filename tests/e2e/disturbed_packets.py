"""A bad network for the media of one process: packets that are lost, and packets that are overtaken."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import aioice.ice

# How much later an overtaken packet is: one to three frames' time at 30 a second.
LATE_S = (0.03, 0.1)


def disturb_packets(*, loss: float, reorder: float, seed: int = 7) -> None:
    """Drops a share of all RTP and RTCP packets in both directions, below aiortc, and has a share of them arrive late, behind
    others; STUN and DTLS get through."""
    dice = random.Random(seed)
    send, receive = aioice.ice.StunProtocol.send_data, aioice.ice.Connection.data_received
    late: set[asyncio.Task[None]] = set()

    async def send_data(self: aioice.ice.StunProtocol, data: bytes, addr: tuple[str, int]) -> None:
        if not _is_media(data) or (fate := dice.random()) >= loss + reorder:
            await send(self, data, addr)
        elif fate >= loss:
            task = asyncio.ensure_future(_later(send(self, data, addr), dice.uniform(*LATE_S)))
            late.add(task)
            task.add_done_callback(late.discard)

    def data_received(self: aioice.ice.Connection, data: bytes, component: int) -> None:
        if not _is_media(data) or (fate := dice.random()) >= loss + reorder:
            receive(self, data, component)
        elif fate >= loss:
            asyncio.get_running_loop().call_later(dice.uniform(*LATE_S), receive, self, data, component)

    replace: Callable[..., None] = setattr
    replace(aioice.ice.StunProtocol, "send_data", send_data)
    replace(aioice.ice.Connection, "data_received", data_received)


def _is_media(data: bytes) -> bool:
    return bool(data) and 128 <= data[0] <= 191


async def _later(sending: Coroutine[Any, Any, None], seconds: float) -> None:
    await asyncio.sleep(seconds)
    await sending
