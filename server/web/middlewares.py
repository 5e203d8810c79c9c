"""Middlewares: a name for each request, who may, and the one table that turns errors into answers."""

import errno
import logging

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from server.domain import errors
from server.logs import log_context
from server.web import deepstack, keys
from server.web.access import HOLDER
from server.web.clients import client_of
from server.web.headers import REQUEST_ID, name_of
from server.web.problems import FULL, Problem
from server.web.routes import PICTURE_HANDLERS, Audience, audience, right
from server.web.trusted_proxies import as_client_sent

logger = logging.getLogger(__name__)

# The first class that fits decides, so the particular stand before the general.
STATUS_OF_ERROR: tuple[tuple[type[errors.SightlineError], int], ...] = (
    (errors.TooLarge, 413),
    (errors.UnsupportedFormat, 415),
    (errors.Conflict, 409),
    (errors.Outdated, 412),
    (errors.Unprocessable, 422),
    (errors.InvalidRequest, 400),
    (errors.AddressRefused, 403),
    (errors.NotFound, 404),
    (errors.Overloaded, 429),
    (errors.TooMany, 429),
    (errors.Busy, 503),
    (errors.NoRoom, 507),
    (errors.NotOffered, 501),
    (errors.SightlineError, 500),
)

# What the machine has no more of, as the system says it: with time, or by its owner, there is some again.
SHORTAGES = (
    (FULL, 507, "the server's disk is full"),
    ({errno.EMFILE, errno.ENFILE}, 503, "the server has no descriptor left for another file or connection"),
    ({errno.ENOMEM, errno.EAGAIN}, 503, "the server has no memory left for this"),
)


@web.middleware
async def count_pictures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Counts the answers to pictures sent by POST, refusals included."""
    response = await handler(request)
    if request.method == hdrs.METH_POST and request.match_info.route.handler in PICTURE_HANDLERS:
        request.app[keys.PICTURE_ANSWERS][response.status] += 1
    return response


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Names the request, and answers every error as a problem."""
    request[REQUEST_ID] = request_id = name_of(request)
    with log_context(request_id=request_id):
        try:
            return await handler(request)
        except Problem as problem:
            return _refuse(request, problem)
        except errors.SightlineError as error:
            return _refuse(request, problem_of(error))
        except web.HTTPException as exception:
            if exception.status < 400:
                raise
            return _refuse(request, problem_of_http(exception))
        except ConnectionError:  # the client went away: there is nobody to answer
            raise
        # The last resort: a fault of ours must not end the connection without an answer, nor tell the client about our insides.
        except Exception as error:
            if (shortage := _shortage(error)) is not None:
                logger.error("%s %s failed: %s", request.method, request.path, error)  # noqa: TRY400 - it is no fault of ours
                return _refuse(request, shortage)
            logger.exception("%s %s failed", request.method, request.path)
            return _refuse(request, Problem(500, f"something went wrong here; the log has it under {request_id}"))


@web.middleware
async def check_access(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lets through who may; the rest learns nothing, not even which addresses exist."""
    access = request.app[keys.ACCESS]
    wanted = audience(request)
    if wanted is not Audience.PROBES:
        # By the name in the request itself: a page that reaches us by DNS rebinding can name any other in a header.
        access.check_host(request)
    request = as_client_sent(request, trusted=request.app[keys.TRUSTED_PROXIES])
    access.check_origin(request)
    if wanted is Audience.KEY_HOLDERS:
        access.admit(request, right=right(request))
    with request.app[keys.HELD_OPEN].request(request, key=request.get(HOLDER)):
        return await handler(request)


@web.middleware
async def limit_rate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Counts the request against what its key, or without one its client, may make a second.

    Whoever watches over the process is not counted: a flood from behind the same proxy must not have it ended.
    """
    if audience(request) is not Audience.PROBES:
        request.app[keys.REQUEST_RATES].check(client_of(request))
    return await handler(request)


@web.middleware
async def forward_to_owner(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers what is about a session of ours, and passes on what is about another server's."""
    forwarder = request.app[keys.FORWARDER]
    owner = forwarder.owner_of(request)
    if owner is None:
        return await handler(request)
    return await forwarder.forward(request, owner, request_id=request[REQUEST_ID])


def _refuse(request: web.Request, problem: Problem) -> web.Response:
    """The refusal in the form that clients of this address read."""
    if request.path.startswith(deepstack.PREFIX):
        return deepstack.error_response(problem)
    return problem.response(instance=request.path)


def _shortage(error: Exception) -> Problem | None:
    """The refusal where the machine has no more of something; None where it is something else."""
    number = error.errno if isinstance(error, OSError) else None
    for numbers, status, detail in SHORTAGES:
        if number in numbers:
            return Problem(status, detail, headers={hdrs.RETRY_AFTER: "15"} if status == 503 else {})
    return None


def problem_of(error: errors.SightlineError) -> Problem:
    """The problem that tells of an error of the inner layers."""
    if isinstance(error, errors.RecordsUnavailable):
        # Its text is the database's own, which may name hosts, users and files; the log has it once a minute already.
        error = errors.RecordsUnavailable("the records cannot be reached now", retry_after_s=error.retry_after_s)
    status = next(status for kind, status in STATUS_OF_ERROR if isinstance(error, kind))
    if isinstance(error, errors.AtCapacity):
        return Problem(
            status,
            str(error),
            members={"capacity": error.capacity, "active": error.active},
            headers={hdrs.RETRY_AFTER: str(error.retry_after_s)},
        )
    if isinstance(error, errors.Busy):
        return Problem(status, str(error), headers={hdrs.RETRY_AFTER: str(error.retry_after_s)})
    if isinstance(error, errors.NoRoom):
        return Problem(status, str(error), members={"missing_bytes": error.missing_bytes})
    if isinstance(error, errors.DetectorFailed):  # the pool has told of it
        return Problem(status, "the detector failed on this request")
    if status == 500:
        logger.error("request failed: %s", error)
        return Problem(status, "")
    return Problem(status, str(error))


def problem_of_http(exception: web.HTTPException) -> Problem:
    """The refusals of aiohttp itself: no such address, a method that it does not take, an expectation that it does not know."""
    allowed = exception.headers.get(hdrs.ALLOW)
    detail = {404: "there is nothing at this address", 405: f"this address takes {allowed} only"}.get(exception.status)
    return Problem(exception.status, detail or exception.reason, headers={hdrs.ALLOW: allowed} if allowed else {})
