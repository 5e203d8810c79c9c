"""The application: makes everything that lives for the process, and closes it again."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from aiohttp import web

from server import resources
from server.config import Settings, Webrtc
from server.domain.protocols import Detector
from server.inference.loader import load_detector
from server.metrics import Metrics, Snapshot
from server.transports import aiortc_changes
from server.transports.aiortc_changes import AiortcChanges
from server.transports.aiortc_receiver import DECODER_LIMIT, ReceiverChanges
from server.transports.encoders import Bitrates
from server.web import keys as app_keys
from server.web.access import Access
from server.web.admission import Admission
from server.web.credentials import Keys, resolve_keys
from server.web.lifecycle import Lifecycle
from server.web.live import LiveService
from server.web.middlewares import add_headers, answer_problems, check_access, count_pictures
from server.web.origin import allowed_hosts, own_hosts
from server.web.pictures import PictureService
from server.web.routes import add_routes
from server.web.served_model import ServedModel
from server.web.session_cookie import SessionCookies
from server.web.static_files import StaticFiles

SECONDS_A_DAY = 86_400
# Above this aiohttp's own readers refuse; ours have limits of their own, all of them below.
_MAX_BODY_BYTES = 1024 * 1024


def create_app(
    settings: Settings,
    *,
    keys: Keys | None = None,
    detector: Detector | None = None,
    clock: Callable[[], float] = time.monotonic,
    wall_clock: Callable[[], float] = time.time,
) -> web.Application:
    """The application for these settings.

    `keys` are those of `resolve_keys`, for a caller who has called it. `detector` takes the place of the model that the
    settings name. `clock` measures ages and durations, `wall_clock` says when a sign-in ends.
    """
    app = web.Application(middlewares=[count_pictures, answer_problems, check_access], client_max_size=_MAX_BODY_BYTES)
    app[app_keys.SETTINGS] = settings
    app[app_keys.CLOCK] = clock
    app[app_keys.ACCESS] = _access(settings, keys=keys or resolve_keys(settings), wall_clock=wall_clock)
    app[app_keys.STATIC] = StaticFiles(resources.static_dir())
    app[app_keys.PICTURE_ADMISSION] = Admission(limit=settings.predict.max_waiting)
    app[app_keys.PICTURE_ANSWERS] = Counter()
    app.on_response_prepare.append(add_headers)
    add_routes(app)
    # Later ones use earlier ones, and are closed before them.
    app.cleanup_ctx.extend([_io, _encoders, _changed_aiortc, _served_model(detector), _live_streams])
    return app


def _access(settings: Settings, *, keys: Keys, wall_clock: Callable[[], float]) -> Access:
    cookies = SessionCookies(keys, lifetime_s=settings.auth.session_days * SECONDS_A_DAY, clock=wall_clock)
    guarded = bool(keys) or settings.auth.insecure
    hosts = None if guarded else allowed_hosts(settings)
    return Access(keys=keys, cookies=cookies, hosts=hosts, own_hosts=own_hosts(settings))


async def _io(app: web.Application) -> AsyncIterator[None]:
    """Threads for files and pictures, apart from the loop's own executor, which belongs to the video encoders."""
    # At least two: one large picture must not hold up the page's files.
    executor = ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 1), thread_name_prefix="io")
    app[app_keys.IO] = executor
    yield
    executor.shutdown()


async def _encoders(app: web.Application) -> AsyncIterator[None]:
    """The loop's own executor, where aiortc encodes: a thread for each session, so that none waits for another's picture."""
    sessions = app[app_keys.SETTINGS].live.max_sessions
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(max_workers=sessions, thread_name_prefix="encoder"))
    # The loop shuts its executor down itself, after everything that may still encode.
    yield


async def _changed_aiortc(app: web.Application) -> AsyncIterator[None]:
    """What we change in aiortc, for as long as the application lives."""
    undo = aiortc_changes.apply(_aiortc_changes(app[app_keys.SETTINGS].webrtc))
    yield
    undo()


def _aiortc_changes(settings: Webrtc) -> AiortcChanges:
    bitrates = Bitrates(settings.start_bitrate_bps, min_bps=settings.min_bitrate_bps, max_bps=settings.max_bitrate_bps)
    receiver = ReceiverChanges(
        early_release=settings.early_release,
        nack_retry=settings.nack_retry,
        start_bitrate_bps=settings.start_bitrate_bps if settings.seed_estimate else None,
        decoder_limit=DECODER_LIMIT if settings.bounded_decoder else None,
    )
    return AiortcChanges(
        receiver=receiver,
        bitrates=bitrates if settings.own_encoders else None,
        quick_consent=settings.quick_consent,
        quiet_decoder=settings.quiet_decoder,
        bounded_messages=settings.bounded_messages,
        loopback_candidates=settings.loopback_candidates,
    )


def _served_model(detector: Detector | None) -> Callable[[web.Application], AsyncIterator[None]]:
    async def served_model(app: web.Application) -> AsyncIterator[None]:
        """The model; it loads while the socket is open already."""
        settings = app[app_keys.SETTINGS]
        model = ServedModel(
            (lambda: detector) if detector is not None else partial(_load, settings),
            workers=settings.inference.workers,
            executor=app[app_keys.IO],
        )
        app[app_keys.MODEL] = model
        model.start()
        yield
        await model.aclose()

    return served_model


async def _live_streams(app: web.Application) -> AsyncIterator[None]:
    """Live streams with the threads that track and draw, single pictures, and the metrics of both."""
    settings = app[app_keys.SETTINGS]
    model = app[app_keys.MODEL]
    renderer = ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 1), thread_name_prefix="renderer")
    live = LiveService(settings, model=model, renderer=renderer, clock=app[app_keys.CLOCK])
    app[app_keys.LIVE] = live
    app[app_keys.LIFECYCLE] = Lifecycle(model=model, registry=live.registry)
    # Enough that decoding, detecting and encoding go on side by side.
    at_once = settings.inference.workers + 2
    app[app_keys.PICTURES] = PictureService(
        model=model, io=app[app_keys.IO], max_pixels=settings.predict.max_pixels, at_once=at_once
    )
    app[app_keys.METRICS] = Metrics(lambda: _snapshot(app))
    yield
    await live.registry.aclose()
    renderer.shutdown()


def _load(settings: Settings) -> Detector:
    model = settings.model
    return load_detector(
        Path(model.path).expanduser() if model.path else resources.delivered_model(),
        backend=model.backend,
        precision=model.precision,
        threads=settings.inference.threads,
        confidence=model.confidence,
        iou=model.iou,
        imgsz=model.imgsz,
    )


def _snapshot(app: web.Application) -> Snapshot:
    model = app[app_keys.MODEL]
    live = app[app_keys.LIVE]
    return Snapshot(
        ready=app[app_keys.LIFECYCLE].ready,
        sessions=live.registry.active,
        capacity=live.registry.capacity,
        live=live.totals.stats(),
        predict_answers=dict(app[app_keys.PICTURE_ANSWERS].items()),
        model=model.info if model.ready else None,
        pool=model.pool.stats() if model.ready else None,
    )
