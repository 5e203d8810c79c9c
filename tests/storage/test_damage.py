"""A database file that is damaged while it is open, and put back."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from server.domain.errors import RecordsUnavailable
from server.storage.database import Database
from server.storage.jobs import JobRecords
from tests.builders import make_job

PAGE_BYTES = 4096


@pytest.fixture
def file(database: Database, tmp_path: Path) -> Path:
    """The file of the database, which has a job; two connections to it are open, and have yet to read it."""
    with database.read(), database.read():
        pass
    JobRecords(database).add(make_job())
    file = tmp_path / "records.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


def overwrite(file: Path, data: bytes, *, at: int = 0) -> None:
    """Writes it in place."""
    with file.open("r+b") as opened:
        opened.seek(at)
        opened.write(data)


@pytest.mark.parametrize("intact", [0, PAGE_BYTES], ids=["everything", "all but the first page"])
def test_a_file_that_is_put_back_is_seen(records: JobRecords, file: Path, intact: int) -> None:
    """Also once every connection has read the broken one, which none would read a second time."""
    whole = file.read_bytes()
    overwrite(file, os.urandom(len(whole) - intact), at=intact)
    for _ in range(4):
        with pytest.raises(RecordsUnavailable, match=r"not a database|malformed"):
            records.all()
    overwrite(file, whole)
    assert records.all() == [make_job()]
    records.add(make_job(id="1" * 32))


def test_whoever_meets_damage_lets_go_of_the_lock(records: JobRecords, file: Path) -> None:
    """At once, and not when a garbage collection comes by: who keeps the error keeps what was being written."""
    overwrite(file, os.urandom(file.stat().st_size - PAGE_BYTES), at=PAGE_BYTES)
    with pytest.raises(RecordsUnavailable, match="malformed") as kept:
        records.add(make_job(id="1" * 32))
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.rollback()
    assert kept.value.__cause__ is not None


def test_a_file_that_was_empty_for_a_moment(records: JobRecords, file: Path) -> None:
    """As one is while a copy is put over it: whoever opens it then writes nothing into it."""
    whole = file.read_bytes()
    overwrite(file, os.urandom(len(whole)))
    for _ in range(2):
        with pytest.raises(RecordsUnavailable):
            records.all()
    os.truncate(file, 0)
    with pytest.raises(RecordsUnavailable, match="no such table"):
        records.all()
    assert file.stat().st_size == 0
    overwrite(file, whole)
    assert records.all() == [make_job()]


def test_a_log_that_is_lost(records: JobRecords, file: Path) -> None:
    """What was in it is gone; whoever misses it does not do so for ever."""
    records.add(make_job(id="1" * 32))
    os.truncate(f"{file}-wal", 0)
    with pytest.raises(RecordsUnavailable, match="disk I/O error"):  # by another connection than has written it
        records.all()
    assert records.all() == [make_job()]
    records.add(make_job(id="2" * 32))
