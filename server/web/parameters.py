"""Parameters: what a request asks for, in its query or its form fields."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from server.config.settings import Settings
from server.domain.detection import DetectOptions
from server.domain.errors import InvalidRequest
from server.domain.live import StreamOptions
from server.domain.model import ModelInfo
from server.inference.letterbox import InputSize
from server.web.negotiation import Format

Fraction = Annotated[float, Meta(ge=0, le=1)]
Fields = Mapping[str, Sequence[str]]

DEFAULT_NAME = "webcam"


class PictureParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What may be asked of one picture; what is left out is the model's or the settings' own."""

    conf: Fraction | None = None
    iou: Fraction | None = None
    imgsz: InputSize | None = None
    classes: list[str] | None = None
    format: Format | None = None

    def detect_options(self, info: ModelInfo) -> DetectOptions:
        """The options for the detector; InvalidRequest names a class that the model does not know."""
        return DetectOptions(
            confidence=info.confidence if self.conf is None else self.conf,
            iou=info.iou if self.iou is None else self.iou,
            classes=class_ids(self.classes, info=info),
            imgsz=self.imgsz,
        )


class DialectParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What a client of DeepStack or CodeProject.AI may ask of one picture."""

    min_confidence: Fraction | None = None

    def detect_options(self, info: ModelInfo) -> DetectOptions:
        """The options for the detector."""
        confidence = info.confidence if self.min_confidence is None else self.min_confidence
        return DetectOptions(confidence=confidence, iou=info.iou)


class VideoParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What may be asked of a video file; every `every`-th frame is detected, `name` is for a body without a form."""

    name: str = ""
    conf: Fraction | None = None
    classes: list[str] | None = None
    every: Annotated[int, Meta(ge=1, le=1000)] = 1


class LiveParameters(msgspec.Struct, frozen=True, kw_only=True, rename={"answer": "return"}):
    """What may be asked of a live stream when it is opened."""

    name: Annotated[str, Meta(max_length=80)] = ""
    conf: Fraction | None = None
    classes: list[str] | None = None
    mode: Literal["smooth", "exact"] | None = None
    answer: Literal["annotated"] | None = None

    @property
    def stream_name(self) -> str:
        """What the stream is called in lists; control characters are left out, as names stand in log lines."""
        return "".join(letter for letter in self.name if letter.isprintable()).strip() or DEFAULT_NAME

    def stream_options(self, info: ModelInfo, *, settings: Settings) -> StreamOptions:
        """The options that the stream starts with; InvalidRequest names a class that the model does not know."""
        return StreamOptions(
            confidence=info.confidence if self.conf is None else self.conf,
            classes=class_ids(self.classes, info=info),
            exact=(self.mode or settings.live.mode) == "exact",
        )


class WebsocketParameters(LiveParameters, frozen=True, kw_only=True):
    """What may be asked of a live stream over a WebSocket; without `annotate` no pictures are sent back.

    With `tell_id` the first message is the id of the stream.
    """

    annotate: bool = True
    tell_id: bool = False

    def stream_options(self, info: ModelInfo, *, settings: Settings) -> StreamOptions:
        """The options that the stream starts with; InvalidRequest names a class that the model does not know."""
        return replace(super().stream_options(info, settings=settings), annotate=self.annotate)


Parameters = TypeVar("Parameters", PictureParameters, DialectParameters, LiveParameters, WebsocketParameters, VideoParameters)


def read_parameters(kind: type[Parameters], fields: Fields) -> Parameters:
    """Reads the parameters that `kind` has and leaves the others alone; InvalidRequest says which one cannot be meant."""
    # A browser's form sends fields that were left empty.
    given: dict[str, object] = {name: values[-1] for name, values in fields.items() if values and values[-1].strip()}
    if "classes" in given:
        given["classes"] = [name.strip() for value in fields["classes"] for name in value.split(",") if name.strip()] or None
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as exc:
        reason, _, path = str(exc).partition(" - at `$.")
        raise InvalidRequest(f"parameter {path.rstrip('`')}: {reason}") from exc


def class_ids(classes: Sequence[str] | None, *, info: ModelInfo) -> frozenset[int] | None:
    """The ids of classes given by id or name, None for all; InvalidRequest names one that the model does not know."""
    if classes is None:
        return None
    try:
        return info.class_ids(list(classes))
    except KeyError as exc:
        raise InvalidRequest(f"parameter classes: the model knows no class {exc.args[0]!r}") from exc
