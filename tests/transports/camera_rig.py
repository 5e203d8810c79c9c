"""What tests of cameras share: a film, a reader on its thread, and what it delivers."""

import asyncio
import http.server
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import av
import cv2
from av.video.stream import VideoStream

from server.domain.camera import Camera, Credentials
from server.domain.encoded import EncodedPacket, VideoCodec
from server.domain.errors import AddressRefused, CameraFailed
from server.domain.frame import Frame
from server.inference.pool import DetectorPool
from server.pipeline.annotator import BoxAnnotator
from server.pipeline.stream import Stream
from server.pipeline.tracker import ByteTracker
from server.transports.address_policy import AddressPolicy
from server.transports.camera_address import parse_address
from server.transports.camera_input import CameraLimits
from server.transports.camera_reader import CameraReader, ReaderOptions
from tests.builders import make_options
from tests.fakes import FakeDetector
from tests.marked_video import marked_picture, read_number

WIDTH, HEIGHT, FPS = 640, 360, 25
Handler = Callable[[http.server.BaseHTTPRequestHandler], None]


def here(*files: Path) -> AddressPolicy:
    """A policy that allows this machine, and these files."""
    schemes = ["rtsp", "http", "https", "rtmp"]
    return AddressPolicy.of(schemes=schemes, networks=["127.0.0.0/8"], files=[str(file) for file in files])


def write_h264(path: Path, *, seconds: int, options: dict[str, str] | None = None) -> Path:
    """A film in H.264 whose pictures carry their number, with a key frame a second."""
    settings = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "sliced-threads=0", "g": str(FPS)}
    with av.open(str(path), "w", options=options or {}) as out:
        stream = out.add_stream("libx264", rate=FPS, options=settings)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(seconds * FPS):
            frame = av.VideoFrame.from_ndarray(marked_picture(number, width=WIDTH, height=HEIGHT), format="yuv420p")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def jpeg(number: int) -> bytes:
    """A numbered picture as a JPEG file."""
    bgr = cv2.cvtColor(marked_picture(number, width=WIDTH, height=HEIGHT), cv2.COLOR_YUV2BGR_I420)
    return bytes(cv2.imencode(".jpg", bgr)[1])


class Collected:
    """A sink that keeps the numbers of the pictures, the packets and the codec; `wanted` pictures are enough."""

    def __init__(self, *, wanted: int = 10) -> None:
        self.numbers: list[int | None] = []
        self.frames: list[Frame] = []
        self.packets: list[EncodedPacket] = []
        self.codec: VideoCodec | None = None
        self.enough = threading.Event()
        self._wanted = wanted

    def put_frame(self, frame: Frame) -> None:
        """Reads its number."""
        self.frames.append(frame)
        self.numbers.append(read_number(frame.pixels))
        if len(self.frames) >= self._wanted:
            self.enough.set()

    def put_packet(self, packet: EncodedPacket) -> None:
        """Keeps it."""
        self.packets.append(packet)

    def note_codec(self, codec: VideoCodec, *, paced: bool) -> None:
        """Keeps it."""
        self.codec = codec


def read(
    url: str, *, policy: AddressPolicy, sink: Collected, credentials: Credentials | None = None, max_fps: float | None = None
) -> CameraFailed | AddressRefused | None:
    """Reads until the sink has enough, or the reader ends by itself: what it said then."""
    options = ReaderOptions(limits=CameraLimits(connect_timeout_s=10, read_timeout_s=10), max_fps=max_fps)
    reader = CameraReader(parse_address(url), credentials=credentials, policy=policy, options=options, sink=sink)
    ended: list[CameraFailed | AddressRefused | None] = []

    def run() -> None:
        try:
            reader.run()
        except (CameraFailed, AddressRefused) as exc:
            ended.append(exc)
        else:
            ended.append(None)
        sink.enough.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert sink.enough.wait(30)
    reader.stop()
    thread.join(15)
    return ended[0]


@contextmanager
def http_server(handle: Handler) -> Iterator[str]:
    """A server whose GET does as the function says; yields its address."""

    class Answering(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            try:
                handle(self)
            except OSError:
                return

        def log_message(self, *_: object) -> None:  # the library's signature
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def answer(request: http.server.BaseHTTPRequestHandler, body: bytes, *, kind: str) -> None:
    """Sends a whole body."""
    request.send_response(200)
    request.send_header("Content-Type", kind)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def send_mjpeg(request: http.server.BaseHTTPRequestHandler) -> None:
    """Sends numbered pictures as network cameras do, for ever."""
    request.send_response(200)
    request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
    request.end_headers()
    number = 0
    while True:
        picture = jpeg(number)
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
        request.wfile.write(head.encode() + picture + b"\r\n")
        number += 1
        time.sleep(1 / FPS)


@asynccontextmanager
async def stream_for(camera: Camera) -> AsyncIterator[Stream]:
    """A stream with a fake detector, that nothing feeds yet."""
    pool = DetectorPool(FakeDetector(), workers=1)
    renderer = ThreadPoolExecutor(1)
    yield Stream(
        id=camera.id,
        name=camera.name,
        pool=pool,
        tracker=ByteTracker(),
        annotator=BoxAnnotator(pool.info.labels),
        options=make_options(),
        renderer=renderer,
    )
    await asyncio.get_running_loop().run_in_executor(None, pool.close)
    renderer.shutdown()
