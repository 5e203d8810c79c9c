"""Picture files for tests, and forms that carry them."""

import io

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
