"""Forwarding: a request for a session that another server of the cluster has goes on to that server."""

import logging
import time
from collections.abc import AsyncIterator, Callable

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from server.domain.errors import Busy, NotFound
from server.web.cluster import Cluster
from server.web.endless_answer import EndlessAnswer
from server.web.outgoing import create_client
from server.web.problems import Problem
from server.web.signed_ids import NodeAddress

logger = logging.getLogger(__name__)

# Whoever gets this passes nothing on, so that no request goes round in circles, whatever the settings say.
FORWARDED = "X-Sightline-Forwarded"
# A server gathers candidates for up to 5 s before it answers an offer; the MJPEG of a stream that stands still ends after 10.
READ_TIMEOUT_S = 30.0
# A server that does not answer may be restarting, or the network between; after this long it does not come back: a new task
# of ECS has another address.
GONE_AFTER_S = 30.0
# What was last tried longer ago than this tells nothing about now.
_FORGOTTEN_AFTER_S = 300.0

# They are about one connection, and each has its own (RFC 9110, section 7.6.1).
_HOP_BY_HOP = frozenset(
    name.lower()
    for name in (
        hdrs.CONNECTION,
        hdrs.KEEP_ALIVE,
        hdrs.PROXY_AUTHENTICATE,
        hdrs.PROXY_AUTHORIZATION,
        hdrs.TE,
        hdrs.TRAILER,
        hdrs.TRANSFER_ENCODING,
        hdrs.UPGRADE,
        hdrs.EXPECT,
    )
)


class Forwarder:
    """Passes requests on to the other servers of a cluster, streaming both ways, until `aclose()`."""

    def __init__(self, cluster: Cluster, *, stall_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._cluster = cluster
        self._stall_s = stall_s
        self._clock = clock
        self._http = create_client(read_timeout_s=READ_TIMEOUT_S)
        # When each server that cannot be reached was tried first and last; only addresses with our signature get here.
        self._silent: dict[NodeAddress, tuple[float, float]] = {}

    def owner_of(self, request: web.Request) -> NodeAddress | None:
        """The other server whose session the request is about; None where it is for us to answer."""
        session_id = request.match_info.get("id")
        if session_id is None or request.method == hdrs.METH_OPTIONS or FORWARDED in request.headers:
            return None
        return self._cluster.peer_of(session_id)

    async def forward(self, request: web.Request, owner: NodeAddress, *, request_id: str) -> web.StreamResponse:
        """The owner's answer, as it comes; `request_id` names the request in the owner's log, too.

        Raises Busy (503) when the owner cannot be reached, NotFound once that lasts, and a 502 problem for an answer that
        breaks off before it has begun.
        """
        url = URL(f"http://{owner}{request.raw_path}", encoded=True)
        body = _chunks(request) if request.can_read_body else None
        try:
            async with self._http.request(
                request.method, url, headers=_onward_headers(request, request_id), data=body, allow_redirects=False
            ) as answer:
                self._silent.pop(owner, None)
                return await self._pass_back(request, answer)
        except aiohttp.ClientConnectorError as exc:
            raise self._unreachable(owner, exc) from exc
        except aiohttp.ConnectionTimeoutError as exc:
            raise self._unreachable(owner, exc) from exc
        except (aiohttp.ClientError, TimeoutError) as exc:
            logger.warning("%s %s: %s did not answer: %s", request.method, request.path, owner, repr(exc))
            raise Problem(502, "the server that has this session did not answer") from exc

    async def aclose(self) -> None:
        """Ends all that is under way."""
        await self._http.close()

    async def _pass_back(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        onward = EndlessAnswer(request, headers=_headers_back(answer), stall_s=self._stall_s, status=answer.status)
        try:
            await onward.open()
        except ConnectionError as exc:  # aiohttp's own would pass for a failure of the owner
            raise ConnectionAbortedError("the client went away") from exc
        try:
            async for chunk in answer.content.iter_any():
                if not await onward.send(chunk):
                    break
        except (aiohttp.ClientError, TimeoutError) as exc:
            # The status is sent already: all that tells the client is a connection that ends too early.
            raise ConnectionError(f"the answer of another server broke off: {exc}") from exc
        return onward.response

    def _unreachable(self, owner: NodeAddress, exc: Exception) -> Busy | NotFound:
        now = self._clock()
        first, last = self._silent.get(owner, (now, now))
        if now - last > _FORGOTTEN_AFTER_S:
            first = now
        self._silent[owner] = (first, now)
        logger.info("%s cannot be reached: %s", owner, exc)
        if now - first >= GONE_AFTER_S:
            return NotFound("no such live session: the server that had it is gone")
        return Busy("the server that has this session cannot be reached")


async def _chunks(request: web.Request) -> AsyncIterator[bytes]:
    async for chunk in request.content.iter_any():
        yield chunk


def _onward_headers(request: web.Request, request_id: str) -> CIMultiDict[str]:
    """The client's headers, its credentials included: the owner asks for them as we have."""
    headers = CIMultiDict((name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP)
    headers.popall(hdrs.X_FORWARDED_HOST, None)
    headers[hdrs.HOST] = request.host
    headers[hdrs.X_FORWARDED_FOR] = str(request.remote)
    headers[hdrs.X_FORWARDED_PROTO] = request.scheme
    headers["X-Request-Id"] = request_id
    headers[FORWARDED] = "1"
    return headers


def _headers_back(answer: aiohttp.ClientResponse) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP)
