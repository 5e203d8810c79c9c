"""Channels: the ways in which people are told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from server.domain.delivery import Event


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is to tell.

    `id` is the same each time a message is repeated. `payload` has `alert` or `camera` with the fields of the API. `snapshot`
    is the annotated picture as JPEG, None where there is none. `link` leads to the alert on the page, where that has an
    address for people. `title` is a sentence for a person, `thread` the same for all messages about one thing.
    """

    id: str
    event: Event
    title: str
    thread: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    repeated: bool = False
    snapshot: bytes | None = None
    link: str | None = None


class Channel(Protocol):
    """One way; on the event loop. `target` says where it leads, without secrets."""

    @property
    def name(self) -> str:
        """What it is called in records and answers."""

    @property
    def kind(self) -> str:
        """webhook, mqtt or email."""

    @property
    def target(self) -> str:
        """Where it leads, without secrets."""

    async def open(self) -> None:
        """Begins what it needs all the time; waits for nobody."""

    async def aclose(self) -> None:
        """Ends it; may be called again."""

    async def send(self, message: Message) -> None:
        """Returns once the other side has taken the message; raises ChannelFailed."""
