"""Progress: one line on a terminal that tells how far a long command is; nothing anywhere else."""

import shutil
import time
from collections.abc import Callable
from typing import TextIO

# Often enough to look alive, and nothing to a terminal.
INTERVAL_S = 0.1
_BAR_WIDTH = 24
_CLEAR_LINE = "\r\x1b[K"


class Progress:
    """Counts up to `total` on a line of its own; what is said meanwhile stands above it. One thread at a time.

    Where `stream` is no terminal there is no line, and what is said is all there is. `total` None is for what nobody knows the
    length of. `title` stands in front of the bar, `unit` behind the speed.
    """

    def __init__(
        self,
        total: int | None,
        *,
        stream: TextIO,
        title: str = "",
        unit: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total = total
        self._title = f"{title} " if title else ""
        self._unit = unit
        self._stream = stream
        self._clock = clock
        self._shown = stream.isatty()
        self._started_s = clock()
        self._next_s = float("-inf")
        self.done = 0

    def advance(self) -> None:
        """One more is done."""
        self.reach(self.done + 1, total=self._total)

    def reach(self, done: int, *, total: int | None) -> None:
        """So many are done, of so many."""
        self.done, self._total = done, total
        self._draw(last=done == total)

    def say(self, text: str) -> None:
        """A line that stays."""
        self._write(f"{_CLEAR_LINE if self._shown else ''}{text}\n")
        self._next_s = float("-inf")

    def close(self) -> None:
        """Takes the line away."""
        if self._shown:
            self._write(_CLEAR_LINE)

    def _draw(self, *, last: bool) -> None:
        now_s = self._clock()
        if self._shown and (now_s >= self._next_s or last):
            self._next_s = now_s + INTERVAL_S
            self._write(_CLEAR_LINE + self._line(now_s)[: shutil.get_terminal_size().columns - 1])

    def _line(self, now_s: float) -> str:
        rate = self.done / max(now_s - self._started_s, 1e-6)
        speed = f"{rate:.1f}{self._unit}/s"
        if self._total is None:
            return f"{self._title}{self.done}  {speed}"
        bar = "#" * round(self.done / max(self._total, 1) * _BAR_WIDTH)
        left_s = round((self._total - self.done) / rate) if rate else 0
        return (
            f"{self._title}[{bar:.<{_BAR_WIDTH}}] {self.done} of {self._total}  {speed}  {left_s // 60}:{left_s % 60:02} left"
        )

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class ShareProgress(Progress):
    """The same for what is told by the share that is done."""

    def __init__(self, *, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(1, stream=stream, clock=clock)
        self._begun: float | None = None
        self._share = 0.0
        self._note = ""

    def show(self, share: float, *, note: str = "") -> None:
        """So much is done, 0 to 1; the first share is where an earlier process ended."""
        self._begun = share if self._begun is None else self._begun
        self._share, self._note = share, note
        self._draw(last=share >= 1)

    def _line(self, now_s: float) -> str:
        gained = self._share - (self._begun or 0.0)
        left = _left((now_s - self._started_s) * (1 - self._share) / gained) if gained > 0 else ""
        return f"{_bar(self._share)} {100 * self._share:.1f} %  {self._note}  {left}".rstrip()


def _bar(share: float) -> str:
    return f"[{'#' * round(share * _BAR_WIDTH):.<{_BAR_WIDTH}}]"


def _left(seconds: float) -> str:
    minutes, left_s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left_s:02} left" if hours else f"{minutes}:{left_s:02} left"
