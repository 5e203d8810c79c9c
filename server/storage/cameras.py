"""Records of cameras. Everything here blocks: never on the event loop."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.domain.camera import Camera, CameraRule, Credentials, Span
from server.domain.errors import Conflict, NotFound
from server.domain.region import Mask
from server.storage.database import Database
from server.storage.schema import cameras


class CameraRecords:
    """The cameras in one database; any thread but the event loop's. All raise RecordsUnavailable when it does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Camera]:
        """All of them, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(cameras).order_by(cameras.c.created_at, cameras.c.id)).mappings()
            return [_camera(row) for row in rows]

    def add(self, camera: Camera) -> None:
        """Keeps a new one; raises Conflict where another has its name."""
        try:
            with self._database.write() as connection:
                connection.execute(insert(cameras).values(_row(camera)))
        except IntegrityError as exc:
            raise _name_taken(camera) from exc

    def change(self, camera: Camera) -> None:
        """Keeps one as it is now; raises NotFound, and Conflict where another has its name."""
        try:
            with self._database.write() as connection:
                changed = connection.execute(update(cameras).where(cameras.c.id == camera.id).values(_row(camera)))
        except IntegrityError as exc:
            raise _name_taken(camera) from exc
        if changed.rowcount != 1:
            raise NotFound(f"there is no camera {camera.id!r}")

    def remove(self, camera_id: str) -> None:
        """Forgets one; does nothing where it is gone already."""
        with self._database.write() as connection:
            connection.execute(delete(cameras).where(cameras.c.id == camera_id))


def _name_taken(camera: Camera) -> Conflict:
    return Conflict(f"there is a camera named {camera.name!r} already")


def _row(camera: Camera) -> dict[str, Any]:
    """The camera as the table has it."""
    return {
        "id": camera.id,
        "name": camera.name,
        "url": camera.url,
        "detect_url": camera.detect_url,
        "username": None if camera.credentials is None else camera.credentials.username,
        "password": None if camera.credentials is None else camera.credentials.password,
        "confidence": camera.confidence,
        "classes": None if camera.classes is None else _json(camera.classes),
        "max_fps": camera.max_fps,
        "mask": _json(camera.mask),
        "schedule": _json(camera.schedule),
        "rule": _json(camera.rule),
        "enabled": camera.enabled,
        "managed": camera.managed,
        "snoozed_until": camera.snoozed_until,
        "created_at": camera.created_at,
    }


def _camera(row: RowMapping) -> Camera:
    values: Mapping[str, Any] = dict(row)
    username, password = values["username"], values["password"]
    known = {name: value for name, value in values.items() if name not in ("username", "password")}
    return Camera(
        **{
            **known,
            "credentials": None if username is None and password is None else Credentials(username or "", password or ""),
            "classes": None if values["classes"] is None else msgspec.json.decode(values["classes"], type=tuple[str, ...]),
            "mask": msgspec.json.decode(values["mask"], type=Mask),
            "schedule": msgspec.json.decode(values["schedule"], type=tuple[Span, ...]),
            "rule": msgspec.json.decode(values["rule"], type=CameraRule),
        }
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
