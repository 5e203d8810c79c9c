"""Composing: what composites show is labelled, what they must not show is not there."""

import json
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from server.domain.errors import InvalidRequest
from server.training.compose import KINDS, Composed, ComposeOrder, compose
from server.training.labelled_pictures import LabelledPicture, read_split
from tests.drawing import Image

SIDE = 320
RED, BLUE = (0, 0, 220), (220, 0, 0)


def draw(colour: tuple[int, int, int] | None, *, at: int, size: int, plain: bool = False) -> Image:
    """A disc of a colour on white, or on a pattern that nobody takes for a plain background."""
    ground: Image = np.full((SIDE, SIDE, 3), 255, np.uint8)
    if not plain:
        rng = np.random.default_rng(at)
        ground = np.asarray(cv2.resize(rng.integers(60, 200, (8, 8)).astype(np.uint8), (SIDE, SIDE)), np.uint8)
        ground = np.dstack([ground] * 3)
    if colour is not None:
        cv2.circle(ground, (at, SIDE // 2), size // 2, colour, -1)
    return ground


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve training pictures with a red disc, near and small and cut out easily, six without, one of them a blue thing."""
    folder = tmp_path_factory.mktemp("set")
    for kind in ("images", "labels"):
        (folder / kind / "train").mkdir(parents=True)
    for number in range(12):
        at, size, plain = 60 + 15 * number, 120 if number % 3 == 0 else 24, number % 3 == 0
        cv2.imwrite(str(folder / f"images/train/red{number:02}.png"), draw(RED, at=at, size=size, plain=plain))
        line = f"0 {at / SIDE:.6f} 0.5 {(size + 1) / SIDE:.6f} {(size + 1) / SIDE:.6f}\n"
        (folder / f"labels/train/red{number:02}.txt").write_text(line)
    for number in range(6):
        picture = draw(BLUE, at=160, size=140, plain=True) if number == 0 else draw(None, at=number, size=0)
        cv2.imwrite(str(folder / f"images/train/none{number}.png"), picture)
    path = folder / "data.yaml"
    path.write_text("path: .\ntrain: images/train\nval: images/train\nnames: [red]\n")
    return path


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results file of `sightline detect` that names a place in a picture without objects, and one in a picture with one."""
    box = {"x1": 100, "y1": 60, "x2": 160, "y2": 260}
    pictures = [{"file": f"{name}.png", "results": [{"box": box}]} for name in ("none1", "none2", "red01")]
    path = tmp_path_factory.mktemp("found") / "detections.json"
    path.write_text(json.dumps({"pictures": pictures}))
    return path


def order(data: Path, out: Path, *, found: Path | None = None, seed: int = 3, **counts: int) -> ComposeOrder:
    """So many composites of each kind."""
    return ComposeOrder(data=data, out=out, mined=found, people=found, counts=counts, longest_px=SIDE, seed=seed)


def composed_pictures(made: Composed) -> list[LabelledPicture]:
    """The composites alone, without the material."""
    return [
        one for one in read_split(made.data, split="train").pictures if one.path.parent.parent == made.data.parent.resolve()
    ]


def is_red(pixels: Image) -> Image:
    """Where a picture is redder than the colour of any lamp makes what is grey."""
    blue, green, red = (pixels[..., channel].astype(np.float32) for channel in range(3))
    return np.asarray((red > 1.8 * np.maximum(green, blue) + 12) * 255, np.uint8)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_composites_label_what_they_show(data: Path, found: Path, tmp_path: Path, kind: str) -> None:
    """Every box of a composite holds something of the object's colour, and hardly anything of it lies outside the boxes."""
    made = compose(order(data, tmp_path, found=found, **{kind: 12}), workers=2)
    assert made.counts[kind] >= 8
    pictures = composed_pictures(made)
    boxes = 0
    for one in pictures:
        pixels = np.asarray(cv2.imread(str(one.path)), np.uint8)
        height, width = pixels.shape[:2]
        seen = is_red(pixels)
        grey = float(np.ptp(pixels.astype(np.int16), axis=2).mean()) < 6  # a camera at night has no colour to look for
        for x1, y1, x2, y2 in (one.boxes * [width, height, width, height]).tolist():
            boxes += 1
            inside = seen[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))]
            assert grey or inside.any(), one.path
            seen[max(0, int(y1) - 4) : int(y2) + 5, max(0, int(x1) - 4) : int(x2) + 5] = 0
        assert grey or (seen > 0).mean() < 0.002, one.path
    if kind in ("emptied", "mined"):
        assert boxes == 0
    elif kind != "others":
        assert boxes >= 4


def test_the_same_order_gives_the_same_pictures(data: Path, found: Path, tmp_path: Path) -> None:
    """Whatever the number of threads; another seed gives others."""
    first, again, other = (
        compose(order(data, tmp_path / name, found=found, seed=seed, pasted=3, tiles=3), workers=workers)
        for name, seed, workers in (("first", 3, 1), ("again", 3, 3), ("other", 4, 2))
    )
    contents = [[one.path.read_bytes() for one in composed_pictures(made)] for made in (first, again, other)]
    assert contents[0] == contents[1] != contents[2]


def test_progress_comes_on_the_callers_thread(data: Path, tmp_path: Path) -> None:
    """Once a picture, those too that the material does not give: whoever shows it need not be safe for several threads."""
    on: list[int] = []
    compose(order(data, tmp_path, tiles=3, mined=2), workers=2, on_written=lambda: on.append(threading.get_ident()))
    assert on == [threading.get_ident()] * 5


def test_only_pictures_without_objects_are_mined(data: Path, found: Path, tmp_path: Path) -> None:
    """A detection in a picture that shows an object may be right, so none is taken from there."""
    made = compose(order(data, tmp_path, found=found, mined=10), workers=2)
    assert made.counts == {"mined": 10}
    assert not any(len(one.boxes) for one in composed_pictures(made))


def test_the_new_data_set_names_both(data: Path, tmp_path: Path) -> None:
    """Its training pictures are the material and the composites, the classes and the other splits the same."""
    made = compose(order(data, tmp_path, tiles=4), workers=1)
    train, material = read_split(made.data, split="train"), read_split(data, split="train")
    assert train.labels == material.labels
    assert len(train.pictures) == len(material.pictures) + 4
    assert len(read_split(made.data, split="val").pictures) == len(material.pictures)


def test_what_the_material_cannot_give_is_left_out(data: Path, tmp_path: Path) -> None:
    """Without results of a detector there is nothing to mine and nobody to hold anything."""
    made = compose(order(data, tmp_path, mined=2, held=2), workers=1)
    assert made.counts == {"mined": 0, "held": 0}


def test_cutouts_with_alpha_are_pasted_without_a_label(data: Path, tmp_path: Path) -> None:
    """They stand for what is confused with the objects."""
    folder = tmp_path / "cutouts"
    folder.mkdir()
    cv2.imwrite(
        str(folder / "thing.png"), np.dstack([np.full((40, 60, 3), (0, 220, 0), np.uint8), np.full((40, 60), 255, np.uint8)])
    )
    made = compose(
        ComposeOrder(data=data, out=tmp_path / "out", cutouts=folder, counts={"others": 10}, longest_px=SIDE, seed=1), workers=1
    )
    assert made.cutouts_of_others >= 2  # this one, and the blue disc that stands on a plain background
    pictures = [np.asarray(cv2.imread(str(one.path)), np.int16) for one in composed_pictures(made)]
    green = [((one[..., 1] - one[..., 0] > 60) & (one[..., 1] - one[..., 2] > 60)).any() for one in pictures]
    assert any(green)


@pytest.mark.parametrize(
    ("text", "message"),
    [("{}", "KeyError|pictures"), ("not json", "detect"), ('{"pictures": [{"file": "none1.png", "results": [{}]}]}', "box")],
)
def test_foreign_results_are_refused(data: Path, tmp_path: Path, text: str, message: str) -> None:
    """A file that `sightline detect` did not write says so."""
    file = tmp_path / "results.json"
    file.write_text(text)
    with pytest.raises(InvalidRequest, match=message):
        compose(order(data, tmp_path / "out", found=file, mined=1), workers=1)


def test_unknown_kinds_are_refused(data: Path, tmp_path: Path) -> None:
    """With the names of those that there are."""
    with pytest.raises(InvalidRequest, match="tiles"):
        compose(order(data, tmp_path, mosaics=1), workers=1)
