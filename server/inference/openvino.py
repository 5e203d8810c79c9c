"""OpenVINO: the default engine, and the only place that serves with it."""

# ruff: noqa: E402 - two lines must run before openvino is imported, see there

import logging
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

# `import openvino` alone reports each start to its makers, through this package where it is installed. A program that
# watches cameras sends nothing anywhere by itself; without the package OpenVINO takes an empty stub.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None is how Python marks what must not load

# For so many layers oneDNN keeps machine code, of all engines together: four shapes of input of YOLOv8n in two engines. Its own
# bound is 1,024. Who sets another one from outside knows better.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "512")

import openvino
from openvino.frontend import FrontEndManager, GeneralFailure
from openvino.preprocess import ColorFormat, PrePostProcessor

from server.domain.detection import DetectionResult, DetectOptions, Timing
from server.domain.errors import InvalidRequest, ModelError
from server.domain.frame import Frame, PixelLayout
from server.domain.model import ModelInfo
from server.inference.canvas import InputCanvas
from server.inference.compute import Compute
from server.inference.description import DETECT, Description, from_properties, from_yaml
from server.inference.head import Head
from server.inference.letterbox import STRIDE_PX, Letterbox
from server.inference.processors import available_processors, computes_bf16_quickly, processor
from server.inference.traffic import Traffic

logger = logging.getLogger(__name__)

MAX_SIDE_PX = 1280
"""Upper bound of the dynamic input; it bounds the memory that a request can make the engine take."""

KEPT_SHAPES = 2
"""How many shapes of input an engine's stream keeps ready, about 7 MiB each; one that comes back later costs 4 ms once (while
oneDNN has its code) or 40. By default OpenVINO keeps 5,000 layers: pictures of 31 shapes took 660 MiB and kept them."""

_DEFAULT_IMGSZ = 640
_DEFAULT_CONFIDENCE = 0.25
_KEPT_LAYERS = "CPU_RUNTIME_CACHE_CAPACITY"
"""OpenVINO's property for it, which its documentation leaves out."""
_LAYERS_WITH_CODE = frozenset({"Convolution", "GroupConvolution", "MatMul", "MaxPool"})


@dataclass(frozen=True, slots=True)
class Engines:
    """The model compiled for a frame alone and for several at once, which may be the same."""

    alone: openvino.CompiledModel
    together: openvino.CompiledModel


class OpenVinoDetector:
    """Compiled models that all infer requests share; take any size of input up to their bound, or their one fixed size."""

    def __init__(self, engines: Engines, *, info: ModelInfo, head: Head, fixed: tuple[int, int] | None) -> None:
        self._engines = engines
        self._traffic = Traffic()
        self._info = info
        self._head = head
        self._fixed = fixed

    @property
    def info(self) -> ModelInfo:
        """What is known of the model."""
        return self._info

    def create_request(self) -> "OpenVinoRequest":
        """Makes the state of one worker: an infer request and, at its first frame, the input's memory."""
        alone = self._engines.alone.create_infer_request()
        shared = self._engines.together is self._engines.alone
        together = alone if shared else self._engines.together.create_infer_request()
        requests = Requests(alone, together)
        return OpenVinoRequest(requests, self._traffic, imgsz=self._info.imgsz, head=self._head, fixed=self._fixed)


@dataclass(frozen=True, slots=True)
class Requests:
    """One worker's infer requests, of the engine for a frame alone and of that for several."""

    alone: openvino.InferRequest
    together: openvino.InferRequest


class OpenVinoRequest:
    """The infer requests and the input memory of one worker thread; `traffic` tells whether others are at work.

    `fixed` is the width and height of a model that was exported with a static shape.
    """

    def __init__(
        self,
        requests: Requests,
        traffic: Traffic,
        *,
        imgsz: int,
        head: Head,
        fixed: tuple[int, int] | None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._requests = requests
        self._traffic = traffic
        self._imgsz = imgsz
        self._head = head
        self._fixed = fixed
        self._clock = clock
        self._canvas: InputCanvas | None = None

    def detect(self, frame: Frame, options: DetectOptions) -> DetectionResult:
        """Returns what is in the frame; raises InvalidRequest for an input size that the model does not take."""
        started = self._clock()
        canvas = self._canvas_for(frame, options)
        canvas.paint(frame)
        painted = self._clock()
        with self._traffic.enter() as others:
            request = self._requests.together if others else self._requests.alone
            output = request.infer(share_outputs=True)[0]
        inferred = self._clock()
        detections = self._head.read(output, letterbox=canvas.letterbox, options=options)
        steps = (painted - started, inferred - painted, self._clock() - inferred)
        return DetectionResult(detections, Timing(0.0, *(seconds * 1e3 for seconds in steps)))

    def _canvas_for(self, frame: Frame, options: DetectOptions) -> InputCanvas:
        """The canvas for the frame's geometry: the last one again, or a new one bound to the infer request."""
        letterbox = self._fit(frame, options)
        canvas = self._canvas
        if canvas is None or canvas.letterbox != letterbox:
            canvas = self._canvas = InputCanvas(letterbox)
            for request in (self._requests.alone, self._requests.together):
                request.set_input_tensor(openvino.Tensor(canvas.pixels, shared_memory=True))
        return canvas

    def _fit(self, frame: Frame, options: DetectOptions) -> Letterbox:
        """How the frame lies in the input."""
        imgsz = options.imgsz or self._imgsz
        if self._fixed is not None:
            if options.imgsz not in (None, max(self._fixed)):
                raise InvalidRequest(f"imgsz: this model was exported for {max(self._fixed)} only")
            return Letterbox.into(width=frame.width, height=frame.height, canvas=self._fixed)
        if imgsz % STRIDE_PX or not STRIDE_PX <= imgsz <= MAX_SIDE_PX:
            raise InvalidRequest(f"imgsz: {imgsz} is not a multiple of {STRIDE_PX} up to {MAX_SIDE_PX}")
        return Letterbox.fit(width=frame.width, height=frame.height, imgsz=imgsz)


def load_openvino(weights: Path, *, asked: Description, iou: float, compute: Compute) -> OpenVinoDetector:
    """Compiles an `.onnx` or `.xml` file; `asked` wins over what the file says about itself.

    Raises ModelError when the file is damaged, is not a detector that YOLO's head fits, or has no class names.
    """
    core = openvino.Core()
    model = _read(weights)
    try:
        described = asked.over(_describe(model, weights))
        labels = _check_task(described)
        fixed = _prepare(model)
        head = Head.of(_dimensions(model.output(0).partial_shape), classes=len(labels))
        imgsz = _imgsz(asked, described, fixed=fixed)
        whole_numbers = _computes_int8(model, compute)
        if fixed is None and compute.frame is not None:
            fixed = _fix(model, compute.frame, imgsz=imgsz)
        engines = _compile(core, _with_conversion(model), compute)
    except ModelError as exc:
        raise ModelError(f"{weights}: {exc}") from exc
    except RuntimeError as exc:
        raise ModelError(f"{weights}: OpenVINO cannot run this model: {_last_line(exc)}") from exc
    confidence = _DEFAULT_CONFIDENCE if described.confidence is None else described.confidence
    info = ModelInfo(
        name=described.name or weights.stem,
        labels=labels,
        confidence=confidence,
        iou=iou,
        imgsz=imgsz,
        precision="int8" if whole_numbers else engines.alone.get_property("INFERENCE_PRECISION_HINT").to_string(),
        runtime=("openvino", openvino.get_version().split("-")[0]),
    )
    detector = OpenVinoDetector(engines, info=info, head=head, fixed=fixed)
    _try_out(detector, weights)
    return detector


def _read(weights: Path) -> openvino.Model:
    """Reads the file with the one frontend that its name asks for; OpenVINO's own search writes noise about all others."""
    frontend = FrontEndManager().load_by_framework("onnx" if weights.suffix.lower() == ".onnx" else "ir")
    try:
        # Mapped, the weights would still be read from the file later: who copies another one over it would end the server.
        return frontend.convert(frontend.load(str(weights), enable_mmap=False))
    except (RuntimeError, GeneralFailure) as exc:
        reason = "it is damaged, or not an ONNX file"
        if weights.suffix.lower() == ".xml":
            reason = "it or its .bin is damaged or missing" if "weights" not in str(exc) else "its .bin file is missing"
        raise ModelError(f"{weights}: cannot be read: {reason}") from exc


def _describe(model: openvino.Model, weights: Path) -> Description:
    """What the file says about itself: ONNX properties, the metadata.yaml beside an .xml, else its rt_info."""
    yaml = weights.with_name("metadata.yaml")
    if model.has_rt_info(["framework", "names"]):
        return from_properties(model.get_rt_info(["framework"]).value)
    if weights.suffix.lower() == ".xml" and yaml.is_file():
        try:
            return from_yaml(yaml.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as exc:
            raise ModelError(f"its metadata.yaml cannot be read: {exc}") from exc
    if model.has_rt_info(["model_info", "labels"]):
        labels = model.get_rt_info(["model_info", "labels"]).astype(str)
        return Description(labels=tuple(labels.split()))
    return Description()


def _check_task(described: Description) -> tuple[str, ...]:
    """The class names, once it is sure that the model detects."""
    if described.task not in (None, DETECT):
        raise ModelError(f"it is a model for the task {described.task!r}; only detection models are served")
    if not described.labels:
        raise ModelError("it has no class names: export it with Ultralytics, or put it into a folder with a model.toml")
    return described.labels


def _prepare(model: openvino.Model) -> tuple[int, int] | None:
    """Bounds the input's dynamic sides; returns width and height where they are fixed, else None."""
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelError(f"it has {len(model.inputs)} inputs and {len(model.outputs)} outputs; a YOLO detector has one of each")
    shape = _dimensions(model.input(0).partial_shape)
    if len(shape) != 4 or shape[1] != 3 or shape[0] not in (1, None):
        raise ModelError(f"its input {shape} is not one colour picture, (1, 3, height, width)")
    if None not in shape[2:]:
        model.reshape([1, *shape[1:]])
        return shape[3], shape[2]
    side = openvino.Dimension(STRIDE_PX, MAX_SIDE_PX)
    model.reshape([1, 3, side, side])
    return None


def _fix(model: openvino.Model, frame: tuple[int, int], *, imgsz: int) -> tuple[int, int]:
    """Fixes the input to that of frames of one width and height; returns its own."""
    letterbox = Letterbox.fit(width=frame[0], height=frame[1], imgsz=imgsz)
    model.reshape([1, 3, letterbox.height, letterbox.width])
    return letterbox.width, letterbox.height


def _computes_int8(model: openvino.Model, compute: Compute) -> bool:
    """Whether it computes in 8-bit integers, as far as it can; ModelError where that was asked for and it does not."""
    quantized = any(operation.get_type_name() == "FakeQuantize" for operation in model.get_ops())
    if compute.precision == "int8" and not quantized:
        raise ModelError("precision int8 was asked for, but it has no INT8 form: sightline export --format int8 makes one")
    return quantized


def _dimensions(shape: openvino.PartialShape) -> tuple[Any, ...]:
    """The sides as numbers, None for those that vary."""
    if shape.rank.is_dynamic:
        return ()
    return tuple(side.get_length() if side.is_static else None for side in shape)


def _imgsz(asked: Description, described: Description, *, fixed: tuple[int, int] | None) -> int:
    """The longest side of the input; what was asked must fit a fixed one."""
    if fixed is None:
        return min(described.imgsz or _DEFAULT_IMGSZ, MAX_SIDE_PX) // STRIDE_PX * STRIDE_PX
    if asked.imgsz not in (None, max(fixed)):
        raise ModelError(f"imgsz {asked.imgsz} was asked for, but it was exported for {max(fixed)} only")
    return max(fixed)


def _with_conversion(model: openvino.Model) -> openvino.Model:
    """Puts the way from `(1, h, w, 3) uint8` BGR to the RGB fractions that the model was trained with into the graph."""
    steps = PrePostProcessor(model)
    tensor = steps.input().tensor()
    tensor.set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC")).set_color_format(ColorFormat.BGR)
    steps.input().model().set_layout(openvino.Layout("NCHW"))
    steps.input().preprocess().convert_element_type(openvino.Type.f32).convert_color(ColorFormat.RGB).scale(255.0)
    steps.output().tensor().set_element_type(openvino.Type.f32)
    return steps.build()


def _compile(core: openvino.Core, model: openvino.Model, compute: Compute) -> Engines:
    """Compiles the model for a frame alone, and beside it for several at once where there are threads to share (16 MB more)."""
    streams = min(compute.at_once, compute.threads or available_processors())
    if streams <= compute.streams:
        alone = _compile_one(core, model, compute)
        return Engines(alone, alone)
    with ThreadPoolExecutor(1, thread_name_prefix="compile") as beside:
        together = beside.submit(_compile_one, core, model.clone(), replace(compute, streams=streams))
        return Engines(_compile_one(core, model, compute), together.result())


def _compile_one(core: openvino.Core, model: openvino.Model, compute: Compute) -> openvino.CompiledModel:
    """Compiles the model for frames as `compute` says, with few shapes of input kept."""
    settings = _settings(core, compute)
    try:
        return core.compile_model(model, "CPU", settings | {_KEPT_LAYERS: KEPT_SHAPES * _layers_with_code(model)})
    except RuntimeError as exc:
        if _KEPT_LAYERS not in str(exc):
            raise
    logger.warning("this version of OpenVINO keeps every shape of input: memory grows with the shapes of pictures")
    return core.compile_model(model, "CPU", settings)


def _layers_with_code(model: openvino.Model) -> int:
    """About how many entries of OpenVINO's cache one shape of input takes; layers that are alike share one."""
    return sum(operation.get_type_name() in _LAYERS_WITH_CODE for operation in model.get_ops())


def _settings(core: openvino.Core, compute: Compute) -> dict[str, Any]:
    """Settings for the shortest time of one frame: one stream of all threads, which requests take in turns; or for more.

    Threads are not pinned, because encoders and decoders of the same process need the same processors.
    """
    settings: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY" if compute.streams == 1 else "THROUGHPUT",
        "NUM_STREAMS": compute.streams,
        "ENABLE_CPU_PINNING": False,
        "INFERENCE_NUM_THREADS": compute.threads or available_processors(),
    }
    if compute.precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise ModelError("precision bf16 was asked for, but this processor has none; use auto or f32")
    if compute.precision in ("f32", "bf16"):
        settings["INFERENCE_PRECISION_HINT"] = compute.precision
    elif not computes_bf16_quickly(processor()):
        settings["INFERENCE_PRECISION_HINT"] = "f32"  # by itself OpenVINO takes bf16 wherever there is any
    return settings


def _try_out(detector: OpenVinoDetector, weights: Path) -> None:
    """Detects in a grey picture: a model that cannot run says so at the start, and the first frame finds it warm."""
    side = detector.info.imgsz
    frame = Frame(np.full((side * 3 // 4, side, 3), 114, np.uint8), PixelLayout.BGR)
    try:
        detector.create_request().detect(frame, DetectOptions(confidence=1.0, iou=detector.info.iou))
    except RuntimeError as exc:
        raise ModelError(f"{weights}: OpenVINO cannot run this model: {_last_line(exc)}") from exc


def _last_line(error: Exception) -> str:
    """The line of OpenVINO's many that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
