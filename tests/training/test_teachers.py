"""Teachers: what they say reaches the student as they mean it, when a training goes on, too, and is not kept with weights."""

import importlib.util
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from server.domain.errors import InvalidRequest, ModelError
from server.training.gpu_augment import GpuAugment, Strength
from server.training.gpu_pictures import GpuPictures
from server.training.teachers import Teachers, load_teachers, mirrored, soft_losses, taught_loss
from server.training.training_folder import TrainingFolder
from tests.server_process import REPOSITORY
from tests.training.planted import GOOD, write_set
from tests.training.test_average import write_weights

pytestmark = [
    pytest.mark.extra,
    pytest.mark.timeout(900),  # a slow machine that does other things, too
    pytest.mark.skipif(importlib.util.find_spec("ultralytics") is None, reason="the ultralytics extra is not installed"),
]

SIDE = 128
EPOCHS = 3
LIMIT_S = 600

# The command line, but that each look of a teacher leaves a byte in a file.
COUNTED = """
import sys
from server.cli import main
from server.training.teachers import Teachers
look = Teachers.look
def counted(self, pictures):
    with open({looks!r}, "ab") as file:
        file.write(b".")
    return look(self, pictures)
Teachers.look = counted
sys.exit(main(sys.argv[1:]))
"""


def make_outputs(*, seed: int, classes: int = 2) -> dict[str, Any]:
    """Random raw outputs for three pictures of 64 by 96 pixels, of two strides."""
    import torch  # noqa: PLC0415 - the extra

    chance = torch.Generator().manual_seed(seed)
    grids = ((8, 12), (4, 6))
    places = sum(rows * columns for rows, columns in grids)
    return {
        "boxes": torch.randn(3, 4 * 16, places, generator=chance) * 3,
        "scores": torch.randn(3, classes, places, generator=chance),
        "feats": [torch.zeros(3, 1, *grid) for grid in grids],
    }


def make_network(*, seed: int = 0, of: str = "yolov8n.yaml", classes: tuple[str, ...] = ("firearm",)) -> Any:
    """An untrained network with what a training needs, which is sure of something, or there were no boxes to learn."""
    import torch  # noqa: PLC0415 - the extra
    from ultralytics.cfg import get_cfg  # noqa: PLC0415 - the extra
    from ultralytics.nn.tasks import DetectionModel  # noqa: PLC0415 - the extra

    torch.manual_seed(seed)
    network = DetectionModel(of, nc=len(classes), verbose=False)
    network.names, network.args = dict(enumerate(classes)), get_cfg()
    for one in network.model[-1].cv3:
        torch.nn.init.zeros_(one[-1].bias)
    return network


def test_what_is_mirrored_twice_is_as_it_was() -> None:
    """And once it is not; the same place of another column has the box whose left is the right of the first."""
    import torch  # noqa: PLC0415 - the extra

    outputs = make_outputs(seed=1)
    once = mirrored(outputs)
    twice = mirrored(once)
    for name in ("boxes", "scores"):
        assert once[name].shape == outputs[name].shape
        assert not torch.equal(once[name], outputs[name])
        assert torch.equal(twice[name], outputs[name])
    # The second row's third column of twelve, and of the second stride the first row's last column of six.
    for place, opposite in ((12 + 2, 12 + 9), (96 + 5, 96 + 0)):
        left, top, right, bottom = outputs["boxes"][:, :, place].split(16, 1)
        assert torch.equal(once["boxes"][:, :, opposite], torch.cat([right, top, left, bottom], 1))
        assert torch.equal(once["scores"][:, :, opposite], outputs["scores"][:, :, place])


def measure(pictures: Any) -> tuple[None, dict[str, Any]]:
    """What a perfect network says of the white rectangle in black pictures: how far its sides are from each place."""
    import torch  # noqa: PLC0415 - the extra

    grids, boxes, scores = [], [], []
    for stride in (8, 16):
        rows, columns = pictures.shape[2] // stride, pictures.shape[3] // stride
        across, down = ((torch.arange(count) + 0.5) * stride for count in (columns, rows))
        y, x = torch.meshgrid(down, across, indexing="ij")
        white = [picture[0].nonzero() for picture in pictures]
        low, high = (torch.stack(corners) for corners in zip(*((at.amin(0), at.amax(0) + 1) for at in white), strict=True))
        (top, left), (bottom, right) = (one.T[:, :, None, None] for one in (low, high))
        sides = torch.stack([x - left, y - top, right - x, bottom - y], 1) / stride
        steps = torch.arange(16)[:, None, None]
        boxes.append(-((sides[:, :, None] - steps) ** 2).flatten(1, 2).flatten(2))
        scores.append(sides.amin(1, keepdim=True).flatten(2))
        grids.append(torch.zeros(len(pictures), 1, rows, columns))
    return None, {"boxes": torch.cat(boxes, -1), "scores": torch.cat(scores, -1), "feats": grids}


def test_what_is_said_of_the_mirrored_picture_is_what_is_said_of_the_picture() -> None:
    """By a network that measures, of rectangles that lie anywhere; so left and right are not confused, nor columns."""
    import torch  # noqa: PLC0415 - the extra

    pictures = torch.zeros(2, 3, 64, 96)
    pictures[0, :, 5:30, 8:20] = 1
    pictures[1, :, 20:60, 40:93] = 1
    plain, other = (Teachers([measure], mirrored=share).look(pictures) for share in (0.0, 1.0))
    assert not torch.equal(measure(pictures.flip(-1))[1]["boxes"], plain["boxes"])
    torch.testing.assert_close(other["boxes"], plain["boxes"])
    torch.testing.assert_close(other["scores"], plain["scores"])


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_each_teacher_is_asked_and_learns_nothing(share: float) -> None:
    """Of two that differ both have their turn; no gradient reaches a network."""
    import torch  # noqa: PLC0415 - the extra

    torch.manual_seed(1)
    picture = torch.zeros(1, 3, 64, 96)
    picture[:, :, 20:60, 40:80] = 1
    teachers = Teachers([measure, lambda pictures: measure(pictures.roll(8, 2))], mirrored=share)
    tops = {float(teachers.look(picture)["boxes"][0, 16:32].argmax()) for _ in range(12)}
    assert len(tops) == 2
    assert not Teachers([make_network().eval()], mirrored=share).look(picture)["boxes"].requires_grad


def test_the_soft_losses_are_least_where_the_student_agrees() -> None:
    """No box loss there and no slope of the others; each loss grows with what it is about, and leaves the others alone."""
    teacher = make_outputs(seed=1)
    student = {name: teacher[name].clone().requires_grad_() for name in ("boxes", "scores")}
    least = soft_losses(student, teacher)
    least[1:].sum().backward()  # the overlap has a kink at its best, not a level place
    assert all(float(one.grad.abs().max()) < 1e-6 for one in student.values())
    least = least.detach()
    assert abs(float(least[0])) < 1e-5
    for seed in range(2, 6):
        other = make_outputs(seed=seed)
        boxes = soft_losses({"boxes": other["boxes"], "scores": teacher["scores"]}, teacher) - least
        scores = soft_losses({"boxes": teacher["boxes"], "scores": other["scores"]}, teacher) - least
        assert float(boxes[0]) > 0.1
        assert float(boxes[2]) > 0.1
        assert float(scores[1]) > 0.1
        assert float(boxes[1]) == float(scores[0]) == float(scores[2]) == 0


def test_where_no_teacher_sees_anything_there_is_no_box_to_learn() -> None:
    """And no division by nothing: what is learned is that there is nothing."""
    import torch  # noqa: PLC0415 - the extra

    student, teacher = make_outputs(seed=1), make_outputs(seed=2)
    teacher["scores"] = torch.full_like(teacher["scores"], -20.0)
    box, classes, distribution = soft_losses(student, teacher).tolist()
    assert (box, distribution) == (0, 0)
    assert classes > 0


def test_the_loss_is_that_of_the_labels_and_of_the_teacher() -> None:
    """Whatever the size of the batch, by which Ultralytics multiplies; without clean pictures it is Ultralytics' own."""
    import torch  # noqa: PLC0415 - the extra

    student, teacher = make_network(seed=0), make_network(seed=1).eval()
    criterion = taught_loss(student, Teachers([teacher], mirrored=0.0))
    plain = student.init_criterion()
    for count in (1, 3):
        pictures = torch.rand(count, 3, SIDE, SIDE)
        boxes = {"cls": torch.zeros(1, 1), "bboxes": torch.tensor([[0.5, 0.5, 0.4, 0.4]]), "batch_idx": torch.zeros(1)}
        outputs = student(pictures)
        hard, shown = plain(outputs, boxes)
        both, shown_too = criterion(outputs, {**boxes, "clean": pictures})
        with torch.no_grad():
            soft = soft_losses(outputs, teacher(pictures)[1]) * torch.tensor([0.7 * 7.5, 0.5, 0.7 * 1.5])
        torch.testing.assert_close(both / count, 0.7 * hard / count + soft)
        torch.testing.assert_close(shown_too, shown)
        torch.testing.assert_close(criterion(outputs, boxes)[0], hard)


def test_a_teacher_sees_the_picture_before_it_was_made_worse() -> None:
    """Where it was not, both are the same; there is no such picture unless it is asked for."""
    import torch  # noqa: PLC0415 - the extra

    torch.manual_seed(1)
    pictures = GpuPictures(
        pixels=torch.randint(0, 255, (4, 3, 64, 64), dtype=torch.uint8),
        sizes=torch.full((4, 2), 64.0),
        boxes=torch.zeros(4, 1, 4),
        classes=torch.full((4, 1), -1.0),
    )
    for degrade in (0.0, 1.0):
        augment = GpuAugment(pictures, Strength(degrade=degrade))
        assert "clean" not in augment.batch(torch.arange(4), side=64, mosaic=True)
        made = augment.batch(torch.arange(66) % 4, side=64, mosaic=True, clean=True)
        assert made["clean"].shape == made["img"].shape
        apart = (made["clean"] - made["img"]).abs().amax((1, 2, 3))
        assert bool((apart > 0.01).all() if degrade else (apart == 0).all())


def test_a_teacher_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    """Other classes, another layout, one that is away, one that is none; a larger network of the same layout may teach."""
    student = make_network()
    larger = write_weights(tmp_path / "larger.pt", seed=1, of="yolov8s.yaml")
    assert load_teachers([larger], student=student, mirrored=0.5).look(student.model[0].conv.weight.new_zeros(1, 3, 64, 64))
    others = write_weights(tmp_path / "others.pt", seed=1, classes=("knife",))
    more = write_weights(tmp_path / "more.pt", seed=1, classes=("firearm", "knife"))
    strides = write_weights(tmp_path / "strides.pt", seed=1, of="yolov8n-p6.yaml")
    none = tmp_path / "none.pt"
    none.write_bytes(b"no weights")
    for file, error, why in (
        (others, InvalidRequest, "its classes are knife, not firearm"),
        (more, InvalidRequest, "its classes are firearm, knife, not firearm"),
        (strides, InvalidRequest, "not laid out like those"),
        (tmp_path / "away.pt", InvalidRequest, "there is no such file"),
        (none, ModelError, "cannot be read"),
    ):
        with pytest.raises(error, match=rf"{file.name}: .*{why}"):
            load_teachers([larger, file], student=student, mirrored=0.5)
    with pytest.raises(InvalidRequest, match="no head like YOLOv8's"):
        load_teachers([larger], student=make_network(of="yolov10n.yaml"), mirrored=0.5)


@dataclass(frozen=True)
class Taught:
    """What a killed and resumed training with a teacher left and said; looks of the teacher in either part."""

    folder: TrainingFolder
    teacher: Path
    refused: tuple[int, str]
    code: int
    err: str
    looks: tuple[int, int]


def start(*arguments: str, looks: Path) -> subprocess.Popen[str]:
    """Starts `sightline train`, whose teachers are counted."""
    return subprocess.Popen(
        [sys.executable, "-c", COUNTED.format(looks=str(looks)), "train", "--device", "cpu", *arguments],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    """Three epochs of two batches, killed when the first is safe, gone on with from there, at first without the teacher."""
    room = tmp_path_factory.mktemp("taught")
    data = write_set(room / "set", {**{f"train/{number}": GOOD for number in range(8)}, "val/0": GOOD})
    teacher, folder = write_weights(room / "teacher.pt", seed=1), TrainingFolder(room / "out")
    order = ("--data", str(data), "--base", "yolov8n.yaml", "--imgsz", "160", "--epochs", str(EPOCHS), "--batch", "4")
    wishes = ("--set", "cache=gpu", "--teachers", str(teacher), "--out", str(folder.path))
    looks, deadline = (room / "looks", room / "looks-again"), time.monotonic() + LIMIT_S
    with start(*order, *wishes, looks=looks[0]) as process:
        while not folder.checkpoint.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
    away = teacher.rename(room / "away.pt")
    with start("--resume", "--out", str(folder.path), looks=looks[1]) as process:
        _, err = process.communicate(timeout=LIMIT_S)
    refused = (process.returncode, err)
    away.rename(teacher)
    with start("--resume", "--out", str(folder.path), looks=looks[1]) as process:
        _, err = process.communicate(timeout=LIMIT_S)
    counts = [len(file.read_bytes()) if file.exists() else 0 for file in looks]
    return Taught(folder, teacher, refused, process.returncode, err, (counts[0], counts[1]))


def test_a_training_is_taught_and_goes_on_so(taught: Taught) -> None:
    """The teacher looks at each batch of the first process and of the second, which was not told of it."""
    assert taught.code == 0, taught.err
    assert f"epoch {EPOCHS} of {EPOCHS}  loss: box " in taught.err
    assert taught.looks[0] >= 2
    assert taught.looks[1] >= 2
    assert taught.looks[1] % 2 == 0
    assert taught.folder.read_teachers() == [taught.teacher.absolute()]


def test_no_teacher_is_kept_with_the_weights(taught: Taught) -> None:
    """The file is as large as that of the same network alone."""
    assert taught.code == 0, taught.err
    assert taught.folder.best.stat().st_size < 1.05 * taught.teacher.stat().st_size


def test_a_training_does_not_go_on_without_its_teacher(taught: Taught) -> None:
    """One line says which is away, and nothing is lost: the tests above are of what came of it afterwards."""
    assert taught.refused == (2, f"sightline: teacher {taught.teacher}: there is no such file\n")
