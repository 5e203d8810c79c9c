"""What travels on a live stream behind the detector."""

from dataclasses import dataclass

from server.domain.detection import Detection, Timing
from server.domain.frame import Frame


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """What a viewer may change while a stream runs.

    `classes` None shows all. `exact` sends only frames with their own boxes; otherwise every newest frame goes out with
    the newest boxes. `view_height_px` is how tall the picture stands on the viewer's screen, None when unknown.
    """

    confidence: float
    classes: frozenset[int] | None = None
    exact: bool = False
    annotate: bool = True
    view_height_px: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LiveResult:
    """A frame of a live stream and the objects shown in it: tracked, above the stream's confidence, of its classes.

    `options` are those that were in force when the frame was detected, `imgsz` is the longest side of the detector's input for
    it in pixels.
    """

    frame: Frame
    detections: tuple[Detection, ...]
    timing: Timing
    options: StreamOptions
    imgsz: int


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatedFrame:
    """A frame that is ready to be shown, and when the frame that its boxes come from was received.

    `boxes_received_at` is a clock reading in seconds, None where nothing is drawn: no result exists yet, it is too old, or
    boxes are not wanted.
    """

    frame: Frame
    boxes_received_at: float | None
