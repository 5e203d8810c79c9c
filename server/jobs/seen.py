"""What was seen so far in a video that is still being checked: a strip for each class, coarse enough to be sent often."""

import threading
from collections.abc import Sequence

from server.domain.detection import Detection
from server.domain.frame import Frame
from server.domain.protocols import Annotator
from server.jobs.messages import Seen, SeenClass

# A timeline is about a thousand pixels wide: at the end each part is 4 to 8 of them.
MOST_PARTS = 200
FIRST_PART_S = 0.1
# A model of eighty classes must not fill the event stream; those beyond are in the result.
MOST_CLASSES = 8


class SeenParts:
    """The best confidence of each class in each part of a video; parts get longer as it goes on. Any thread."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = tuple(labels)
        self._part_s = FIRST_PART_S
        self._percent: dict[int, list[int]] = {}
        self._lock = threading.Lock()

    def note(self, detections: Sequence[Detection], *, time_s: float) -> None:
        """Takes the detections of one frame; those that only the tracker expects do not count."""
        with self._lock:
            for one in detections:
                if not one.predicted and (one.class_id in self._percent or len(self._percent) < MOST_CLASSES):
                    self._put(one, time_s=max(0.0, time_s))

    def snapshot(self) -> Seen:
        """What was seen up to now."""
        with self._lock:
            classes = tuple(
                SeenClass(class_id, self._labels[class_id], tuple(parts)) for class_id, parts in sorted(self._percent.items())
            )
            return Seen(self._part_s, classes)

    def _put(self, detection: Detection, *, time_s: float) -> None:
        while time_s >= MOST_PARTS * self._part_s:
            self._join()
        parts = self._percent.setdefault(detection.class_id, [])
        index = int(time_s / self._part_s)
        parts.extend([0] * (index + 1 - len(parts)))
        parts[index] = max(parts[index], round(100 * detection.confidence))

    def _join(self) -> None:
        """Makes one part of every two."""
        self._part_s *= 2
        for class_id, parts in self._percent.items():
            self._percent[class_id] = [max(parts[index : index + 2]) for index in range(0, len(parts), 2)]


class NotingAnnotator:
    """Draws as `annotator` does, and notes in `seen` what is drawn and when; any thread, and several at once."""

    def __init__(self, annotator: Annotator, seen: SeenParts) -> None:
        self._annotator = annotator
        self._seen = seen

    def annotate(
        self, frame: Frame, detections: Sequence[Detection], *, view_height_px: int | None = None, faded: bool = False
    ) -> Frame:
        """Returns a copy of the frame with boxes."""
        self._seen.note(detections, time_s=frame.pts_s)
        return self._annotator.annotate(frame, detections, view_height_px=view_height_px, faded=faded)
