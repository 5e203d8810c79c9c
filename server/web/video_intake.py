"""Intake: from the request that carries a video file to a job in the queue."""

import asyncio
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from aiohttp import web

from server.config.settings import Videos
from server.domain.errors import InvalidRequest
from server.domain.job import Job
from server.domain.model import ModelInfo
from server.jobs.announcements import JobView
from server.jobs.probe import check_limits
from server.jobs.service import VideoJobs
from server.web.file_names import clean_name
from server.web.parameters import Fields, VideoParameters, class_ids, read_parameters
from server.web.video_upload import UploadLimits, VideoReceiver

Result = TypeVar("Result")


class VideoIntake:
    """Takes one upload in; of one that is refused, or breaks off, nothing is left."""

    def __init__(self, videos: Videos, *, jobs: VideoJobs, info: ModelInfo, io: Executor) -> None:
        self._videos = videos
        self._jobs = jobs
        self._info = info
        self._io = io
        self._id = uuid.uuid4().hex

    async def take(self, request: web.Request) -> JobView:
        """The job in the queue; raises as `VideoReceiver.receive`, `VideoJobs.check_room`, `probe` and `check_limits` do."""
        query = {name: request.query.getall(name) for name in request.query}
        self._parameters(query)  # what cannot be meant is refused before gigabytes arrive
        await self._jobs.check_room_in_queue(self._videos.max_queued)
        await self._jobs.check_room(request.content_length or 0)
        try:
            job = await self._receive(request, query=query)
            await self._jobs.check_room(job.size_bytes)
            if request.transport is None or request.transport.is_closing():
                raise InvalidRequest("the sender left before the video was taken")  # who leaves does not want it any more
            return await self._jobs.add(job)
        finally:
            # Where it became a job its file is elsewhere by now.
            await asyncio.shield(self._on_io(lambda: self._jobs.files.incoming(self._id).unlink(missing_ok=True)))

    async def _receive(self, request: web.Request, *, query: Fields) -> Job:
        files, videos = self._jobs.files, self._videos
        limits = UploadLimits(
            videos.max_bytes,
            stall_s=videos.upload_stall_s,
            min_free_bytes=videos.min_free_bytes,
            min_bytes_per_s=videos.min_upload_bytes_per_s,
        )
        target = files.incoming(self._id)
        received = await VideoReceiver(target, limits=limits, free_bytes=files.free_bytes, io=self._io).receive(request)
        parameters = self._parameters({**received.fields, **query})
        name = clean_name(received.filename or parameters.name, otherwise="video")
        probed = await self._jobs.probe(target, name=name)
        check_limits(probed, max_duration_s=videos.max_duration_s, max_pixels=videos.max_pixels)
        classes = class_ids(parameters.classes, info=self._info)
        now = time.time()
        return Job(
            id=self._id,
            name=name,
            every=parameters.every,
            confidence=self._info.confidence if parameters.conf is None else parameters.conf,
            classes=None if classes is None else tuple(self._info.labels[number] for number in sorted(classes)),
            size_bytes=received.size_bytes,
            width_px=probed.width_px,
            height_px=probed.height_px,
            duration_s=probed.duration_s,
            frames=probed.frames,
            created_at=now,
            queued_at=now,
        )

    def _parameters(self, fields: Fields) -> VideoParameters:
        parameters = read_parameters(VideoParameters, fields)
        class_ids(parameters.classes, info=self._info)
        return parameters

    async def _on_io(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._io, work)
