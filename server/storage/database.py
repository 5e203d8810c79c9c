"""The database: SQLite in a file, or another one by a URL. Everything here blocks: never on the event loop."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event, insert, select, update
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from server.domain.errors import RecordsUnavailable, SettingsError
from server.storage.schema import VERSION, metadata, schema_version

logger = logging.getLogger(__name__)

# How long a transaction waits for that of another process or thread: they take milliseconds.
BUSY_TIMEOUT_S = 5.0
# Half a dozen ask again every few seconds, and all of them would tell the same.
TELL_INTERVAL_S = 60.0

_PRAGMAS = (
    "PRAGMA synchronous = FULL",  # what was said to be done is done even when the power fails
    "PRAGMA foreign_keys = ON",
)


_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
# Errors of a statement, which the database has answered. A damaged file is a plain DatabaseError, a locked one Operational.
_OURS = (IntegrityError, DataError, ProgrammingError, NotSupportedError)


class Database:
    """Transactions on one database; any thread but the event loop's.

    On SQLite a writing transaction begins with `BEGIN IMMEDIATE`: one that reads first and writes then could otherwise find, in
    the middle, that another has written, and fail at once instead of waiting.

    When it does not answer one line says so, once a minute for the same reason: those who wait for it need not.
    """

    def __init__(self, engine: Engine, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._told: tuple[str, float] = ("", float("-inf"))
        self._reading = engine.execution_options(reading=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads; raises RecordsUnavailable when the database does not answer."""
        with self._available(), self._reading.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed when the block ends and undone when it raises; raises as `read` does."""
        with self._available(), self._engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

    @contextmanager
    def _available(self) -> Iterator[None]:
        try:
            yield
        except _OURS:
            raise
        except (DatabaseError, InterfaceError, PoolTimeoutError) as exc:
            cause = exc.orig if isinstance(exc, DBAPIError) else exc
            self._tell(cause)
            raise RecordsUnavailable(f"the records cannot be reached: {cause}") from exc

    def _tell(self, cause: BaseException | None) -> None:
        reason, now = str(cause), self._clock()
        if _is_damage(cause):  # it is found in many ways
            reason = "damaged"
        with self._lock:
            before, told_at = self._told
            if reason == before and now - told_at < TELL_INTERVAL_S:
                return
            self._told = (reason, now)
        logger.error("the records cannot be reached, what needs them waits: %s", cause)


def sqlite_url(file: Path) -> str:
    """The URL of a SQLite file."""
    return URL.create("sqlite", database=str(file)).render_as_string(hide_password=False)


def open_database(url: str) -> Database:
    """Opens it and makes its tables where they are missing.

    Raises SettingsError when it cannot be opened or is of a later Sightline.
    """
    try:
        address = make_url(url)
    except ArgumentError as exc:  # which may quote the password
        raise SettingsError("storage.url cannot be read: it has the form dialect://user:password@host/name") from exc
    try:
        database = Database(_engine(address))
        _prepare(database, name=address.render_as_string(hide_password=True))
    except ModuleNotFoundError as exc:
        raise SettingsError(f"storage.url: the driver {exc.name} is not installed") from exc
    except (SQLAlchemyError, RecordsUnavailable, OSError) as exc:
        raise SettingsError(f"the records in {address.render_as_string(hide_password=True)} cannot be opened: {exc}") from exc
    return database


def _engine(address: URL) -> Engine:
    # Errors would quote what was written, which the log of a failure would keep: passwords of cameras among it.
    if address.get_backend_name() != "sqlite":
        return sqlalchemy.create_engine(address, pool_pre_ping=True, hide_parameters=True)
    if address.database not in (None, "", ":memory:"):
        Path(str(address.database)).touch(mode=0o600)  # what people call their files is nobody else's business
    # Python begins no transaction by itself: it would begin it in the wrong way, and too late.
    arguments: dict[str, Any] = {"isolation_level": None}
    if "timeout" not in address.query:
        arguments["timeout"] = BUSY_TIMEOUT_S
    engine = sqlalchemy.create_engine(address, connect_args=arguments, hide_parameters=True)
    event.listen(engine, "first_connect", _write_ahead)
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _leave_damage)
    return engine


def _write_ahead(connection: sqlite3.Connection, _record: Any) -> None:
    """Readers and the one writer do not wait for each other: once, for the file keeps it.

    A later connection would write it into a file that is empty for the moment, because a copy is just being put back.
    """
    connection.execute("PRAGMA journal_mode = WAL")


def _set_up(connection: sqlite3.Connection, _record: Any) -> None:
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _leave_damage(context: ExceptionContext) -> None:
    """Closes the connection that has met damage, and has all others opened anew before they are used again.

    Each keeps the pages that it has read until somebody writes. Once all keep broken ones nobody can write any more, and a
    file that was put back would never be seen.
    """
    if _is_damage(context.original_exception):
        context.is_disconnect = True
        statement = context.execution_context
        if statement is not None and statement.cursor is not None:
            statement.cursor.close()  # the connection lives as long as a cursor of it does, and so does its lock


def _is_damage(cause: BaseException | None) -> bool:
    code = getattr(cause, "sqlite_errorcode", 0)
    return code & 0xFF in _DAMAGED or code == sqlite3.SQLITE_IOERR_SHORT_READ  # the log ends before its index does


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _prepare(database: Database, *, name: str) -> None:
    """Makes the tables, or finds out that they are those of this version."""
    with database.write() as connection:
        metadata.create_all(connection)
        found = connection.scalar(select(schema_version.c.version))
        if found is None:
            connection.execute(insert(schema_version).values(version=VERSION))
        elif found < VERSION:  # so far a later version has had more tables, and no table another form
            connection.execute(update(schema_version).values(version=VERSION))
        elif found > VERSION:
            reason = f"they are of version {found}, this Sightline knows up to {VERSION}"
            raise SettingsError(f"the records in {name} were written by a later Sightline: {reason}; start that one")
