"""OpenVINO runs every YOLO detector that Ultralytics exports, and refuses everything else with its reason."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

from server.domain.detection import DetectOptions
from server.domain.errors import InvalidRequest, ModelError
from server.domain.frame import PixelLayout
from server.domain.protocols import Detector
from server.inference import openvino
from server.inference.compute import Compute
from server.inference.loader import load_detector
from server.inference.processors import Processor
from tests.builders import make_frame
from tests.inference.tiny_models import ROWS, end_to_end_output, make_onnx, make_openvino, raw_output

ANY = DetectOptions(confidence=0.25, iou=0.7)


def seen(detector: Detector, *, width: int = 320, height: int = 320, options: DetectOptions = ANY) -> list[list[int]]:
    """The boxes that the detector finds in a grey picture, in whole pixels."""
    frame = make_frame(width=width, height=height, layout=PixelLayout.BGR)
    found = detector.create_request().detect(frame, options).detections
    return [[round(side) for side in one.xyxy] for one in found]


SAID = [list(row[:4]) for row in ROWS]


@pytest.mark.parametrize("size", [None, (320, 320)], ids=["dynamic", "static"])
@pytest.mark.parametrize("output", [raw_output(), end_to_end_output()], ids=["raw", "end-to-end"])
def test_an_onnx_file_is_run(tmp_path: Path, size: tuple[int, int] | None, output: np.ndarray) -> None:
    """Names come from the file, and the boxes are those of its head, dynamic or static."""
    detector = load_detector(make_onnx(tmp_path / "tiny.onnx", size=size, outputs=(output,)))

    assert detector.info.labels == ("firearm", "person")
    assert (detector.info.name, detector.info.imgsz, detector.info.confidence) == ("tiny", 320, 0.25)
    assert detector.info.runtime[0] == "openvino"
    assert seen(detector) == SAID


def test_a_dynamic_batch_is_taken_as_one_picture(tmp_path: Path) -> None:
    """Ultralytics' dynamic exports leave the number of pictures open too."""
    assert seen(load_detector(make_onnx(tmp_path / "tiny.onnx", batch=None))) == SAID


def test_a_model_of_half_floats_is_run(tmp_path: Path) -> None:
    """Pictures go in and boxes come out as with any other model."""
    assert seen(load_detector(make_onnx(tmp_path / "tiny.onnx", half=True))) == SAID


def test_frames_of_one_known_size_get_an_input_of_their_own(tmp_path: Path) -> None:
    """The boxes are those that an input of any size gives; a frame of another size is fitted in."""
    path = make_onnx(tmp_path / "tiny.onnx")
    of_any, of_one = load_detector(path), load_detector(path, compute=Compute(frame=(640, 360)))

    assert seen(of_one, width=640, height=360) == seen(of_any, width=640, height=360) != []
    assert of_one.info == of_any.info
    assert len(seen(of_one, width=320, height=320)) == len(SAID)
    with pytest.raises(InvalidRequest, match="imgsz"):
        seen(of_one, width=640, height=360, options=DetectOptions(confidence=0.25, iou=0.7, imgsz=640))


def test_a_very_large_default_size_is_brought_within_bounds(tmp_path: Path) -> None:
    """A model for 1920 pixels starts, at the largest size that is served."""
    assert load_detector(make_onnx(tmp_path / "tiny.onnx", imgsz="[1920, 1920]")).info.imgsz == 1280


def test_an_openvino_folder_is_run_with_the_names_beside_it(tmp_path: Path) -> None:
    """The folder that Ultralytics makes is served as it is, and so is the .xml in it."""
    folder = make_openvino(tmp_path / "best_openvino_model")

    by_folder, by_file = load_detector(folder), load_detector(folder / "tiny.xml")

    assert by_folder.info.labels == by_file.info.labels == ("firearm", "person")
    assert (by_folder.info.name, by_file.info.name) == ("best", "tiny")
    assert seen(by_folder) == seen(by_file) == SAID


def test_an_xml_without_its_yaml_takes_the_names_inside(tmp_path: Path) -> None:
    """A copied .xml and .bin still know their class names."""
    folder = make_openvino(tmp_path / "model", metadata=False, labels="firearm cell_phone")

    assert load_detector(folder).info.labels == ("firearm", "cell_phone")


def test_boxes_come_back_in_pixels_of_the_source(tmp_path: Path) -> None:
    """A picture twice as large has boxes twice as large, less the padding."""
    detector = load_detector(make_onnx(tmp_path / "tiny.onnx"))

    assert seen(detector, width=640, height=480) == [[64, 48, 192, 112], [200, 64, 280, 224]]
    assert seen(detector, width=640, height=360) == [[64, 52, 192, 116], [200, 68, 280, 228]]


def test_a_static_model_pads_every_picture_to_its_own_size(tmp_path: Path) -> None:
    """A wide picture lies in the middle of the square."""
    detector = load_detector(make_onnx(tmp_path / "tiny.onnx", size=(320, 320)))

    assert seen(detector, width=640, height=320) == [[64, 0, 192, 0], [200, 0, 280, 80]]


def test_the_input_size_can_be_asked_for(tmp_path: Path) -> None:
    """A larger input of the same picture: the same input pixels are half as far apart in the source."""
    detector = load_detector(make_onnx(tmp_path / "tiny.onnx"))

    larger = seen(detector, options=DetectOptions(confidence=0.25, iou=0.7, imgsz=640))

    assert larger == [[16, 16, 48, 32], [50, 20, 70, 60]]


@pytest.mark.parametrize("imgsz", [0, 16, 333, 1312])
def test_an_impossible_input_size_is_refused(tmp_path: Path, imgsz: int) -> None:
    """Nothing beyond the bound is compiled or run."""
    detector = load_detector(make_onnx(tmp_path / "tiny.onnx"))

    with pytest.raises(InvalidRequest, match="imgsz"):
        detector.create_request().detect(make_frame(), DetectOptions(confidence=0.25, iou=0.7, imgsz=imgsz or 8))


def test_a_static_model_refuses_another_input_size(tmp_path: Path) -> None:
    """It says for which size it was exported, at the start and for each picture."""
    path = make_onnx(tmp_path / "tiny.onnx", size=(320, 320))

    with pytest.raises(InvalidRequest, match="for 320 only"):
        seen(load_detector(path), options=DetectOptions(confidence=0.25, iou=0.7, imgsz=640))
    with pytest.raises(ModelError, match="exported for 320 only"):
        load_detector(path, imgsz=640)


def test_requests_do_not_share_their_memory(tmp_path: Path) -> None:
    """A frame of one worker is not seen by the other."""
    detector = load_detector(make_onnx(tmp_path / "tiny.onnx"))
    one, two = detector.create_request(), detector.create_request()

    first = one.detect(make_frame(width=640, height=480), ANY)
    two.detect(make_frame(width=64, height=48), ANY)
    again = one.detect(make_frame(width=640, height=480), ANY)

    assert np.array_equal(first.detections.xyxy, again.detections.xyxy)


def test_each_step_is_timed(tmp_path: Path) -> None:
    """All three steps take some time, and the wait is none."""
    timing = load_detector(make_onnx(tmp_path / "tiny.onnx")).create_request().detect(make_frame(), ANY).timing

    assert timing.queue_ms == 0
    assert min(timing.preprocess_ms, timing.inference_ms, timing.postprocess_ms) > 0


def test_the_precision_asked_for_is_taken(tmp_path: Path) -> None:
    """What is reported is what the processor computes in."""
    assert load_detector(make_onnx(tmp_path / "tiny.onnx"), compute=Compute("f32")).info.precision == "f32"


def test_int8_is_refused_where_there_is_none(tmp_path: Path) -> None:
    """The line says how it is made."""
    with pytest.raises(ModelError, match=r"tiny\.onnx: precision int8 was asked for, but .* --format int8"):
        load_detector(make_onnx(tmp_path / "tiny.onnx"), compute=Compute("int8"))


def test_what_is_asked_wins_over_what_the_file_says(tmp_path: Path) -> None:
    """Name, confidence, overlap and size can be set."""
    info = load_detector(make_onnx(tmp_path / "t.onnx"), name="mine", confidence=0.6, iou=0.5, imgsz=640).info

    assert (info.name, info.confidence, info.iou, info.imgsz) == ("mine", 0.6, 0.5, 640)


@pytest.mark.parametrize("task", ["segment", "pose", "classify", "obb"])
def test_a_model_for_another_task_is_refused(tmp_path: Path, task: str) -> None:
    """The task is named."""
    with pytest.raises(ModelError, match=f"for the task '{task}'; only detection models are served"):
        load_detector(make_onnx(tmp_path / "tiny.onnx", task=task))


def test_a_model_without_class_names_is_refused(tmp_path: Path) -> None:
    """A random ONNX file has none, and the message says what to do."""
    with pytest.raises(ModelError, match="no class names: export it with Ultralytics"):
        load_detector(make_onnx(tmp_path / "tiny.onnx", names=None, task=None))


def test_a_yolov5_model_is_refused(tmp_path: Path) -> None:
    """Its layout is recognised."""
    with pytest.raises(ModelError, match="YOLOv5"):
        load_detector(make_onnx(tmp_path / "tiny.onnx", outputs=(np.zeros((1, 25200, 7), np.float32),)))


def test_a_head_that_does_not_fit_its_names_is_refused(tmp_path: Path) -> None:
    """Two names and a head of eighty classes do not belong together."""
    with pytest.raises(ModelError, match="does not fit 2 classes"):
        load_detector(make_onnx(tmp_path / "tiny.onnx", outputs=(raw_output(classes=80),)))


def test_a_model_with_two_outputs_is_refused(tmp_path: Path) -> None:
    """A detector has one."""
    with pytest.raises(ModelError, match="2 outputs"):
        load_detector(make_onnx(tmp_path / "tiny.onnx", outputs=(raw_output(), raw_output())))


def test_a_model_for_grey_pictures_is_refused(tmp_path: Path) -> None:
    """Its input is not a colour picture."""
    with pytest.raises(ModelError, match="not one colour picture"):
        load_detector(make_onnx(tmp_path / "tiny.onnx", channels=1, size=(320, 320)))


def test_a_model_for_several_pictures_at_once_is_refused(tmp_path: Path) -> None:
    """A fixed batch is not one picture."""
    with pytest.raises(ModelError, match="not one colour picture"):
        load_detector(make_onnx(tmp_path / "tiny.onnx", batch=4, size=(320, 320)))


@pytest.mark.parametrize("content", [b"", b"hello", b"\x08\x08\x12\x07pytorch" + b"\xff" * 500])
def test_a_damaged_onnx_file_is_refused_in_one_line(tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    """The message names the file, and OpenVINO's frontends write nothing beside it."""
    path = tmp_path / "best.onnx"
    path.write_bytes(content)

    with pytest.raises(ModelError, match=r"best\.onnx: .*") as refusal:
        load_detector(path)

    assert "\n" not in str(refusal.value)
    assert capfd.readouterr() == ("", "")


def test_a_truncated_onnx_file_is_refused(tmp_path: Path) -> None:
    """A download that broke off is told apart."""
    path = make_onnx(tmp_path / "best.onnx")
    path.write_bytes(path.read_bytes()[:-200])

    with pytest.raises(ModelError, match=r"best\.onnx: "):
        load_detector(path)


def test_an_xml_without_its_bin_is_refused(tmp_path: Path) -> None:
    """The missing file is named."""
    folder = make_openvino(tmp_path / "model")
    (folder / "tiny.bin").unlink()

    with pytest.raises(ModelError, match=r"its \.bin file is missing"):
        load_detector(folder)


def test_a_damaged_xml_is_refused(tmp_path: Path) -> None:
    """Text that is no model is no model."""
    path = tmp_path / "best.xml"
    path.write_text("<net></net")

    with pytest.raises(ModelError, match=r"best\.xml: cannot be read"):
        load_detector(path)


def test_loading_reports_to_nobody(tmp_path: Path) -> None:
    """OpenVINO's telemetry is never imported and leaves nothing in the home folder."""
    code = "import sys, server.inference.openvino; sys.exit(any(m.startswith('openvino_telemetry.') for m in sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], env={"HOME": str(tmp_path), "PYTHONPATH": "."}, check=False, timeout=60)

    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_frames_that_are_asked_for_at_once_are_answered_as_one_alone(tmp_path: Path) -> None:
    """Two workers that meet in the engine give each frame its own boxes, in pictures of changing sizes."""
    detector = load_detector(make_onnx(tmp_path / "tiny.onnx"), compute=Compute(threads=2, at_once=2))
    together = Barrier(2)

    def work(sides: list[int]) -> list[list[list[int]]]:
        request = detector.create_request()
        together.wait(10)
        frames = [make_frame(width=side, height=side, layout=PixelLayout.BGR) for side in sides]
        found = [request.detect(frame, ANY).detections for frame in frames]
        return [[[round(side) for side in one.xyxy] for one in detections] for detections in found]

    twice_as_large = [[2 * side for side in box] for box in SAID]
    with ThreadPoolExecutor(2) as workers:
        small, changing = workers.map(work, ([320] * 40, [320, 640] * 20))
    assert small == [SAID] * 40
    assert changing == [SAID, twice_as_large] * 20


def test_slow_bf16_is_not_taken_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Intel's processors without AMX float32 is quicker; who asks for bf16 gets it where the processor has it."""
    monkeypatch.setattr(openvino, "processor", lambda: Processor("CPU", ("avx512_bf16",), "GenuineIntel"))
    path = make_onnx(tmp_path / "tiny.onnx")
    assert load_detector(path).info.precision == "f32"


def test_a_version_that_cannot_bound_its_memory_still_detects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The property is not a documented one: where OpenVINO knows it no more, that costs memory and a line in the log."""
    monkeypatch.setattr(openvino, "_KEPT_LAYERS", "NO_SUCH_PROPERTY")
    assert seen(load_detector(make_onnx(tmp_path / "tiny.onnx"))) == SAID
    assert "keeps every shape" in caplog.text


# Pictures of 32 shapes, one after the other; the memory of the process after twelve of them and after all, in MiB.
SHAPES_PROGRAM = """
import json
from pathlib import Path
import numpy as np
from server.domain.detection import DetectOptions
from server.domain.frame import Frame, PixelLayout
from server.inference.compute import Compute
from server.inference.loader import load_detector
from server.resources import delivered_model

def resident_mib():
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024

request = load_detector(delivered_model(), compute=Compute("f32")).create_request()
seen = []
for imgsz in (320, 352, 384, 416):
    for height in range(64, 320, 32):
        frame = Frame(np.full((height, imgsz, 3), 114, np.uint8), PixelLayout.BGR)
        request.detect(frame, DetectOptions(confidence=1.0, iou=0.7, imgsz=imgsz))
        seen.append(resident_mib())
print(json.dumps([seen[11], seen[-1]]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is read from /proc")
def test_pictures_of_many_shapes_do_not_pile_up_in_memory() -> None:
    """By default the engine keeps machine code for each shape of input that it ever met: these twenty add 100 MiB."""
    run = subprocess.run([sys.executable, "-c", SHAPES_PROGRAM], capture_output=True, text=True, check=True)
    some, all_of_them = json.loads(run.stdout)
    assert all_of_them - some < 30
