"""The application: makes everything that lives for the process, and closes it again."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from aiohttp import web

from server import resources
from server.alerts.evidence import AlertFiles
from server.config.settings import Settings, Webrtc
from server.domain.alert import SourceKind
from server.domain.protocols import Detector
from server.inference.processors import available_processors
from server.metrics import Metrics, Snapshot
from server.transports import aiortc_changes
from server.transports.aiortc_changes import AiortcChanges
from server.transports.aiortc_receiver import DECODER_LIMIT, ReceiverChanges
from server.transports.bounded_decoder import SPARE
from server.transports.path_check import PathChecks
from server.web import keys as app_keys
from server.web.access import Access
from server.web.admission import Admission
from server.web.alerts import ALERTS_DIR, AlertDesk
from server.web.back_off import BackOff
from server.web.cameras import CameraService
from server.web.channels import ChannelService
from server.web.clip_making import ClipMaking, RingMaker
from server.web.cluster import Cluster, resolve_cluster
from server.web.configured_model import detector_workers, load_configured_model
from server.web.credentials import Keys, resolve_keys
from server.web.doctor import Doctor
from server.web.encoder_settings import encoder_bitrates
from server.web.events import EventFeeds
from server.web.forwarding import Forwarder
from server.web.headers import add_headers
from server.web.held_open import HeldOpen
from server.web.key_watch import KeyWatch
from server.web.lifecycle import Lifecycle
from server.web.live import LiveService
from server.web.middlewares import answer_problems, check_access, count_pictures, forward_to_owner, limit_rate
from server.web.networks import Networks, parse_networks
from server.web.origin import allowed_hosts, own_hosts
from server.web.pictures import PictureService
from server.web.records import Records, data_folder
from server.web.remembered_throughput import RememberedThroughput
from server.web.request_rates import RequestRates
from server.web.routes import add_routes
from server.web.served_model import ServedModel, TimePool
from server.web.session_cookie import SessionCookies
from server.web.static_files import StaticFiles
from server.web.videos import VideoService
from server.web.viewing import ViewingService

SECONDS_A_DAY = 86_400
# Where the settings set no limit: more live streams than this no measured processor has had room for.
MOST_MEASURED_SESSIONS = 32
# Above this aiohttp's own readers refuse; ours have limits of their own, all of them below.
_MAX_BODY_BYTES = 1024 * 1024


def create_app(
    settings: Settings,
    *,
    keys: Keys | None = None,
    detector: Detector | None = None,
    time_pool: TimePool | None = None,
    clock: Callable[[], float] = time.monotonic,
    wall_clock: Callable[[], float] = time.time,
) -> web.Application:
    """The application for these settings.

    `keys` are those of `resolve_keys`, for a caller who has called it. `detector` takes the place of the model that the
    settings name, `time_pool` that of measuring how quick it is. `clock` measures ages and durations, `wall_clock` says when a
    sign-in ends.
    """
    middlewares = [count_pictures, answer_problems, check_access, limit_rate, forward_to_owner]
    app = web.Application(middlewares=middlewares, client_max_size=_MAX_BODY_BYTES)
    app[app_keys.SETTINGS] = settings
    app[app_keys.CLOCK] = clock
    keys = resolve_keys(settings) if keys is None else keys
    app[app_keys.ACCESS] = _access(settings, keys=keys, clock=clock, wall_clock=wall_clock)
    app[app_keys.HELD_OPEN] = HeldOpen()
    app[app_keys.CLUSTER] = resolve_cluster(settings, generated_key=keys.generated is not None)
    app[app_keys.TRUSTED_PROXIES] = _trusted(settings, cluster=app[app_keys.CLUSTER])
    _limit(app, settings=settings, clock=clock)
    app[app_keys.STATIC] = StaticFiles(resources.static_dir())
    app[app_keys.PICTURE_ANSWERS] = Counter()
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.extend([_end_live_sessions, _end_endless_answers])
    add_routes(app)
    # Later ones use earlier ones, and are closed before them.
    app.cleanup_ctx.extend(
        [
            _io,
            _keys,
            _encoders,
            _changed_aiortc,
            _served_model(detector, time_pool=time_pool),
            _forwarder,
            _records,
            _videos(own_model=detector is None),
            _live_streams,
            _channels,
            _alerts,
            _cameras,
            _doctor,
        ]
    )
    return app


def _limit(app: web.Application, *, settings: Settings, clock: Callable[[], float]) -> None:
    """What counts requests and pictures before anything is done for them."""
    app[app_keys.REQUEST_RATES] = RequestRates(settings.server.max_requests_per_s, clock=clock)
    app[app_keys.PICTURE_ADMISSION] = Admission(limit=settings.predict.max_waiting)
    app[app_keys.UNKNOWN_ADMISSION] = Admission(limit=max(1, settings.predict.max_waiting // 4))


def _access(settings: Settings, *, keys: Keys, clock: Callable[[], float], wall_clock: Callable[[], float]) -> Access:
    lifetime_s = settings.auth.session_days * SECONDS_A_DAY
    cookies = SessionCookies(keys, lifetime_s=lifetime_s, secret=settings.cluster.secret, clock=wall_clock)
    back_off = BackOff(free=settings.auth.max_wrong_keys, clock=clock)
    hosts = None if settings.auth.insecure else allowed_hosts(settings)
    return Access(keys=keys, cookies=cookies, back_off=back_off, hosts=hosts, own_hosts=own_hosts(settings))


def _trusted(settings: Settings, *, cluster: Cluster) -> Networks:
    """Whose word on who asks is believed; the other servers tell what their own proxies have told them."""
    return cluster.peers | parse_networks(settings.server.trusted_proxies, setting="server.trusted_proxies")


async def _io(app: web.Application) -> AsyncIterator[None]:
    """Threads for files and pictures, apart from the loop's own executor, which belongs to the video encoders."""
    # At least two: one large picture must not hold up the page's files.
    executor = ThreadPoolExecutor(max_workers=max(2, available_processors()), thread_name_prefix="io")
    app[app_keys.IO] = executor
    yield
    executor.shutdown()


async def _keys(app: web.Application) -> AsyncIterator[None]:
    """Named keys, as `sightline keys` changes them while we run."""
    app[app_keys.KEY_WATCH] = watch = KeyWatch(app[app_keys.ACCESS].keys, held=app[app_keys.HELD_OPEN], io=app[app_keys.IO])
    watch.start()
    yield
    await watch.aclose()


async def _encoders(app: web.Application) -> AsyncIterator[None]:
    """The loop's own executor, where aiortc encodes: a thread for each connection, so that none waits for another's picture."""
    live = app[app_keys.SETTINGS].live
    connections = (live.max_sessions or MOST_MEASURED_SESSIONS) + live.max_viewers
    # Threads are made as they are needed.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(connections, thread_name_prefix="encoder"))
    # The loop shuts its executor down itself, after everything that may still encode.
    yield


async def _changed_aiortc(app: web.Application) -> AsyncIterator[None]:
    """What we change in aiortc, for as long as the application lives."""
    settings = app[app_keys.SETTINGS]
    undo = aiortc_changes.apply(_aiortc_changes(settings.webrtc, max_pixels=settings.live.max_pixels))
    yield
    undo()


def _aiortc_changes(settings: Webrtc, *, max_pixels: int) -> AiortcChanges:
    bitrates = encoder_bitrates(settings)
    receiver = ReceiverChanges(
        early_release=settings.early_release,
        nack_retry=settings.nack_retry,
        start_bitrate_bps=settings.start_bitrate_bps if settings.seed_estimate else None,
        decoder_limit=DECODER_LIMIT if settings.bounded_decoder else None,
    )
    return AiortcChanges(
        receiver=receiver,
        bitrates=bitrates if settings.own_encoders else None,
        shared_encoding=settings.shared_encoding,
        quick_consent=settings.quick_consent,
        quiet_decoder=settings.quiet_decoder,
        max_pixels=max_pixels * SPARE if settings.bounded_pictures else None,
        bounded_messages=settings.bounded_messages,
        guarded_ports=settings.guarded_ports,
        steady_clock=settings.steady_clock,
        quiet_sends=settings.quiet_sends,
        rsa_peers=settings.rsa_peers,
        loopback_candidates=settings.loopback_candidates,
    )


def _served_model(detector: Detector | None, *, time_pool: TimePool | None) -> Callable[[web.Application], AsyncIterator[None]]:
    async def served_model(app: web.Application) -> AsyncIterator[None]:
        """The model; it loads while the socket is open already."""
        settings = app[app_keys.SETTINGS]
        model = ServedModel(
            (lambda: detector) if detector is not None else partial(load_configured_model, settings),
            workers=detector_workers(settings),
            hang_s=settings.inference.hang_s,
            executor=app[app_keys.IO],
            time_pool=time_pool or RememberedThroughput(settings, io=app[app_keys.IO]),
        )
        app[app_keys.MODEL] = model
        model.start()
        yield
        await model.aclose()

    return served_model


async def _forwarder(app: web.Application) -> AsyncIterator[None]:
    """What passes requests on to the other servers of the cluster."""
    stall_s = app[app_keys.SETTINGS].live.viewer_stall_s
    app[app_keys.FORWARDER] = forwarder = Forwarder(app[app_keys.CLUSTER], stall_s=stall_s, clock=app[app_keys.CLOCK])
    yield
    await forwarder.aclose()


async def _records(app: web.Application) -> AsyncIterator[None]:
    """The database of all that keeps records."""
    app[app_keys.RECORDS] = records = Records(app[app_keys.SETTINGS])
    await records.open()
    yield
    await records.aclose()


def _videos(*, own_model: bool) -> Callable[[web.Application], AsyncIterator[None]]:
    async def videos(app: web.Application) -> AsyncIterator[None]:
        """Video files; they are checked once the model is loaded."""
        service = VideoService(
            app[app_keys.SETTINGS],
            model=app[app_keys.MODEL],
            records=app[app_keys.RECORDS],
            check_labels=own_model,
            io=app[app_keys.IO],
        )
        app[app_keys.VIDEOS] = service
        await service.open()
        yield
        await service.aclose()

    return videos


async def _live_streams(app: web.Application) -> AsyncIterator[None]:
    """Live streams with the threads that track and draw, single pictures, and the metrics of both."""
    settings = app[app_keys.SETTINGS]
    model = app[app_keys.MODEL]
    ids = app[app_keys.CLUSTER].ids
    renderer = ThreadPoolExecutor(max_workers=max(2, available_processors()), thread_name_prefix="renderer")
    live = LiveService(settings, model=model, renderer=renderer, new_id=ids.new if ids else None, clock=app[app_keys.CLOCK])
    app[app_keys.LIVE] = live
    live.tuning.start()
    viewing = ViewingService(settings, live=live, io=app[app_keys.IO], clock=app[app_keys.CLOCK])
    app[app_keys.VIEWING] = viewing
    app[app_keys.EVENTS] = EventFeeds(live.registry, most=settings.server.max_event_streams, clock=app[app_keys.CLOCK])
    app[app_keys.CAMERAS] = cameras = CameraService(
        settings, records=app[app_keys.RECORDS], live=live, model=model, clock=app[app_keys.CLOCK]
    )
    _watch_alerts(app)
    app[app_keys.LIFECYCLE] = Lifecycle(model=model, registry=live.registry, videos=app[app_keys.VIDEOS], cameras=cameras)
    # Enough that decoding, detecting and encoding go on side by side.
    at_once = detector_workers(settings) + 2
    app[app_keys.PICTURES] = PictureService(
        model=model, io=app[app_keys.IO], max_pixels=settings.predict.max_pixels, at_once=at_once
    )
    app[app_keys.METRICS] = Metrics(lambda: _snapshot(app))
    yield
    await live.registry.aclose()
    await live.tuning.aclose()
    await viewing.aclose()
    renderer.shutdown()


def _watch_alerts(app: web.Application) -> None:
    """Makes alerts and channels, and lets cameras know of both; they are opened later."""
    settings, io, records, cameras = app[app_keys.SETTINGS], app[app_keys.IO], app[app_keys.RECORDS], app[app_keys.CAMERAS]
    files = AlertFiles(data_folder(settings) / ALERTS_DIR)
    app[app_keys.CHANNELS] = channels = ChannelService(settings, records=records, picture_of=files.annotated, io=io)
    rings = RingMaker(settings.alerts, offered=records.offered)
    app[app_keys.ALERTS] = alerts = AlertDesk(
        settings,
        files=files,
        records=records,
        live=app[app_keys.LIVE],
        cameras=cameras,
        channels=channels,
        model=app[app_keys.MODEL],
        clips=ClipMaking(settings, io=io),
        io=io,
        clock=app[app_keys.CLOCK],
    )
    app[app_keys.LIVE].new_ring = rings.make
    cameras.new_ring = partial(rings.make, SourceKind.CAMERA)
    cameras.tell = lambda event, camera, status: channels.tell_of_camera(event, camera, status=status)
    cameras.last_alert = alerts.last_alert


async def _channels(app: web.Application) -> AsyncIterator[None]:
    """Who is told, and what waits to be told."""
    channels = app[app_keys.CHANNELS]
    await channels.open()
    yield
    await channels.aclose()


async def _alerts(app: web.Application) -> AsyncIterator[None]:
    """Alerts of all live sessions, those of cameras included."""
    alerts = app[app_keys.ALERTS]
    await alerts.open()
    yield
    await alerts.aclose()


async def _cameras(app: web.Application) -> AsyncIterator[None]:
    """Cameras; they are watched once the model is loaded."""
    cameras = app[app_keys.CAMERAS]
    await cameras.open()
    yield
    await cameras.aclose()


async def _doctor(app: web.Application) -> AsyncIterator[None]:
    """What finds out why something does not work."""
    limits = app[app_keys.LIVE].limits
    app[app_keys.DOCTOR] = Doctor(app[app_keys.SETTINGS], io=app[app_keys.IO], clock=app[app_keys.CLOCK])
    checks = app[app_keys.PATH_CHECKS] = PathChecks(
        ice_servers=limits.ice_servers, public_address=limits.public_address, max_candidates=limits.max_candidates
    )
    yield
    await checks.aclose()


async def _end_live_sessions(app: web.Application) -> None:
    """Ends those whose connection is a request: the server waits for its requests before it cleans up."""
    await app[app_keys.CAMERAS].drain()
    await app[app_keys.LIVE].registry.aclose()


async def _end_endless_answers(app: web.Application) -> None:
    """Ends the requests that never end by themselves: the server waits for all of them before it closes anything."""
    app[app_keys.VIEWING].end_readers()
    app[app_keys.VIDEOS].end_viewers()
    app[app_keys.EVENTS].close()
    await app[app_keys.FORWARDER].aclose()


def _snapshot(app: web.Application) -> Snapshot:
    model = app[app_keys.MODEL]
    live = app[app_keys.LIVE]
    capacity = live.capacity
    return Snapshot(
        ready=app[app_keys.LIFECYCLE].ready,
        sessions=live.registry.active,
        capacity=capacity.sessions,
        streams_short=capacity.reason == "streams_short",
        streams_slowed=live.slowed,
        live=live.totals.stats(),
        viewers=app[app_keys.VIEWING].places.active,
        predict_answers=dict(app[app_keys.PICTURE_ANSWERS].items()),
        model=model.info if model.ready else None,
        pool=model.pool.stats() if model.ready else None,
        detections_fps=model.throughput.detections_fps if model.ready else None,
        input_level=live.tuning.level if model.ready else None,
        videos=app[app_keys.VIDEOS].stats(),
        cameras=app[app_keys.CAMERAS].counts,
        alerts=app[app_keys.ALERTS].stats(),
        deliveries=app[app_keys.CHANNELS].outcomes,
    )
