"""Databases that earlier versions, and this one, have written: `version_N.sql` is what a server of version N has left."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from server.domain.alert import AlertState
from server.domain.delivery import DeliveryState
from server.domain.job import JobState
from server.storage.alerts import AlertRecords
from server.storage.cameras import CameraRecords
from server.storage.database import Database, open_database, sqlite_url
from server.storage.deliveries import DeliveryRecords
from server.storage.jobs import JobRecords
from server.storage.schema import VERSION, metadata, schema_version
from tests.builders import make_alert
from tests.storage.test_cameras import FULL, PLAIN

STORED = sorted(Path(__file__).parent.glob("version_*.sql"))

Stored = Callable[[int], Database]


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """Opens the database of a version with the present server."""

    def opened(version: int) -> Database:
        return open_database(sqlite_url(_written(tmp_path, Path(__file__).parent / f"version_{version}.sql")))

    return opened


def test_each_version_has_left_one() -> None:
    """Whoever raises VERSION stores what the server wrote that had the one before, and what the new one writes."""
    assert [int(re.findall(r"\d+", file.stem)[0]) for file in STORED] == list(range(1, VERSION + 1))


@pytest.mark.parametrize("file", STORED, ids=lambda file: file.stem)
def test_no_table_has_changed_without_a_migration(file: Path, tmp_path: Path) -> None:
    """Opened, it has the tables of a new one, column by column, and says that it is of this version."""
    old, new = open_database(sqlite_url(_written(tmp_path, file))), open_database(sqlite_url(tmp_path / "new.db"))
    with old.read() as connection:
        assert connection.scalars(select(schema_version.c.version)).all() == [VERSION]
    old.close()
    new.close()
    assert _columns(tmp_path / f"{file.stem}.db") == _columns(tmp_path / "new.db")
    assert set(_columns(tmp_path / "new.db")) == set(metadata.tables)


def test_what_version_1_has_written_is_taken_up(stored: Stored) -> None:
    """It opens with all that is in it, and has the tables that came later."""
    database = stored(1)
    assert [(job.id, job.name, job.state, job.classes) for job in JobRecords(database).all()] == [
        ("b2", "door.mp4", JobState.QUEUED, None),
        ("a1", "gate.mp4", JobState.DONE, ("firearm",)),
    ]
    AlertRecords(database).open(make_alert("a"), [])
    database.close()


def test_what_version_2_has_written_is_taken_up(stored: Stored) -> None:
    """Rows of each table are read as they were meant, and go on from where they were."""
    database = stored(2)
    jobs, alerts, deliveries = JobRecords(database), AlertRecords(database), DeliveryRecords(database)
    assert [(job.id, job.state, job.detections, job.every) for job in jobs.all()] == [
        ("b2", JobState.QUEUED, None, 5),
        ("a1", JobState.DONE, 3, 1),
    ]
    claimed = jobs.claim(owner="new", now=5000.0, lease_s=15.0)
    assert claimed is not None
    assert claimed.id == "b2"
    assert sorted(CameraRecords(database).all(), key=lambda camera: camera.id) == [PLAIN, FULL]
    assert [(one.id, one.state, one.decided_by, one.camera_id) for one in alerts.find()] == [
        ("b", AlertState.CANDIDATE, None, None),
        ("a", AlertState.DISMISSED, "Ana", FULL.id),
    ]
    assert deliveries.of_subject("a")[0].state is DeliveryState.SENT
    assert [delivery.id for delivery, _ in deliveries.due("hook", 5000.0, limit=4)] == ["d2"]
    database.close()


def _written(folder: Path, script: Path) -> Path:
    """The database file that a script makes."""
    file = folder / f"{script.stem}.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(script.read_text(encoding="utf-8"))
    return file


def _columns(file: Path) -> dict[str, list[tuple[object, ...]]]:
    """Name, type, whether it may be null, and place in the key, of each column of each table."""
    with closing(sqlite3.connect(file)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        tables = {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for name in names}
    return {name: [(row[1], row[2], row[3], row[5]) for row in rows] for name, rows in tables.items() if "sqlite_" not in name}
