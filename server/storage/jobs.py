"""Records of jobs, which are the queue at the same time. Everything here blocks: never on the event loop."""

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from server.domain.errors import Conflict, NotFound
from server.domain.job import Job, JobState, check_transition
from server.storage.database import Database
from server.storage.schema import jobs

_FIELDS = frozenset(field.name for field in fields(Job))
_NO_LEASE = {"lease_owner": None, "lease_until": None}


class JobRecords:
    """The jobs in one database; any thread but the event loop's. All raise RecordsUnavailable when it does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job: Job) -> None:
        """Keeps a new job."""
        with self._database.write() as connection:
            connection.execute(insert(jobs).values(_row(asdict(job))))

    def get(self, job_id: str) -> Job:
        """One job; raises NotFound."""
        with self._database.read() as connection:
            return _find(connection, job_id)

    def all(self) -> list[Job]:
        """All jobs, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.id)).mappings()
            return [_job(row) for row in rows]

    def queued(self) -> list[Job]:
        """Those that wait, in the order in which they are taken."""
        with self._database.read() as connection:
            wanted = select(jobs).where(jobs.c.state == JobState.QUEUED).order_by(jobs.c.queued_at, jobs.c.id)
            return [_job(row) for row in connection.execute(wanted).mappings()]

    def claim(self, *, owner: str, now: float, lease_s: float) -> Job | None:
        """Takes the one that was queued first: it waits, or its owner has let the lease run out; None without any."""
        with self._database.write() as connection:
            # A lease that ends later than any does was given before the clock was set back.
            over = (jobs.c.lease_until < now) | (jobs.c.lease_until > now + 2 * lease_s)
            expired = (jobs.c.state == JobState.RUNNING) & over
            # Two workers on a database that locks rows take different ones; SQLite locks everything and leaves this out.
            wanted = (
                select(jobs)
                .where((jobs.c.state == JobState.QUEUED) | expired)
                .order_by(jobs.c.queued_at, jobs.c.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            row = connection.execute(wanted).mappings().first()
            if row is None:
                return None
            found = _job(row)
            lease = {"lease_owner": owner, "lease_until": now + lease_s}
            begun = {"started_at": now, "frames_done": 0, "fps": None, "attempts": found.attempts + 1}
            return _update(connection, found, {"state": JobState.RUNNING, **begun, **lease})

    def renew(self, job: Job, *, now: float, lease_s: float) -> bool:
        """Keeps a running job for its owner and notes how far it is; False when it is the owner's no longer."""
        with self._database.write() as connection:
            owned = (jobs.c.id == job.id) & (jobs.c.state == JobState.RUNNING) & (jobs.c.lease_owner == job.lease_owner)
            far = {"frames_done": job.frames_done, "frames": job.frames, "fps": job.fps}
            changed = connection.execute(update(jobs).where(owned).values(lease_until=now + lease_s, **far))
            return changed.rowcount == 1

    def restart(self, job_id: str, *, values: Mapping[str, Any]) -> Job:
        """Puts a job that failed or was cancelled into the queue, with further values; raises NotFound and Conflict."""
        with self._database.write() as connection:
            job = _find(connection, job_id)
            if not job.state.finished:  # a running one goes back to the queue only by its owner
                raise Conflict(f"the file {job.name} is {job.state}: there is nothing to begin again")
            check_transition(job, JobState.QUEUED)
            return _update(connection, job, {**_NO_LEASE, **values, "state": JobState.QUEUED})

    def change(self, job_id: str, state: JobState, *, owner: str | None = None, values: Mapping[str, Any]) -> Job | None:
        """Brings a job into another state, with further values, and ends its lease; returns it as it is then.

        Raises NotFound, and Conflict for a step that TRANSITIONS does not have. With `owner` only who holds the lease may:
        for others it does nothing and returns None.
        """
        with self._database.write() as connection:
            job = _find(connection, job_id)
            if owner is not None and (job.state is not JobState.RUNNING or job.lease_owner != owner):
                return None
            check_transition(job, state)
            return _update(connection, job, {**_NO_LEASE, **values, "state": state})

    def remove(self, job_id: str) -> None:
        """Forgets a job that is finished; raises NotFound, and Conflict while it is not."""
        with self._database.write() as connection:
            job = _find(connection, job_id)
            if not job.state.finished:
                raise Conflict(f"the file {job.name} is {job.state}: cancel it first")
            connection.execute(delete(jobs).where(jobs.c.id == job_id))


def _find(connection: Connection, job_id: str) -> Job:
    row = connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().first()
    if row is None:
        raise NotFound(f"there is no video {job_id!r}")
    return _job(row)


def _update(connection: Connection, job: Job, values: Mapping[str, Any]) -> Job:
    connection.execute(update(jobs).where(jobs.c.id == job.id).values(_row(values)))
    return replace(job, **values)


def _row(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as the table has them."""
    classes = values.get("classes")
    encoded = {} if classes is None else {"classes": msgspec.json.encode(classes).decode()}
    return {**values, **encoded}


def _job(row: RowMapping) -> Job:
    values = {name: value for name, value in row.items() if name in _FIELDS}
    classes = values["classes"]
    known = None if classes is None else tuple(msgspec.json.decode(classes, type=list[str]))
    return Job(**{**values, "state": JobState(values["state"]), "classes": known})
