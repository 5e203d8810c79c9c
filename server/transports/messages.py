"""What travels as JSON on a live session: results to the viewer, controls from the viewer, events."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from server.domain.detection import Detection
from server.domain.errors import InvalidRequest
from server.domain.live import LiveResult, StreamOptions
from server.domain.model import ModelInfo

# The longest control names every class of a model with hundreds of them.
MOST_CONTROL_BYTES = 16 * 1024


class BoxMessage(msgspec.Struct, frozen=True):
    """A box in pixels of the original frame."""

    x1: float
    y1: float
    x2: float
    y2: float


class ResultMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One object, in the field names of Ultralytics' endpoint; `track_id` is left out where nothing is tracked."""

    class_id: int = msgspec.field(name="class")
    name: str
    confidence: float
    box: BoxMessage
    track_id: int | None = None


class DetectionMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in one processed frame of a live stream, and how fresh it is.

    `frame` counts the frames of the source, `pts` is its time in seconds, `shape` is `(height, width)`. `age_ms` runs from the
    receipt of the frame to the sending of this message, `box_age_ms` is that of the newest picture that was sent, null where
    it shows no boxes. `imgsz` is the longest side of the detector's input in pixels. `received` and `dropped` count since the
    stream's start. The last four are the options that were in force: they confirm a control.
    """

    frame: int
    pts: float
    age_ms: float
    box_age_ms: float | None
    detector_ms: float
    imgsz: int
    shape: tuple[int, int]
    results: list[ResultMessage]
    received: int
    dropped: int
    conf: float
    classes: list[int] | None
    mode: Literal["smooth", "exact"]
    annotate: bool


class ControlMessage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a viewer may change while the stream runs; a field left out stays as it is.

    `classes` holds ids or names, null shows all. `view_h` is the height of the picture on the viewer's screen in pixels.
    """

    conf: Annotated[float, Meta(ge=0, le=1)] | UnsetType = UNSET
    classes: Annotated[list[int | str], Meta(max_length=1000)] | UnsetType | None = UNSET
    annotate: bool | UnsetType = UNSET
    mode: Literal["smooth", "exact"] | UnsetType = UNSET
    view_h: Annotated[int, Meta(ge=1, le=10_000)] | UnsetType = UNSET


class DrainingMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="draining"):
    """The server is about to end; the session is closed after `grace_s` seconds."""

    grace_s: float


class OpenedMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="opened"):
    """The session is open; its stream has this id."""

    id: str


class ErrorMessage(msgspec.Struct, frozen=True):
    """Why a control was refused."""

    error: str


class FrameErrorMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Why a frame that came over a WebSocket could not be used; `frame` counts the frames of the source."""

    error: str
    frame: int


def result_messages(detections: Iterable[Detection], *, labels: Sequence[str]) -> list[ResultMessage]:
    """The wire form of detections; a class without a label is named by its number."""
    return [_result_message(detection, labels=labels) for detection in detections]


def detection_message(
    result: LiveResult, *, labels: Sequence[str], received: int, dropped: int, age_ms: float, box_age_ms: float | None
) -> DetectionMessage:
    """The message for one processed frame."""
    options = result.options
    return DetectionMessage(
        frame=result.frame.index,
        pts=round(result.frame.pts_s, 6),
        age_ms=round(age_ms, 1),
        box_age_ms=None if box_age_ms is None else round(box_age_ms, 1),
        detector_ms=round(result.timing.detector_ms, 1),
        imgsz=result.imgsz,
        shape=(result.frame.height, result.frame.width),
        # What the tracker only expects is drawn, but was not found in this frame.
        results=result_messages((one for one in result.detections if not one.predicted), labels=labels),
        received=received,
        dropped=dropped,
        conf=options.confidence,
        classes=None if options.classes is None else sorted(options.classes),
        mode="exact" if options.exact else "smooth",
        annotate=options.annotate,
    )


def decode_control(text: str | bytes) -> ControlMessage:
    """Reads a control; InvalidRequest says what is wrong with it."""
    if len(text) > MOST_CONTROL_BYTES:
        raise InvalidRequest(f"a control has at most {MOST_CONTROL_BYTES} bytes")
    try:
        return msgspec.json.decode(text, type=ControlMessage)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:  # a ValidationError is a DecodeError
        raise InvalidRequest(f"control not understood: {exc}") from exc


def apply_control(options: StreamOptions, control: ControlMessage, *, model: ModelInfo) -> StreamOptions:
    """The options after `control`; InvalidRequest names a class that the model does not know."""
    return StreamOptions(
        confidence=options.confidence if control.conf is UNSET else control.conf,
        classes=options.classes if control.classes is UNSET else _class_ids(control.classes, model=model),
        exact=options.exact if control.mode is UNSET else control.mode == "exact",
        annotate=options.annotate if control.annotate is UNSET else control.annotate,
        view_height_px=options.view_height_px if control.view_h is UNSET else control.view_h,
    )


def _class_ids(classes: list[int | str] | None, *, model: ModelInfo) -> frozenset[int] | None:
    if classes is None:
        return None
    try:
        return model.class_ids(classes)
    except KeyError as exc:
        raise InvalidRequest(f"the model knows no class {exc.args[0]!r}") from exc


def _result_message(detection: Detection, *, labels: Sequence[str]) -> ResultMessage:
    x1, y1, x2, y2 = (round(side, 1) for side in detection.xyxy)
    number = detection.class_id
    return ResultMessage(
        class_id=number,
        name=labels[number] if 0 <= number < len(labels) else str(number),
        confidence=round(detection.confidence, 4),
        box=BoxMessage(x1, y1, x2, y2),
        track_id=detection.track_id,
    )
