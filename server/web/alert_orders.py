"""Orders: what a client says of an alert, and which alerts it asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from server.domain.alert import AlertState
from server.domain.errors import InvalidRequest

MOST_LISTED = 1000
Note = Annotated[str, Meta(max_length=2000)]
Name = Annotated[str, Meta(max_length=80)]
# IANA names; the longest has 32 characters.
Zone = Annotated[str, Meta(max_length=64, pattern=r"^[A-Za-z0-9_+\-/]*$")]
Reason = Literal["toy", "tool", "phone", "umbrella", "shadow", "other"]
Form = TypeVar("Form", bound=msgspec.Struct)


class ConfirmOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person says that it is what the detector took it for; `by` counts where no keys are set."""

    note: Note | None = None
    time_zone: Zone | None = None
    by: Name | None = None


class DismissOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person says that it is something else."""

    note: Note | None = None
    time_zone: Zone | None = None
    by: Name | None = None
    reason: Reason | None = None


class NoteOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is written beside an alert; null takes it away."""

    note: Note | None


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts are asked for; None leaves a filter out. Times are seconds since the epoch."""

    states: frozenset[AlertState] | None = None
    since: float | None = None
    until: float | None = None
    source: str | None = None
    before: str | None = None
    limit: int = 100


def read_form(form: type[Form], body: bytes) -> Form:
    """Reads a JSON body, an empty one as an empty object; InvalidRequest names what cannot be meant."""
    try:
        return msgspec.json.decode(body.strip() or b"{}", type=form)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:
        raise InvalidRequest(f"the body cannot be meant: {exc}") from exc


def read_filter(query: Mapping[str, str]) -> AlertFilter:
    """Reads the filters of a query; unknown fields are left alone. Raises InvalidRequest."""
    states = frozenset(_state(one) for one in query.get("state", "").split(",") if one.strip())
    return AlertFilter(
        states=states or None,
        since=_time(query, "since"),
        until=_time(query, "until"),
        source=query.get("camera") or None,
        before=query.get("before") or None,
        limit=_limit(query.get("limit")),
    )


def _state(text: str) -> AlertState:
    try:
        return AlertState(text.strip())
    except ValueError:
        raise InvalidRequest(f"parameter state: {text.strip()!r} is none of {', '.join(AlertState)}") from None


def _time(query: Mapping[str, str], name: str) -> float | None:
    text = query.get(name)
    if not text:
        return None
    try:
        # A plus sign that was not escaped arrives as a blank.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise InvalidRequest(f"parameter {name}: {text!r} is no time in ISO 8601") from None
    if moment.tzinfo is None:
        raise InvalidRequest(f"parameter {name}: {text!r} has no time zone")
    return moment.timestamp()


def _limit(text: str | None) -> int:
    if text is None:
        return AlertFilter().limit
    # Python reads no number of thousands of digits.
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= MOST_LISTED:
        raise InvalidRequest(f"parameter limit: {text!r} is no number from 1 to {MOST_LISTED}")
    return int(text)
