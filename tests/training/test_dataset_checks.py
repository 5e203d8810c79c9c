"""Dataset checks find what is planted, and nothing else."""

from pathlib import Path

import cv2
import msgspec
import pytest

from server.domain.errors import InvalidRequest
from server.training import label_checks
from server.training.dataset_checks import NEAR_DUPLICATE, TINY, UNREADABLE, CheckedDataset, check_dataset, count_pictures
from server.training.dataset_report import ERROR, WARNING, DatasetReport, encode_report, report_text
from tests.training.planted import GOOD, make_picture, write_set

SOUND: dict[str, str | None] = {"train/a": GOOD, "train/b": "", "val/c": GOOD}


def check(data: Path, *, imgsz: int = 320) -> CheckedDataset:
    """Checks with two threads."""
    return check_dataset(data, imgsz=imgsz, threads=2, max_pixels=10_000_000)


def found(checked: CheckedDataset) -> dict[str, tuple[str, int]]:
    """Severity and count by kind, without the words on small numbers, which are true of every tiny set."""
    return {one.what: (one.severity, one.count) for one in checked.report.findings if "fewer than" not in one.what}


def test_a_sound_set_is_described(tmp_path: Path) -> None:
    """Counts, classes and sizes at the input, which is 320 px wide for a picture of 96: one of 43 px has 144."""
    data = write_set(tmp_path, {**SOUND, "train/a": "1 0.5 0.5 0.45 0.1\n0 0.5 0.5 0.1 0.1\n"}, names="[firearm, knife]")
    asked = []
    checked = check_dataset(data, imgsz=320, threads=1, max_pixels=10_000_000, on_checked=lambda: asked.append(1))
    facts = checked.report.splits["train"]
    assert (facts.pictures, facts.without_objects, facts.objects) == (2, 1, 2)
    assert facts.by_class == {"firearm": 1, "knife": 1}
    assert facts.sizes_px["32 to 64"] == facts.sizes_px["128 to 256"] == 1
    assert found(checked) == {}
    assert checked.labels == ("firearm", "knife")
    assert len(asked) == count_pictures(data) == 3


@pytest.mark.parametrize(
    ("label", "kind", "severity"),
    [
        ("0 0.5 0.5 0.4\n", label_checks.MALFORMED, ERROR),
        ("0 half 0.5 0.4 0.4\n", label_checks.MALFORMED, ERROR),
        ("0.5 0.5 0.5 0.4 0.4\n", label_checks.MALFORMED, ERROR),
        ("1 0.5 0.5 0.4 0.4\n", label_checks.UNKNOWN_CLASS, ERROR),
        ("-1 0.5 0.5 0.4 0.4\n", label_checks.UNKNOWN_CLASS, ERROR),
        ("0 48 32 20 20\n", label_checks.OUTSIDE, ERROR),
        ("0 0.5 1.3 0.2 0.2\n", label_checks.OUTSIDE, ERROR),
        ("0 0.5 0.5 0 0.4\n", label_checks.EMPTY, ERROR),
        ("0 0.9 0.5 0.4 0.4\n", label_checks.OVERHANGING, WARNING),
        (GOOD + GOOD, label_checks.REPEATED, WARNING),
        (None, label_checks.NO_FILE, WARNING),
        ("0 0.5 0.5 0.01 0.01\n", TINY, WARNING),
    ],
)
def test_each_fault_of_a_label_is_found(label: str | None, kind: str, severity: str, tmp_path: Path) -> None:
    """Once, with its file, and beside it the good boxes still count."""
    checked = check(write_set(tmp_path, {**SOUND, "train/bad": label}))
    assert found(checked) == {kind: (severity, 1)}
    (finding,) = [one for one in checked.report.findings if one.what == kind]
    assert "bad" in finding.examples[0]
    assert finding.split == "train"
    assert len(checked.report.errors) == (severity == ERROR)


def test_boxes_that_end_at_the_edge_are_sound(tmp_path: Path) -> None:
    """Rounding is no fault."""
    assert found(check(write_set(tmp_path, {**SOUND, "train/d": "0 0.9 0.5 0.2004 1.0\n"}))) == {}


def test_pictures_that_cannot_be_read_are_found_and_left_out(tmp_path: Path) -> None:
    """Damaged ones and ones that a list names in vain."""
    data = write_set(tmp_path, {**SOUND, "train/damaged": GOOD})
    (tmp_path / "images" / "train" / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "list.txt").write_text("images/train/a.png\nimages/train/damaged.png\nimages/train/gone.png\n")
    (tmp_path / "labels" / "train" / "gone.txt").write_text("")
    data.write_text("train: list.txt\nval: images/val\nnames: [firearm]\n")
    checked = check(data)
    assert found(checked) == {UNREADABLE: (ERROR, 2)}
    assert [path.name for path in checked.splits["train"]] == ["a.png"]


def test_pictures_of_both_splits_are_found(tmp_path: Path) -> None:
    """Recoded, a little brighter and mirrored; others are not taken for them."""
    data = write_set(tmp_path, {**SOUND, "train/e": GOOD, "val/f": GOOD, "val/g": GOOD})
    images = tmp_path / "images"
    cv2.imwrite(str(images / "val" / "f.png"), cv2.convertScaleAbs(make_picture(3, (120, 80)), alpha=0.9, beta=8))
    cv2.imwrite(str(images / "val" / "g.png"), make_picture(0)[:, ::-1])
    checked = check(data)
    assert found(checked) == {NEAR_DUPLICATE: (WARNING, 2)}
    (finding,) = [one for one in checked.report.findings if one.what == NEAR_DUPLICATE]
    assert [[Path(name).stem for name in example.split(" is much like ")] for example in finding.examples] == [
        ["f", "e"],
        ["g", "a"],
    ]


def test_a_split_without_an_object_is_an_error(tmp_path: Path) -> None:
    """Nobody means that: the labels lie elsewhere."""
    checked = check(write_set(tmp_path, {"train/a": None, "val/b": GOOD}))
    assert found(checked)["split without an object"] == (ERROR, 1)


def test_rare_classes_are_named(tmp_path: Path) -> None:
    """Each split by its own measure."""
    report = check(write_set(tmp_path, SOUND)).report
    assert [(one.split, one.examples) for one in report.findings] == [("train", ["firearm: 1"]), ("val", ["firearm: 1"])]


@pytest.mark.parametrize(("text", "named"), [("names: [a]\ntrain: images/train\n", "'val'"), ("train: no\n", "names")])
def test_a_description_that_cannot_be_used_is_refused(text: str, named: str, tmp_path: Path) -> None:
    """Without it there is nothing to look at."""
    data = write_set(tmp_path, SOUND)
    data.write_text(text)
    with pytest.raises(InvalidRequest, match=named):
        check(data)


def test_the_report_is_text_and_json(tmp_path: Path) -> None:
    """Errors stand first and long lists are cut; the JSON is the whole report."""
    labels = {f"train/x{number}": None for number in range(7)}
    report = check(write_set(tmp_path, {**SOUND, **labels, "val/bad": "7 0.5 0.5 0.4 0.4\n"})).report
    text = report_text(report)
    assert msgspec.json.decode(encode_report(report), type=DatasetReport) == report
    assert text.index("error: 1 x class without a name (val)") < text.index("warning: 7 x picture without a label file (train)")
    assert "and 2 more" in text
    assert "9               2" in text
