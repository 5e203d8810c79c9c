"""The real server with one more address, which counts what lives in it: `python -m benchmarks.soak_server serve --port 0`."""

import asyncio
import gc
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from aiohttp import web

import server.web.runner
from server.cli import main
from server.web.app import create_app

CENSUS = "/census"


async def census(request: web.Request) -> web.Response:
    """The number of tasks; with `?types=1` also of objects, by type, after a collection. That takes a moment."""
    counted: dict[str, Any] = {"tasks": len(asyncio.all_tasks())}
    if request.query.get("types"):
        gc.collect()
        counted["types"] = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())
    return web.json_response(counted)


def create_counted_app(*given: Any, **named: Any) -> web.Application:
    """The application as the server makes it, and the census."""
    app = create_app(*given, **named)
    app.router.add_get(CENSUS, census)
    return app


if __name__ == "__main__":
    replace: Callable[..., None] = setattr
    replace(server.web.runner, "create_app", create_counted_app)
    sys.exit(main())
