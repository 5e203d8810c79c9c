"""The dialect of DeepStack and CodeProject.AI: how what was found, and what went wrong, is told in it."""

import msgspec
from aiohttp import web

from server.domain.detection import Detection
from server.domain.model import ModelInfo
from server.resources import version
from server.web.pictures import CheckedPicture
from server.web.problems import Problem

PREFIX = "/v1/"
MODULE = "Sightline"
# Clients keep room for as many; Frigate's plugin fails on the 21st.
MAX_PREDICTIONS = 20

# Clients know 400 as "invalid image" and take the finer codes for faults of the server.
_STATUS = {415: 400, 422: 400}


class Prediction(msgspec.Struct, frozen=True):
    """One object, in whole pixels of the upright picture."""

    confidence: float
    label: str
    x_min: int
    y_min: int
    x_max: int
    y_max: int


class DetectionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in a picture; the first five fields are DeepStack's, all of them CodeProject.AI's.

    `duration` is in seconds, the fields ending in `Ms` are whole milliseconds.
    """

    success: bool = True
    predictions: list[Prediction]
    duration: float
    message: str
    count: int
    command: str
    module_id: str = msgspec.field(name="moduleId", default=MODULE)
    execution_provider: str = msgspec.field(name="executionProvider")
    can_use_gpu: bool = msgspec.field(name="canUseGPU", default=False)
    inference_ms: int = msgspec.field(name="inferenceMs")
    process_ms: int = msgspec.field(name="processMs")
    analysis_round_trip_ms: int = msgspec.field(name="analysisRoundTripMs")


class ModelsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The names that `/v1/vision/custom/{name}` takes."""

    success: bool = True
    models: list[str]
    command: str = "list-custom"
    module_id: str = msgspec.field(name="moduleId", default=MODULE)


class UpdateAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether a newer version is to be had; this server never asks anybody."""

    success: bool = True
    update_available: bool = False
    message: str
    version: str


class ErrorAnswer(msgspec.Struct, frozen=True):
    """A refusal."""

    success: bool
    error: str
    duration: int


def detection_answer(picture: CheckedPicture, *, info: ModelInfo, command: str, elapsed_s: float) -> DetectionAnswer:
    """The answer for one checked picture."""
    predictions = [_prediction(one, picture, info=info) for one in picture.result.detections][:MAX_PREDICTIONS]
    timing = picture.result.timing
    labels = dict.fromkeys(prediction.label for prediction in predictions)
    return DetectionAnswer(
        predictions=predictions,
        duration=round(elapsed_s, 4),
        message=f"Found {', '.join(labels)}" if labels else "No objects found",
        count=len(predictions),
        command=command,
        execution_provider=info.runtime[0],
        inference_ms=round(timing.inference_ms),
        process_ms=round(timing.detector_ms),
        analysis_round_trip_ms=round(elapsed_s * 1000),
    )


def update_answer() -> UpdateAnswer:
    """The answer to whoever asks for news."""
    return UpdateAnswer(message=f"{MODULE} {version()} does not look for updates by itself", version=version())


def error_response(problem: Problem) -> web.Response:
    """A refusal in the words of the dialect."""
    answer = ErrorAnswer(success=False, error=problem.detail or problem.title, duration=0)
    return web.Response(
        status=_STATUS.get(problem.status, problem.status),
        body=msgspec.json.encode(answer),
        content_type="application/json",
        headers=problem.headers,
    )


def _prediction(detection: Detection, picture: CheckedPicture, *, info: ModelInfo) -> Prediction:
    height, width = picture.shape
    x1, y1, x2, y2 = (round(value) for value in detection.xyxy)
    return Prediction(
        confidence=round(detection.confidence, 4),
        label=info.labels[detection.class_id],
        x_min=min(max(x1, 0), width),
        y_min=min(max(y1, 0), height),
        x_max=min(max(x2, 0), width),
        y_max=min(max(y2, 0), height),
    )
