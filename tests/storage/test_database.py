"""The database: what it is set to, and what is refused."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import select, text

from server.domain.errors import RecordsUnavailable, SettingsError
from server.storage import database as module
from server.storage.database import Database, open_database, sqlite_url
from server.storage.jobs import JobRecords
from server.storage.schema import VERSION, schema_version
from tests.builders import make_job


def test_is_set_to_survive(database: Database) -> None:
    """Write-ahead log, full synchronisation, a time to wait for others."""
    with database.read() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == module.BUSY_TIMEOUT_S * 1000


def test_records_the_version_of_its_tables(database: Database, tmp_path: Path) -> None:
    """Once, however often it is opened: a later version has to know what it finds."""
    again = open_database(sqlite_url(tmp_path / "records.db"))
    with again.read() as connection:
        assert connection.scalars(select(schema_version.c.version)).all() == [VERSION]
    again.close()


def test_refuses_what_a_later_version_has_written(database: Database, tmp_path: Path) -> None:
    """It says so, instead of writing into tables that it does not know."""
    with database.write() as connection:
        connection.execute(schema_version.update().values(version=VERSION + 1))
    with pytest.raises(SettingsError, match=f"written by a later Sightline: they are of version {VERSION + 1}"):
        open_database(sqlite_url(tmp_path / "records.db"))


def test_belongs_to_its_user_alone(database: Database, tmp_path: Path) -> None:
    """The log beside it, too."""
    JobRecords(database).add(make_job())
    files = list(tmp_path.glob("records.db*"))
    assert len(files) > 1
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """With the place that was meant."""
    with pytest.raises(SettingsError, match="nowhere"):
        open_database(sqlite_url(tmp_path / "nowhere" / "records.db"))


@pytest.mark.fault("the database is damaged when the server starts")
def test_refuses_what_is_no_database(tmp_path: Path) -> None:
    """One line says which file it is, and that is left as it is: it may be mended."""
    file = tmp_path / "records.db"
    file.write_bytes(b"holiday picture" * 100)
    with pytest.raises(SettingsError, match=r"^the records in .*records\.db cannot be opened: .*$"):
        open_database(sqlite_url(file))
    assert file.read_bytes() == b"holiday picture" * 100


@pytest.mark.parametrize("url", ["nonsense", "postgresql+nodriver://user:secret@host/name"])
def test_a_url_that_cannot_be_used_keeps_its_password(url: str) -> None:
    """The refusal names the setting and no secret."""
    with pytest.raises(SettingsError) as refusal:
        open_database(url)
    assert "secret" not in str(refusal.value)


def test_a_writing_transaction_takes_its_place_at_once(database: Database, tmp_path: Path) -> None:
    """BEGIN IMMEDIATE: the second writer waits at its beginning, while readers go on."""
    other = sqlite3.connect(tmp_path / "records.db", timeout=0)
    with database.write(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    with database.read(), database.read():
        other.execute("BEGIN IMMEDIATE")
        other.rollback()
    other.close()


def test_a_locked_database_is_told_as_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with a time to come back, and the lock's end is the end of it."""
    monkeypatch.setattr(module, "BUSY_TIMEOUT_S", 0.05)
    opened = open_database(sqlite_url(tmp_path / "records.db"))
    records = JobRecords(opened)
    other = sqlite3.connect(tmp_path / "records.db")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(RecordsUnavailable, match="locked"):
        records.add(make_job())
    assert records.all() == []
    other.rollback()
    other.close()
    records.add(make_job())
    assert len(records.all()) == 1
    opened.close()


def test_a_transaction_that_raises_is_undone(database: Database) -> None:
    """Nothing of it stays."""
    records = JobRecords(database)

    def fail() -> None:
        with database.write() as connection:
            connection.execute(schema_version.update().values(version=9))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.read() as connection:
        assert connection.scalar(select(schema_version.c.version)) == VERSION
    assert records.all() == []
