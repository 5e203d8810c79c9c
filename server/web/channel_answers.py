"""Answers about channels."""

from datetime import datetime

import msgspec

from server.alerts.channels import Channel
from server.web.alert_answers import utc


class ChannelAnswer(msgspec.Struct, frozen=True):
    """A channel and how it does; `target` holds no secrets."""

    name: str
    kind: str
    target: str
    last_sent_at: datetime | None
    last_error: str | None

    @classmethod
    def of(cls, channel: Channel, *, sent_at: float | None, error: str | None) -> "ChannelAnswer":
        """A channel as it is sent."""
        return cls(channel.name, channel.kind, channel.target, None if sent_at is None else utc(sent_at), error)


class ChannelsAnswer(msgspec.Struct, frozen=True):
    """All channels, in the order of the settings."""

    channels: list[ChannelAnswer]


class TestAnswer(msgspec.Struct, frozen=True):
    """A test was taken, after so many seconds."""

    sent: bool
    after_s: float
