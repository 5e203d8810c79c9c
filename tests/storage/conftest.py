"""Records in a database of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.storage.database import Database, open_database, sqlite_url
from server.storage.jobs import JobRecords


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A new SQLite file."""
    opened = open_database(sqlite_url(tmp_path / "records.db"))
    yield opened
    opened.close()


@pytest.fixture
def records(database: Database) -> JobRecords:
    """The jobs in it."""
    return JobRecords(database)
