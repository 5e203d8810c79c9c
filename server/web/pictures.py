"""Pictures: from the bytes of a file to its detections and, where wanted, an annotated file."""

import asyncio
import base64
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

from server.domain.detection import DetectionResult, DetectOptions
from server.domain.frame import Frame, PixelLayout
from server.media.picture import decode, encode_jpeg, probe
from server.media.png import encode_png
from server.web.negotiation import Format
from server.web.served_model import ServedModel

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, eq=False)
class CheckedPicture:
    """What was found in a picture of `shape` (height, width); `file` is the annotated picture in the form asked for."""

    shape: tuple[int, int]
    result: DetectionResult
    file: bytes = b""


class PictureService:
    """Checks single pictures; `io` decodes, draws and encodes.

    At most `at_once` pictures lie decoded in memory: one of 50 megapixels takes 150 MB, and as much again annotated.
    """

    def __init__(self, *, model: ServedModel, io: Executor, max_pixels: int, at_once: int) -> None:
        self._model = model
        self._io = io
        self._max_pixels = max_pixels
        self._places = asyncio.Semaphore(at_once)

    async def check(self, data: bytes, options: DetectOptions, *, form: Format) -> CheckedPicture:
        """Detects in a picture file and, unless `form` is json, draws; raises what `media.picture` and the pool raise."""
        async with self._places:
            frame = await self._on_io(lambda: self._decode(data))
            result = await self._model.pool.detect(frame, options)
            file = b"" if form == "json" else await self._on_io(lambda: self._draw(frame, result, form=form))
        return CheckedPicture((frame.height, frame.width), result, file)

    def _decode(self, data: bytes) -> Frame:
        header = probe(data, max_pixels=self._max_pixels, setting="predict.max_pixels")
        return Frame(decode(data, header), PixelLayout.BGR)

    def _draw(self, frame: Frame, result: DetectionResult, *, form: Format) -> bytes:
        drawn = self._model.annotator.annotate(frame, list(result.detections)).pixels
        if form == "jpeg":
            return encode_jpeg(drawn)
        encoded = encode_png(drawn)
        return base64.b64encode(encoded) if form == "base64" else encoded

    async def _on_io(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._io, work)
