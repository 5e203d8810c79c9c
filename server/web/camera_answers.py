"""Answers about cameras."""

from datetime import UTC, datetime

import msgspec

from server.domain.camera import Camera, CameraState, CameraStatus, Span
from server.pipeline.stats import StreamStats
from server.web.camera_orders import DAYS, Day


class RegionAnswer(msgspec.Struct, frozen=True):
    """A region of a mask."""

    kind: str
    points: tuple[tuple[float, float], ...]


class SpanAnswer(msgspec.Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """Hours of a week."""

    days: list[Day]
    start: str
    end: str


class RuleAnswer(msgspec.Struct, frozen=True):
    """What the camera has instead of the alert rule of the settings; null is that."""

    hits: int | None
    frames: int | None
    min_size_px: float | None
    cooldown_s: float | None


class LastAlertAnswer(msgspec.Struct, frozen=True):
    """The newest alert of a camera."""

    id: str
    opened_at: datetime
    label: str
    confidence: float
    state: str


class CameraAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A camera with how it is now; its password is never sent."""

    id: str
    name: str
    url: str
    detect_url: str | None
    username: str | None
    has_password: bool
    conf: float | None
    classes: tuple[str, ...] | None
    max_fps: float | None
    mask: list[RegionAnswer]
    schedule: list[SpanAnswer]
    rule: RuleAnswer
    enabled: bool
    managed: bool
    snoozed_until: datetime | None
    state: CameraState
    reason: str | None
    since: datetime
    next_try_at: datetime | None
    off_until: datetime | None
    width: int | None
    height: int | None
    fps: float | None
    age_ms: float | None
    codec: str | None
    last_alert: LastAlertAnswer | None


class CamerasAnswer(msgspec.Struct, frozen=True):
    """All cameras, oldest first."""

    cameras: list[CameraAnswer]


class CameraAge(msgspec.Struct, frozen=True):
    """How old the newest picture of a camera is, and how many of them come a second; null where there is none."""

    id: str
    age_ms: float | None
    fps: float | None


class CameraAgesEvent(msgspec.Struct, frozen=True):
    """The ages of all cameras."""

    cameras: list[CameraAge]


def camera_answer(
    camera: Camera,
    status: CameraStatus,
    *,
    stats: StreamStats | None = None,
    age_ms: float | None = None,
    codec: str | None = None,
    last_alert: LastAlertAnswer | None = None,
) -> CameraAnswer:
    """A camera as it is sent."""
    rule, credentials = camera.rule, camera.credentials
    return CameraAnswer(
        id=camera.id,
        name=camera.name,
        url=camera.url,
        detect_url=camera.detect_url,
        username=credentials.username if credentials else None,
        has_password=bool(credentials and credentials.password),
        conf=camera.confidence,
        classes=camera.classes,
        max_fps=camera.max_fps,
        mask=[RegionAnswer(region.kind.value, region.points) for region in camera.mask.regions],
        schedule=[_span(span) for span in camera.schedule],
        rule=RuleAnswer(rule.hits, rule.frames, rule.min_size_px, rule.cooldown_s),
        enabled=camera.enabled,
        managed=camera.managed,
        snoozed_until=_utc(camera.snoozed_until),
        state=status.state,
        reason=status.reason,
        since=datetime.fromtimestamp(round(status.since, 3), UTC),
        next_try_at=_utc(status.next_try_at),
        off_until=_utc(status.off_until),
        width=stats.width if stats else None,
        height=stats.height if stats else None,
        fps=round(stats.received_fps, 1) if stats else None,
        age_ms=None if age_ms is None else round(age_ms, 1),
        codec=codec,
        last_alert=last_alert,
    )


def _span(span: Span) -> SpanAnswer:
    return SpanAnswer([DAYS[day] for day in sorted(span.days)], _clock(span.start_min), _clock(span.end_min))


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _utc(time_s: float | None) -> datetime | None:
    return None if time_s is None else datetime.fromtimestamp(round(time_s, 3), UTC)
