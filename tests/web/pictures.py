"""Picture files for tests, and bodies that carry them, or do not arrive."""

import asyncio
import io
from collections.abc import AsyncIterator

import numpy as np
from aiohttp import FormData
from PIL import Image

from tests.fakes import RED


def picture_file(
    kind: str = "PNG", *, width: int = 160, height: int = 120, colour: tuple[int, int, int] = RED, **options: object
) -> bytes:
    """A grey picture file with one coloured rectangle (BGR) from 40, 30 to 80, 60."""
    pixels = np.full((height, width, 3), 128, np.uint8)
    pixels[30:60, 40:80] = colour[::-1]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def form_with(data: bytes, **fields: str) -> FormData:
    """A form with the picture and further fields."""
    form = FormData(fields)
    form.add_field("file", data, filename="picture.png", content_type="image/png")
    return form


async def stuck_body() -> AsyncIterator[bytes]:
    """A body that begins, and does not go on for half a second."""
    yield b"--x\r\n"
    await asyncio.sleep(0.5)
