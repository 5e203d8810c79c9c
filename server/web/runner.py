"""Running the application: the event loop, the socket, signals, and the way out."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from server.config.settings import Settings
from server.domain.errors import SettingsError
from server.pipeline.capacity import Capacity
from server.transports.udp_ports import event_loop_factory
from server.web.app import create_app
from server.web.connections import AppRunner
from server.web.credentials import Keys, resolve_keys
from server.web.ecs_metadata import EcsEndpoints
from server.web.ecs_task import ecs_task
from server.web.garbage import keep_what_is_loaded
from server.web.heap import use_few_arenas
from server.web.keys import IO, LIFECYCLE, LIVE
from server.web.loop_errors import LoopErrors
from server.web.own_addresses import resolve_addresses

logger = logging.getLogger(__name__)

# Answers that are still being sent when all sessions have ended get this long.
ANSWER_TIMEOUT_S = 2.0


def run_server(settings: Settings, *, announce: Callable[[str], None], environ: Mapping[str, str] | None = None) -> None:
    """Serves until SIGTERM or SIGINT.

    `environ` has the addresses that ECS gives to a task, where it is one. `announce` gets the one line with the address when
    requests are accepted. Raises SettingsError and ModelError when the settings or the model cannot be used.
    """
    use_few_arenas()
    keys = resolve_keys(settings)
    ecs = EcsEndpoints.from_environ(environ or {})
    loop_factory = event_loop_factory(first=settings.webrtc.udp_port_min, last=settings.webrtc.udp_port_max)
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(_serve(settings, keys=keys, ecs=ecs, announce=announce))


async def _serve(settings: Settings, *, keys: Keys, ecs: EcsEndpoints, announce: Callable[[str], None]) -> None:
    asyncio.get_running_loop().set_exception_handler(LoopErrors())
    settings = await resolve_addresses(settings, ecs=ecs)
    stop = _stop_on_signals()
    app = create_app(settings, keys=keys)
    async with _listening(app, settings=settings) as port, ecs_task(settings.ecs, endpoints=ecs, registry=app[LIVE].registry):
        lifecycle = app[LIFECYCLE]
        if await _first_of(lifecycle.wait_until_ready(), stop.wait()):
            keep_what_is_loaded()
            _log_capacity(app[LIVE].capacity, settings=settings)
            announce(_announcement(settings, keys=keys, port=port))
            if keys.generated is not None:
                await asyncio.get_running_loop().run_in_executor(app[IO], keys.generated.mark_shown)
            await stop.wait()
        stop.clear()
        logger.info("ending: no new work is taken, running sessions get up to %g s", settings.server.drain_s)
        await _first_of(lifecycle.drain(settings.server.drain_s), stop.wait())


def _stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set; a second one, after `clear()`, sets it again."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


@asynccontextmanager
async def _listening(app: web.Application, *, settings: Settings) -> AsyncIterator[int]:
    """The application behind an open socket; yields the TCP port."""
    server = settings.server
    runner = AppRunner(app, access_log=None, shutdown_timeout=ANSWER_TIMEOUT_S)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, server.host, server.port).start()
        except OSError as exc:
            raise SettingsError(f"cannot listen on {server.host} port {server.port}: {exc.strerror or exc}") from exc
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def _first_of(*waits: Coroutine[Any, Any, object]) -> bool:
    """Waits for the first of two to end, cancels the other, and tells whether it was the first."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done():
            await tasks[0]
        return tasks[0].done()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _log_capacity(capacity: Capacity, *, settings: Settings) -> None:
    reason = "live.max_sessions" if capacity.reason == "max_sessions" else "what was measured"
    each_fps = settings.live.min_detections_fps
    logger.info("room for %d live streams by %s, each with %g detections a second", capacity.sessions, reason, each_fps)


def _announcement(settings: Settings, *, keys: Keys, port: int) -> str:
    """The line that the person who started the server reads; a key that nobody has seen yet is in it, this one time."""
    host = settings.server.host
    shown = "127.0.0.1" if host in {"0.0.0.0", "::", ""} else f"[{host}]" if ":" in host else host  # noqa: S104 - only compared
    address = f"http://{shown}:{port}/"
    made = keys.generated
    if made is not None and made.unshown:
        return f"Sightline is ready: {address}#key={made.unshown} (this key is shown once, what is kept of it does not tell it)"
    if made is not None:
        return f"Sightline is ready: {address} (with the key that the first start has shown, or one of `sightline keys add`)"
    return f"Sightline is ready: {address}"
