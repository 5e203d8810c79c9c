"""Alerts: what the detector wants a person to look at, and what the person said."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from server.domain.detection import Box
from server.domain.errors import Conflict


class AlertState(enum.StrEnum):
    """Where an alert is on its way; only a person confirms or dismisses."""

    CANDIDATE = "candidate"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    EXPIRED = "expired"


TRANSITIONS: dict[AlertState, frozenset[AlertState]] = {
    AlertState.CANDIDATE: frozenset({AlertState.CONFIRMED, AlertState.DISMISSED, AlertState.EXPIRED}),
    # Late, but for the record, and for those who still wait for an answer.
    AlertState.EXPIRED: frozenset({AlertState.CONFIRMED, AlertState.DISMISSED}),
    AlertState.CONFIRMED: frozenset(),
    AlertState.DISMISSED: frozenset(),
}
"""What may follow each state."""


class SourceKind(enum.StrEnum):
    """What an alert came from."""

    CAMERA = "camera"
    WEBCAM = "webcam"
    PUBLISHER = "publisher"
    """A WHIP publisher."""


class ClipState(enum.StrEnum):
    """How the clip of an alert is."""

    PENDING = "pending"
    READY = "ready"
    MISSING = "missing"
    """The source has left no video to be kept, or making it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert.

    Times are seconds since the epoch (UTC). `stream_id` is the live stream that it came from, `camera_id` the camera or None.
    `label`, `confidence` and `xyxy` (pixels of a frame of `width_px` by `height_px`) are those of the best frame so far, which
    the snapshot shows. `hits` of `frames` counted frames showed the object, for `in_view_s` seconds.
    `clip_start_s` is where the clip begins, in seconds from `opened_at` (negative), None unless it is ready.
    `decided_by` names who confirmed or dismissed, `decided_zone` is the time zone that they were in (an IANA name), `reason`
    one word for a dismissal.
    """

    id: str
    state: AlertState = AlertState.CANDIDATE
    stream_id: str
    camera_id: str | None = None
    source_name: str
    source_kind: SourceKind
    label: str
    confidence: float
    track_id: int
    xyxy: Box
    width_px: int
    height_px: int
    hits: int
    frames: int
    in_view_s: float = 0.0
    opened_at: float
    updated_at: float
    expires_at: float
    decided_at: float | None = None
    decided_by: str | None = None
    decided_zone: str | None = None
    reason: str | None = None
    note: str | None = None
    clip: ClipState = ClipState.PENDING
    clip_start_s: float | None = None
    clip_duration_s: float | None = None
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class AlertStats:
    """Steps into each state since the start, the candidates that wait for a person, and those that could not be taken."""

    by_state: Mapping[str, int]
    waiting: int
    lost: int


def check_transition(alert: Alert, state: AlertState) -> None:
    """Raises Conflict unless the alert may get into the state."""
    if state not in TRANSITIONS[alert.state]:
        by = f" by {alert.decided_by}" if alert.decided_by else ""
        raise Conflict(f"the alert is {alert.state}{by} already, so it cannot become {state}")
