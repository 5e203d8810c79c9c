"""Log lines: text, JSON, ids."""

import json
import logging
import sys

from server.logs import JsonFormatter, TextFormatter, log_context


def _record(message: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("server.test", logging.WARNING, __file__, 1, message, args, None)


def _fail() -> None:
    raise RuntimeError("inner")


def test_text_line_ends_with_the_ids() -> None:
    """Ids are added inside the block and gone after it."""
    with log_context(request_id="r1"), log_context(session="s1"):
        assert TextFormatter().format(_record("hello %s", "you")).endswith("warning hello you request_id=r1 session=s1")
    assert TextFormatter().format(_record("hello")).endswith("hello")


def test_text_cannot_forge_a_line() -> None:
    """A line break in what a client sent stays inside its line."""
    assert "\n" not in TextFormatter().format(_record("name %s", "a\n12:00:00 error forged"))


def test_json_line_carries_everything() -> None:
    """Level, logger, message, ids and the traceback of a failure are fields."""
    try:
        _fail()
    except RuntimeError:
        record = logging.LogRecord("server.test", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    with log_context(session="s1"):
        entry = json.loads(JsonFormatter().format(record))
    assert (entry["level"], entry["logger"], entry["message"], entry["session"]) == ("error", "server.test", "failed", "s1")
    assert "RuntimeError: inner" in entry["traceback"]
    assert entry["time"].endswith("+00:00")
