"""Tests of reading a split: what data.yaml may name, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from server.domain.errors import InvalidRequest
from server.training.labelled_pictures import read_split


def make_set(folder: Path, *, data: str, labels: dict[str, str]) -> Path:
    """A data set with a picture file for each label; None stands for one without a label file."""
    for name, text in labels.items():
        for kind in ("images", "labels"):
            (folder / kind / "val").mkdir(parents=True, exist_ok=True)
        (folder / "images" / "val" / f"{name}.png").write_bytes(b"")
        if text != "no file":
            (folder / "labels" / "val" / f"{name}.txt").write_text(text)
    path = folder / "data.yaml"
    path.write_text(data)
    return path


DATA = "val: images/val\nnames:\n  0: firearm\n  1: person\n"


def test_boxes_are_read_as_corners(tmp_path: Path) -> None:
    """A line is class, centre and size; an outline becomes the box around it; no file and an empty one mean nothing."""
    labels = {"b": "1 0.5 0.5 0.2 0.4\n", "a": "0 0.1 0.2 0.3 0.2 0.2 0.6\n\n", "c": "", "d": "no file"}
    split = read_split(make_set(tmp_path, data=DATA, labels=labels), split="val")
    assert split.labels == ("firearm", "person")
    assert [one.name for one in split.pictures] == ["a.png", "b.png", "c.png", "d.png"]
    outline, box, *empty = split.pictures
    assert np.allclose(outline.boxes, [[0.1, 0.2, 0.3, 0.6]])
    assert np.allclose(box.boxes, [[0.4, 0.3, 0.6, 0.7]])
    assert box.class_id.tolist() == [1]
    assert [len(one.boxes) for one in empty] == [0, 0]


def test_a_split_may_be_a_list_and_a_text_file(tmp_path: Path) -> None:
    """Folders and files of paths, relative to `path`, in a list."""
    data = make_set(tmp_path / "set", data="", labels={"a": "", "b": ""})
    (tmp_path / "set" / "some.txt").write_text("./images/val/b.png\n\n")
    data.write_text("path: ../set\nval: [some.txt]\nnames: [firearm]\n")
    assert [one.name for one in read_split(data, split="val").pictures] == ["b.png"]


def test_the_manifest_names_sources(tmp_path: Path) -> None:
    """By file name, for the split that is read; what it does not name has an unknown source."""
    data = make_set(tmp_path, data=DATA, labels={"a": "", "b": ""})
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("split,file,source\ntrain,a.png,wrong\nval,a.png,hall\n")
    split = read_split(data, split="val", manifest=manifest)
    assert [one.source for one in split.pictures] == ["hall", "unknown"]


@pytest.mark.parametrize(
    ("data", "label", "named"),
    [
        ("val: images/val\nnames: {1: firearm}\n", "", "names"),
        ("val: elsewhere\nnames: [firearm]\n", "", "elsewhere"),
        ("train: images/val\nnames: [firearm]\n", "", "no split 'val'"),
        ("- a list\n", "", "not the description"),
        ("{", "", "cannot be read"),
        (DATA, "0 0.5 0.5 0.2\n", r"a\.txt, line 1: has 4 numbers"),
        (DATA, "0 0.5 0.5 0.2 0.2\n0 half 0.5 0.2 0.2\n", r"a\.txt, line 2: is not numbers"),
        (DATA, "0 0.5 0.5 nan 0.2\n", r"a\.txt, line 1: is not numbers"),
        (DATA, "inf 0.5 0.5 0.2 0.2\n", r"a\.txt, line 1: is not numbers"),
        (DATA, "\x00\x01\n", r"a\.txt, line 1: is not numbers"),
        (DATA, "2 0.5 0.5 0.2 0.2\n", r"a\.txt, line 1: class 2"),
    ],
)
def test_what_cannot_be_meant_is_refused(data: str, label: str, named: str, tmp_path: Path) -> None:
    """The message names the file and the line."""
    with pytest.raises(InvalidRequest, match=named):
        read_split(make_set(tmp_path, data=data, labels={"a": label}), split="val")


def test_a_manifest_without_its_columns_is_refused(tmp_path: Path) -> None:
    """It must say which file has which source."""
    data = make_set(tmp_path, data=DATA, labels={"a": ""})
    (tmp_path / "manifest.csv").write_text("name\na.png\n")
    with pytest.raises(InvalidRequest, match="columns file and source"):
        read_split(data, split="val", manifest=tmp_path / "manifest.csv")
