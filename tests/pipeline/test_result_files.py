"""Results as JSON, CSV and COCO."""

import csv
import json
from pathlib import Path

import pytest

from server.media.picture_files import PictureFile
from server.pipeline.offline import CheckedFile
from server.pipeline.result_files import CSV_COLUMNS, ResultFormat, result_file
from tests.builders import make_detections, make_result
from tests.fakes import FAKE_MODEL

FOUND = make_result(make_detections([(10, 20, 30, 60), (1.26, 2, 3, 4)], confidence=[0.91234, 0.5], class_id=[0, 1]))
PICTURES = (
    CheckedFile(PictureFile(Path("/p/a, b.jpg"), "a, b.jpg"), (480, 640), FOUND),
    CheckedFile(PictureFile(Path("/p/bad.jpg"), "bad.jpg"), error="the picture is damaged"),
    CheckedFile(PictureFile(Path("/p/none.jpg"), "none.jpg"), (48, 64), make_result(make_detections([]))),
)


def _write(folder: Path, form: ResultFormat, *, complete: bool = True) -> str:
    with result_file(folder / "results", form=form, model=FAKE_MODEL) as results:
        for picture in PICTURES:
            results.add(picture)
        results.finish(complete=complete)
    return (folder / "results").read_text("utf-8")


def test_json_has_every_picture(tmp_path: Path) -> None:
    """Those with detections in the form of /predict, those without, and those that could not be checked."""
    document = json.loads(_write(tmp_path, "json"))
    found, bad, none = document["pictures"]
    assert document["model"]["name"] == "fake"
    assert document["complete"] is True
    assert found["shape"] == [480, 640]
    assert found["results"][0] == {
        "class": 0,
        "name": "firearm",
        "confidence": 0.9123,
        "box": {"x1": 10.0, "y1": 20.0, "x2": 30.0, "y2": 60.0},
    }
    assert bad == {"file": "bad.jpg", "error": "the picture is damaged"}
    assert none["results"] == []


def test_csv_has_one_line_a_detection(tmp_path: Path) -> None:
    """A name with a comma stays one field."""
    header, *lines = csv.reader(_write(tmp_path, "csv").splitlines())
    assert tuple(header) == CSV_COLUMNS
    assert lines[0] == ["a, b.jpg", "640", "480", "0", "firearm", "0.9123", "10.0", "20.0", "30.0", "60.0"]
    assert [line[4] for line in lines] == ["firearm", "person"]


def test_coco_counts_from_one(tmp_path: Path) -> None:
    """Images, annotations and categories refer to each other; boxes have a width and a height."""
    document = json.loads(_write(tmp_path, "coco"))
    first = document["annotations"][0]
    assert [image["file_name"] for image in document["images"]] == ["a, b.jpg", "none.jpg"]
    assert document["categories"] == [{"id": 1, "name": "firearm"}, {"id": 2, "name": "person"}]
    assert (first["image_id"], first["category_id"], first["bbox"], first["area"]) == (1, 1, [10, 20, 20, 40], 800)
    assert {one["id"] for one in document["annotations"]} == {1, 2}


def test_what_is_not_complete_says_so(tmp_path: Path) -> None:
    """Whoever reads it knows that pictures are missing."""
    assert json.loads(_write(tmp_path, "json", complete=False))["complete"] is False
    assert json.loads(_write(tmp_path, "coco", complete=False))["info"]["complete"] is False


@pytest.mark.parametrize("form", ["json", "csv", "coco"])
def test_a_file_that_is_not_finished_does_not_appear(tmp_path: Path, form: ResultFormat) -> None:
    """A failure leaves nothing half behind."""

    def fail() -> None:
        with result_file(tmp_path / "results", form=form, model=FAKE_MODEL) as results:
            results.add(PICTURES[0])
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert list(tmp_path.iterdir()) == []
