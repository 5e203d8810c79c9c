"""What alerts are made of, and who else takes part: boundaries to what the web layer wires."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from server.domain.alert import Alert, SourceKind
from server.domain.delivery import Delivery, Event
from server.domain.encoded import EncodedPacket
from server.pipeline.stream import Stream


class HeldPackets(Protocol):
    """The newest encoded video of a source."""

    def since(self, received_at: float) -> list[EncodedPacket]:
        """From the last key frame at or before a clock reading, else from the first that is held, to the newest."""


class AlertSource(Protocol):
    """A live session that alerts are made from."""

    @property
    def id(self) -> str:
        """That of its stream, and of its camera where it is one."""

    @property
    def kind(self) -> SourceKind:
        """What it is."""

    @property
    def stream(self) -> Stream:
        """The pipeline that it feeds."""

    @property
    def packets(self) -> HeldPackets | None:
        """What clips are copied from; None where nothing is held."""


class AlertMessages(Protocol):
    """Makes the messages of one step of an alert, one for each channel."""

    def alert_messages(self, event: Event, alert: Alert) -> Sequence[tuple[Delivery, str]]:
        """Each with its payload as JSON; called on the records' executor, within the transaction of the step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertOptions:
    """What the settings say of alerts, in seconds and bytes.

    `before_s` and `after_s` are the clip's. A candidate expires after `expire_s`. Others go after `keep_s`, or when all files
    take more than `max_total_bytes`. An object that was not seen for `rearm_s` is out of view.
    """

    before_s: float = 5
    after_s: float = 5
    expire_s: float = 900
    keep_s: float = 30 * 86_400
    max_total_bytes: int = 10 * 1024**3
    rearm_s: float = 2
