"""Pictures of an alert: its best frame as JPEG, clean and with boxes."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.alerts.evidence import AlertFiles
from server.domain.detection import Detection
from server.domain.frame import Frame, PixelLayout
from server.domain.protocols import Annotator
from server.media.jpeg import encode_i420
from server.media.picture import encode_jpeg

# A person decides by this picture, and a detector may be trained with it.
QUALITY = 92


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A frame and what was found in it; `found` of that is what the alert is about."""

    frame: Frame
    detections: Sequence[Detection]
    found: Detection


def write_pictures(files: AlertFiles, alert_id: str, *, shot: Shot, annotator: Annotator) -> int:
    """Writes both pictures and returns how many bytes the alert takes then. Blocks; raises OSError."""
    files.write(files.annotated(alert_id), jpeg(annotator.annotate(shot.frame, shot.detections)))
    # Last, as the box in the record is one of this picture: where either cannot be written, that stays as it was.
    files.write(files.snapshot(alert_id), jpeg(shot.frame))
    return files.size(alert_id)


def jpeg(frame: Frame) -> bytes:
    """The frame as a JPEG file. Blocks."""
    if frame.layout is PixelLayout.I420:
        return encode_i420(frame.pixels, quality=QUALITY)
    return encode_jpeg(frame.pixels, quality=QUALITY)
