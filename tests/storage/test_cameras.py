"""Tests of keeping cameras."""

import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from server.domain.camera import Camera, CameraRule, Credentials, Span
from server.domain.errors import Conflict, NotFound, RecordsUnavailable
from server.domain.region import Mask, Region, RegionKind
from server.storage.cameras import CameraRecords
from server.storage.database import open_database, sqlite_url

PLAIN = Camera(id="1" * 32, name="Door", url="rtsp://10.0.0.1/live", created_at=100.0)
FULL = Camera(
    id="2" * 32,
    name="Gate",
    url="rtsp://10.0.0.2/live",
    detect_url="rtsp://10.0.0.2/small",
    credentials=Credentials("viewer", "s3cretword"),
    confidence=0.5,
    classes=("firearm",),
    max_fps=10.0,
    mask=Mask((Region(RegionKind.WATCH, ((0.0, 0.0), (1.0, 0.0), (0.5, 1.0))),)),
    schedule=(Span(frozenset({0, 6}), 1080, 360),),
    rule=CameraRule(hits=2, cooldown_s=10.0),
    enabled=False,
    managed=True,
    snoozed_until=500.0,
    created_at=200.0,
)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[CameraRecords]:
    """Records of a database of their own."""
    database = open_database(sqlite_url(tmp_path / "records.db"))
    yield CameraRecords(database)
    database.close()


def test_gives_back_what_it_was_given(records: CameraRecords) -> None:
    """Every field, oldest first."""
    records.add(FULL)
    records.add(PLAIN)
    assert records.all() == [PLAIN, FULL]


def test_changes_and_removes(records: CameraRecords) -> None:
    """What is gone cannot be changed, and may be removed again."""
    records.add(PLAIN)
    records.change(replace(FULL, id=PLAIN.id))
    assert records.all() == [replace(FULL, id=PLAIN.id)]
    records.remove(PLAIN.id)
    records.remove(PLAIN.id)
    with pytest.raises(NotFound):
        records.change(PLAIN)


def test_names_are_there_once(records: CameraRecords) -> None:
    """For new ones and for changed ones."""
    records.add(PLAIN)
    with pytest.raises(Conflict, match="Door"):
        records.add(replace(FULL, name="Door"))
    records.add(FULL)
    with pytest.raises(Conflict, match="Door"):
        records.change(replace(FULL, name="Door"))


def test_a_failure_does_not_quote_what_was_to_be_kept(tmp_path: Path) -> None:
    """Its traceback, which goes into the log, has the statement without its values: there is a password among them."""
    database = open_database(sqlite_url(tmp_path / "records.db"))
    with closing(sqlite3.connect(tmp_path / "records.db")) as other:
        other.execute("DROP TABLE cameras")
    with pytest.raises(RecordsUnavailable) as failure:
        CameraRecords(database).add(FULL)
    database.close()
    told = "".join(traceback.format_exception(failure.value))
    assert "INSERT INTO cameras" in told
    assert "s3cretword" not in told
