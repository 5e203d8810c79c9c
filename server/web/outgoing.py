"""Outgoing HTTP: the one place that makes clients, for other servers of the cluster, ECS, and what tells our address."""

import socket
from typing import Any

import aiohttp

# Someone who answers is in the same data centre; a connection that needs longer leads nowhere.
CONNECT_TIMEOUT_S = 2.0
# What the system keeps for us of a video that our own client reads slowly. Left alone it grows to megabytes, which would show
# the client a picture of seconds ago.
RECEIVE_BUFFER_BYTES = 128 * 1024


def create_client(*, read_timeout_s: float, total_timeout_s: float | None = None) -> aiohttp.ClientSession:
    """A client that keeps no cookies, follows no proxy of the environment, and passes bodies on as they are.

    `read_timeout_s` ends an answer of which nothing arrives for so long, `total_timeout_s` any. Close it.
    """
    timeout = aiohttp.ClientTimeout(total=total_timeout_s, sock_connect=CONNECT_TIMEOUT_S, sock_read=read_timeout_s)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, socket_factory=_create_socket),  # sessions are limited elsewhere
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=timeout,
        auto_decompress=False,
    )


def _create_socket(address: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol = address[:3]
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    return made
