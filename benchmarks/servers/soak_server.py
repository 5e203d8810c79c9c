"""The real server with one more address, which counts what lives in it.

`python -m benchmarks.servers.soak_server serve ...` takes what `python -m server` takes.
"""

import asyncio
import ctypes
import gc
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

from aiohttp import web

import server.web.runner
from server.cli import main
from server.web.app import create_app

CENSUS = "/census"
_HEAP_FIELDS = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")


async def census(request: web.Request) -> web.Response:
    """Tasks and memory in use; with `?types=1` also objects by type, after a collection. That takes a moment."""
    counted: dict[str, Any] = {"tasks": len(asyncio.all_tasks()), "in_use_mib": in_use_mib()}
    if request.query.get("types"):
        gc.collect()
        counted["types"] = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())
    return web.json_response(counted)


class _Mallinfo2(ctypes.Structure):
    """What glibc (2.33 or newer) knows of its heap, over all arenas: see `man mallinfo2`."""

    _fields_: ClassVar = [(name, ctypes.c_size_t) for name in _HEAP_FIELDS]


def in_use_mib() -> float | None:
    """What has been allocated and not freed; None without glibc. Resident memory hides it: what was freed stays with a process.

    Python's own small objects are counted as blocks of some 64 bytes: they come from elsewhere.
    """
    try:
        mallinfo2 = ctypes.CDLL(None).mallinfo2
    except AttributeError:
        return None
    mallinfo2.restype = _Mallinfo2
    found = mallinfo2()
    return float(round((found.uordblks + found.hblkhd + 64 * sys.getallocatedblocks()) / 2**20, 1))


def create_counted_app(*given: Any, **named: Any) -> web.Application:
    """The application as the server makes it, and the census."""
    app = create_app(*given, **named)
    app.router.add_get(CENSUS, census)
    return app


if __name__ == "__main__":
    replace: Callable[..., None] = setattr
    replace(server.web.runner, "create_app", create_counted_app)
    sys.exit(main())
