"""Damage to the database of a running server, which is undone afterwards."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def damaged(file: Path) -> Iterator[None]:
    """The SQLite file holds random bytes inside the block, and afterwards what it held before; both are written over in place.

    The copy has all records: nobody writes from the moment the log beside it was empty until the damage is done.
    """
    with file.open("r+b", buffering=0) as opened:
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            _hold_with_empty_log(connection, Path(f"{file}-wal"))
            whole = opened.read()
            _write_over(opened.fileno(), os.urandom(len(whole)))
        try:
            yield
        finally:
            _write_over(opened.fileno(), whole)


def _hold_with_empty_log(connection: sqlite3.Connection, log: Path) -> None:
    """Brings the log into the file and keeps writers away; again, should one have come in between."""
    while True:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("BEGIN IMMEDIATE")
        if log.stat().st_size == 0:
            return
        connection.rollback()


def _write_over(descriptor: int, data: bytes) -> None:
    written = os.pwrite(descriptor, data, 0)
    assert written == len(data), written
