"""Uploads: the body of a request, above all a picture with its form fields, within limits of size and time."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from aiohttp import BadContentDispositionHeader, BadContentDispositionParam, BodyPartReader, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from server.domain.errors import InvalidRequest, TooLarge
from server.web import keys
from server.web.parameters import Fields
from server.web.problems import Problem

PICTURE_FIELD = "file"
PICTURE_SETTING = "predict.max_bytes"
# A form of ours has six fields; programs send some of their own. Each is a short text.
MAX_PARTS = 32
MAX_FIELD_BYTES = 4096
_CHUNK_BYTES = 64 * 1024
MALFORMED = (ValueError, AssertionError, RuntimeError, LookupError, HttpProcessingError)
"""What aiohttp's multipart reader lets out on a malformed body."""

# A malformed form is its sender's affair: without these Python prints each such header among the server's log lines.
for _said_of_forms in (BadContentDispositionHeader, BadContentDispositionParam):
    warnings.filterwarnings("ignore", category=_said_of_forms)


@dataclass(slots=True)
class Upload:
    """A picture file and the form fields that came with it."""

    picture: bytes = b""
    fields: dict[str, list[str]] = field(default_factory=dict)


async def read_upload(
    request: web.Request,
    *,
    max_bytes: int,
    picture_field: str = PICTURE_FIELD,
    check_fields: Callable[[Fields], None] | None = None,
) -> Upload:
    """Reads the multipart form or the raw body of a request, and stops at `max_bytes` of picture.

    `check_fields` is called before anything is said of the picture, and may raise.

    Raises what `read_body` does, and InvalidRequest for a form that is malformed or a body without a picture.
    """
    # A form has a little more around the picture; its parts are counted again while they are read.
    if request.content_length is not None and request.content_length > max_bytes + MAX_PARTS * MAX_FIELD_BYTES:
        raise too_large(max_bytes, setting=PICTURE_SETTING)
    if request.content_type.startswith("multipart/"):
        async with _arriving(request):
            upload = await _read_form(request, max_bytes=max_bytes, picture_field=picture_field)
    else:
        body = await read_body(request, max_bytes=max_bytes, setting=PICTURE_SETTING)
        upload = Upload(_picture_in(body, content_type=request.content_type))
    if check_fields is not None:
        check_fields(upload.fields)
    if not upload.picture:
        raise InvalidRequest(f"there is no picture: send it as form field {picture_field!r} or as the body")
    return upload


async def read_fields(request: web.Request) -> dict[str, list[str]]:
    """Reads the fields of a form without a picture, in either of the two encodings of forms; raises as `read_upload` does."""
    if request.content_type.startswith("multipart/"):
        async with _arriving(request):
            return (await _read_form(request, max_bytes=MAX_FIELD_BYTES, picture_field="")).fields
    body = await read_body(request, max_bytes=MAX_FIELD_BYTES)
    try:
        return parse_qs(body.decode("utf-8", "replace"), max_num_fields=MAX_PARTS)
    except ValueError as exc:
        raise InvalidRequest(f"the form has more than {MAX_PARTS} fields") from exc


async def read_small_body(request: web.Request) -> bytes:
    """The raw body of a request that brings neither a picture nor a video; raises as `read_body` does."""
    most = request.app[keys.SETTINGS].server.max_body_bytes
    return await read_body(request, max_bytes=most, setting="server.max_body_bytes")


async def read_body(request: web.Request, *, max_bytes: int, setting: str = "") -> bytes:
    """The raw body.

    Raises TooLarge as soon as it is known to be longer than `max_bytes`, which `setting` decides, InvalidRequest when it cannot
    be read, and a 408 problem after `server.body_timeout_s`.
    """
    if request.content_length is not None and request.content_length > max_bytes:
        raise too_large(max_bytes, setting=setting)
    body = bytearray()
    async with _arriving(request):
        async for chunk in request.content.iter_chunked(_CHUNK_BYTES):
            body += chunk
            if len(body) > max_bytes:
                raise too_large(max_bytes, setting=setting)
    return bytes(body)


@asynccontextmanager
async def _arriving(request: web.Request) -> AsyncIterator[None]:
    """Bounds the time of reading inside the block, and tells a body that is not what its headers say as the client's fault."""
    most_s = request.app[keys.SETTINGS].server.body_timeout_s
    try:
        async with asyncio.timeout(most_s):
            yield
    except TimeoutError as exc:
        raise Problem(408, f"the body did not arrive within {most_s:g} s (server.body_timeout_s)") from exc
    except web.RequestPayloadError as exc:
        raise InvalidRequest("the body is not what its Content-Encoding or Transfer-Encoding says") from exc


def _picture_in(body: bytes, *, content_type: str) -> bytes:
    # curl calls every body a form. A real one is text and no picture ever is, so this one lacks its file.
    return b"" if content_type == "application/x-www-form-urlencoded" and body.isascii() else body


async def _read_form(request: web.Request, *, max_bytes: int, picture_field: str) -> Upload:
    upload = Upload()
    try:
        reader = await request.multipart()
        for _ in range(MAX_PARTS):
            part = await reader.next()
            if part is None:
                return upload
            await _read_part(part, upload, max_bytes=max_bytes, picture_field=picture_field)
    except MALFORMED as exc:
        raise InvalidRequest("the multipart form is malformed") from exc
    raise InvalidRequest(f"the form has more than {MAX_PARTS} fields")


async def _read_part(part: object, upload: Upload, *, max_bytes: int, picture_field: str) -> None:
    part = plain_part(part)
    if part.name == picture_field and not upload.picture:
        upload.picture = await read_part_bytes(part, max_bytes=max_bytes, setting=PICTURE_SETTING)
    elif part.name and part.filename is None:
        text = await read_part_bytes(part, max_bytes=MAX_FIELD_BYTES)
        upload.fields.setdefault(part.name, []).append(text.decode("utf-8", "replace"))


def plain_part(part: object) -> BodyPartReader:
    """The part of a form, which must be no form itself and not encoded; raises InvalidRequest."""
    if not isinstance(part, BodyPartReader):
        raise InvalidRequest("a form within the form is not taken")
    if part.headers.get(hdrs.CONTENT_TRANSFER_ENCODING, "binary").lower() not in ("binary", "8bit", "7bit"):
        raise InvalidRequest("fields with a Content-Transfer-Encoding are not taken (RFC 7578, section 4.7)")
    return part


async def read_part_bytes(part: BodyPartReader, *, max_bytes: int, setting: str = "") -> bytes:
    """What a part holds; raises TooLarge above `max_bytes`, which `setting` decides."""
    data = bytearray()
    while chunk := await part.read_chunk(_CHUNK_BYTES):
        data += chunk
        if len(data) > max_bytes:
            raise too_large(max_bytes, setting=setting)
    return bytes(data)


def too_large(max_bytes: int, *, setting: str = "") -> TooLarge:
    """The refusal of a body, or a part of it, above the limit that `setting` decides; without one it is fixed."""
    decided = f" ({setting})" if setting else ""
    return TooLarge(f"the body is larger than the limit of {max_bytes:,} bytes{decided}")
