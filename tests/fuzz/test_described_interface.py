"""Everything in openapi.yaml, by schemathesis: requests as they are described and as they are not, answers as described."""

from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode, SerializationContext
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from server.domain.alert import ClipState
from server.resources import openapi_file
from server.storage.alerts import AlertRecords
from server.web import keys
from tests.builders import make_alert
from tests.fuzz.bounds import bounded
from tests.fuzz.served import ANSWER_S, KEY, Served

SCHEMA = schemathesis.openapi.from_path(openapi_file())
OPERATIONS = {one.label: one for one in (found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok))}
# Answers that do not end, or are no answers any more.
ENDLESS = {"GET /api/events", "GET /api/streams/{id}/mjpeg", "GET /api/videos/{id}/mjpeg"}
CHECKS = [content_type_conformance, response_headers_conformance, response_schema_conformance, status_code_conformance]
ALERT = "an-alert"
# Without the last a connection is kept, and the task that waits on it.
BEARER = {"Authorization": f"Bearer {KEY}", "Connection": "close"}


@schemathesis.serializer("application/sdp", "application/trickle-ice-sdpfrag")
def as_it_is(_context: SerializationContext, value: Any) -> bytes:
    """Text is sent as it is."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@pytest.fixture(scope="module")
def known(running: Served) -> list[str]:
    """Ids of things that are there."""
    alert = make_alert(ALERT, clip=ClipState.MISSING)
    AlertRecords(running.app[keys.RECORDS].database).open(alert, [])
    order = {"name": "Gate", "url": "rtsp://10.0.0.1/live", "enabled": False}
    added = requests.post(f"http://127.0.0.1:{running.port}/api/cameras", json=order, headers=BEARER, timeout=ANSWER_S)
    running.settle()
    return [ALERT, added.json()["id"]]


def cases(operation: APIOperation[Any, Any, Any, Any]) -> st.SearchStrategy[Case[Any]]:
    """Requests of one operation, half of them as they should not be."""
    return st.one_of(operation.as_strategy(GenerationMode.POSITIVE), operation.as_strategy(GenerationMode.NEGATIVE))


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_answers_are_as_described(served: Served, known: list[str], label: str) -> None:
    """Status, content type, headers and content of each answer stand in openapi.yaml, and none is a fault of ours."""

    @bounded(4)
    @given(case=cases(OPERATIONS[label]), place=st.integers(0, 2))
    def check(case: Case[Any], place: int) -> None:
        if place < len(known) and case.method != "DELETE" and "id" in (case.path_parameters or {}):
            case.path_parameters["id"] = known[place]
        ask(served, case)

    check()


def ask(served: Served, case: Case[Any]) -> None:
    """Sends it and holds the answer to its description."""
    url = f"http://127.0.0.1:{served.port}"
    if case.operation.label in ENDLESS:
        told = case.as_transport_kwargs(base_url=url, headers=BEARER)
        with requests.request(**told, stream=True, timeout=ANSWER_S) as endless:
            assert str(endless.status_code) in case.operation.definition.raw["responses"]
        return
    answer = case.call(base_url=url, headers=BEARER, timeout=ANSWER_S, allow_redirects=False)
    assert answer.status_code != 500
    case.validate_response(answer, checks=CHECKS)
    if answer.status_code == 201:
        requests.delete(f"{url}{answer.headers['Location'][0]}", headers=BEARER, timeout=ANSWER_S).raise_for_status()
