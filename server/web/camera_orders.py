"""Orders: what a client, or the settings file, wants of a camera."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from server.config.watching import CameraEntry
from server.domain.camera import Camera, CameraRule, Credentials, Span
from server.domain.errors import Conflict, InvalidRequest, SettingsError
from server.domain.model import ModelInfo
from server.domain.region import NO_MASK, Mask, Region, RegionKind
from server.transports.camera_address import parse_address, split_credentials
from server.web.parameters import class_ids
from server.web.problems import Problem

MOST_SPANS = 32
MOST_SNOOZE_S = 7 * 86_400
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Clock = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]
Text = Annotated[str, Meta(max_length=200)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Value = TypeVar("Value")

# What the settings file says of a camera that it manages.
_MANAGED_FIELDS = ("name", "url", "detect_url", "username", "password", "conf", "classes", "max_fps")


class RegionForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A region of a mask."""

    kind: RegionKind
    points: Annotated[list[tuple[float, float]], Meta(max_length=64)]


class SpanForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    """Hours of a week."""

    days: Annotated[list[Day], Meta(min_length=1, max_length=7)]
    start: Clock
    end: Clock


class RuleForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a camera has instead of the alert rule of the settings."""

    hits: Annotated[int, Meta(ge=1, le=1000)] | None = None
    frames: Annotated[int, Meta(ge=1, le=1000)] | None = None
    min_size_px: Annotated[float, Meta(ge=0)] | None = None
    cooldown_s: Annotated[float, Meta(ge=0)] | None = None


class CameraOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is given of a camera; what is left out stays as it is."""

    name: Annotated[str, Meta(max_length=80)] | UnsetType = UNSET
    url: str | UnsetType = UNSET
    detect_url: str | UnsetType | None = UNSET
    username: Text | UnsetType | None = UNSET
    password: Text | UnsetType | None = UNSET
    conf: Fraction | UnsetType | None = UNSET
    classes: list[str | int] | UnsetType | None = UNSET
    max_fps: Annotated[float, Meta(gt=0, le=1000)] | UnsetType | None = UNSET
    mask: list[RegionForm] | UnsetType | None = UNSET
    schedule: Annotated[list[SpanForm], Meta(max_length=MOST_SPANS)] | UnsetType | None = UNSET
    rule: RuleForm | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET
    snooze_s: Annotated[float, Meta(ge=0, le=MOST_SNOOZE_S)] | UnsetType = UNSET


def read_order(body: bytes) -> CameraOrder:
    """Reads one from JSON; a Problem (400) names the field that cannot be meant."""
    try:
        return msgspec.json.decode(body, type=CameraOrder)
    except msgspec.ValidationError as exc:
        reason, _, path = str(exc).partition(" - at `$.")
        named = re.split(r"[`.\[]", path)[0] or _unknown_field(reason)
        raise refused_field(named, f"{named}: {reason}" if named else reason) from exc
    except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:
        raise InvalidRequest(f"the body is no JSON: {exc}") from exc


def refused_field(field: str | None, detail: str) -> Problem:
    """A refusal that names the field for a form."""
    return Problem(400, detail, members={} if not field else {"field": field})


def new_camera(order: CameraOrder, *, camera_id: str, info: ModelInfo, now: float) -> Camera:
    """The camera that is asked for; a Problem (400) for what cannot be meant."""
    for field in ("name", "url"):
        if getattr(order, field) is UNSET:
            raise refused_field(field, f"{field} is missing")
    return changed_camera(Camera(id=camera_id, name="", url="", created_at=now), order, info=info, now=now)


def changed_camera(camera: Camera, order: CameraOrder, *, info: ModelInfo, now: float) -> Camera:
    """The camera with what is given; a Problem (400) for what cannot be meant, Conflict for what the settings file says."""
    for field in _MANAGED_FIELDS:
        if camera.managed and getattr(order, field) is not UNSET:
            raise Conflict(f"this camera stands in the settings file: change its {field} there (cameras.entries)")
    return with_order(camera, order, info=info, now=now)


def with_order(camera: Camera, order: CameraOrder, *, info: ModelInfo | None, now: float) -> Camera:
    """As `changed_camera`, for managed ones too; without `info` classes are not looked at."""
    camera = _with_addresses(camera, order)
    if order.classes is not UNSET:
        names = None if order.classes is None else [str(one) for one in order.classes]
        camera = replace(camera, classes=_classes(names, info=info))
    simple: dict[str, Any] = {
        "name": UNSET if order.name is UNSET else _field("name", _name, order.name),
        "confidence": order.conf,
        "max_fps": order.max_fps,
        "mask": UNSET if order.mask is UNSET else _field("mask", _mask, order.mask),
        "schedule": UNSET if order.schedule is UNSET else tuple(_span(one) for one in order.schedule or ()),
        "rule": UNSET if order.rule is UNSET else _field("rule", _rule, order.rule),
        "enabled": order.enabled,
        "snoozed_until": UNSET if order.snooze_s is UNSET else (now + order.snooze_s if order.snooze_s else None),
    }
    return replace(camera, **{name: value for name, value in simple.items() if value is not UNSET})


def order_of_entry(entry: CameraEntry) -> CameraOrder:
    """What an entry of the settings file orders."""
    return CameraOrder(
        name=entry.name,
        url=entry.url,
        detect_url=entry.detect_url,
        username=entry.username if entry.username is not None else UNSET,
        password=entry.password if entry.password is not None else UNSET,
        conf=entry.conf,
        classes=list(entry.classes) if entry.classes is not None else None,
        max_fps=entry.max_fps,
    )


def orders_of_entries(entries: Iterable[CameraEntry]) -> dict[str, CameraOrder]:
    """What the settings file orders, by the names that the cameras get; raises SettingsError for names that cannot be meant."""
    orders: dict[str, CameraOrder] = {}
    for entry in entries:
        try:
            name = _name(entry.name)
        except InvalidRequest as exc:
            raise SettingsError(f"cameras.entries: {entry.name!r}: {exc}") from exc
        if name in orders:
            raise SettingsError(f"cameras.entries: two cameras are named {name!r}")
        orders[name] = order_of_entry(entry)
    return orders


def _with_addresses(camera: Camera, order: CameraOrder) -> Camera:
    """Addresses without what stands before their @, which is taken as credentials; saved ones stay with their host."""
    url, found = (camera.url, None) if order.url is UNSET else _field("url", _address, order.url)
    detect_url, found_too = camera.detect_url, None
    if order.detect_url is not UNSET:
        detect_url, found_too = (None, None) if not order.detect_url else _field("detect_url", _address, order.detect_url)
    credentials = camera.credentials
    if camera.url and _hosts(url, detect_url) - _hosts(camera.url, camera.detect_url):
        credentials = None  # they are not for whoever stands there now
    credentials = found or found_too or credentials
    return replace(camera, url=url, detect_url=detect_url, credentials=_credentials(credentials, order))


def _credentials(credentials: Credentials | None, order: CameraOrder) -> Credentials | None:
    username = (credentials.username if credentials else "") if order.username is UNSET else order.username or ""
    password = (credentials.password if credentials else "") if order.password is UNSET else order.password or ""
    return Credentials(username, password) if username or password else None


def _hosts(*urls: str | None) -> frozenset[tuple[str, int]]:
    addresses = [parse_address(url) for url in urls if url]
    return frozenset((address.host, address.port) for address in addresses)


def _address(text: str) -> tuple[str, Credentials | None]:
    bare, credentials = split_credentials(text.strip())
    parse_address(bare)
    return bare, credentials


def _name(text: str) -> str:
    name = "".join(letter for letter in text if letter.isprintable()).strip()
    if not name:
        raise InvalidRequest("a camera needs a name")
    return name


def _mask(regions: list[RegionForm] | None) -> Mask:
    return Mask(tuple(Region(one.kind, tuple(one.points)) for one in regions)) if regions else NO_MASK


def _rule(form: RuleForm | None) -> CameraRule:
    if form is None:
        return CameraRule()
    if form.hits is not None and form.frames is not None and form.hits > form.frames:
        raise InvalidRequest("there cannot be more hits than frames")
    return CameraRule(form.hits, form.frames, form.min_size_px, form.cooldown_s)


def _span(form: SpanForm) -> Span:
    return Span(frozenset(DAYS.index(day) for day in form.days), _minutes(form.start), _minutes(form.end))


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return (int(hours) * 60 + int(minutes)) % (24 * 60)


def _classes(names: list[str] | None, *, info: ModelInfo | None) -> tuple[str, ...] | None:
    """Names of classes, whatever they were given by."""
    if not names or info is None:
        return tuple(names) if names else None
    ids = _field("classes", lambda given: class_ids(given, info=info), names)
    return tuple(info.labels[one] for one in sorted(ids or ()))


def _field(field: str, read: Callable[[Any], Value], given: Any) -> Value:
    """What `read` makes of it; its refusal names the field."""
    try:
        return read(given)
    except InvalidRequest as exc:
        raise refused_field(field, str(exc)) from exc


def _unknown_field(reason: str) -> str:
    found = re.search(r"unknown field `(\w+)`", reason)
    return found[1] if found else ""
