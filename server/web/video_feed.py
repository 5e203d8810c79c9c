"""What a page follows of video files: each job as it changes."""

import asyncio
from collections.abc import Iterable, Iterator

import msgspec

from server.jobs.announcements import JobChange, JobRemoved, JobView
from server.pipeline.broadcast import Broadcast
from server.web.video_answers import VideoRemovedEvent, video_answer

Event = tuple[str, msgspec.Struct]


class VideoFeed:
    """A sink that keeps the newest of each job, or that it was removed, until it is taken; on the event loop.

    `ids` None follows all. `changed` is set when there is something to take.
    """

    def __init__(self, changes: Broadcast[JobChange], *, ids: Iterable[str] | None, changed: asyncio.Event) -> None:
        self._changes = changes
        self._ids = None if ids is None else frozenset(ids)
        self._changed = changed
        self._newest: dict[str, JobChange] = {}
        changes.subscribe(self)

    def begin(self, views: Iterable[JobView]) -> None:
        """Puts what was known at the beginning behind what came since."""
        known = {view.job.id: view for view in views if self._follows(view.job.id)}
        self._newest = {**known, **self._newest}
        if self._newest:
            self._changed.set()

    def put(self, item: JobChange) -> None:
        """Keeps it in place of the one before."""
        job_id = item.id if isinstance(item, JobRemoved) else item.job.id
        if self._follows(job_id):
            self._newest.pop(job_id, None)  # the newest change is told last
            self._newest[job_id] = item
            self._changed.set()

    def take(self) -> Iterator[Event]:
        """What was not taken yet."""
        newest, self._newest = self._newest, {}
        for job_id, item in newest.items():
            if isinstance(item, JobRemoved):
                yield "video_removed", VideoRemovedEvent(job_id)
            else:
                yield "video", video_answer(item)

    def close(self) -> None:
        """Takes the sink off."""
        self._changes.unsubscribe(self)

    def _follows(self, job_id: str) -> bool:
        return self._ids is None or job_id in self._ids
