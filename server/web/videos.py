"""Video files: the jobs with their records and folder, as the settings have them."""

import asyncio
import logging
import os
import socket
import uuid
from concurrent.futures import Executor

from server.config.settings import Settings
from server.domain.errors import ModelError, NotOffered
from server.inference.loader import fingerprint
from server.jobs.confinement import offered
from server.jobs.files import JobFiles
from server.jobs.messages import Limits, ModelOrder
from server.jobs.options import JobOptions
from server.jobs.queue import RecordedQueue
from server.jobs.service import VideoJobs
from server.metrics import VideoStats
from server.storage.jobs import JobRecords
from server.web.admission import Admission
from server.web.configured_model import detector_workers, model_path
from server.web.records import Records, data_folder, hidden_files
from server.web.served_model import ServedModel

logger = logging.getLogger(__name__)

SECONDS_A_DAY = 86_400
VIDEOS_DIR = "videos"


class VideoService:
    """Video jobs from `open()` to `aclose()`, where this server offers them. `records` are open; `io` takes files."""

    def __init__(self, settings: Settings, *, model: ServedModel, records: Records, check_labels: bool, io: Executor) -> None:
        self.uploads = Admission(limit=settings.videos.max_uploads, what="videos arrive", setting="videos.max_uploads")
        self._settings = settings
        self._model = model
        self._check_labels = check_labels
        self._io = io
        self._records = records
        self._jobs: VideoJobs | None = None
        self._missing = "video files are turned off here (videos.enabled)"
        self._fingerprint: str | None = None
        self._starting: asyncio.Task[None] | None = None

    @property
    def jobs(self) -> VideoJobs:
        """The jobs; raises NotOffered where there are none."""
        if self._jobs is None:
            raise NotOffered(self._missing)
        return self._jobs

    @property
    def offered(self) -> bool:
        """Whether video files are taken."""
        return self._jobs is not None

    def stats(self) -> VideoStats | None:
        """Counts for the metrics; None where videos are not offered."""
        if self._jobs is None:
            return None
        stats = self._jobs.stats
        return VideoStats(
            {str(state): count for state, count in self._jobs.counts.items()}, stats.outcomes, stats.frames, stats.seconds
        )

    async def open(self) -> None:
        """Opens the folder, and begins to check what waits once the model is loaded.

        A folder that cannot be written only keeps videos from being offered: live video needs none.
        """
        if not self._settings.videos.enabled:
            return
        if not self._records.offered:
            self._missing = f"video files are {self._records.missing}"
            return
        self._fingerprint = await asyncio.get_running_loop().run_in_executor(self._io, self._read_fingerprint)
        files = JobFiles(data_folder(self._settings) / VIDEOS_DIR)
        try:
            await asyncio.get_running_loop().run_in_executor(self._io, files.open)
        except OSError as exc:
            self._missing = f"video files are not offered here: the data folder cannot be written ({exc.strerror or exc})"
            logger.warning("%s", self._missing)
            return
        records = JobRecords(self._records.database)
        queue = RecordedQueue(records, executor=self._records.executor, owner=_owner())
        self._jobs = VideoJobs(queue=queue, files=files, options=self._options(), io=self._io)
        self._jobs.start()
        if self._settings.videos.confine == "auto" and (missing := offered().missing):
            logger.warning("this system lets the process that opens video files keep its %s (docs/limits.md)", missing)
        self._starting = asyncio.create_task(self._start_checking(self._jobs), name="wait for the model, then check videos")

    def end_viewers(self) -> None:
        """Ends those who watch, whose requests the server would wait for."""
        if self._jobs is not None:
            self._jobs.previews.close()

    async def drain(self) -> None:
        """Begins no further video and gives the running one back to the queue."""
        if self._jobs is not None:
            await self._jobs.drain()

    async def aclose(self) -> None:
        """Ends all of it; a video that is being checked goes on at the next start."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        if self._jobs is not None:
            await self._jobs.aclose()

    async def _start_checking(self, jobs: VideoJobs) -> None:
        await self._model.loaded()
        jobs.start_checking()

    def _read_fingerprint(self) -> str | None:
        """That of the model as it is when the server starts, None where there is none to load."""
        if not self._check_labels:
            return None
        try:
            return fingerprint(model_path(self._settings))
        except (ModelError, OSError):  # which loading it will tell
            return None

    def _options(self) -> JobOptions:
        videos = self._settings.videos
        limits = Limits(
            nice=videos.nice,
            memory_bytes=videos.max_memory_bytes,
            cpu_s=videos.max_cpu_s,
            file_bytes=videos.max_result_bytes,
            parent=os.getpid(),
            confined=videos.confine == "auto",
            hidden=hidden_files(self._settings),
        )
        return JobOptions(
            model=self._model_order,
            max_pixels=videos.max_pixels,
            max_duration_s=videos.max_duration_s,
            limits=limits,
            stall_s=videos.stall_s,
            keep_s=videos.keep_days * SECONDS_A_DAY,
            max_total_bytes=videos.max_total_bytes,
        )

    def _model_order(self) -> ModelOrder:
        """The model that this server was started with."""
        model = self._settings.model
        return ModelOrder(
            path=str(model_path(self._settings)),
            backend=model.backend,
            precision=model.precision,
            confidence=model.confidence,
            iou=model.iou,
            imgsz=model.imgsz,
            threads=self._settings.videos.threads,
            workers=detector_workers(self._settings, threads=self._settings.videos.threads),
            labels=self._model.info.labels if self._check_labels else None,
            fingerprint=self._fingerprint,
        )


def _owner() -> str:
    """A name for this process among all that use the same records."""
    return f"{socket.gethostname()[:20]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
