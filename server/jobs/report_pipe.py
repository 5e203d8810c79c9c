"""The child's side of its pipe: a thread of its own sends reports and previews, so that a slow reader never slows the check."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from server.domain.frame import Frame
from server.jobs.messages import KIND_PICTURE, Report, encode_block, encode_report
from server.media.preview import preview_jpeg
from server.media.whole_file import whole_file

PREVIEW_WIDTH_PX = 960
# What a person watches, and what keeps a picture at hand for whoever begins to watch.
WATCHED_INTERVAL_S, UNWATCHED_INTERVAL_S = 0.1, 2.0


@dataclass(slots=True)
class _Waiting:
    """What goes out next; a newer one takes the place of one that still waits."""

    report: Report | None = None
    frame: Frame | None = None
    last: bool = False


class ReportPipe:
    """Writes to the file descriptor `pipe`. `poster` gets the first preview, as a file. Any thread."""

    def __init__(self, pipe: int, *, poster: Path | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.watched = False
        self._pipe = pipe
        self._poster = poster
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting = _Waiting()
        self._previewed_at = float("-inf")
        self._thread = threading.Thread(target=self._write, name="reports", daemon=True)
        self._thread.start()

    def report(self, report: Report) -> None:
        """Sends how far it is; the newest wins."""
        with self._changed:
            self._waiting.report = report
            self._changed.notify()

    def show(self, frame: Frame) -> None:
        """Sends an annotated frame if it is time for a preview; the newest wins."""
        interval_s = WATCHED_INTERVAL_S if self.watched else UNWATCHED_INTERVAL_S
        now = self._clock()
        if now - self._previewed_at < interval_s:
            return
        self._previewed_at = now
        with self._changed:
            self._waiting.frame = frame
            self._changed.notify()

    def finish(self, report: Report) -> None:
        """Sends the last report, and returns when it is in the pipe."""
        with self._changed:
            self._waiting = _Waiting(report, last=True)
            self._changed.notify()
        self._thread.join()

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting.report is not None or self._waiting.frame is not None)
                waiting, self._waiting = self._waiting, _Waiting()
            if waiting.report is not None:
                self._send(encode_report(waiting.report))
            if waiting.last:
                return
            if waiting.frame is not None:
                self._send(encode_block(KIND_PICTURE, self._preview(waiting.frame)))

    def _preview(self, frame: Frame) -> bytes:
        picture = preview_jpeg(frame, max_width_px=PREVIEW_WIDTH_PX)
        if self._poster is not None:
            self._keep(picture, self._poster)
            self._poster = None
        return picture

    def _keep(self, picture: bytes, poster: Path) -> None:
        try:
            with whole_file(poster) as file:
                file.write(picture)
        except OSError:  # no room: the results will say so, and without this picture the list shows none
            return

    def _send(self, block: bytes) -> None:
        view = memoryview(block)
        while view:
            view = view[os.write(self._pipe, view) :]
