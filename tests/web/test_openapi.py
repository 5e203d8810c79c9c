"""Tests of keeping the description of the interface equal to the code."""

from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from server.config.settings import Auth, Model, Settings
from server.inference.card import ModelCard
from server.inference.letterbox import InputSize
from server.resources import openapi_file
from server.transports.messages import BoxMessage, ControlMessage, DetectionMessage, FrameErrorMessage, ResultMessage
from server.web import alert_answers, answers, keys, video_answers
from server.web.alert_orders import ConfirmOrder, DismissOrder, NoteOrder
from server.web.api_key import Right
from server.web.channel_answers import ChannelAnswer
from server.web.doctor import DoctorAnswer, FindingAnswer
from server.web.key_file import key_file
from server.web.middlewares import STATUS_OF_ERROR
from server.web.parameters import PictureParameters
from server.web.routes import ROUTES, Audience
from tests.conftest import Client, ClientFactory, with_sections
from tests.web.openapi import check_answer, document, operations, resolve, schema
from tests.web.pictures import picture_file

ROUTED = {(route.method, route.canonical): route for route in ROUTES}


def test_has_every_route_and_no_other() -> None:
    """Routes and described operations are the same."""
    assert set(operations()) == set(ROUTED)


def test_says_what_needs_a_key() -> None:
    """An operation without security is one that is open, and the other way round."""
    described = {operation for operation, details in operations().items() if details.get("security") == []}
    guarded = (Audience.KEY_HOLDERS, Audience.FORM_KEY_HOLDERS)
    opened = {operation for operation, route in ROUTED.items() if route.audience not in guarded}
    assert described == opened


def test_says_which_right_is_needed() -> None:
    """Each way to show a key has the name of the right that the code asks for, where it asks for a key."""
    for operation, route in ROUTED.items():
        if route.audience in (Audience.KEY_HOLDERS, Audience.FORM_KEY_HOLDERS):
            security = operations()[operation].get("security", document()["security"])
            rights = {right for ways in security for rights in ways.values() for right in rights}
            assert rights == {route.right.value}, operation


def test_every_guarded_operation_names_its_401_403_and_429() -> None:
    """Whatever needs a key says how it refuses."""
    for operation, details in operations().items():
        if details.get("security") != []:
            assert {"401", "403", "429"} <= set(details["responses"]), operation


def test_every_path_stands_in_the_document_for_people() -> None:
    """docs/http-api.md names each path."""
    text = (openapi_file().parent / "http-api.md").read_text("utf-8")
    missing = [path for _, path in operations() if path not in text and path != "/static/{path}"]
    assert missing == []


def test_every_reference_leads_somewhere() -> None:
    """Each `$ref` names something that is there, and each component is used."""
    found: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "$ref" in node:
                found.add(node["$ref"])
                resolve(node)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(document())
    components = document()["components"]
    named = {f"#/components/{kind}/{name}" for kind in ("schemas", "responses", "parameters") for name in components[kind]}
    on_live_sessions = {"#/components/schemas/DetectionMessage", "#/components/schemas/FrameError"}
    assert named - found == on_live_sessions


def test_every_schema_is_valid() -> None:
    """The schemas are JSON Schema 2020-12, as OpenAPI 3.1 has it."""
    for wanted in document()["components"]["schemas"].values():
        Draft202012Validator.check_schema(wanted)


def test_the_input_size_has_the_bounds_of_the_code() -> None:
    """The one rule of `imgsz`, which settings, parameters and model cards share, stands in the description too."""
    assert document()["components"]["schemas"]["InputSize"] == msgspec.json.schema(InputSize)
    assert {str(kind.__annotations__["imgsz"]) for kind in (Model, PictureParameters, ModelCard)} == {str(InputSize | None)}


def test_every_status_of_an_error_is_described() -> None:
    """Each status code that errors are mapped to stands in the description."""
    described = {status for details in operations().values() for status in details["responses"]}
    assert {str(status) for _, status in STATUS_OF_ERROR} <= described


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("PredictAnswer", answers.PredictAnswer),
        ("Info", answers.InfoAnswer),
        ("Stream", answers.StreamAnswer),
        ("Doctor", DoctorAnswer),
        ("Finding", FindingAnswer),
        ("Age", answers.AgeAnswer),
        ("Alert", alert_answers.AlertAnswer),
        ("AlertLimits", alert_answers.AlertLimitsAnswer),
        ("Delivery", alert_answers.DeliveryAnswer),
        ("Channel", ChannelAnswer),
        ("ConfirmOrder", ConfirmOrder),
        ("DismissOrder", DismissOrder),
        ("NoteOrder", NoteOrder),
        ("Video", video_answers.VideoAnswer),
        ("Videos", video_answers.VideosAnswer),
        ("VideoLimits", video_answers.VideoLimitsAnswer),
        ("VideoResults", video_answers.VideoResultsAnswer),
        ("Control", ControlMessage),
        ("DetectionMessage", DetectionMessage),
        ("FrameError", FrameErrorMessage),
        ("Result", ResultMessage),
        ("Box", BoxMessage),
    ],
)
def test_schemas_have_the_fields_of_the_code(name: str, kind: type[msgspec.Struct]) -> None:
    """A described object has the fields that the code sends, no fewer and no more."""
    described = document()["components"]["schemas"][name]
    fields = msgspec.structs.fields(kind)
    assert set(described["properties"]) == {field.encode_name for field in fields}
    always_sent = {field.encode_name for field in fields if field.required}
    assert set(described.get("required", [])) == always_sent


@pytest.mark.parametrize(
    ("method", "path", "query", "data", "accept"),
    [
        ("POST", "/predict", "", picture_file(), "application/json"),
        ("POST", "/predict", "", picture_file(), "text/plain"),
        ("POST", "/predict", "", picture_file(), "image/jpeg"),
        ("POST", "/api/predict", "", picture_file(), "image/png"),
        ("POST", "/predict", "?conf=2", picture_file(), "*/*"),
        ("POST", "/predict", "", b"", "*/*"),
        ("POST", "/predict", "", b"no picture", "*/*"),
        ("POST", "/predict", "", picture_file("JPEG")[:-100], "*/*"),
        ("OPTIONS", "/predict", "", None, "*/*"),
        ("GET", "/api", "", None, "*/*"),
        ("GET", "/api/info", "", None, "*/*"),
        ("GET", "/api/doctor", "", None, "*/*"),
        ("POST", "/api/doctor/path", "", b"v=0", "*/*"),
        ("GET", "/source.tar.gz", "", None, "*/*"),
        ("DELETE", "/api/session", "", None, "*/*"),
        ("POST", "/api/session", "", b"nonsense", "*/*"),
        ("POST", "/whip", "", b"v=0", "*/*"),
        ("OPTIONS", "/whip", "", None, "*/*"),
        ("PATCH", "/whip/{id}", "", b"", "*/*"),
        ("DELETE", "/whip/{id}", "", None, "*/*"),
        ("OPTIONS", "/whip/{id}", "", None, "*/*"),
        ("POST", "/whep/{id}", "", b"v=0", "*/*"),
        ("OPTIONS", "/whep/{id}", "", None, "*/*"),
        ("PATCH", "/whep/{id}/{viewer}", "", b"", "*/*"),
        ("DELETE", "/whep/{id}/{viewer}", "", None, "*/*"),
        ("OPTIONS", "/whep/{id}/{viewer}", "", None, "*/*"),
        ("GET", "/api/streams/{id}/mjpeg", "", None, "*/*"),
        ("GET", "/api/streams/{id}/snapshot.jpg", "", None, "*/*"),
        ("GET", "/ws/stream", "", None, "*/*"),
        ("GET", "/api/streams", "", None, "*/*"),
        ("GET", "/api/streams/{id}", "", None, "*/*"),
        ("PATCH", "/api/streams/{id}", "", b"{}", "*/*"),
        ("DELETE", "/api/streams/{id}", "", None, "*/*"),
        ("GET", "/api/videos", "", None, "*/*"),
        ("POST", "/api/videos", "", b"", "*/*"),
        ("GET", "/api/videos/{id}", "", None, "*/*"),
        ("DELETE", "/api/videos/{id}", "", None, "*/*"),
        ("POST", "/api/videos/{id}/cancel", "", None, "*/*"),
        ("POST", "/api/videos/{id}/restart", "", None, "*/*"),
        ("GET", "/api/videos/{id}/mjpeg", "", None, "*/*"),
        ("GET", "/api/videos/{id}/poster.jpg", "", None, "*/*"),
        ("GET", "/api/videos/{id}/annotated.mp4", "", None, "*/*"),
        ("GET", "/api/videos/{id}/detections.json", "", None, "*/*"),
        ("GET", "/api/videos/{id}/detections.csv", "", None, "*/*"),
        ("GET", "/healthz", "", None, "*/*"),
        ("GET", "/readyz", "", None, "*/*"),
        ("GET", "/metrics", "", None, "*/*"),
        ("GET", "/openapi.yaml", "", None, "*/*"),
        ("GET", "/", "", None, "*/*"),
    ],
)
async def test_answers_are_as_described(
    client: Client, method: str, path: str, query: str, data: bytes | None, accept: str
) -> None:
    """Real answers have the described status, content type, headers and content."""
    answer = await client.request(
        method, path.replace("{id}", "unknown").replace("{viewer}", "unknown") + query, data=data, headers={"Accept": accept}
    )
    await check_answer(answer, method=method, path=path)


async def test_refusals_without_a_key_are_as_described(start_client: ClientFactory, settings: Settings) -> None:
    """401 is described for all that needs a key."""
    client = await start_client(with_sections(settings, auth=Auth(api_keys=["a-key"])))
    for method, path in operations():
        answer = await client.request(
            method, path.replace("{id}", "x").replace("{viewer}", "y").replace("{path}", "js/main.js")
        )
        if answer.status == 401:
            await check_answer(answer, method=method, path=path)


async def test_refusals_of_too_few_rights_and_too_many_wrong_keys_are_as_described(
    start_client: ClientFactory, settings: Settings
) -> None:
    """403 for a key that may only look, 429 for whoever guesses."""
    value = key_file(settings).add("gate", Right.VIEW)
    client = await start_client()
    assert client.app is not None
    refused = []
    for key in (value, "guess"):
        for method, path in (("DELETE", "/api/streams/{id}"), ("POST", "/whip")):
            answer = await client.request(method, path.replace("{id}", "x"), headers={"Authorization": f"Bearer {key}"})
            await check_answer(answer, method=method, path=path)
            refused.append(answer.status)
        for _ in range(10):  # as if many wrong ones had come
            client.app[keys.ACCESS].back_off.count_failure("127.0.0.1")
    assert refused == [403, 403, 429, 429]


async def test_refusals_of_other_sites_are_as_described(client: Client) -> None:
    """403 is described wherever other sites are refused."""
    for method, path in operations():
        answer = await client.request(
            method, path.replace("{id}", "x").replace("{viewer}", "y"), headers={"Origin": "https://evil.example"}
        )
        if answer.status == 403:
            await check_answer(answer, method=method, path=path)


async def test_is_served(client: Client) -> None:
    """`/openapi.yaml` gives this very description."""
    answer = await client.get("/openapi.yaml")
    assert "openapi: 3.1.0" in await answer.text()
    assert answer.content_type == "application/yaml"


def test_examples_of_messages_fit() -> None:
    """A message of the data channel fits its schema."""
    message = DetectionMessage(
        frame=1,
        pts=0.03,
        age_ms=21.5,
        box_age_ms=None,
        detector_ms=9.0,
        imgsz=640,
        shape=(480, 640),
        results=[ResultMessage(class_id=0, name="firearm", confidence=0.9, box=BoxMessage(1.0, 2.0, 3.0, 4.0), track_id=12)],
        received=2,
        dropped=0,
        conf=0.4,
        classes=None,
        mode="smooth",
        annotate=True,
    )
    schema("DetectionMessage").validate(msgspec.json.decode(msgspec.json.encode(message)))
