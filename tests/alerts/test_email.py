"""E-mail through a real mail server of the test's own."""

import asyncio
import email
from collections.abc import AsyncIterator
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from server.alerts.channels import Message
from server.alerts.email import EmailChannel, EmailOptions, compose
from server.domain.delivery import Event
from server.domain.errors import ChannelFailed

JPEG = b"\xff\xd8\xff\xe0 not really"


class Sink:
    """A mail server that keeps what it gets, or answers what the test says."""

    def __init__(self) -> None:
        self.answer = "250 OK"
        self.breaks = False
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keeps a message."""
        del session
        if self.breaks:
            server.transport.abort()
        if self.answer.startswith("250"):
            mail = email.message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        return self.answer


@pytest.fixture
async def sink(unused_tcp_port: int) -> AsyncIterator[tuple[Sink, int]]:
    """A mail server and its port."""
    handler = Sink()
    controller = Controller(handler, hostname="127.0.0.1", port=unused_tcp_port)
    await asyncio.to_thread(controller.start)
    yield handler, unused_tcp_port
    await asyncio.to_thread(controller.stop)


def _channel(
    port: int, *, host: str = "127.0.0.1", recipients: tuple[str, ...] = ("a@there.example", "b@there.example")
) -> EmailChannel:
    options = EmailOptions(host, port, security="none", sender="sightline@here.example", recipients=recipients)
    return EmailChannel(options)


def _message(event: Event, **fields: Any) -> Message:
    payload = {"alert": {"confidence": 0.93, "note": "by the door"}}
    return Message(
        **{"id": f"d-{event}", "event": event, "title": "Possible firearm, Hall", "thread": "t1", "payload": payload, **fields}
    )


async def test_a_verdict_answers_its_candidate(sink: tuple[Sink, int]) -> None:
    """Picture, link and certainty come with the candidate; what became of it is in the same thread."""
    handler, port = sink
    channel = _channel(port)
    await channel.send(_message(Event.CANDIDATE, snapshot=JPEG, link="https://here.example/#/alerts/1"))
    await channel.send(_message(Event.DISMISSED))
    first, second = handler.mails
    assert (first["Subject"], first["To"]) == ("Possible firearm, Hall", "a@there.example, b@there.example")
    (picture,) = first.iter_attachments()
    assert picture.get_content() == JPEG
    body = first.get_body()
    assert body is not None
    assert "93 % sure" in body.get_content()
    assert "https://here.example/#/alerts/1" in body.get_content()
    assert second["In-Reply-To"] == first["Message-ID"]
    assert second["Message-ID"] != first["Message-ID"]


@pytest.mark.parametrize(("answer", "retry"), [("451 later", True), ("554 never", False)])
async def test_a_refusal_says_whether_it_may_pass(sink: tuple[Sink, int], answer: str, retry: bool) -> None:  # noqa: FBT001
    """4xx passes, 5xx does not (RFC 5321, 4.2.1)."""
    handler, port = sink
    handler.answer = answer
    with pytest.raises(ChannelFailed, match=answer[:3]) as failure:
        await _channel(port).send(_message(Event.CANDIDATE))
    assert (failure.value.retry, failure.value.may_have_arrived) == (retry, False)


async def test_a_connection_that_breaks_behind_the_message_leaves_doubt(sink: tuple[Sink, int]) -> None:
    """The mail server had all of it, but never said so."""
    handler, port = sink
    handler.breaks = True
    with pytest.raises(ChannelFailed) as failure:
        await _channel(port).send(_message(Event.CANDIDATE))
    assert (failure.value.retry, failure.value.may_have_arrived) == (True, True)


@pytest.mark.parametrize(
    "wrong",
    [{"recipients": ("a@there.example b@there.example",)}, {"host": "mail..example"}],
)
async def test_what_is_no_address_is_given_up(sink: tuple[Sink, int], wrong: dict[str, Any]) -> None:
    """It surely did not arrive, and the next try would be no better."""
    handler, port = sink
    with pytest.raises(ChannelFailed, match="address") as failure:
        await _channel(port, **wrong).send(_message(Event.CANDIDATE))
    assert (failure.value.retry, failure.value.may_have_arrived, handler.mails) == (False, False, [])


async def test_nobody_listens(unused_tcp_port: int) -> None:
    """It surely did not arrive, and is worth another try."""
    with pytest.raises(ChannelFailed, match="does not answer") as failure:
        await _channel(unused_tcp_port).send(_message(Event.CANDIDATE))
    assert (failure.value.retry, failure.value.may_have_arrived) == (True, False)


def test_a_camera_called_like_a_header_is_no_header() -> None:
    """Line breaks in names do not add recipients."""
    mail = compose(_message(Event.TEST, title="Hall\r\nBcc: x@evil.example"), sender="s@h.example", recipients=["a@t.example"])
    assert mail["Subject"] == "Hall Bcc: x@evil.example"
    assert "Bcc" not in mail


def test_a_repeated_message_has_the_same_id() -> None:
    """Mail programs show it once."""
    sent = [
        compose(_message(Event.CONFIRMED, repeated=again), sender="s@h.example", recipients=["a@t.example"])
        for again in (False, True)
    ]
    assert sent[0]["Message-ID"] == sent[1]["Message-ID"]


def test_the_password_is_in_no_text() -> None:
    """Whoever logs the options logs no secret."""
    assert "hunter2" not in repr(EmailOptions("h", 25, password="hunter2"))
