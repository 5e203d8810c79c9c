"""Log lines as text or JSON, with the ids of what is being worked on."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_ids: ContextVar[dict[str, str] | None] = ContextVar("sightline_log_ids", default=None)


@contextmanager
def log_context(**ids: str) -> Iterator[None]:
    """Adds ids, such as `request_id` or `session`, to every line that this task logs inside the block."""
    token = _ids.set({**(_ids.get() or {}), **ids})
    try:
        yield
    finally:
        _ids.reset(token)


def configure_logging(*, level: str, json_lines: bool) -> None:
    """Sends the log to standard error; called once, by the command line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if json_lines else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # These log every packet or every candidate pair at the levels that we use ourselves.
    for noisy in ("aioice", "aiortc", "libav", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING if level != "debug" else logging.INFO)


class TextFormatter(logging.Formatter):
    """One line for a person: time, level, message, ids."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line; a traceback follows on lines of its own."""
        ids = "".join(f" {name}={value}" for name, value in (_ids.get() or {}).items())
        line = f"{_time(record):%H:%M:%S} {record.levelname.lower():<7} {_one_line(record.getMessage())}{ids}"
        return line + (f"\n{self.formatException(record.exc_info)}" if record.exc_info else "")


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for log collectors."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the object with time (UTC), level, logger, message, ids and, after a failure, the traceback."""
        entry = {
            "time": _time(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **(_ids.get() or {}),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _one_line(text: str) -> str:
    """The text without line breaks: what a client sends must not be able to forge a line."""
    return text.replace("\r", "\\r").replace("\n", "\\n")
