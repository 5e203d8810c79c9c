"""Answers about alerts."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from server.domain.alert import Alert, AlertState, ClipState, SourceKind
from server.domain.delivery import Delivery, DeliveryState, Event
from server.transports.messages import BoxMessage


class SourceAnswer(msgspec.Struct, frozen=True):
    """What an alert came from."""

    name: str
    kind: SourceKind


class DeliveryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one channel; `after_s` is from its making to its arrival."""

    id: str
    channel: str
    event: Event
    state: DeliveryState
    unsure: bool
    attempts: int
    next_try_at: datetime | None
    sent_at: datetime | None
    error: str | None
    after_s: float | None


class AlertAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as it is now; `box` and the sizes are in pixels of its best frame."""

    id: str
    state: AlertState
    stream: str
    camera: str | None
    source: SourceAnswer
    label: str
    confidence: float
    track_id: int
    box: BoxMessage
    width: int
    height: int
    hits: int
    frames: int
    in_view_s: float
    opened_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    decided_zone: str | None
    reason: str | None
    note: str | None
    clip: ClipState
    clip_start_s: float | None
    clip_duration_s: float | None
    deliveries: list[DeliveryAnswer]


class AlertsAnswer(msgspec.Struct, frozen=True):
    """Alerts, newest first, and how many wait for a person in all."""

    alerts: list[AlertAnswer]
    waiting: int


class WaitingAlertsEvent(msgspec.Struct, frozen=True):
    """The alerts that wait for a person, newest first."""

    alerts: list[AlertAnswer]


class AlertRemovedEvent(msgspec.Struct, frozen=True):
    """An alert is there no more."""

    id: str


class AlertLimitsAnswer(msgspec.Struct, frozen=True):
    """What a page has to know of alerts: what they are made from, what a clip spans, and how long they wait and stay."""

    sources: list[str]
    before_s: float
    after_s: float
    expire_s: float
    keep_days: float


def alert_answer(alert: Alert, deliveries: Iterable[Delivery] = ()) -> AlertAnswer:
    """An alert as it is sent."""
    return AlertAnswer(
        id=alert.id,
        state=alert.state,
        stream=alert.stream_id,
        camera=alert.camera_id,
        source=SourceAnswer(alert.source_name, alert.source_kind),
        label=alert.label,
        confidence=round(alert.confidence, 4),
        track_id=alert.track_id,
        box=BoxMessage(*(round(side, 1) for side in alert.xyxy)),
        width=alert.width_px,
        height=alert.height_px,
        hits=alert.hits,
        frames=alert.frames,
        in_view_s=round(alert.in_view_s, 2),
        opened_at=utc(alert.opened_at),
        expires_at=utc(alert.expires_at),
        decided_at=None if alert.decided_at is None else utc(alert.decided_at),
        decided_by=alert.decided_by,
        decided_zone=alert.decided_zone,
        reason=alert.reason,
        note=alert.note,
        clip=alert.clip,
        clip_start_s=alert.clip_start_s,
        clip_duration_s=alert.clip_duration_s,
        deliveries=[_delivery(one) for one in deliveries],
    )


def utc(time_s: float) -> datetime:
    """Seconds since the epoch as answers have them."""
    return datetime.fromtimestamp(round(time_s, 3), UTC)


def _delivery(one: Delivery) -> DeliveryAnswer:
    waits = one.state is DeliveryState.PENDING
    return DeliveryAnswer(
        id=one.id,
        channel=one.channel,
        event=one.event,
        state=one.state,
        unsure=one.unsure,
        attempts=one.attempts,
        next_try_at=utc(one.next_try_at) if waits else None,
        sent_at=None if one.sent_at is None else utc(one.sent_at),
        error=one.error,
        after_s=None if one.sent_at is None else round(one.sent_at - one.created_at, 3),
    )
