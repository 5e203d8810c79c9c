"""The reader of a camera: one thread that drains the network, and decodes what is wanted."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import av
from av.codec.context import Flags, ThreadType
from av.video.stream import VideoStream

from server.domain.camera import Credentials
from server.domain.encoded import EncodedPacket, VideoCodec
from server.domain.errors import CameraFailed
from server.domain.frame import Frame, PixelLayout
from server.media.i420 import to_i420
from server.transports.address_policy import AddressPolicy
from server.transports.arrival_clock import ArrivalClock
from server.transports.bounded_decoder import SPARE
from server.transports.camera_address import CameraAddress
from server.transports.camera_input import CameraInput, CameraLimits, in_words, open_camera

# A picture that was held up for longer is not shown any more: newer ones lie behind it.
STALE_S = 0.5
# Where even decoding does not catch up, it goes on with the next key frame.
FAR_BEHIND_S = 3.0
# A codec that never gets a picture out of what comes has no key frame, or the wrong data.
MOST_DAMAGED = 300


class CameraSink(Protocol):
    """Who takes what a reader reads; called on the reader's thread, and must not block."""

    def put_frame(self, frame: Frame) -> None:
        """A picture that is wanted."""

    def put_packet(self, packet: EncodedPacket) -> None:
        """Each encoded picture, in the order of arrival."""

    def note_codec(self, codec: VideoCodec, *, paced: bool) -> None:
        """What the camera sends, once it is connected; `paced` where it comes in pieces of some seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderOptions:
    """What a reader does with what it reads. `max_fps` None converts each picture; without `decodes` there are only packets."""

    limits: CameraLimits
    decodes: bool = True
    hands_packets: bool = True
    max_fps: float | None = None


class CameraReader:
    """Reads one camera until that fails or `stop()` is called; for one connection.

    `run()` blocks: it has a thread to itself. `stop()` may be called on any thread; what is read afterwards goes nowhere.
    `received` counts the pictures decoded, `skipped` those of them that were not passed on because they came too late.
    """

    def __init__(
        self,
        address: CameraAddress,
        *,
        credentials: Credentials | None,
        policy: AddressPolicy,
        options: ReaderOptions,
        sink: CameraSink,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address
        self._credentials = credentials
        self._policy = policy
        self._options = options
        self._sink = sink
        self._clock = clock
        self._arrivals = ArrivalClock()
        self._stopped = threading.Event()
        self._due_at = 0.0
        self._needs_keyframe = False
        self._damaged = 0
        self._last_time_s = 0.0
        self.received = 0
        self.skipped = 0

    def stop(self) -> None:
        """Ends it with the next packet, or with the time-out of the read under way."""
        self._stopped.set()

    def run(self) -> None:
        """Reads; raises CameraFailed or AddressRefused when it ends by itself."""
        opened = open_camera(self._address, credentials=self._credentials, policy=self._policy, limits=self._options.limits)
        try:
            with in_words(self._address):
                self._read(opened)
        except CameraFailed as exc:
            if not exc.knock:
                raise
            silent_s = self._options.limits.read_timeout_s
            raise CameraFailed(f"No new picture has come for {silent_s:g} s.", stalled=True) from None
        finally:
            with in_words(self._address):
                opened.close()
        if not self._stopped.is_set():
            raise CameraFailed(f"{self._address.place} has ended the video.")

    def _read(self, opened: CameraInput) -> None:
        if not opened.container.streams.video:
            raise CameraFailed(f"{self._address.place} sends no video.")
        stream = opened.container.streams.video[0]
        codec = self._prepare(stream)
        self._sink.note_codec(codec, paced=opened.paced)
        pace = _Pace(self._stopped, clock=self._clock) if opened.paced else None
        for packet, waited_s in self._packets(opened, stream):
            if pace is not None and packet.dts is not None:
                pace.wait(float(packet.dts * packet.time_base))
            self._take(packet, codec=codec, waited_s=None if pace else waited_s)

    def _prepare(self, stream: VideoStream) -> VideoCodec:
        context = stream.codec_context
        if context is None:
            raise CameraFailed("The camera sends its video in a form that is not known here.")
        # Threads for slices only: those for frames hold as many pictures back as there are threads.
        context.thread_type = ThreadType.SLICE
        context.flags |= Flags.low_delay
        context.options = {"max_pixels": str(self._options.limits.max_pixels * SPARE)}
        return VideoCodec(context.name, context.extradata or b"", context.width, context.height)

    def _packets(self, opened: CameraInput, stream: VideoStream) -> "Iterator[tuple[av.Packet[VideoStream], float]]":
        """The packets of the video with the time that each read took, until the end or `stop()`."""
        while not self._stopped.is_set():
            began = self._clock()
            for packet in opened.container.demux(stream):
                now = self._clock()
                if self._stopped.is_set():
                    return
                if packet.size:
                    yield packet, now - began
                began = self._clock()
            if not opened.repeats:
                return
            opened.container.seek(0)
            if stream.codec_context is not None:
                stream.codec_context.flush_buffers()

    def _take(self, packet: "av.Packet[VideoStream]", *, codec: VideoCodec, waited_s: float | None) -> None:
        """Hands a packet on; `waited_s` None where times and clock have nothing to do with each other."""
        now = self._clock()
        stamp = packet.pts if packet.pts is not None else packet.dts
        order = packet.dts if packet.dts is not None else packet.pts
        received_at = now
        time_s = self._last_time_s if stamp is None else float(stamp * packet.time_base)  # the first ones may have none
        self._last_time_s = time_s
        if order is not None and waited_s is not None:
            received_at = self._arrivals.received(float(order * packet.time_base), now=now, waited_s=waited_s)
        if self._options.hands_packets:
            self._sink.put_packet(EncodedPacket(bytes(packet), codec, packet.is_keyframe, received_at, time_s))
        if self._options.decodes and self._is_worth_decoding(packet):
            self._decode(packet, time_s=time_s, received_at=received_at)

    def _is_worth_decoding(self, packet: "av.Packet[VideoStream]") -> bool:
        if self._arrivals.late_s > FAR_BEHIND_S:
            self._needs_keyframe = True
        if packet.is_keyframe and self._arrivals.late_s <= FAR_BEHIND_S:
            self._needs_keyframe = False
        return not self._needs_keyframe

    def _decode(self, packet: "av.Packet[VideoStream]", *, time_s: float, received_at: float) -> None:
        try:
            pictures = packet.decode()
        except av.InvalidDataError:  # damaged on its way; the next key frame is whole again
            self._damaged += 1
            if self._damaged > MOST_DAMAGED:
                raise
            return
        for picture in pictures:
            self._damaged = 0
            self._pass_on(picture, time_s=time_s, received_at=received_at)

    def _pass_on(self, picture: av.VideoFrame, *, time_s: float, received_at: float) -> None:
        index = self.received
        self.received += 1
        if self._arrivals.late_s > STALE_S:
            self.skipped += 1
            return
        if not self._is_due(received_at):
            return
        limits = self._options.limits
        if picture.width * picture.height > limits.max_pixels:
            size = f"{picture.width}x{picture.height}"
            raise CameraFailed(f"The picture of {size} has more than {limits.max_pixels} pixels (live.max_pixels).")
        pts_s = time_s if picture.pts is None else picture.time
        frame = Frame(
            pixels=to_i420(picture),
            layout=PixelLayout.I420,
            index=index,
            pts_s=pts_s,
            received_at=received_at,
        )
        if not self._stopped.is_set():
            self._sink.put_frame(frame)

    def _is_due(self, now: float) -> bool:
        """Whether a picture is wanted: of 25 a second and a wish of 10 every second or third."""
        if self._options.max_fps is None:
            return True
        interval_s = 1 / self._options.max_fps
        # A tenth early is on time: cameras do not keep their intervals to the millisecond.
        if now < self._due_at - interval_s / 10:
            return False
        self._due_at = (self._due_at if now - self._due_at < interval_s else now) + interval_s
        return True


class _Pace:
    """Holds packets back until they are due by their times of decoding: for what comes faster than it happened."""

    def __init__(self, stopped: threading.Event, *, clock: Callable[[], float]) -> None:
        self._stopped = stopped
        self._clock = clock
        self._offset: float | None = None
        self._last = 0.0

    def wait(self, time_s: float) -> None:
        """Returns when the packet of that time is due; after a jump of the times, or a pause, a new reckoning begins."""
        now = self._clock()
        if self._offset is None or time_s < self._last or not -1 < self._offset + time_s - now < 15:
            self._offset = now - time_s
        self._last = time_s
        self._stopped.wait(max(0.0, self._offset + time_s - now))
