"""What lives for the process, under typed keys; `app.py` makes and closes it."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor

from aiohttp import web

from server.config.settings import Settings
from server.metrics import Metrics
from server.transports.path_check import PathChecks
from server.web.access import Access
from server.web.admission import Admission
from server.web.alerts import AlertDesk
from server.web.cameras import CameraService
from server.web.channels import ChannelService
from server.web.cluster import Cluster
from server.web.doctor import Doctor
from server.web.events import EventFeeds
from server.web.forwarding import Forwarder
from server.web.held_open import HeldOpen
from server.web.key_watch import KeyWatch
from server.web.lifecycle import Lifecycle
from server.web.live import LiveService
from server.web.networks import Networks
from server.web.pictures import PictureService
from server.web.records import Records
from server.web.request_rates import RequestRates
from server.web.served_model import ServedModel
from server.web.static_files import StaticFiles
from server.web.videos import VideoService
from server.web.viewing import ViewingService

SETTINGS = web.AppKey("settings", Settings)
CLOCK: web.AppKey[Callable[[], float]] = web.AppKey("clock", Callable[[], float])  # type: ignore[arg-type] # a type form
IO = web.AppKey("io", Executor)
ACCESS = web.AppKey("access", Access)
HELD_OPEN = web.AppKey("held_open", HeldOpen)
KEY_WATCH = web.AppKey("key_watch", KeyWatch)
TRUSTED_PROXIES = web.AppKey("trusted_proxies", Networks)
CLUSTER = web.AppKey("cluster", Cluster)
FORWARDER = web.AppKey("forwarder", Forwarder)
MODEL = web.AppKey("model", ServedModel)
LIFECYCLE = web.AppKey("lifecycle", Lifecycle)
RECORDS = web.AppKey("records", Records)
LIVE = web.AppKey("live", LiveService)
ALERTS = web.AppKey("alerts", AlertDesk)
CHANNELS = web.AppKey("channels", ChannelService)
CAMERAS = web.AppKey("cameras", CameraService)
VIDEOS = web.AppKey("videos", VideoService)
VIEWING = web.AppKey("viewing", ViewingService)
EVENTS = web.AppKey("events", EventFeeds)
PICTURES = web.AppKey("pictures", PictureService)
PICTURE_ADMISSION = web.AppKey("picture_admission", Admission)
# Pictures that are still arriving from clients whose key stands within the form.
UNKNOWN_ADMISSION = web.AppKey("unknown_admission", Admission)
# Answers to pictures sent by POST, by status code.
PICTURE_ANSWERS: web.AppKey[Counter[int]] = web.AppKey("picture_answers", Counter)
REQUEST_RATES = web.AppKey("request_rates", RequestRates)
STATIC = web.AppKey("static", StaticFiles)
DOCTOR = web.AppKey("doctor", Doctor)
PATH_CHECKS = web.AppKey("path_checks", PathChecks)
METRICS = web.AppKey("metrics", Metrics)
