"""What lives for the process, under typed keys; `app.py` makes and closes it."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor

from aiohttp import web

from server.config import Settings
from server.metrics import Metrics
from server.web.access import Access
from server.web.admission import Admission
from server.web.lifecycle import Lifecycle
from server.web.live import LiveService
from server.web.pictures import PictureService
from server.web.served_model import ServedModel
from server.web.static_files import StaticFiles

SETTINGS = web.AppKey("settings", Settings)
CLOCK: web.AppKey[Callable[[], float]] = web.AppKey("clock", Callable[[], float])  # type: ignore[arg-type] # a type form
IO = web.AppKey("io", Executor)
ACCESS = web.AppKey("access", Access)
MODEL = web.AppKey("model", ServedModel)
LIFECYCLE = web.AppKey("lifecycle", Lifecycle)
LIVE = web.AppKey("live", LiveService)
PICTURES = web.AppKey("pictures", PictureService)
PICTURE_ADMISSION = web.AppKey("picture_admission", Admission)
# Answers to pictures sent by POST, by status code.
PICTURE_ANSWERS: web.AppKey[Counter[int]] = web.AppKey("picture_answers", Counter)
STATIC = web.AppKey("static", StaticFiles)
METRICS = web.AppKey("metrics", Metrics)
