"""Problems: how a refusal is told to a program (RFC 9457)."""

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec
from aiohttp import web
from aiohttp.typedefs import LooseHeaders

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What the system says when a disk has no room, or not for this user."""

CONTENT_TYPE = "application/problem+json"


@dataclass(slots=True, eq=False)
class Problem(Exception):
    """A refusal; raised by handlers for what no inner layer knows of, such as a missing key.

    `detail` is for the person who made the request. `members` stand beside the standard fields.
    """

    status: int
    detail: str
    title: str = ""
    members: Mapping[str, object] = field(default_factory=dict)
    headers: LooseHeaders = ()

    def response(self, *, instance: str) -> web.Response:
        """The answer; `instance` is the path of the request."""
        document = {
            "type": "about:blank",
            "title": self.title or HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            **self.members,
        }
        return web.Response(
            status=self.status, body=msgspec.json.encode(document), content_type=CONTENT_TYPE, headers=self.headers
        )
