"""Answers: the JSON that handlers send."""

import platform
from collections.abc import Iterable
from typing import Literal

import msgspec
from aiohttp import web

from server.config.settings import Settings
from server.domain.model import ModelInfo
from server.inference.throughput import Throughput
from server.pipeline.capacity import Capacity, Reason
from server.pipeline.freshness import AgeStats
from server.pipeline.stream import Stream
from server.pipeline.tuning import InputLevel
from server.pipeline.tuning import Reason as TuningReason
from server.resources import version
from server.transports.ice import IceServer
from server.transports.messages import ResultMessage, result_messages
from server.web.alert_answers import AlertLimitsAnswer
from server.web.pictures import CheckedPicture


class Speed(msgspec.Struct, frozen=True):
    """Milliseconds of each step, in the names of Ultralytics' endpoint."""

    preprocess: float
    inference: float
    postprocess: float


class ImageAnswer(msgspec.Struct, frozen=True):
    """One checked picture; `shape` is height, width."""

    shape: tuple[int, int]
    results: list[ResultMessage]
    speed: Speed


class PredictMetadata(msgspec.Struct, frozen=True, rename="camel"):
    """How the answer came about; `function_time_call` is in seconds."""

    image_count: int
    function_time_call: float
    model: str
    version: dict[str, str]


class PredictAnswer(msgspec.Struct, frozen=True):
    """The form that clients of Ultralytics' endpoint read."""

    images: list[ImageAnswer]
    metadata: PredictMetadata


class ModelAnswer(msgspec.Struct, frozen=True):
    """What the page needs to know of the model."""

    name: str
    classes: tuple[str, ...]
    conf: float
    imgsz: int


class LimitsAnswer(msgspec.Struct, frozen=True):
    """What is taken at most of pictures and video files, and how the number of live sessions came about.

    `live_sessions` is the same as `capacity`, and `live_reason` what decided it. `detections_fps` was measured; of these each
    stream shall get `min_detections_fps`. `max_sessions` is the setting. `live_imgsz` is the input size of live streams now,
    and `live_imgsz_reason` why it is so.
    """

    picture_bytes: int
    picture_pixels: int
    video_bytes: int
    video_duration_s: float
    video_pixels: int
    live_sessions: int
    live_reason: Reason
    live_imgsz: int
    live_imgsz_reason: TuningReason
    max_sessions: int | None
    min_detections_fps: float
    detections_fps: float


class AuthAnswer(msgspec.Struct, frozen=True):
    """Whether a key is asked for, the name of the one that this client has shown, and what it may: `view` or `admin`."""

    required: bool
    name: str | None
    rights: str


class IceServerAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A STUN or TURN server as browsers take it: what it does not have is left out, as they refuse null."""

    urls: list[str]
    username: str | None = None
    credential: str | None = None


class InfoAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the server is and offers; the page reads it first."""

    version: str
    source: str
    model: ModelAnswer
    ice_servers: list[IceServerAnswer] = msgspec.field(name="iceServers")
    servers: int
    capacity: int
    active: int
    limits: LimitsAnswer
    features: tuple[str, ...]
    alerts: AlertLimitsAnswer | None
    auth: AuthAnswer


class AgeAnswer(msgspec.Struct, frozen=True):
    """Median and 95th percentile of the newest 150 values, in milliseconds; null before the first."""

    p50: float | None
    p95: float | None


class StreamAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A running live stream: its options, its size, and how it keeps up. Counters run since its start."""

    id: str
    name: str
    conf: float
    classes: list[int] | None
    mode: Literal["smooth", "exact"]
    annotate: bool
    shape: tuple[int, int] | None
    received: int
    dropped: int
    processed: int
    delivered: int
    failed: int
    received_fps: float
    processed_fps: float
    detector_ms: float | None
    age_ms: AgeAnswer
    box_age_ms: AgeAnswer


class StreamsAnswer(msgspec.Struct, frozen=True):
    """All running live streams."""

    streams: list[StreamAnswer]


def json_response(answer: object) -> web.Response:
    """The answer as JSON."""
    return web.Response(body=msgspec.json.encode(answer), content_type="application/json")


def predict_answer(picture: CheckedPicture, *, info: ModelInfo, elapsed_s: float) -> PredictAnswer:
    """The answer for one checked picture."""
    timing = picture.result.timing
    speed = Speed(
        preprocess=round(timing.preprocess_ms, 3),
        inference=round(timing.inference_ms, 3),
        postprocess=round(timing.postprocess_ms, 3),
    )
    results = result_messages(picture.result.detections, labels=info.labels)
    engine, engine_version = info.runtime
    versions = {"sightline": version(), engine: engine_version, "python": platform.python_version()}
    return PredictAnswer(
        [ImageAnswer(picture.shape, results, speed)],
        PredictMetadata(1, round(elapsed_s, 4), info.name, versions),
    )


def limits_answer(settings: Settings, *, capacity: Capacity, throughput: Throughput, level: InputLevel) -> LimitsAnswer:
    """The limits in the settings, and those that were measured."""
    return LimitsAnswer(
        picture_bytes=settings.predict.max_bytes,
        picture_pixels=settings.predict.max_pixels,
        video_bytes=settings.videos.max_bytes,
        video_duration_s=settings.videos.max_duration_s,
        video_pixels=settings.videos.max_pixels,
        live_sessions=capacity.sessions,
        live_reason=capacity.reason,
        live_imgsz=level.imgsz,
        live_imgsz_reason=level.reason,
        max_sessions=settings.live.max_sessions,
        min_detections_fps=settings.live.min_detections_fps,
        detections_fps=round(throughput.detections_fps, 1),
    )


def ice_server_answers(servers: Iterable[IceServer]) -> list[IceServerAnswer]:
    """ICE servers in the form that browsers take."""
    return [IceServerAnswer(list(server.urls), server.username, server.credential) for server in servers]


def model_answer(info: ModelInfo) -> ModelAnswer:
    """The model as the page sees it."""
    return ModelAnswer(info.name, info.labels, info.confidence, info.imgsz)


def stream_answer(stream: Stream) -> StreamAnswer:
    """A stream as it is now."""
    stats, options = stream.stats(), stream.options
    return StreamAnswer(
        id=stream.id,
        name=stream.name,
        conf=options.confidence,
        classes=None if options.classes is None else sorted(options.classes),
        mode="exact" if options.exact else "smooth",
        annotate=options.annotate,
        shape=None if stats.height is None or stats.width is None else (stats.height, stats.width),
        received=stats.received,
        dropped=stats.dropped,
        processed=stats.processed,
        delivered=stats.delivered,
        failed=stats.failed,
        received_fps=round(stats.received_fps, 1),
        processed_fps=round(stats.processed_fps, 1),
        detector_ms=_rounded(stats.detector_ms),
        age_ms=_age(stats.age if stats.age.count else stats.viewers_age),
        box_age_ms=_age(stats.box_age if stats.box_age.count else stats.viewers_box_age),
    )


def _age(age: AgeStats) -> AgeAnswer:
    return AgeAnswer(_rounded(age.p50_ms), _rounded(age.p95_ms))


def _rounded(value_ms: float | None) -> float | None:
    return None if value_ms is None else round(value_ms, 1)
