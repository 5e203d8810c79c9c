"""Retention of alerts: what is decided or expired goes after a time, the oldest first when all take too much room."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import Executor
from functools import partial

from server.alerts.book import AlertBook
from server.alerts.evidence import AlertFiles, Swept
from server.alerts.sources import AlertOptions
from server.domain.alert import Alert, AlertState, ClipState
from server.domain.clock_jumps import ClockJumps
from server.domain.errors import Conflict, NotFound, RecordsUnavailable
from server.pipeline.supervised_task import SupervisedTask

logger = logging.getLogger(__name__)

INTERVAL_S = 60.0
# As for videos: after the clock was set, by a person who was wrong perhaps.
HOLD_S = 86_400.0


class AlertRetention:
    """Removes what is too old or too much, every INTERVAL_S, from `start()` to `aclose()`; on the event loop.

    An open candidate is never removed, nor what is still `busy`, nor anything for its age while the clock cannot be believed.
    `remove` takes away one alert with its files.
    """

    def __init__(
        self,
        *,
        book: AlertBook,
        files: AlertFiles,
        options: AlertOptions,
        io: Executor,
        busy: Callable[[], Collection[str]],
        remove: Callable[[str], Awaitable[None]],
        wall_clock: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self._book = book
        self._files = files
        self._options = options
        self._io = io
        self._busy = busy
        self._remove_alert = remove
        self._wall_clock = wall_clock
        self._jumps = ClockJumps(hold_s=HOLD_S, wall_clock=wall_clock, clock=clock)
        self._warned = False
        self._task = SupervisedTask(self._run, name="remove old alerts")

    def start(self) -> None:
        """Begins; the first time at once, as the server may have been off for long."""
        self._task.start()

    async def aclose(self) -> None:
        """Ends."""
        await self._task.aclose()

    async def sweep(self) -> list[str]:
        """Removes what has to go now, and files and old messages that belong to no alert; returns the ids of the alerts."""
        if jump_s := self._jumps.jumped_s():
            text = "the clock was set by %+.1f days: no alert is removed for its age within the next %g h"
            logger.warning(text, jump_s / 86_400, HOLD_S / 3600)
        busy = set(self._busy())  # a recording may end behind what is read here
        alerts = await self._book.read(lambda: self._book.records.find(limit=None))
        busy |= set(self._busy())
        await self._end_clips([one for one in alerts if one.clip is ClipState.PENDING and one.id not in busy])
        keep_s = float("inf") if self._jumps.held else self._options.keep_s
        max_bytes = self._options.max_total_bytes
        going = [one for one in due(alerts, now=self._wall_clock(), keep_s=keep_s, max_bytes=max_bytes) if one.id not in busy]
        for alert in going:
            await self._remove(alert)
        if not self._jumps.held:  # what is being written looks old as well
            known = {one.id for one in alerts} | busy | set(self._busy())
            sweep = partial(self._files.sweep, known, keep_s=keep_s, now=self._wall_clock())
            self._tell(await asyncio.get_running_loop().run_in_executor(self._io, sweep))
            await self._book.forget_deliveries(before=self._wall_clock() - keep_s)
        return [one.id for one in going]

    async def _run(self) -> None:
        while True:
            try:
                await self.sweep()
            except RecordsUnavailable:  # the database has told of it
                pass
            except OSError as exc:
                logger.warning("old alerts cannot be removed now: %s", exc)
            await asyncio.sleep(INTERVAL_S)

    async def _end_clips(self, alerts: Sequence[Alert]) -> None:
        """Clips that nobody makes any more: the server ended in between."""
        for alert in alerts:
            try:
                await self._book.update(alert.id, clip=ClipState.MISSING, updated_at=self._wall_clock())
            except NotFound:
                continue

    async def _remove(self, alert: Alert) -> None:
        try:
            await self._remove_alert(alert.id)
        except (NotFound, Conflict):  # somebody was quicker
            return
        logger.info("removed alert %s, which was %s: its time is over, or there was no room", alert.id, alert.state)

    def _tell(self, swept: Swept) -> None:
        if swept.removed:
            logger.info("removed %d files and folders of alerts that the records do not know", swept.removed)
        if swept.kept and not self._warned:
            self._warned = True
            text = "%s: the records do not know %d of the alerts there (another database?); they are removed when %g days old"
            logger.warning(text, self._files.folder, swept.kept, self._options.keep_s / 86_400)


def due(alerts: Sequence[Alert], *, now: float, keep_s: float, max_bytes: int) -> list[Alert]:
    """Those that have to go, oldest first: their time is over, or all take too much room; never a candidate."""
    finished = sorted((one for one in alerts if one.state is not AlertState.CANDIDATE), key=lambda one: one.opened_at)
    too_much = sum(one.size_bytes for one in alerts) - max_bytes
    going = []
    for alert in finished:
        if too_much <= 0 and alert.opened_at + keep_s > now:
            break
        too_much -= alert.size_bytes
        going.append(alert)
    return going
