"""Deliveries: one message to one channel, and whether it arrived."""

import enum
from dataclasses import dataclass


class Event(enum.StrEnum):
    """What a message tells of."""

    CANDIDATE = "candidate"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    EXPIRED = "expired"
    CAMERA_LOST = "camera_lost"
    CAMERA_BACK = "camera_back"
    TEST = "test"


class DeliveryState(enum.StrEnum):
    """How far a message is."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    """Given up; a person may have it sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message to one channel.

    `subject` is the id of the alert or camera that it tells of; those of one subject and channel go out in the order of
    `position`, and none before the one before has ended. `unsure` marks one that may have arrived more often than once: the
    server ended, or the connection broke, between sending and the answer. It carries the same `id` each time. Times are
    seconds since the epoch.
    """

    id: str
    subject: str
    channel: str
    event: Event
    state: DeliveryState = DeliveryState.PENDING
    unsure: bool = False
    attempts: int = 0
    next_try_at: float
    created_at: float
    sent_at: float | None = None
    error: str | None = None
    position: int = 0
