"""Cameras: configured addresses that are watched around the clock."""

import enum
from dataclasses import dataclass, field

from server.domain.region import NO_MASK, Mask


class CameraState(enum.StrEnum):
    """How a camera is."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALLED = "stalled"
    """Connected, but no new picture comes."""
    UNAUTHORISED = "unauthorised"
    UNREACHABLE = "unreachable"
    OFF = "off"
    """By its schedule, or because somebody has switched it off."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to sign in to a camera; the password is in no text that is made of it."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Span:
    """Hours of a week in which a camera is watched.

    `days` are those on which it begins, 0 for Monday. `start_min` and `end_min` are minutes after midnight; an end that is not
    after the start lies on the next day.
    """

    days: frozenset[int]
    start_min: int
    end_min: int


@dataclass(frozen=True, slots=True)
class CameraRule:
    """What a camera has instead of the alert rule of the settings; None keeps that."""

    hits: int | None = None
    frames: int | None = None
    min_size_px: float | None = None
    cooldown_s: float | None = None


SERVERS_RULE = CameraRule()
"""The alert rule of the settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """One configured camera.

    `url` and `detect_url` carry no credentials: `credentials` go to both. Where there is a `detect_url` it is what is detected
    and watched, and clips come from `url`. `confidence`, `classes` and `max_fps` None take the server's own. An empty
    `schedule` watches always. `managed` ones come from the settings file, which has them again at each start.
    `snoozed_until` and `created_at` are seconds since the epoch (UTC). The id is that of its live stream, too.
    """

    id: str
    name: str
    url: str
    detect_url: str | None = None
    credentials: Credentials | None = None
    confidence: float | None = None
    classes: tuple[str, ...] | None = None
    max_fps: float | None = None
    mask: Mask = NO_MASK
    schedule: tuple[Span, ...] = ()
    rule: CameraRule = SERVERS_RULE
    enabled: bool = True
    managed: bool = False
    snoozed_until: float | None = None
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStatus:
    """How a camera is at this moment.

    `reason` is a sentence for a person, without credentials; None while all is well. `since` and `next_try_at` are seconds
    since the epoch, `next_try_at` None unless it waits for its next try. `off_until` is when the schedule brings it back.
    """

    state: CameraState
    since: float
    reason: str | None = None
    next_try_at: float | None = None
    off_until: float | None = None
