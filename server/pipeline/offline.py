"""The offline line: pictures from files, every one of them, several at once."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from server.domain.detection import DetectionResult, DetectOptions
from server.domain.errors import DetectorFailed, InvalidRequest
from server.domain.frame import Frame, PixelLayout
from server.domain.protocols import Annotator
from server.inference.pool import DetectorPool
from server.media.picture import decode, encode_jpeg, probe
from server.media.picture_files import PictureFile
from server.media.png import encode_png
from server.media.whole_file import whole_file

Result = TypeVar("Result")

_JPEG_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif"})


@dataclass(frozen=True, slots=True, eq=False)
class CheckedFile:
    """A picture file and what was found in it, or why it could not be checked; `shape` is height, width."""

    file: PictureFile
    shape: tuple[int, int] | None = None
    result: DetectionResult | None = None
    error: str | None = None


class PictureLine:
    """Checks picture files on a pool, and draws what was found; `io` reads, decodes, draws, encodes and writes.

    At most `at_once` pictures are under way, which bounds the memory: one of 50 megapixels takes 150 MB, and as much again
    while it is drawn.
    """

    def __init__(
        self,
        *,
        pool: DetectorPool,
        annotator: Annotator,
        options: DetectOptions,
        io: Executor,
        annotated_dir: Path | None,
        max_pixels: int,
        at_once: int,
    ) -> None:
        self._pool = pool
        self._annotator = annotator
        self._options = options
        self._io = io
        self._annotated_dir = annotated_dir
        self._max_pixels = max_pixels
        self._at_once = at_once

    async def run(self, files: Iterable[PictureFile], *, stop: asyncio.Event) -> AsyncIterator[CheckedFile]:
        """Yields each file once it is checked, in their order; after `stop` it begins none, and finishes those under way.

        A file that cannot be checked has an `error`, and the others go on. Raises OSError when an annotated picture cannot be
        written.
        """
        waiting: deque[asyncio.Task[CheckedFile]] = deque()
        try:
            for file in files:
                if stop.is_set():
                    break
                waiting.append(asyncio.create_task(self._check(file), name=f"check {file.name}"))
                if len(waiting) == self._at_once:
                    yield await waiting.popleft()
            while waiting:
                yield await waiting.popleft()
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _check(self, file: PictureFile) -> CheckedFile:
        try:
            frame = await self._on_io(lambda: self._read(file.path))
            result = await self._pool.detect(frame, self._options)
        except OSError as exc:
            return CheckedFile(file, error=f"it cannot be read: {exc.strerror or exc}")
        except (InvalidRequest, DetectorFailed) as exc:
            return CheckedFile(file, error=str(exc))
        if self._annotated_dir is not None:
            target = self._annotated_dir / annotated_name(file.name)
            await self._on_io(lambda: self._write(target, frame, result=result))
        return CheckedFile(file, (frame.height, frame.width), result)

    def _read(self, path: Path) -> Frame:
        data = path.read_bytes()
        return Frame(decode(data, probe(data, max_pixels=self._max_pixels)), PixelLayout.BGR)

    def _write(self, target: Path, frame: Frame, *, result: DetectionResult) -> None:
        drawn = self._annotator.annotate(frame, list(result.detections)).pixels
        encoded = encode_jpeg(drawn) if target.suffix.lower() in _JPEG_SUFFIXES else encode_png(drawn)
        with whole_file(target) as file:
            file.write(encoded)

    async def _on_io(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._io, work)


def annotated_name(name: str) -> str:
    """The name of the annotated picture: JPEG stays JPEG, all else becomes PNG."""
    suffix = Path(name).suffix.lower()
    return name if suffix in _JPEG_SUFFIXES or suffix == ".png" else f"{name}.png"
