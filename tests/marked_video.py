"""Video whose pictures carry their number, readable after any encoder, and are grey elsewhere: colour is annotation."""

import asyncio
import fractions
import time

import av
import numpy as np
import numpy.typing as npt
from aiortc.mediastreams import VIDEO_CLOCK_RATE, MediaStreamError, MediaStreamTrack

BITS = 16
BLOCK = 32
TIME_BASE = fractions.Fraction(1, VIDEO_CLOCK_RATE)


def marked_picture(number: int, *, width: int = 640, height: int = 480) -> npt.NDArray[np.uint8]:
    """An I420 picture `(height * 3 // 2, width)`: two rows of blocks, the bits of `number` and their complement, on grey."""
    picture = np.full((height * 3 // 2, width), 128, np.uint8)
    shade = np.linspace(90, 160, width, dtype=np.float32) + 8 * np.sin(np.arange(height)[:, None] / 9 + number / 5)
    picture[:height] = shade
    for bit in range(BITS):
        left = bit * BLOCK
        is_set = bool(number >> bit & 1)
        picture[:BLOCK, left : left + BLOCK] = 235 if is_set else 16
        picture[BLOCK : 2 * BLOCK, left : left + BLOCK] = 16 if is_set else 235
    return picture


def read_number(picture: npt.NDArray[np.uint8]) -> int | None:
    """The number in an I420 picture; None where a block and its complement do not agree."""
    number = 0
    for bit in range(BITS):
        left = bit * BLOCK + BLOCK // 4
        columns = slice(left, left + BLOCK // 2)
        upper = picture[BLOCK // 4 : BLOCK * 3 // 4, columns].mean()
        lower = picture[BLOCK + BLOCK // 4 : BLOCK + BLOCK * 3 // 4, columns].mean()
        if abs(upper - lower) < 80:
            return None
        number |= int(upper > lower) << bit
    return number


def coloured_pixels(picture: npt.NDArray[np.uint8]) -> int:
    """How many chroma samples of an I420 picture are not grey: what was drawn into it."""
    height = picture.shape[0] * 2 // 3
    return int((np.abs(picture[height:].astype(np.int16) - 128) > 24).sum())


class MarkedVideoTrack(MediaStreamTrack):
    """Sends numbered pictures at a steady rate and notes when each left, in seconds of `time.monotonic`."""

    kind = "video"

    def __init__(self, *, fps: float = 30.0, width: int = 640, height: int = 480, full_range: bool = False) -> None:
        super().__init__()
        self.sent_at: dict[int, float] = {}
        self._fps = fps
        self._size = (width, height)
        self._full_range = full_range
        self._started_at: float | None = None
        self._may_send = asyncio.Event()
        self._may_send.set()

    def pause(self) -> None:
        """Sends no more pictures, without ending."""
        self._may_send.clear()

    async def recv(self) -> av.VideoFrame:
        """Returns the next picture when it is due."""
        if self.readyState != "live":
            raise MediaStreamError
        await self._may_send.wait()
        number = len(self.sent_at)
        now = time.monotonic()
        self._started_at = self._started_at or now
        await asyncio.sleep(max(0.0, self._started_at + number / self._fps - now))
        width, height = self._size
        frame = av.VideoFrame.from_ndarray(marked_picture(number, width=width, height=height), format="yuv420p")
        if self._full_range:
            frame.color_range = 2
        frame.pts = round(number / self._fps * VIDEO_CLOCK_RATE)
        frame.time_base = TIME_BASE
        self.sent_at[number] = time.monotonic()
        return frame
