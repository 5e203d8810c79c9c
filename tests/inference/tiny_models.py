"""Tiny models in the real file formats: they give every picture the same answer, but are read, checked and run in full."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import openvino
from onnx import TensorProto, helper, numpy_helper

NAMES = ("firearm", "person")

Rows = list[tuple[float, float, float, float, float, int]]
"""x1, y1, x2, y2 in pixels of the input, confidence and class id."""

ROWS: Rows = [(32, 32, 96, 64, 0.9, 0), (100, 40, 140, 120, 0.6, 1)]


def raw_output(rows: Rows = ROWS, *, classes: int = len(NAMES), boxes: int = 21) -> npt.NDArray[np.float32]:
    """The output of a YOLOv8 head that says these rows, `(1, 4 + classes, boxes)`."""
    output = np.zeros((1, 4 + classes, boxes), np.float32)
    for number, (x1, y1, x2, y2, confidence, class_id) in enumerate(rows):
        output[0, :4, number] = (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
        output[0, 4 + class_id, number] = confidence
    return output


def end_to_end_output(rows: Rows = ROWS, *, boxes: int = 300) -> npt.NDArray[np.float32]:
    """The output of a model that was exported with NMS inside, `(1, boxes, 6)`."""
    output = np.zeros((1, boxes, 6), np.float32)
    output[0, : len(rows)] = rows
    return output


def make_onnx(
    path: Path,
    *,
    outputs: tuple[npt.NDArray[np.float32], ...] | None = None,
    size: tuple[int, int] | None = None,
    batch: int | None = 1,
    channels: int = 3,
    task: str | None = "detect",
    names: str | None = str(dict(enumerate(NAMES))),
    imgsz: str = "[320, 320]",
    half: bool = False,
) -> Path:
    """Writes an ONNX file as Ultralytics does; `size` is a fixed width and height, None makes them dynamic.

    `half` makes input, output and all between them 16-bit floats, as `half=True` does.
    """
    element, dtype = (TensorProto.FLOAT16, np.float16) if half else (TensorProto.FLOAT, np.float32)
    height_width = ["height", "width"] if size is None else [size[1], size[0]]
    images = helper.make_tensor_value_info("images", element, [batch or "batch", channels, *height_width])
    said = (raw_output(),) if outputs is None else outputs
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nothing"], ["zero"]),
        *(helper.make_node("Add", [f"said{n}", "zero"], [f"output{n}"]) for n in range(len(said))),
    ]
    constants = [numpy_helper.from_array(np.zeros((), dtype), "nothing")]
    constants += [numpy_helper.from_array(output.astype(dtype), f"said{n}") for n, output in enumerate(said)]
    results = [helper.make_tensor_value_info(f"output{n}", element, output.shape) for n, output in enumerate(said)]
    graph = helper.make_graph(nodes, "tiny", [images], results, initializer=constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    properties = {"task": task, "names": names, "imgsz": imgsz, "stride": "32"}
    helper.set_model_props(model, {key: value for key, value in properties.items() if value is not None})
    onnx.save(model, str(path))
    return path


def make_openvino(folder: Path, *, task: str = "detect", metadata: bool = True, labels: str | None = None) -> Path:
    """Writes an OpenVINO folder as Ultralytics does, with `metadata.yaml` or with `labels` in the model itself."""
    folder.mkdir(parents=True)
    model = openvino.Core().read_model(make_onnx(folder / "tiny.onnx", names=None, task=None))
    (folder / "tiny.onnx").unlink()
    if labels is not None:
        model.set_rt_info(labels, ["model_info", "labels"])
    openvino.save_model(model, folder / "tiny.xml", compress_to_fp16=True)
    if metadata:
        names = "".join(f"  {number}: {name}\n" for number, name in enumerate(NAMES))
        text = f"description: tiny\ntask: {task}\nbatch: 1\nimgsz:\n- 320\n- 320\nnames:\n{names}args:\n  half: true\n"
        (folder / "metadata.yaml").write_text(text)
    return folder
