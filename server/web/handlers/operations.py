"""For whoever runs the server: health, readiness, metrics, and the description of the interface."""

import asyncio

from aiohttp import web

from server.metrics import CONTENT_TYPE
from server.resources import openapi_file
from server.web import keys


async def healthz(_request: web.Request) -> web.Response:
    """The process is alive."""
    return web.Response(text="ok")


async def readyz(request: web.Request) -> web.Response:
    """The model is loaded and new work is taken; else 503 says which of the two is missing."""
    request.app[keys.LIFECYCLE].check_ready()
    return web.Response(text="ready")


async def metrics(request: web.Request) -> web.Response:
    """The metrics in Prometheus' text form."""
    return web.Response(body=request.app[keys.METRICS].render(), headers={"Content-Type": CONTENT_TYPE})


async def openapi(request: web.Request) -> web.Response:
    """The description of this interface (OpenAPI 3.1)."""
    text = await asyncio.get_running_loop().run_in_executor(request.app[keys.IO], openapi_file().read_bytes)
    return web.Response(body=text, content_type="application/yaml")
