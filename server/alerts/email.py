"""E-mail: tells people through a mail server; the only place that speaks with one."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate
from typing import Literal

import aiosmtplib

from server.alerts.channels import Message
from server.domain.delivery import Event
from server.domain.errors import ChannelFailed

logger = logging.getLogger(__name__)

TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class EmailOptions:
    """Which mail server, and from whom to whom."""

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: str = ""
    recipients: tuple[str, ...] = ()


class EmailChannel:
    """All recipients by one message each time; what is told of one alert is one thread."""

    kind = "email"

    def __init__(self, options: EmailOptions, *, name: str = "email") -> None:
        self.name = name
        self._options = options

    @property
    def target(self) -> str:
        """The recipients."""
        return ", ".join(self._options.recipients)

    async def open(self) -> None:
        """Nothing is needed between messages."""

    async def aclose(self) -> None:
        """Nothing is left of them."""

    async def send(self, message: Message) -> None:
        """Returns once the mail server has taken it; raises ChannelFailed."""
        options = self._options
        try:
            refused, _ = await aiosmtplib.send(
                compose(message, sender=options.sender, recipients=options.recipients),
                sender=options.sender,
                recipients=list(options.recipients),
                hostname=options.host,
                port=options.port,
                username=options.username or None,
                password=options.password or None,
                use_tls=options.security == "tls",
                start_tls=options.security == "starttls",
                timeout=TIMEOUT_S,
            )
        except (aiosmtplib.SMTPException, OSError) as exc:
            raise _failure(exc) from exc
        except ValueError as exc:  # as is the UnicodeError of a host that no name server can be asked for
            reason = "the mail server, the sender or a recipient has an address that cannot be written"
            raise ChannelFailed(reason, may_have_arrived=False, retry=False) from exc
        if refused:
            logger.warning("the mail server refused %d of %d recipients", len(refused), len(options.recipients))


def compose(message: Message, *, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """The message as plain text with the picture; its id is the same each time it is repeated."""
    mail = EmailMessage()
    domain = sender.rpartition("@")[2] or "sightline"
    root = f"<{message.thread}@{domain}>"
    mail["From"], mail["To"] = sender, ", ".join(recipients)
    mail["Subject"] = _line(message.title)
    mail["Date"] = formatdate(localtime=True)
    if message.event in (Event.CANDIDATE, Event.TEST):
        mail["Message-ID"] = root
    else:
        mail["Message-ID"] = f"<{message.id}@{domain}>"
        mail["In-Reply-To"] = mail["References"] = root
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice answers it
    mail.set_content(_text(message))
    if message.snapshot is not None:
        mail.add_attachment(message.snapshot, maintype="image", subtype="jpeg", filename="alert.jpg")
    return mail


def _text(message: Message) -> str:
    lines = [f"{message.title}."]
    alert = message.payload.get("alert", {})
    if message.event is Event.CANDIDATE:
        lines.append(f"The detector is {round(100 * float(alert.get('confidence', 0)))} % sure. Look before you act.")
    if alert.get("note"):
        lines.append(f"Note: {alert['note']}")
    reason = message.payload.get("camera", {}).get("reason")
    if reason:
        lines.append(str(reason))
    if message.link:
        lines.append(message.link)
    if message.repeated:
        lines.append("This message may have come before.")
    return "\n\n".join(lines) + "\n"


def _line(text: str) -> str:
    """A header is one line, whatever people call their cameras."""
    return " ".join(text.split())


def _failure(exc: Exception) -> ChannelFailed:
    if isinstance(exc, aiosmtplib.SMTPAuthenticationError):
        return ChannelFailed("the mail server refused user or password", may_have_arrived=False, retry=True)
    if isinstance(exc, aiosmtplib.SMTPRecipientsRefused):
        passing = any(one.code < 500 for one in exc.recipients)  # greylisting (RFC 6647) refuses for some minutes
        return ChannelFailed("the mail server refused all recipients", may_have_arrived=False, retry=passing)
    if isinstance(exc, aiosmtplib.SMTPConnectError | aiosmtplib.SMTPConnectTimeoutError):
        return ChannelFailed("the mail server does not answer", may_have_arrived=False, retry=True)
    if isinstance(exc, aiosmtplib.SMTPResponseException):
        return ChannelFailed(f"the mail server answered {exc.code}", may_have_arrived=False, retry=exc.code < 500)
    if isinstance(exc, aiosmtplib.SMTPNotSupported):
        return ChannelFailed("the mail server does not speak TLS here (email.security)", may_have_arrived=False, retry=False)
    return ChannelFailed("the connection to the mail server broke", may_have_arrived=True, retry=True)
