"""Pictures sent by POST that are none, too large, damaged, or asked about in ways that cannot be meant."""

import gzip
import struct
import zlib

from aiohttp import FormData

from server.config.settings import Predict, Settings
from tests.conftest import with_sections
from tests.security.bad_input import BadInput, Send, request
from tests.web.pictures import form_with, picture_file

TITLE = "Pictures"
NO_PICTURE = "there is no picture: send it as form field 'file' or as the body"
UNKNOWN_FORMAT = "the file is not a JPEG, PNG, WebP, BMP, TIFF or GIF picture"
CLOSING = {"Connection": "close"}
RAW = {"Content-Type": "image/png"}
FORM = {"Content-Type": "multipart/form-data; boundary=x"}
DIALECT = "/v1/vision/detection"


def small(settings: Settings) -> Settings:
    """A server that takes 10,000 bytes of a picture."""
    return with_sections(settings, predict=Predict(max_bytes=10_000))


def huge_png() -> bytes:
    """A PNG of less than 1 KB that claims 50,000 x 50,000 pixels."""
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(bytes(600))) + _chunk(b"IEND", b"")


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _picture(data: bytes, *, query: str = "", path: str = "/predict") -> Send:
    return request("POST", f"{path}?{query}", data=data, headers=RAW)


def _form_of(count: int) -> FormData:
    form = FormData(default_to_multipart=True)
    for number in range(count):
        form.add_field(f"field{number}", "1")
    return form


def _dialect(data: bytes, **fields: str) -> FormData:
    form = FormData(fields)
    form.add_field("image", data, filename="picture.png")
    return form


def _part(*headers: str, body: str = "x") -> bytes:
    return "\r\n".join(["--x", *headers, "", body, "--x--", ""]).encode()


CASES = (
    BadInput(
        "10 MB of zeros in a gzip of 10 KB, where 10,000 bytes are allowed",
        413,
        "the body is larger than the limit of 10,000 bytes (predict.max_bytes)",
        request(
            "POST", "/predict", data=lambda: gzip.compress(bytes(10**7)), headers={**RAW, "Content-Encoding": "gzip", **CLOSING}
        ),
        small,
    ),
    BadInput("no body", 400, NO_PICTURE, request("POST", "/predict")),
    BadInput("a form without a picture", 400, NO_PICTURE, request("POST", "/predict", data=lambda: _form_of(1))),
    BadInput("a form with an empty picture", 400, NO_PICTURE, request("POST", "/predict", data=lambda: form_with(b""))),
    BadInput(
        "a form of 40 fields", 400, "the form has more than 32 fields", request("POST", "/predict", data=lambda: _form_of(40))
    ),
    BadInput(
        "a malformed form",
        400,
        "the multipart form is malformed",
        request("POST", "/predict", data=b"--x\r\nnonsense", headers=FORM),
    ),
    BadInput(
        "a form without its boundary",
        400,
        "the multipart form is malformed",
        request("POST", "/predict", data=b"--x\r\n", headers={"Content-Type": "multipart/form-data"}),
    ),
    BadInput(
        "a form within the form",
        400,
        "a form within the form is not taken",
        request(
            "POST",
            "/predict",
            data=_part("Content-Disposition: form-data; name=file", "Content-Type: multipart/mixed; boundary=y"),
            headers=FORM,
        ),
    ),
    BadInput(
        "a form field in base64",
        400,
        "fields with a Content-Transfer-Encoding are not taken (RFC 7578, section 4.7)",
        request(
            "POST",
            "/predict",
            data=_part("Content-Disposition: form-data; name=file; filename=a", "Content-Transfer-Encoding: base64"),
            headers=FORM,
        ),
    ),
    BadInput("text", 415, UNKNOWN_FORMAT, _picture(b"hello, this is text")),
    BadInput(
        "an SVG with a script",
        415,
        UNKNOWN_FORMAT,
        _picture(b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
    ),
    BadInput("HTML", 415, UNKNOWN_FORMAT, _picture(b"<!doctype html><script>alert(1)</script>")),
    BadInput("a format that is not on the list (PPM)", 415, UNKNOWN_FORMAT, _picture(b"P6 1 1 255\n\0\0\0")),
    BadInput(
        "a JPEG that breaks off", 422, "the picture is damaged and cannot be decoded", _picture(picture_file("JPEG")[:-200])
    ),
    BadInput(
        "a PNG of a header alone", 422, "the picture is damaged: its header cannot be read", _picture(picture_file()[:33])
    ),
    BadInput("`conf=7`", 400, "parameter conf: Expected `float` <= 1.0", _picture(picture_file(), query="conf=7")),
    BadInput(
        "`conf=high`", 400, "parameter conf: Expected `float | null`, got `str`", _picture(picture_file(), query="conf=high")
    ),
    BadInput("`conf=nan`", 400, "parameter conf: Expected `float` >= 0.0", _picture(picture_file(), query="conf=nan")),
    BadInput("`iou=-1`", 400, "parameter iou: Expected `float` >= 0.0", _picture(picture_file(), query="iou=-1")),
    BadInput(
        "`imgsz=650`, no multiple of 32",
        400,
        "parameter imgsz: Expected `int` that's a multiple of 32",
        _picture(picture_file(), query="imgsz=650"),
    ),
    BadInput("`imgsz=100000`", 400, "parameter imgsz: Expected `int` <= 1280", _picture(picture_file(), query="imgsz=100000")),
    BadInput(
        "`classes=banana`",
        400,
        "parameter classes: the model knows no class 'banana'",
        _picture(picture_file(), query="classes=banana"),
    ),
    BadInput(
        "`classes=<script>`",
        400,
        "parameter classes: the model knows no class '<script>'",
        _picture(picture_file(), query="classes=%3Cscript%3E"),
    ),
    BadInput("`format=xml`", 400, "parameter format: Invalid enum value 'xml'", _picture(picture_file(), query="format=xml")),
    BadInput(
        f"`{DIALECT}`: text",
        400,
        "there is no picture: send it as form field 'image' or as the body",
        request("POST", DIALECT, data={"image": "hello"}),
    ),
    BadInput(
        f"`{DIALECT}`: 50,000 x 50,000 pixels",
        413,
        "the picture has 50000x50000 pixels, more than the limit of 50,000,000 (predict.max_pixels)",
        request("POST", DIALECT, data=lambda: _dialect(huge_png())),
    ),
    BadInput(
        f"`{DIALECT}`: `min_confidence=2`",
        400,
        "parameter min_confidence: Expected `float` <= 1.0",
        request("POST", DIALECT, data=lambda: _dialect(picture_file(), min_confidence="2")),
    ),
    BadInput(
        "`/v1/vision/custom/../../etc/passwd`",
        404,
        "there is no model '../../etc/passwd' here: 'fake' is the one that is served",
        request("POST", "/v1/vision/custom/..%2F..%2Fetc%2Fpasswd", data=lambda: _dialect(picture_file())),
    ),
)
