"""Tests of sending one picture by POST."""

import base64
import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from aiohttp import FormData
from PIL import ExifTags, Image

from server.config.settings import Predict, Settings
from server.domain.detection import DetectOptions
from server.domain.errors import ModelError
from server.inference.compute import Compute
from server.inference.loader import load_detector
from server.web import keys
from tests.conftest import Client, ClientFactory, with_sections
from tests.fakes import BLUE, FakeDetector
from tests.web.pictures import form_with, picture_file

PATHS = pytest.mark.parametrize("path", ["/predict", "/api/predict"])


async def results(client: Client, data: bytes | FormData, query: str = "") -> list[dict[str, Any]]:
    """What is found in a picture."""
    answer = await client.post(f"/predict?format=json&{query}", data=data)
    assert answer.status == 200, await answer.text()
    found: list[dict[str, Any]] = (await answer.json())["images"][0]["results"]
    return found


def open_picture(data: bytes) -> Image.Image:
    """The picture in a file, read."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@PATHS
async def test_answers_with_a_bare_base64_png_by_default(client: Client, path: str) -> None:
    """A client of the original service reads the annotated PNG, in the size of the input, as a bare base64 string."""
    answer = await client.post(path, data=form_with(picture_file("JPEG")))
    assert (answer.status, answer.content_type) == (200, "text/plain")
    image = open_picture(base64.b64decode(await answer.text(), validate=True))
    assert (image.format, image.size) == ("PNG", (160, 120))


async def test_draws_what_was_found(client: Client) -> None:
    """The annotated picture differs from the sent one around the box, and not where nothing was found."""
    sent = np.asarray(open_picture(picture_file()))
    answer = await client.post("/predict?format=png", data=picture_file())
    drawn = np.asarray(open_picture(await answer.read()).convert("RGB"))
    assert (drawn != sent)[28:62, 38:82].any()
    assert not (drawn != sent)[100:, 120:].any()


async def test_answers_json_in_the_form_of_ultralytics(client: Client) -> None:
    """The JSON answer has images with shape, results and speed, and metadata."""
    answer = await client.post("/predict", data=form_with(picture_file()), headers={"Accept": "application/json"})
    document = await answer.json()
    image = document["images"][0]
    assert image["shape"] == [120, 160]
    assert image["results"] == [
        {"class": 0, "name": "firearm", "confidence": 0.9, "box": {"x1": 40.0, "y1": 30.0, "x2": 80.0, "y2": 60.0}}
    ]
    assert set(image["speed"]) == {"preprocess", "inference", "postprocess"}
    assert document["metadata"]["imageCount"] == 1
    assert document["metadata"]["functionTimeCall"] > 0
    assert document["metadata"]["model"] == "fake"
    assert set(document["metadata"]["version"]) == {"sightline", "fake", "python"}


@pytest.mark.parametrize(
    ("query", "accept", "content_type"),
    [
        ("?format=json", "image/png", "application/json"),
        ("?format=jpeg", "*/*", "image/jpeg"),
        ("?format=png", "application/json", "image/png"),
        ("?format=base64", "application/json", "text/plain"),
        ("", "image/jpeg", "image/jpeg"),
        ("", "image/png", "image/png"),
        ("", "image/*", "image/jpeg"),
        ("", "text/plain", "text/plain"),
        ("", "text/html", "text/plain"),
    ],
)
async def test_answers_in_the_form_that_is_asked_for(client: Client, query: str, accept: str, content_type: str) -> None:
    """`format` wins, else the Accept header decides, and nothing acceptable gives text."""
    answer = await client.post(f"/predict{query}", data=picture_file(), headers={"Accept": accept})
    assert (answer.status, answer.content_type) == (200, content_type)
    assert answer.headers["Vary"] == "Accept"


async def test_default_form_can_be_json(start_client: ClientFactory, settings: Settings) -> None:
    """The setting makes JSON the answer to clients that name no form."""
    client = await start_client(with_sections(settings, predict=Predict(default_format="json")))
    assert (await client.post("/predict", data=picture_file())).content_type == "application/json"
    assert (await client.post("/predict", data=picture_file(), headers={"Accept": "text/plain"})).content_type == "text/plain"


@pytest.mark.parametrize(
    "content_type", ["image/png", "image/jpeg", "application/octet-stream", "application/x-www-form-urlencoded"]
)
async def test_takes_a_raw_body(client: Client, content_type: str) -> None:
    """The picture may be the body itself; its header tells what it is, whatever the client calls it."""
    answer = await client.post("/predict?format=json", data=picture_file(), headers={"Content-Type": content_type})
    assert answer.status == 200


async def test_takes_parameters_as_form_fields(client: Client) -> None:
    """Parameters may stand in the form; fields that we do not know are left alone."""
    form = form_with(picture_file(), conf="0.95", model="yolov8n.pt", imgsz="")
    assert await results(client, form) == []


async def test_query_wins_over_form_fields(client: Client) -> None:
    """A parameter in the address wins over a form field of the same name."""
    assert await results(client, form_with(picture_file(), conf="0.95"), "conf=0.1")


async def test_passes_parameters_to_the_detector(start_client: ClientFactory) -> None:
    """Confidence, IoU, size and classes reach the detector; what is left out is the model's own."""
    detector = FakeDetector()
    client = await start_client(detector=detector)
    await results(client, picture_file(), "conf=0.25&iou=0.5&imgsz=640&classes=person,0")
    await results(client, picture_file())
    assert detector.options == [
        DetectOptions(confidence=0.25, iou=0.5, imgsz=640, classes=frozenset({0, 1})),
        DetectOptions(confidence=0.4, iou=0.7),
    ]


@pytest.mark.parametrize("query", ["classes=person", "classes=1", "classes=0&classes=1", "classes=firearm,person", "classes="])
async def test_shows_only_the_wanted_classes(client: Client, query: str) -> None:
    """Classes are given by id or name, separated by commas or repeated; none means all."""
    assert [found["name"] for found in await results(client, picture_file(colour=BLUE), query)] == ["person"]
    firearms = await results(client, picture_file(), query)
    assert len(firearms) == (0 if query in ("classes=person", "classes=1") else 1)


async def test_honours_exif_orientation(client: Client) -> None:
    """A picture taken upright is answered upright: size, boxes and all."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    data = picture_file("JPEG", exif=exif, quality=95)
    answer = await client.post("/predict?format=json", data=data)
    image = (await answer.json())["images"][0]
    assert image["shape"] == [160, 120]
    # Turned a quarter to the right: x becomes y, y becomes 120 - y.
    box = image["results"][0]["box"]
    assert [box[side] for side in ("x1", "y1", "x2", "y2")] == pytest.approx([60, 40, 90, 80], abs=2)
    drawn = await client.post("/predict?format=png", data=data)
    assert open_picture(await drawn.read()).size == (120, 160)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
async def test_takes_every_format(client: Client, kind: str) -> None:
    """All six formats are read."""
    assert len(await results(client, picture_file(kind))) == 1


@dataclass
class Refused:
    """A request that is refused."""

    status: int
    data: Any = None
    query: str = ""
    content_type: str = "image/png"
    says: str = ""


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


HUGE_PNG = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(bytes(600)))
    + chunk(b"IEND", b"")
)

REFUSALS = {
    "no body": Refused(400, b"", says="no picture"),
    "a form that lost its picture": Refused(400, FormData({"conf": "0.5"}), content_type="", says="no picture"),
    "a form without the picture": Refused(
        400, FormData({"conf": "0.5"}, default_to_multipart=True), content_type="", says="no picture"
    ),
    "an empty picture": Refused(400, form_with(b""), content_type="", says="no picture"),
    "a malformed form": Refused(400, b"--x\r\nnonsense", content_type="multipart/form-data; boundary=x", says="malformed"),
    "a form without boundary": Refused(400, b"--x\r\n", content_type="multipart/form-data", says="malformed"),
    "confidence above 1": Refused(400, picture_file(), "conf=7", says="parameter conf"),
    "confidence that is no number": Refused(400, picture_file(), "conf=high", says="parameter conf"),
    "confidence that is not a number": Refused(400, picture_file(), "conf=nan", says="parameter conf"),
    "iou below 0": Refused(400, picture_file(), "iou=-1", says="parameter iou"),
    "a size that is no multiple of 32": Refused(400, picture_file(), "imgsz=650", says="parameter imgsz"),
    "a size below 160": Refused(400, picture_file(), "imgsz=128", says="parameter imgsz"),
    "a size above 1280": Refused(400, picture_file(), "imgsz=1312", says="parameter imgsz"),
    "an unknown class": Refused(400, picture_file(), "classes=banana", says="'banana'"),
    "an unknown form": Refused(400, picture_file(), "format=xml", says="parameter format"),
    "too many pixels": Refused(413, HUGE_PNG, says="50000x50000"),
    "no picture at all": Refused(415, b"hello, this is text", says="not a JPEG, PNG"),
    "another picture format": Refused(415, b"P6 1 1 255\n\0\0\0", says="not a JPEG, PNG"),
    "a truncated picture": Refused(422, picture_file("JPEG")[:-200], says="damaged"),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_refuses(client: Client, name: str) -> None:
    """Each refusal is a problem with its own status and a sentence that says what is wrong."""
    refused = REFUSALS[name]
    headers = {"Content-Type": refused.content_type} if refused.content_type else {}
    answer = await client.post(f"/predict?{refused.query}", data=refused.data, headers=headers)
    problem = await answer.json(content_type="application/problem+json")
    assert answer.status == problem["status"] == refused.status
    assert refused.says in problem["detail"]
    assert problem["instance"] == "/predict"
    assert set(problem) >= {"type", "title"}


async def test_a_failing_detector_is_an_answer(start_client: ClientFactory, caplog: pytest.LogCaptureFixture) -> None:
    """The client learns that it failed and not how; the log has the rest."""
    client = await start_client(detector=FakeDetector(failure=ValueError("secret insides")))
    answer = await client.post("/predict", data=picture_file())
    assert answer.status == 500
    assert "secret" not in await answer.text()
    assert "secret insides" in caplog.text


async def test_pages_of_other_sites_may_send_pictures(client: Client) -> None:
    """Both addresses allow every origin, without credentials, in refusals too."""
    for path in ("/predict", "/api/predict"):
        for data in (picture_file(), b"no picture"):
            answer = await client.post(path, data=data, headers={"Origin": "https://elsewhere.example"})
            assert answer.status in (200, 415)
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert "Access-Control-Allow-Credentials" not in answer.headers


@PATHS
async def test_answers_the_preflight(client: Client, path: str) -> None:
    """A browser learns that other sites may POST here with a key."""
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    answer = await client.options(path, headers=headers)
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


async def test_no_other_address_allows_other_origins(client: Client) -> None:
    """Only the two addresses for pictures carry CORS headers."""
    answer = await client.get("/api/info", headers={"Origin": "https://elsewhere.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_model_that_cannot_be_loaded_stays_a_503(start_client: ClientFactory) -> None:
    """Until the server ends for it, a broken model answers like one that is loading."""
    detector = FakeDetector(load_failure=ModelError("models/x: broken"))
    client = await start_client(detector=detector, wait=False)
    assert client.app is not None
    with pytest.raises(ModelError, match="broken"):
        await client.app[keys.MODEL].loaded()
    assert (await client.post("/predict", data=picture_file())).status == 503


async def test_the_delivered_model_finds_a_firearm(
    start_client: ClientFactory, settings: Settings, delivered_model_dir: Path, shared_dir: Path
) -> None:
    """From file to answer with nothing faked: a picture of somebody aiming comes back with a firearm, marked."""
    frames = cv2.VideoCapture(str(shared_dir / "data/clips/becayesoft_police_aiming_640x360.mp4"))
    client = await start_client(settings, detector=load_detector(delivered_model_dir, compute=Compute(threads=2)))
    found: list[dict[str, Any]] = []
    for _ in range(24):
        for _ in range(10):
            frames.grab()
        _, frame = frames.retrieve()
        picture = cv2.imencode(".jpg", frame)[1].tobytes()
        if found := await results(client, picture, "conf=0.4"):
            break
    assert found
    assert found[0]["name"] == "firearm"
    assert found[0]["confidence"] >= 0.4
    answer = await client.post("/predict?conf=0.4", data=form_with(picture))
    assert open_picture(base64.b64decode(await answer.text())).size == (640, 360)
