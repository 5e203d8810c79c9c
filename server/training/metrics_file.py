"""The metrics file: what `sightline evaluate` writes into `metrics.json`; docs/training.md explains every field."""

from pathlib import Path

import msgspec

from server.domain.errors import InvalidRequest

SCHEMA = 1


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the file; unknown fields are an error."""


class EvaluatedModel(_Record, frozen=True):
    """The model as it was run: `sha256` of each of its files by name, `confidence` and `iou` as they were used."""

    name: str
    sha256: dict[str, str]
    classes: list[str]
    confidence: float
    iou: float
    imgsz: int
    precision: str
    runtime: str


class EvaluatedData(_Record, frozen=True):
    """The data: `sha256` is that of all file names and labels, so that other data do not pass for these."""

    name: str
    split: str
    pictures: int
    without_objects: int
    objects: int
    sources: dict[str, int]
    sha256: str


class OperatingPoint(_Record, frozen=True):
    """What is right and wrong at one confidence, a box counting as found from IoU 0.5."""

    confidence: float
    precision: float | None
    recall: float | None
    f1: float | None
    found: int
    missed: int
    false_alarms: int


class ObjectSizeMetrics(_Record, frozen=True):
    """Objects whose longest side at input size is `from_px` up to below `to_px` pixels; None has no end."""

    from_px: int
    to_px: int | None
    objects: int
    map50: float | None
    map50_95: float | None
    recall: float | None
    """At the default confidence."""


class SourceMetrics(_Record, frozen=True):
    """The pictures of one source; the last two are false alarms a picture where nothing is to be found."""

    pictures: int
    objects: int
    map50: float | None
    map50_95: float | None
    default: OperatingPoint
    empty_pictures: int
    empty_alarms_per_picture: float | None


class ConfusionMatrix(_Record, frozen=True):
    """Rows are what was there, columns what was detected, at the default confidence; the last of each is background."""

    classes: list[str]
    counts: list[list[int]]


class EmptyPictures(_Record, frozen=True):
    """Pictures that show no object: false alarms at the default confidence, and in how many of them."""

    pictures: int
    with_false_alarms: int
    false_alarms: int
    false_alarms_per_picture: float | None


class PictureMetrics(_Record, frozen=True):
    """All figures of one input size; `detector_ms` is the detector's median time of a picture on the machine used."""

    map50: float | None
    map50_95: float | None
    best: OperatingPoint
    """The one with the highest F1."""
    default: OperatingPoint
    """The one at the model's default confidence."""
    by_confidence: list[OperatingPoint]
    by_object_size: list[ObjectSizeMetrics]
    by_source: dict[str, SourceMetrics]
    empty_pictures: EmptyPictures
    confusion: ConfusionMatrix
    detector_ms: float


class SampleMetrics(_Record, frozen=True):
    """Every 4th picture by name, at the model's own input size: what continuous integration compares with."""

    every: int
    pictures: int
    imgsz: int
    map50: float | None
    map50_95: float | None


class WeightsMetrics(_Record, frozen=True):
    """The weights that the served form was made from, by input size, and how far the served form is from them."""

    name: str
    sha256: str
    runtime: str
    map50: dict[str, float | None]
    map50_95: dict[str, float | None]
    difference_map50: dict[str, float | None]
    difference_map50_95: dict[str, float | None]


class AlertRuleRecord(_Record, frozen=True):
    """The alert rule that was applied."""

    hits: int
    frames: int
    max_fps: float
    confidence: float


class AlarmRate(_Record, frozen=True):
    """So many in so many hours, and the bound that the true rate is below with 95 % confidence (exact Poisson).

    Without a second of footage there is no rate.
    """

    count: int
    hours: float
    per_hour: float | None
    per_hour_upper_95: float | None


class ClipMetrics(_Record, frozen=True):
    """One clip. `raised_s` is when the firearm is raised, None where the clip shows none.

    `alerts_s` are the times of all alerts; `time_to_alert_s` is from `raised_s` to the first alert from then on.
    """

    name: str
    frames: int
    duration_s: float
    distinct_s: float
    frames_with_detections: int
    alerts_s: list[float]
    raised_s: float | None = None
    time_to_alert_s: float | None = None
    early_alerts: int = 0


class ClipsMetrics(_Record, frozen=True):
    """Video at one input size: false alarms where there is no firearm, time to alert where there is one."""

    rule: AlertRuleRecord
    frames: int
    """Frames without a firearm."""
    frame_alarms: AlarmRate
    """Those of them in which one was shown. They come in runs, so that their bound is too low: see the alerts."""
    alerts: AlarmRate
    clips: list[ClipMetrics]


class MetricsFile(_Record, frozen=True):
    """The whole file."""

    schema: int
    sightline: str
    model: EvaluatedModel
    data: EvaluatedData | None
    by_imgsz: dict[str, PictureMetrics]
    sample: SampleMetrics | None = None
    against: WeightsMetrics | None = None
    clips: dict[str, ClipsMetrics] = {}
    """By input size."""


def encode_metrics(metrics: MetricsFile) -> bytes:
    """The file's content; figures are rounded to what they can mean."""
    document = _rounded(msgspec.to_builtins(metrics))
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def read_metrics(path: Path) -> MetricsFile:
    """Reads a `metrics.json`; InvalidRequest where it is not one of this schema."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=MetricsFile)
    except (OSError, msgspec.MsgspecError) as exc:
        raise InvalidRequest(f"{path}: cannot be read: {exc}") from exc


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
