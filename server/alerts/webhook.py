"""Webhook: tells a program by a signed POST."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from server.alerts.channels import Message
from server.domain.errors import ChannelFailed

TIMESTAMP_HEADER, SIGNATURE_HEADER, DELIVERY_HEADER = "X-Sightline-Timestamp", "X-Sightline-Signature", "X-Sightline-Delivery"
# Refusals that may be over by the next try.
_PASSING = frozenset({408, 425, 429})
# A gateway says so of a server behind it that may have taken the message.
_GATEWAY = frozenset({502, 504})


class Poster(Protocol):
    """Who can POST; `web` brings one."""

    async def __call__(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> int:
        """The status of the answer; no redirect is followed. Raises ChannelFailed when none comes."""


class WebhookChannel:
    """One address. The body is signed by HMAC-SHA256 over the timestamp, a dot and the body, where there is a `secret`."""

    kind = "webhook"

    def __init__(
        self, *, name: str, url: str, secret: str, poster: Poster, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self.name = name
        self._url = url
        self._secret = secret.encode()
        self._post = poster
        self._wall_clock = wall_clock

    @property
    def target(self) -> str:
        """The host: the rest of an address is often a secret."""
        parts = urlsplit(self._url)
        return f"{parts.scheme}://{parts.hostname}"

    async def open(self) -> None:
        """Nothing is needed between messages."""

    async def aclose(self) -> None:
        """Nothing is left of them."""

    async def send(self, message: Message) -> None:
        """Returns once it was answered with 2xx; raises ChannelFailed."""
        body = json.dumps(self._document(message), separators=(",", ":")).encode()
        status = await self._post(self._url, body=body, headers=self._headers(message, body))
        if 200 <= status < 300:
            return
        passing = status >= 500 or status in _PASSING
        raise ChannelFailed(f"it answered {status}", may_have_arrived=status in _GATEWAY, retry=passing)

    def _headers(self, message: Message, body: bytes) -> dict[str, str]:
        timestamp = str(int(self._wall_clock()))
        headers = {"Content-Type": "application/json", TIMESTAMP_HEADER: timestamp, DELIVERY_HEADER: message.id}
        if self._secret:
            signature = hmac.new(self._secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
            headers[SIGNATURE_HEADER] = f"sha256={signature}"
        return headers

    def _document(self, message: Message) -> dict[str, Any]:
        told = {name: dict(value) if isinstance(value, Mapping) else value for name, value in message.payload.items()}
        if message.snapshot is not None and "alert" in told:
            told["alert"]["snapshot_jpeg"] = base64.b64encode(message.snapshot).decode()
        return {
            "event": message.event,
            "delivery": message.id,
            "repeated": message.repeated,
            "sent_at": datetime.fromtimestamp(round(self._wall_clock(), 3), UTC).isoformat().replace("+00:00", "Z"),
            "title": message.title,
            "link": message.link,
            **told,
        }
