"""Tests of the dialect of DeepStack and CodeProject.AI, with the requests that its clients make."""

import asyncio
import io
import threading
from typing import Any

import numpy as np
import pytest
import requests
from aiohttp import FormData
from PIL import Image

from server.config.settings import Auth, Predict, Settings
from server.domain.detection import DetectionResult, DetectOptions
from server.domain.errors import DetectorFailed
from server.domain.frame import Frame
from server.web import keys
from server.web.deepstack import DetectionAnswer, ErrorAnswer, ModelsAnswer, Prediction, UpdateAnswer
from tests.builders import make_detections, make_result
from tests.conftest import Client, ClientFactory, with_sections
from tests.fakes import FakeDetector, FakeRequest, HeldDetector
from tests.web.openapi import check_answer, schema
from tests.web.pictures import picture_file

DETECT = "/v1/vision/detection"
CUSTOM = "/v1/vision/custom/{name}"
LIST = "/v1/vision/custom/list"
COUNTER = "sightline_predict_requests_total"


class CrowdDetector(FakeDetector):
    """A detector that finds thirty objects, some of them beyond the border of the picture."""

    def create_request(self) -> "CrowdRequest":
        """Makes the state of one worker."""
        return CrowdRequest(self)


class CrowdRequest(FakeRequest):
    """One worker of it."""

    def detect(self, frame: Frame, options: DetectOptions) -> DetectionResult:
        """Thirty boxes, the surest first."""
        del options
        boxes = [(-3.4, 1.6, frame.width + 3.4, 20.5)] * 30
        confidence = [0.99 - 0.01 * number for number in range(30)]
        return make_result(make_detections(boxes, confidence=confidence))


def form(picture: bytes | None = None, *, name: str = "image", **fields: str) -> FormData:
    """A form of the dialect."""
    data = FormData(fields)
    data.add_field(name, picture or picture_file(), filename="image.jpg", content_type="image/jpeg")
    return data


async def ask(client: Client, path: str, **arguments: Any) -> requests.Response:
    """What the library that these clients are built on gets for its request."""
    return await asyncio.to_thread(requests.post, str(client.make_url(path)), timeout=10, **arguments)


async def test_answers_in_both_forms_at_once(client: Client) -> None:
    """The answer has DeepStack's fields and CodeProject.AI's, boxes in whole pixels."""
    answer = await client.post(DETECT, data=form(min_confidence="0.3"))
    await check_answer(answer, method="POST", path=DETECT)
    body = await answer.json()
    assert body["predictions"] == [{"confidence": 0.9, "label": "firearm", "x_min": 40, "y_min": 30, "x_max": 80, "y_max": 60}]
    assert (body["success"], body["count"], body["command"], body["message"]) == (True, 1, "detect", "Found firearm")
    assert all(isinstance(body[name], int) for name in ("inferenceMs", "processMs", "analysisRoundTripMs"))


async def test_says_that_nothing_was_found(client: Client) -> None:
    """No object is a success with an empty list."""
    body = await (await client.post(DETECT, data=form(picture_file(colour=(128, 128, 128))))).json()
    assert (body["success"], body["predictions"], body["count"]) == (True, [], 0)


async def test_answers_the_request_of_frigate(client: Client) -> None:
    """Frigate's plugin posts an empty `api_key` and a JPEG of the detector's size, and reads at most 20 predictions."""
    buffer = io.BytesIO()
    pixels = np.full((320, 320, 3), 128, np.uint8)
    pixels[64:128, 32:96] = (255, 0, 0)
    Image.fromarray(pixels).save(buffer, format="JPEG")
    answer = await ask(client, DETECT, data={"api_key": ""}, files={"image": buffer.getvalue()})
    detections = np.zeros((20, 6), np.float32)
    for row, found in enumerate(answer.json()["predictions"]):
        detections[row] = [0, found["confidence"], *(found[side] / 320 for side in ("y_min", "x_min", "y_max", "x_max"))]
    assert detections[0] == pytest.approx([0, 0.9, 0.2, 0.1, 0.4, 0.3], abs=0.02)


async def test_answers_the_request_of_the_deepstack_sdk(client: Client) -> None:
    """`Detection(config).detectObject(...)` of the deepstack-sdk package: no key, a least confidence as a number."""
    arguments = {"files": {"image": picture_file("JPEG")}, "data": {"api_key": None, "min_confidence": 0.4}}
    answer = await ask(client, DETECT, **arguments)
    assert answer.status_code == 200
    assert [found["label"] for found in answer.json()["predictions"]] == ["firearm"]


async def test_answers_the_custom_request_of_the_deepstack_sdk(client: Client) -> None:
    """`Detection(config, name="fake")` asks for the served model by its name, as the list gave it."""
    listed = await ask(client, LIST, data={"api_key": ""})
    name = listed.json()["models"][0]
    answer = await ask(client, CUSTOM.format(name=name), files={"image": picture_file("JPEG")}, data={"min_confidence": 0.4})
    assert (answer.json()["command"], answer.json()["count"]) == ("custom", 1)


async def test_gives_at_most_twenty_inside_the_picture(start_client: ClientFactory) -> None:
    """Clients keep room for twenty: the surest are sent, in falling order, cut at the border."""
    client = await start_client(detector=CrowdDetector())
    predictions = (await (await client.post(DETECT, data=form())).json())["predictions"]
    confidence = [found["confidence"] for found in predictions]
    assert len(predictions) == 20
    assert confidence == sorted(confidence, reverse=True)
    assert {(found["x_min"], found["y_min"], found["x_max"], found["y_max"]) for found in predictions} == {(0, 2, 160, 20)}


@pytest.mark.parametrize(("given", "used"), [("0.7", 0.7), ("", 0.4), (None, 0.4)])
async def test_takes_the_least_confidence(start_client: ClientFactory, given: str | None, used: float) -> None:
    """`min_confidence` is the least confidence; left out or empty it is the model's."""
    detector = FakeDetector()
    client = await start_client(detector=detector)
    await client.post(DETECT, data=form() if given is None else form(min_confidence=given))
    assert detector.options[-1].confidence == used


async def test_lists_the_served_model(client: Client) -> None:
    """The list has the one name that can be asked for."""
    answer = await client.post(LIST)
    await check_answer(answer, method="POST", path=LIST)
    assert (await answer.json())["models"] == ["fake"]


async def test_knows_of_no_update(client: Client) -> None:
    """Programs that ask for updates are told that there is none."""
    answer = await client.get("/v1/status/updateavailable")
    await check_answer(answer, method="GET", path="/v1/status/updateavailable")
    assert (await answer.json())["updateAvailable"] is False


@pytest.mark.parametrize(
    ("data", "status", "says"),
    [
        (form(min_confidence="2"), 400, "min_confidence"),
        (form(name="picture"), 400, "'image'"),
        (form(b"no picture"), 400, "not a JPEG"),
        (form(picture_file("JPEG")[:-100]), 400, "damaged"),
        (form(bytes(40_000)), 413, "bytes"),
    ],
)
async def test_refuses_in_its_own_form(
    start_client: ClientFactory, settings: Settings, data: FormData, status: int, says: str
) -> None:
    """A refusal is `success: false` with a sentence; what is no picture is 400, as these clients expect."""
    client = await start_client(with_sections(settings, predict=Predict(max_bytes=30_000)))
    answer = await client.post(DETECT, data=data)
    assert answer.status == status
    await check_answer(answer, method="POST", path=DETECT)
    body = await answer.json()
    assert (body["success"], body["duration"]) == (False, 0)
    assert says in body["error"]


async def test_refuses_another_model(client: Client) -> None:
    """404 for a model that is not served; the sentence names the one that is."""
    answer = await client.post(CUSTOM.format(name="license-plate"), data=form())
    assert answer.status == 404
    await check_answer(answer, method="POST", path=CUSTOM)
    assert "'fake'" in (await answer.json())["error"]


async def test_refuses_an_address_that_does_not_exist(client: Client) -> None:
    """404 for the parts of DeepStack that are not here, in its form."""
    answer = await client.post("/v1/vision/face", data=form())
    assert answer.status == 404
    assert (await answer.json())["success"] is False


async def test_refuses_a_page_of_another_site(client: Client) -> None:
    """403, as everywhere but at /predict."""
    answer = await client.post(DETECT, data=form(), headers={"Origin": "https://evil.example"})
    assert answer.status == 403
    assert (await answer.json())["success"] is False


async def test_refuses_while_the_model_loads(start_client: ClientFactory) -> None:
    """503 with Retry-After before the model is there."""
    gate = threading.Event()
    client = await start_client(detector=FakeDetector(gate=gate), wait=False)
    try:
        answer = await client.post(DETECT, data=form())
        assert answer.status == 503
        assert "Retry-After" in answer.headers
        await check_answer(answer, method="POST", path=DETECT)
    finally:
        gate.set()


async def test_refuses_more_pictures_than_fit(start_client: ClientFactory, settings: Settings) -> None:
    """429 with Retry-After above the limit of pictures in work, which all ways of sending one share."""
    detector = HeldDetector()
    client = await start_client(with_sections(settings, predict=Predict(max_waiting=1)), detector=detector)
    in_work = asyncio.create_task(client.post("/predict?format=json", data=picture_file()))
    await asyncio.to_thread(detector.entered.acquire)
    answer = await client.post(DETECT, data=form())
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) >= 1
    await check_answer(answer, method="POST", path=DETECT)
    detector.release.set()
    assert (await in_work).status == 200


async def test_says_that_the_detector_failed(start_client: ClientFactory) -> None:
    """500 for a fault of ours."""
    client = await start_client(detector=FakeDetector(failure=DetectorFailed("broken")))
    answer = await client.post(DETECT, data=form())
    assert answer.status == 500
    await check_answer(answer, method="POST", path=DETECT)


@pytest.fixture
async def guarded(start_client: ClientFactory, settings: Settings) -> Client:
    """A client, without a key, of a server that asks for one."""
    return await start_client(with_sections(settings, auth=Auth(api_keys=["a-key"]), predict=Predict(max_waiting=4)))


@pytest.mark.parametrize("path", [DETECT, CUSTOM.format(name="fake"), LIST])
async def test_takes_the_key_from_the_form(guarded: Client, path: str) -> None:
    """The field `api_key` opens the dialect's addresses, whatever its place in the form."""
    for data in (form(api_key="a-key"), {"api_key": "a-key"} if path == LIST else _key_last()):
        answer = await guarded.post(path, data=data)
        assert answer.status == 200


@pytest.mark.parametrize("path", [DETECT, CUSTOM.format(name="fake"), LIST])
async def test_refuses_without_a_key(guarded: Client, path: str) -> None:
    """401 without a key and with a wrong one, in the dialect's form; the form's key opens nothing else."""
    for data in (form(), form(api_key="another")):
        answer = await guarded.post(path, data=data)
        assert answer.status == 401
        assert (await answer.json())["success"] is False
    assert (await guarded.post("/predict", data=form(name="file", api_key="a-key"))).status == 401
    assert (await guarded.get("/v1/status/updateavailable")).status == 401


async def test_takes_the_key_from_the_header(guarded: Client) -> None:
    """A Bearer token works as everywhere."""
    for path in (DETECT, LIST):
        assert (await guarded.post(path, data=form(), headers={"Authorization": "Bearer a-key"})).status == 200


async def test_nobody_without_a_key_takes_the_places_of_others(guarded: Client) -> None:
    """An upload that never ends holds one place among those of unknown clients, none among those for pictures."""

    async def slow() -> Any:
        yield b"--b\r\nContent-Disposition: form-data; name=image; filename=a\r\n\r\n"
        await asyncio.sleep(5)

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    slow_one = asyncio.create_task(guarded.post(DETECT, data=slow(), headers=headers))
    assert guarded.app is not None
    while guarded.app[keys.UNKNOWN_ADMISSION].active == 0:  # noqa: ASYNC110 - the counter tells nobody
        await asyncio.sleep(0.01)
    assert (await guarded.post(DETECT, data=form())).status == 429
    assert (await guarded.post(DETECT, data=form(), headers={"Authorization": "Bearer a-key"})).status == 200
    slow_one.cancel()


async def test_counts_its_pictures(client: Client) -> None:
    """Pictures of the dialect are counted with the others, the list is not."""
    await client.post(DETECT, data=form())
    await client.post(DETECT, data=form(b"no picture"))
    await client.post(LIST)
    counted = [line for line in (await (await client.get("/metrics")).text()).splitlines() if line.startswith(COUNTER)]
    assert counted == [f'{COUNTER}{{status="200"}} 1.0', f'{COUNTER}{{status="400"}} 1.0']


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("DialectPrediction", Prediction),
        ("DialectAnswer", DetectionAnswer),
        ("DialectModels", ModelsAnswer),
        ("DialectUpdate", UpdateAnswer),
        ("DialectError", ErrorAnswer),
    ],
)
def test_schemas_have_the_fields_of_the_code(name: str, kind: Any) -> None:
    """What is described is what is sent, and all of it always."""
    described = schema(name).schema
    resolved = described["components"]["schemas"][name]
    fields = set(_encoded(kind))
    assert set(resolved["properties"]) == fields == set(resolved["required"])


def _encoded(kind: Any) -> list[str]:
    return list(kind.__struct_encode_fields__)


def _key_last() -> FormData:
    data = FormData()
    data.add_field("image", picture_file(), filename="image.png", content_type="image/png")
    data.add_field("api_key", "a-key")
    return data
