"""The boundaries between the parts; read this file first.

Source -> LatestSlot -> Stream -> DetectorPool -> Tracker -> Annotator -> Sinks
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, TypeVar

from server.domain.detection import Detection, DetectionResult, Detections, DetectOptions
from server.domain.frame import Frame
from server.domain.model import ModelInfo

Item_contra = TypeVar("Item_contra", contravariant=True)


class InferRequest(Protocol):
    """One worker's own buffers and inference state; used by one thread at a time, and that is never the event loop."""

    def detect(self, frame: Frame, options: DetectOptions) -> DetectionResult:
        """Returns what is in the frame, boxes in its pixels; `queue_ms` is 0. Blocks for the whole inference."""


class Detector(Protocol):
    """One loaded model, shared by all workers."""

    @property
    def info(self) -> ModelInfo:
        """What is known of the model."""

    def create_request(self) -> InferRequest:
        """Makes the state that one worker thread needs; may be called on any thread."""


class Tracker(Protocol):
    """Gives the objects of one stream stable ids; one tracker a stream, one call at a time, any thread."""

    def update(self, detections: Detections, *, confidence: float, time_s: float) -> list[Detection]:
        """Returns the objects to show at `time_s`: those detected with at least `confidence`, each with its `track_id`, and
        for a short while those that were (`predicted`). Weaker detections only help to follow known objects."""

    def resize(self, before: tuple[int, int], after: tuple[int, int]) -> None:
        """Tells that frames, until now `before` (height, width), have another size from now on."""


class Annotator(Protocol):
    """Draws detections; any thread, never the event loop."""

    def annotate(
        self, frame: Frame, detections: Sequence[Detection], *, view_height_px: int | None = None, faded: bool = False
    ) -> Frame:
        """Returns a copy of the frame, in its layout, with boxes and labels drawn.

        `view_height_px` is how tall the picture stands on the viewer's screen: it sets the size of the text. `faded` draws
        boxes that are no longer fresh.
        """


class Source(Protocol):
    """Where the frames of one live stream come from."""

    @property
    def lost(self) -> int:
        """How many frames arrived so far and were not yielded, because newer ones overtook them."""

    def frames(self) -> AsyncIterator[Frame]:
        """Yields each frame as it arrives and ends when the source does; never holds frames back."""


class Sink(Protocol[Item_contra]):
    """Where something of a live stream goes."""

    def put(self, item: Item_contra) -> None:
        """Takes one item without waiting; a sink that cannot keep up loses the older ones."""
