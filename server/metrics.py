"""Prometheus metrics, read from `stats()` snapshots when somebody asks."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from server.domain.alert import AlertStats
from server.domain.model import ModelInfo
from server.inference.pool import PoolStats
from server.pipeline.freshness import BUCKETS_MS, AgeStats
from server.pipeline.stats import LiveStats
from server.pipeline.tuning import InputLevel

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

METRIC_NAMES = (
    "sightline_model_info",
    "sightline_ready",
    "sightline_live_sessions",
    "sightline_live_capacity",
    "sightline_live_viewers",
    "sightline_live_streams_short",
    "sightline_live_streams_slowed",
    "sightline_live_input_size_pixels",
    "sightline_frames_received_total",
    "sightline_frames_dropped_total",
    "sightline_frames_processed_total",
    "sightline_frames_failed_total",
    "sightline_pictures_delivered_total",
    "sightline_age_seconds",
    "sightline_box_age_seconds",
    "sightline_detections_total",
    "sightline_detector_failures_total",
    "sightline_detector_busy_seconds_total",
    "sightline_detector_throughput",
    "sightline_detector_workers",
    "sightline_detector_waiting",
    "sightline_predict_requests_total",
    "sightline_videos",
    "sightline_video_checks_total",
    "sightline_video_frames_total",
    "sightline_video_seconds_total",
    "sightline_cameras",
    "sightline_alerts_total",
    "sightline_alerts_waiting",
    "sightline_deliveries_total",
)


@dataclass(frozen=True, slots=True)
class VideoStats:
    """Video files: how many there are in each state now; since the start checks by outcome, frames, seconds of checking."""

    by_state: Mapping[str, int]
    by_outcome: Mapping[str, int]
    frames: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that the metrics tell, at one moment; `model`, `pool`, `detections_fps` and `input_level` are None until
    the model is loaded.

    `streams_short` tells that the running streams get so few detections that no further one is taken, `streams_slowed` how many
    show pictures no faster than detections because the processor is short.
    `predict_answers` counts the answers to pictures sent by POST, by status code. `videos` is None where they are not offered,
    as are `cameras`, which counts them by state, and `alerts`. `deliveries` counts messages by channel and outcome.
    """

    ready: bool
    sessions: int
    capacity: int
    live: LiveStats
    predict_answers: dict[int, int]
    model: ModelInfo | None = None
    pool: PoolStats | None = None
    detections_fps: float | None = None
    input_level: InputLevel | None = None
    streams_short: bool = False
    streams_slowed: int = 0
    viewers: int = 0
    videos: VideoStats | None = None
    cameras: Mapping[str, int] | None = None
    alerts: AlertStats | None = None
    deliveries: Mapping[tuple[str, str], int] = field(default_factory=dict)


class Metrics(Collector):
    """Turns a snapshot into Prometheus' text form; a registry of its own, so that two applications can share a process."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def render(self) -> bytes:
        """The metrics as text of CONTENT_TYPE."""
        return generate_latest(self._registry)

    def describe(self) -> Iterable[Metric]:
        """Nothing: the registry need not collect once just to learn the names."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yields all metrics of one snapshot."""
        now = self._snapshot()
        yield GaugeMetricFamily("sightline_ready", "1 when the model is loaded and new work is taken.", value=now.ready)
        yield GaugeMetricFamily("sightline_live_sessions", "Live sessions, those being opened included.", value=now.sessions)
        yield GaugeMetricFamily("sightline_live_capacity", "Live sessions that fit now.", value=now.capacity)
        yield GaugeMetricFamily("sightline_live_viewers", "Viewers of live streams by WHEP and MJPEG.", value=now.viewers)
        yield GaugeMetricFamily(
            "sightline_live_streams_short", "1 when running streams get too few detections.", value=now.streams_short
        )
        yield GaugeMetricFamily(
            "sightline_live_streams_slowed",
            "Live streams whose pictures come no faster than detections because the processor is short.",
            value=now.streams_slowed,
        )
        if now.input_level is not None:
            yield _input_size(now.input_level)
        yield from _live(now.live)
        yield _predict(now.predict_answers)
        if now.videos is not None:
            yield from _videos(now.videos)
        if now.cameras is not None:
            yield _cameras(now.cameras)
        if now.alerts is not None:
            yield from _alerts(now.alerts)
            yield _deliveries(now.deliveries)
        if now.model is not None:
            yield _model(now.model)
        if now.detections_fps is not None:
            text = "Detections a second that were measured at the start."
            yield GaugeMetricFamily("sightline_detector_throughput", text, value=now.detections_fps)
        if now.pool is not None:
            yield from _pool(now.pool)


def _live(live: LiveStats) -> Iterator[Metric]:
    yield CounterMetricFamily("sightline_frames_received", "Frames received on live streams.", value=live.received)
    yield CounterMetricFamily("sightline_frames_dropped", "Frames replaced by newer ones before detection.", value=live.dropped)
    yield CounterMetricFamily("sightline_frames_processed", "Frames detected on live streams.", value=live.processed)
    yield CounterMetricFamily("sightline_frames_failed", "Frames on which the detector failed.", value=live.failed)
    yield CounterMetricFamily("sightline_pictures_delivered", "Annotated pictures sent to viewers.", value=live.delivered)
    yield _age("sightline_age_seconds", "From the receipt of a frame to the sending of its result.", age=live.age)
    yield _age(
        "sightline_box_age_seconds", "From the receipt of the frame that the boxes come from to sending.", age=live.box_age
    )


def _input_size(level: InputLevel) -> GaugeMetricFamily:
    text = "Longest side of the detector's input for live streams, and why it is so."
    family = GaugeMetricFamily("sightline_live_input_size_pixels", text, labels=["reason"])
    family.add_metric([level.reason], level.imgsz)
    return family


def _age(name: str, text: str, *, age: AgeStats) -> HistogramMetricFamily:
    bounds = [*(f"{bound_ms / 1000:g}" for bound_ms in BUCKETS_MS), "+Inf"]
    running = 0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip(bounds, age.buckets, strict=True):
        running += count
        buckets.append((bound, running))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=age.sum_ms / 1000)


def _predict(answers: dict[int, int]) -> CounterMetricFamily:
    family = CounterMetricFamily("sightline_predict_requests", "Pictures sent by POST, by status.", labels=["status"])
    for status, count in sorted(answers.items()):
        family.add_metric([str(status)], count)
    return family


def _videos(videos: VideoStats) -> Iterator[Metric]:
    states = GaugeMetricFamily("sightline_videos", "Video files, by state.", labels=["state"])
    for state, count in videos.by_state.items():
        states.add_metric([state], count)
    yield states
    outcomes = CounterMetricFamily("sightline_video_checks", "Checks of video files, by outcome.", labels=["outcome"])
    for outcome, count in videos.by_outcome.items():
        outcomes.add_metric([outcome], count)
    yield outcomes
    yield CounterMetricFamily("sightline_video_frames", "Frames of video files that were checked.", value=videos.frames)
    yield CounterMetricFamily("sightline_video_seconds", "Time spent on checking video files.", value=videos.seconds)


def _alerts(alerts: AlertStats) -> Iterator[Metric]:
    states = CounterMetricFamily(
        "sightline_alerts", "Alerts since the start, by the state that they got into.", labels=["state"]
    )
    for state, count in alerts.by_state.items():
        states.add_metric([state], count)
    yield states
    yield GaugeMetricFamily("sightline_alerts_waiting", "Alerts that wait for a person.", value=alerts.waiting)


def _deliveries(deliveries: Mapping[tuple[str, str], int]) -> CounterMetricFamily:
    text = "Tries to tell somebody since the start, by channel and outcome."
    family = CounterMetricFamily("sightline_deliveries", text, labels=["channel", "outcome"])
    for (channel, outcome), count in sorted(deliveries.items()):
        family.add_metric([channel, outcome], count)
    return family


def _cameras(cameras: Mapping[str, int]) -> GaugeMetricFamily:
    states = GaugeMetricFamily("sightline_cameras", "Cameras, by state.", labels=["state"])
    for state, count in cameras.items():
        states.add_metric([state], count)
    return states


def _model(model: ModelInfo) -> InfoMetricFamily:
    value = {"name": model.name, "precision": model.precision, "runtime": " ".join(model.runtime)}
    return InfoMetricFamily("sightline_model", "The model that is served.", value=value)


def _pool(pool: PoolStats) -> Iterator[Metric]:
    yield CounterMetricFamily("sightline_detections", "Detector calls that were answered.", value=pool.completed)
    yield CounterMetricFamily("sightline_detector_failures", "Detector calls that failed.", value=pool.failed)
    yield CounterMetricFamily("sightline_detector_busy_seconds", "Time that workers spent detecting.", value=pool.busy_s)
    yield GaugeMetricFamily("sightline_detector_workers", "Worker threads.", value=pool.workers)
    yield GaugeMetricFamily("sightline_detector_waiting", "Calls that wait for a worker.", value=pool.waiting)
