"""Pictures: files of all formats, mutated, to the decoder and to the server."""

import base64
from functools import partial

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from server.domain.errors import InvalidRequest
from server.media.jpeg import decode_i420
from server.media.picture import decode, probe
from tests.fuzz.bounds import bounded
from tests.fuzz.mutations import mutated
from tests.fuzz.served import Served
from tests.web.pictures import picture_file

MOST_PIXELS = 1_000_000
EXIF = Image.Exif()
EXIF[0x0112] = 6  # orientation
small_file = partial(picture_file, width=96, height=72)
SEEDS = [
    *(small_file(kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")),
    *(small_file(kind, exif=EXIF.tobytes()) for kind in ("JPEG", "PNG", "WEBP")),
    small_file("JPEG", progressive=True),
    small_file("WEBP", lossless=True),
    small_file("TIFF", compression="tiff_lzw"),
]
JPEGS = [seed for seed in SEEDS if seed.startswith(b"\xff\xd8")]


@bounded(500)
@given(data=mutated(SEEDS))
def test_a_picture_is_decoded_or_refused(data: bytes) -> None:
    """It has the size that its header gives it, within the limit, or it is refused in our words."""
    try:
        header = probe(data, max_pixels=MOST_PIXELS)
        pixels = decode(data, header)
    except InvalidRequest:
        return
    assert pixels.shape == (header.height, header.width, 3)
    assert header.width * header.height <= MOST_PIXELS


@bounded(200)
@given(data=mutated(JPEGS))
def test_a_frame_of_a_websocket_is_decoded_or_refused(data: bytes) -> None:
    """A JPEG frame becomes planes of even size within the limit, or is refused in our words."""
    try:
        planes = decode_i420(data, max_pixels=MOST_PIXELS)
    except InvalidRequest:
        return
    assert planes.dtype == np.uint8
    assert planes.shape[0] * 2 // 3 * planes.shape[1] <= MOST_PIXELS


@bounded(60)
@given(data=mutated(SEEDS, most=3), form=st.sampled_from(("base64", "json", "jpeg", "png")))
def test_predict_answers_or_refuses(served: Served, data: bytes, form: str) -> None:
    """A picture comes back in the form that was asked for, or why not."""
    answer = served.ask("POST", f"/predict?format={form}", headers={"Content-Type": "image/png"}, body=data)
    assert answer.status in {200, 400, 413, 415, 422}, answer.body
    if answer.status == 200 and form != "json":
        file = base64.b64decode(answer.body, validate=True) if form == "base64" else answer.body
        assert cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR) is not None


@bounded(30)
@given(data=mutated(SEEDS, most=3))
def test_the_dialect_answers_or_refuses_in_its_own_form(served: Served, data: bytes) -> None:
    """`success` says which of the two."""
    body = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n' + data + b"\r\n--x--\r\n"
    answer = served.ask("POST", "/v1/vision/detection", headers={"Content-Type": "multipart/form-data; boundary=x"}, body=body)
    assert answer.status in {200, 400, 413, 415, 422}, answer.body
    assert (b'"success":true' in answer.body) == (answer.status == 200)
