"""Tests of exporting alerts: the table, and a data set that training takes."""

import csv
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import pytest

from server.alerts.export import ExportedAlert, csv_rows, dataset_files, zip_chunks
from server.domain.alert import Alert, AlertState, SourceKind
from server.training.dataset_checks import check_dataset
from server.training.labelled_pictures import read_split
from tests.commands.running import run
from tests.scenes import draw_empty, draw_frame

CONFIRMED, DISMISSED = AlertState.CONFIRMED, AlertState.DISMISSED


def make_alert(number: int = 0, state: AlertState = CONFIRMED, **values: Any) -> Alert:
    """An alert of the drawn scene."""
    known: dict[str, Any] = {
        "id": f"{number:032x}", "state": state, "stream_id": "s", "source_name": "Gate 1", "source_kind": SourceKind.CAMERA,
        "label": "firearm", "confidence": 0.81234, "track_id": 7, "xyxy": (64, 48, 192, 96), "width_px": 640, "height_px": 480,
        "hits": 3, "frames": 5, "opened_at": 1_700_000_000 + number, "updated_at": 0, "expires_at": 0,
    }  # fmt: skip
    return Alert(**{**known, **values})


def exported(folder: Path, number: int, state: AlertState, **values: Any) -> ExportedAlert:
    """An alert with its snapshot: the table with the pistol, or a part of it where none lies."""
    shot = draw_frame(1.9 + number / 8) if state is CONFIRMED else draw_empty()
    picture = folder / f"{number}.jpg"
    folder.mkdir(exist_ok=True)
    cv2.imwrite(str(picture), shot.bgr + number)
    return ExportedAlert(make_alert(number, state, **({"xyxy": shot.boxes[0]} if shot.boxes else {}), **values), picture)


def table(content: bytes) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    return list(csv.DictReader(io.StringIO(content.decode())))


def unpack(alerts: Sequence[ExportedAlert], out: Path, *, labels: Sequence[str]) -> None:
    """Puts the data set into a folder, as whoever has downloaded it does."""
    content = b"".join(zip_chunks(dataset_files(alerts, labels=labels)))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(out)


def test_the_table_has_a_line_for_each_alert() -> None:
    """Times are UTC; what nobody has said is empty."""
    alerts = [
        make_alert(),
        make_alert(1, DISMISSED, decided_at=1_700_000_009.5, decided_by="Ann", reason="umbrella", note="a\nb"),
    ]
    first, second = table(b"".join(csv_rows(alerts)))
    assert (first["id"], first["confidence"], first["x2"], first["decided_at"]) == ("0" * 32, "0.8123", "192", "")
    assert (first["opened_at"], second["decided_at"]) == ("2023-11-14T22:13:20.000Z", "2023-11-14T22:13:29.500Z")
    assert (second["state"], second["decided_by"], second["reason"], second["note"]) == ("dismissed", "Ann", "umbrella", "a\nb")


@pytest.mark.parametrize("evil", ["=HYPERLINK(1)", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(evil: str, tmp_path: Path) -> None:
    """Whoever may write a note or name a camera runs nothing in a spreadsheet, in both tables."""
    (row,) = table(b"".join(csv_rows([make_alert(note=evil, source_name=evil)])))
    files = dict(dataset_files([exported(tmp_path, 0, DISMISSED, source_name=evil)]))
    (listed,) = table(files["manifest.csv"])
    for cell in (row["note"], row["source"], listed["source"]):
        assert cell.startswith("'")
        assert cell[1:].replace("\r", "\n") == evil.replace("\r", "\n")


def test_confirmed_alerts_are_objects_and_dismissed_ones_hard_negatives(tmp_path: Path) -> None:
    """Candidates and expired ones say nothing, and neither does one whose picture is gone."""
    alerts = [exported(tmp_path, 0, CONFIRMED), exported(tmp_path, 1, DISMISSED)]
    alerts += [exported(tmp_path, 2, AlertState.CANDIDATE), exported(tmp_path, 3, AlertState.EXPIRED)]
    alerts += [ExportedAlert(make_alert(4), tmp_path / "gone.jpg")]
    unpack(alerts, tmp_path / "set", labels=("firearm",))
    split = read_split(tmp_path / "set" / "data.yaml", split="train", manifest=tmp_path / "set" / "manifest.csv")
    assert [len(one.boxes) for one in split.pictures] == [1, 0]
    assert {one.source for one in split.pictures} == {"Gate 1"}
    width, height = 640, 480
    box = split.pictures[0].boxes[0] * (width, height, width, height)
    assert box.tolist() == pytest.approx(alerts[0].alert.xyxy, abs=0.01)
    assert [path.name for path in sorted((tmp_path / "set" / "labels" / "train").iterdir())] == [
        f"Gate-1-20231114T22132{number}-{number:032x}.txt" for number in range(2)
    ]


def test_names_of_files_are_safe(tmp_path: Path) -> None:
    """A camera's name leads nowhere else."""
    names = [name for name, _ in dataset_files([exported(tmp_path, 0, DISMISSED, source_name="../../etc/päss wd")])]
    assert names[0] == f"images/train/etc-p-ss-wd-20231114T221320-{0:032x}.jpg"


def test_classes_keep_the_ids_of_the_model(tmp_path: Path) -> None:
    """A label that the model does not have any more comes behind them; odd names stay what they are."""
    alerts = [exported(tmp_path, 0, CONFIRMED, label='a "b": c'), exported(tmp_path, 1, DISMISSED)]
    unpack(alerts, tmp_path / "set", labels=("person", "firearm"))
    split = read_split(tmp_path / "set" / "data.yaml", split="train")
    assert split.labels == ("person", "firearm", 'a "b": c')
    assert split.pictures[0].class_id.tolist() == [2]


def test_a_box_beyond_the_picture_ends_at_its_edge(tmp_path: Path) -> None:
    """As the data set's check wants it."""
    alert = make_alert(xyxy=(-20, 240, 64, 500))
    picture = exported(tmp_path, 0, DISMISSED).snapshot
    files = dict(dataset_files([ExportedAlert(alert, picture)]))
    (label,) = (content for name, content in files.items() if name.startswith("labels/"))
    assert label == b"0 0.050000 0.750000 0.100000 0.500000\n"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten verdicts of each kind."""
    folder = tmp_path_factory.mktemp("alerts")
    alerts = [exported(folder, number, CONFIRMED if number % 2 else DISMISSED) for number in range(20)]
    unpack(alerts, folder / "set", labels=("firearm",))
    return folder / "set" / "data.yaml"


def test_training_takes_the_data_set(dataset: Path) -> None:
    """Its check finds no error; the newest fifth is for validation."""
    checked = check_dataset(dataset, imgsz=640, threads=2, max_pixels=10_000_000)
    assert not [one for one in checked.report.findings if one.severity == "error"]
    assert {split: len(pictures) for split, pictures in checked.splits.items()} == {"train": 16, "val": 4}
    code, _, err = run("train", "--data", str(dataset), "--check-only", "--out", str(dataset.parent / "out"))
    assert code == 0, err


def test_a_zip_holds_the_same_files(tmp_path: Path) -> None:
    """In pieces, of which none holds two pictures."""
    alerts = [exported(tmp_path, number, CONFIRMED if number % 2 else DISMISSED) for number in range(4)]
    pieces = list(zip_chunks(dataset_files(alerts, labels=("firearm",))))
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == dict(dataset_files(alerts, labels=("firearm",)))
    largest = max(one.snapshot.stat().st_size for one in alerts)
    assert max(map(len, pieces)) < largest + 1000
