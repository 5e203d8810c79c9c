"""Trusted proxies: what a proxy in front says about the client, believed from the networks in the settings alone."""

from typing import Any

from aiohttp import hdrs, web

from server.web.networks import Networks

_SCHEMES = ("http", "https")


def as_client_sent(request: web.Request, *, trusted: Networks) -> web.Request:
    """The request with the client's address, scheme and host name, where a trusted proxy tells them; else the request itself.

    Of the addresses in X-Forwarded-For the last that is no trusted proxy's counts: whatever stands before it the client may
    have written. Scheme and host are those that the first proxy met.
    """
    if not request.remote or request.remote not in trusted:
        return request
    changes: dict[str, Any] = {}
    if (remote := _client_address(request, trusted=trusted)) is not None:
        changes["remote"] = remote
    if (scheme := _first(request, hdrs.X_FORWARDED_PROTO).lower()) in _SCHEMES:
        changes["scheme"] = scheme
    if host := _first(request, hdrs.X_FORWARDED_HOST):
        headers = request.headers.copy()
        headers[hdrs.HOST] = host
        changes["headers"] = headers
    return request.clone(**changes) if changes else request


def _client_address(request: web.Request, *, trusted: Networks) -> str | None:
    hops = [hop.strip() for line in request.headers.getall(hdrs.X_FORWARDED_FOR, ()) for hop in line.split(",") if hop.strip()]
    for hop in reversed(hops):
        if hop not in trusted:
            return hop
    return hops[0] if hops else None


def _first(request: web.Request, name: str) -> str:
    return request.headers.get(name, "").partition(",")[0].strip()
