"""What the server and the process that checks a video say to each other, and how it travels on their pipes.

The server writes one line of JSON, its order, to the child's standard input, then single bytes, WATCHED and UNWATCHED; the end
of that pipe tells that the server is gone. The child writes blocks: the kind in one byte, the length in four, the content. A
picture is a JPEG file, everything else JSON.
"""

import struct
from typing import Literal

import msgspec

KIND_JSON, KIND_PICTURE = b"J", b"P"
HEADER = struct.Struct(">cI")
# A preview of 960 px has a tenth of it. A child that is no longer itself must not make the server take more.
MOST_BYTES = 4 * 1024 * 1024

WATCHED, UNWATCHED = b"w", b"u"
"""Controls: somebody watches, nobody does; previews come often or seldom."""


RefusalKind = Literal["unsupported", "unprocessable", "too_large", "failed"]


class ModelOrder(msgspec.Struct, frozen=True):
    """Which model to load, as `server.inference.loader` takes it.

    `labels` and `fingerprint` are those that it has to have, None allows any.
    """

    path: str
    backend: Literal["auto", "openvino", "ultralytics"]
    precision: Literal["auto", "f32", "bf16", "int8"]
    confidence: float | None
    iou: float
    imgsz: int | None
    threads: int
    workers: int
    labels: tuple[str, ...] | None = None
    fingerprint: str | None = None


class Limits(msgspec.Struct, frozen=True):
    """What the child may take; it sets these for itself before it opens the file. `parent` is the server's process id.

    Where it is `confined` it gives up what it does not need: the network, other programs, and all of the folders and files
    `hidden` but its own.
    """

    nice: int
    memory_bytes: int
    cpu_s: int
    file_bytes: int
    parent: int
    open_files: int = 256
    confined: bool = True
    hidden: tuple[str, ...] = ()


class ProbeOrder(msgspec.Struct, frozen=True, tag="probe"):
    """Say what a file is, from its headers; `name` is what its owner calls it."""

    source: str
    name: str
    limits: Limits


class CheckOrder(msgspec.Struct, frozen=True, tag="check"):
    """Check a video and write the results into the folder `out`; `frame` is its width and height, as its headers say."""

    source: str
    name: str
    out: str
    every: int
    confidence: float
    classes: tuple[str, ...] | None
    max_pixels: int
    max_duration_s: float
    model: ModelOrder
    limits: Limits
    frame: tuple[int, int] | None = None


class ClipOrder(msgspec.Struct, frozen=True, tag="clip"):
    """Make an MP4 file `out` of encoded pictures that lie in `source` (media/packet_file.py)."""

    source: str
    name: str
    out: str
    limits: Limits


class Probed(msgspec.Struct, frozen=True, tag="probed"):
    """What the headers say: size as shown, and what may be unknown."""

    width_px: int
    height_px: int
    duration_s: float | None
    frames: int | None


class SeenClass(msgspec.Struct, frozen=True):
    """Where a class was seen: the best confidence in percent in each part of the video, 0 where it was not."""

    class_id: int
    name: str
    percent: tuple[int, ...]


class Seen(msgspec.Struct, frozen=True):
    """What was seen so far, in parts of `part_s` seconds."""

    part_s: float
    classes: tuple[SeenClass, ...]


class Progressed(msgspec.Struct, frozen=True, tag="progressed"):
    """How far it is, and what was seen up to there; whole each time, as only the newest report is sure to arrive."""

    frames_done: int
    frames: int | None
    fps: float | None
    seen: Seen | None = None


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """The results are complete."""

    frames: int
    detections: int
    tracks: int


class Clipped(msgspec.Struct, frozen=True, tag="clipped"):
    """The clip is complete; `first_received_at` is the reading that its first picture carries."""

    first_received_at: float
    duration_s: float


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The file cannot be checked, and trying again does not help; `reason` is a sentence for its owner."""

    reason: str
    kind: RefusalKind = "failed"


Order = ProbeOrder | CheckOrder | ClipOrder
Report = Probed | Progressed | Finished | Clipped | Refused

_order_decoder: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order)
_report_decoder: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)


def encode_order(order: Order) -> bytes:
    """The order as the one line that the child reads."""
    return msgspec.json.encode(order) + b"\n"


def decode_order(line: bytes) -> Order:
    """The order in a line."""
    return _order_decoder.decode(line)


def encode_block(kind: bytes, content: bytes) -> bytes:
    """A block with its header."""
    return HEADER.pack(kind, len(content)) + content


def encode_report(report: Report) -> bytes:
    """A block of JSON."""
    return encode_block(KIND_JSON, msgspec.json.encode(report))


def decode_report(content: bytes) -> Report:
    """The report in a block; raises msgspec.DecodeError."""
    return _report_decoder.decode(content)
