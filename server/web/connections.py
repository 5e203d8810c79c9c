"""Connections: bounded in number and in time; what is refused before the application sees it is answered like all else."""

import asyncio
import logging
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import _ErrInfo

from server.config.settings import Server
from server.web import keys
from server.web.clients import client_at
from server.web.connection_places import ConnectionPlaces, default_connections
from server.web.credentials import is_loopback
from server.web.headers import set_headers
from server.web.middlewares import problem_of_http
from server.web.networks import Networks
from server.web.problems import Problem

logger = logging.getLogger(__name__)

_UNREADABLE = "the request cannot be read: its first line, a header or a chunk of its body is malformed or too long"
# One that has no place has no time to lose either.
_REFUSED_TIMEOUT_S = 5.0


class AppRunner(web.AppRunner):
    """Runs an application behind connections of ours; what they may take is in the application's settings."""

    async def _make_server(self) -> web.Server:
        settings = self.app[keys.SETTINGS].server
        options = {"keepalive_timeout": settings.idle_timeout_s, **self._kwargs}
        return _Server(await super()._make_server(), settings=settings, proxies=self.app[keys.TRUSTED_PROXIES], **options)


class _Server(web.Server):
    """Makes a connection of ours for each client of a server that aiohttp made; `options` are those of its connections."""

    def __init__(self, made: web.Server, *, settings: Server, proxies: Networks, **options: Any) -> None:
        super().__init__(self._answer, request_factory=made.request_factory, **options)
        self._handle = made.request_handler
        most = settings.max_connections or default_connections()
        self.places = ConnectionPlaces(most=most, per_client=settings.max_connections_per_client or max(1, most // 2))
        self.header_timeout_s = settings.header_timeout_s
        self.proxies = proxies

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)

    def speaks_for_many(self, address: str | None) -> bool:
        """Whether others may stand behind an address: a proxy, which may also be on this machine and in no setting."""
        return address is None or is_loopback(address) or address in self.proxies

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answers; an expectation (RFC 9110, section 10.1.1) is looked at before the middlewares, so its refusal ends here."""
        connection = request.protocol
        if isinstance(connection, _Connection) and connection.refusal:
            return _refused(request, connection.refusal)
        try:
            return await self._handle(request)
        except web.HTTPException as exception:
            return problem_of_http(exception).response(instance=request.path)


def _refused(request: web.BaseRequest, why: str) -> web.Response:
    response = Problem(503, why, headers={"Retry-After": "5"}).response(instance=request.path)
    set_headers(request, response)
    response.force_close()
    return response


class _Connection(web.RequestHandler):
    """One connection.

    aiohttp closes what is idle, and waits for ever for the rest of headers that have begun: here they have a time. `refusal`
    says why it has no place, where it has none.
    """

    __slots__ = ("_client", "_headers_due", "_server", "refusal")

    def __init__(self, server: _Server, **options: Any) -> None:
        super().__init__(server, **options)
        self._server = server
        self._headers_due: asyncio.TimerHandle | None = None
        self._client: str | None = None
        self.refusal: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes a place; one that gets none is told so in answer to its first request, or cut off where too many are told."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if isinstance(peer, tuple) else None
        places, self._client = self._server.places, client_at(address)
        self.refusal = places.take(self._client, many=self._server.speaks_for_many(address))
        if self.refusal is None:
            return
        if places.refuse():
            self._wait_for_headers(_REFUSED_TIMEOUT_S)
        else:
            self._client = None
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Gives the place back."""
        self._stop_waiting()
        client, self._client = self._client, None
        if client is not None and self.refusal is None:
            self._server.places.free(client)
        elif client is not None:
            self._server.places.refused()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Watches over headers that have begun and are not complete."""
        before = self._request_count
        super().data_received(data)
        if self._request_count != before:
            self._stop_waiting()
        elif data and self._headers_due is None and self._is_waiting:
            self._wait_for_headers(self._server.header_timeout_s)

    @property
    def _is_waiting(self) -> bool:
        """Whether the next request is waited for: all before it are answered, their bodies read to the end."""
        return self._waiter is not None and not self._waiter.done()

    def _wait_for_headers(self, timeout_s: float) -> None:
        self._headers_due = self._loop.call_later(timeout_s, self._refuse_slow_headers)

    def _stop_waiting(self) -> None:
        if self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None

    def _refuse_slow_headers(self) -> None:
        """Answers 408 as if it were the answer to a request that cannot be read, which ends the connection."""
        self._headers_due = None
        if not self._is_waiting or self._waiter is None:
            return
        timeout_s = self._server.header_timeout_s
        sentence = self.refusal or f"the headers did not arrive within {timeout_s:g} s (server.header_timeout_s)"
        status = HTTPStatus.SERVICE_UNAVAILABLE if self.refusal else HTTPStatus.REQUEST_TIMEOUT
        error = HttpProcessingError(code=status, message=sentence)
        self._messages.append((_ErrInfo(status=status, exc=error, message=sentence), EMPTY_PAYLOAD))
        self._waiter.set_result(None)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The problem that tells of a request that cannot be read or of a fault beyond the middlewares; ends the connection."""
        if isinstance(exc, HttpProcessingError | ConnectionError):
            # Whoever sends nonsense, or goes away, is no trouble of ours: anybody could fill the log. The text has the line
            # that could not be read, and that may be the one with the key.
            logger.debug("a request from %s failed: %s", request.remote, type(exc).__name__)
        else:
            logger.error("a request from %s failed: %s", request.remote, message or status, exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already, so no other can follow")
        told = {HTTPStatus.BAD_REQUEST: _UNREADABLE, HTTPStatus.REQUEST_TIMEOUT: message, 503: message}.get(status)
        # There may be no path: an empty reference stands for the request itself (RFC 3986, section 4.4).
        response = Problem(status, told or "").response(instance="")
        set_headers(request, response)
        response.force_close()
        return response

    def log_exception(self, *args: Any, **options: Any) -> None:
        """Logs a fault of ours with its traceback; a body that is not what its headers say is none, and is answered already."""
        failure = options.get("exc_info")
        if isinstance(failure, web.RequestPayloadError):
            logger.debug("the rest of a body cannot be read: %s", type(failure).__name__)
        else:
            super().log_exception(*args, **options)
