"""The source of a WebRTC session: frames as I420, the newest first when conversion is slow, one thread a frame."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import av
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from server.domain.frame import Frame, PixelLayout
from server.media.i420 import to_i420
from server.transports import webrtc_source
from server.transports.webrtc_source import WebrtcSource
from tests.marked_video import TIME_BASE, marked_picture, read_number


class QueueTrack(MediaStreamTrack):
    """A track that gives what the test puts into it, as aiortc's remote tracks do."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._queue: asyncio.Queue[Any] = asyncio.Queue()

    def send(self, number: int, *, full_range: bool = False) -> None:
        """Adds a numbered picture; one in full range must be converted."""
        frame = av.VideoFrame.from_ndarray(marked_picture(number, width=512, height=128), format="yuv420p")
        frame.pts, frame.time_base = number * 3000, TIME_BASE
        frame.color_range = 2 if full_range else 1
        self._queue.put_nowait(frame)

    def end(self) -> None:
        """Ends the track."""
        self._queue.put_nowait(None)

    async def recv(self) -> Any:
        """The next picture."""
        frame = await self._queue.get()
        if frame is None:
            raise MediaStreamError
        return frame


async def test_frames_carry_pixels_number_and_times() -> None:
    """A frame has the picture as I420, its number, the source's time and the time of receipt."""
    track = QueueTrack()
    with ThreadPoolExecutor(1) as converter:
        source = WebrtcSource(track, converter=converter, receipt_of={3000: 7.5}.get, clock=lambda: 9.0)
        track.send(1)
        frames = source.frames()
        frame = await anext(frames)
        track.end()
        assert [extra async for extra in frames] == []
    assert (frame.layout, frame.width, frame.height, frame.index) == (PixelLayout.I420, 512, 128, 0)
    assert read_number(frame.pixels) == 1
    assert frame.pts_s == pytest.approx(1 / 30)
    assert frame.received_at == 7.5
    assert source.last_frame_at == 9.0


async def test_without_a_time_of_receipt_the_time_of_decoding_counts() -> None:
    """Where aiortc is unchanged a frame was received when it is decoded."""
    track = QueueTrack()
    with ThreadPoolExecutor(1) as converter:
        source = WebrtcSource(track, converter=converter, clock=lambda: 9.0)
        track.send(1)
        track.end()
        [frame] = [frame async for frame in source.frames()]
    assert frame.received_at == 9.0


async def test_full_range_is_converted_off_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame that is not I420 already is converted by another thread, one that is by the loop's own."""
    threads: list[str] = []
    monkeypatch.setattr(webrtc_source, "to_i420", _noting(threads))
    track = QueueTrack()
    with ThreadPoolExecutor(1, thread_name_prefix="converter") as converter:
        source = WebrtcSource(track, converter=converter)
        frames = source.frames()
        track.send(1, full_range=True)
        await anext(frames)
        track.send(2)
        await anext(frames)
        await frames.aclose()  # type: ignore[attr-defined]  # an async generator
    assert threads[0].startswith("converter")
    assert threads[1] == threading.current_thread().name


async def test_the_newest_frame_wins_while_a_conversion_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames that come while one is being converted are read at once, and only the newest of them is yielded."""
    gate = threading.Event()
    monkeypatch.setattr(webrtc_source, "to_i420", _gated(gate))
    track = QueueTrack()
    with ThreadPoolExecutor(1) as converter:
        source = WebrtcSource(track, converter=converter)
        frames = source.frames()
        track.send(0, full_range=True)
        first = asyncio.ensure_future(anext(frames))
        await asyncio.sleep(0.02)
        for number in range(1, 6):
            track.send(number, full_range=True)
        await asyncio.sleep(0.02)
        gate.set()
        numbers = [read_number((await first).pixels), read_number((await anext(frames)).pixels)]
        await frames.aclose()  # type: ignore[attr-defined]  # an async generator
    assert numbers == [0, 5]
    assert (source.received, source.lost) == (6, 4)


async def test_no_two_threads_ever_touch_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each frame is converted once, by one thread: two at once crash PyAV within seconds."""
    touched: list[tuple[int | None, str]] = []

    def noting(frame: av.VideoFrame) -> Any:
        touched.append((frame.pts, threading.current_thread().name))
        return to_i420(frame)

    monkeypatch.setattr(webrtc_source, "to_i420", noting)
    track = QueueTrack()
    seen: list[Frame] = []
    with ThreadPoolExecutor(4) as converter:
        source = WebrtcSource(track, converter=converter)
        reading = asyncio.create_task(_collect(source, seen))
        for number in range(60):
            track.send(number, full_range=number % 2 == 0)
            await asyncio.sleep(0.002)
        track.end()
        await reading
    assert len(touched) == len({pts for pts, _ in touched}) == len(seen)
    assert all(isinstance(frame.pixels, np.ndarray) for frame in seen)


async def test_leaving_the_frames_ends_the_reading() -> None:
    """Nobody reads the track any more when the stream has stopped asking for frames."""
    before = asyncio.all_tasks()
    track = QueueTrack()
    with ThreadPoolExecutor(1) as converter:
        frames = WebrtcSource(track, converter=converter).frames()
        track.send(1)
        await anext(frames)
        await frames.aclose()  # type: ignore[attr-defined]  # an async generator
    assert asyncio.all_tasks() == before


async def test_frames_that_were_given_up_before_decoding_are_lost_too() -> None:
    """What the decoder's queue has dropped is counted beside what was replaced here."""
    with ThreadPoolExecutor(1) as converter:
        source = WebrtcSource(QueueTrack(), converter=converter, lost_before=lambda: 7)
    assert source.lost == 7


async def test_a_picture_above_the_limit_ends_the_source() -> None:
    """It is not converted, and whoever owns the source is told its size and the limit."""
    track = QueueTrack()
    refusals: list[str] = []
    with ThreadPoolExecutor(1) as converter:
        source = WebrtcSource(track, converter=converter, max_pixels=512 * 128 - 1, on_refused=refusals.append)
        track.send(1)
        assert [frame async for frame in source.frames()] == []
    assert refusals == ["its video of 512x128 has more than 65,535 pixels (live.max_pixels)"]


async def test_a_picture_at_the_limit_is_taken() -> None:
    """The limit itself is allowed."""
    track = QueueTrack()
    with ThreadPoolExecutor(1) as converter:
        source = WebrtcSource(track, converter=converter, max_pixels=512 * 128)
        track.send(1)
        track.end()
        assert len([frame async for frame in source.frames()]) == 1


async def _collect(source: WebrtcSource, seen: list[Frame]) -> None:
    async for frame in source.frames():
        seen.append(frame)  # noqa: PERF401 - what was seen before a failure counts too


def _noting(threads: list[str]) -> Any:
    def convert(frame: av.VideoFrame) -> Any:
        threads.append(threading.current_thread().name)
        return to_i420(frame)

    return convert


def _gated(gate: threading.Event) -> Any:
    def convert(frame: av.VideoFrame) -> Any:
        assert gate.wait(5)
        return to_i420(frame)

    return convert
