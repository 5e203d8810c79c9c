"""Connections: what aiohttp refuses by itself, before the application sees a request, is answered like everything else."""

import logging
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from server.web.headers import set_headers
from server.web.middlewares import problem_of_http
from server.web.problems import Problem

logger = logging.getLogger(__name__)

_UNREADABLE = "the request cannot be read: its first line, a header or a chunk of its body is malformed or too long"


class AppRunner(web.AppRunner):
    """Runs an application behind connections of ours."""

    async def _make_server(self) -> web.Server:
        return _Server(await super()._make_server(), **self._kwargs)


class _Server(web.Server):
    """Makes a connection of ours for each client of a server that aiohttp made; `options` are those of its connections."""

    def __init__(self, made: web.Server, **options: Any) -> None:
        super().__init__(self._answer, request_factory=made.request_factory, **options)
        self._handle = made.request_handler

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answers; an expectation (RFC 9110, section 10.1.1) is looked at before the middlewares, so its refusal ends here."""
        try:
            return await self._handle(request)
        except web.HTTPException as exception:
            return problem_of_http(exception).response(instance=request.path)


class _Connection(web.RequestHandler):
    """One connection."""

    __slots__ = ()

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
        # There may be no path: an empty reference stands for the request itself (RFC 3986, section 4.4).
        response = Problem(status, _UNREADABLE if status == HTTPStatus.BAD_REQUEST else "").response(instance="")
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
