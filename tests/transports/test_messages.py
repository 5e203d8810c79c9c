"""Messages of live sessions: the field names of the contract, and controls that are refused."""

import msgspec
import pytest

from server.domain.detection import Detection, Timing
from server.domain.errors import InvalidRequest
from server.domain.live import LiveResult
from server.transports.messages import (
    MOST_CONTROL_BYTES,
    DrainingMessage,
    ErrorMessage,
    OpenedMessage,
    apply_control,
    decode_control,
    detection_message,
    result_messages,
)
from tests.builders import make_frame, make_options
from tests.transports.rig import MODEL


def test_a_result_has_the_field_names_of_the_contract() -> None:
    """A tracked detection is told with class, name, confidence, box and track_id."""
    [message] = result_messages([Detection((1.04, 2, 3, 4), 0.91239, 0, track_id=12)], labels=MODEL.labels)
    assert msgspec.to_builtins(message) == {
        "class": 0,
        "name": "firearm",
        "confidence": 0.9124,
        "box": {"x1": 1.0, "y1": 2, "x2": 3, "y2": 4},
        "track_id": 12,
    }


def test_an_untracked_result_has_no_track_id() -> None:
    """A detection of a single picture leaves track_id out, and a class without a label is named by its number."""
    [message] = result_messages([Detection((1, 2, 3, 4), 0.5, 7)], labels=MODEL.labels)
    built = msgspec.to_builtins(message)
    assert "track_id" not in built
    assert built["name"] == "7"


def test_what_is_only_expected_is_not_told() -> None:
    """A box that the tracker predicts was not found in the frame, so no program reads it as a detection."""
    found, expected = Detection((1, 2, 3, 4), 0.9, 0, track_id=1), Detection((5, 6, 7, 8), 0.9, 0, track_id=2, predicted=True)
    result = LiveResult(make_frame(), (found, expected), Timing(1, 2, 3, 4), make_options(), 320)
    message = detection_message(result, labels=MODEL.labels, received=1, dropped=0, age_ms=1, box_age_ms=None)
    assert [one.track_id for one in message.results] == [1]


def test_a_detection_message_tells_frame_ages_counters_and_options() -> None:
    """Every field of the data channel's message is there, under its name in the contract."""
    result = LiveResult(make_frame(index=5), (), Timing(1, 2, 3, 4), make_options(exact=True), 320)
    message = detection_message(result, labels=MODEL.labels, received=9, dropped=2, age_ms=12.345, box_age_ms=None)
    assert msgspec.to_builtins(message) == {
        "frame": 5,
        "pts": 0.166667,
        "age_ms": 12.3,
        "box_age_ms": None,
        "detector_ms": 9.0,
        "imgsz": 320,
        "shape": (48, 64),
        "results": [],
        "received": 9,
        "dropped": 2,
        "conf": 0.4,
        "classes": None,
        "mode": "exact",
        "annotate": True,
    }


def test_events_and_errors_have_their_form() -> None:
    """Events and a refusal look as the page reads them."""
    assert msgspec.json.encode(DrainingMessage(grace_s=30)) == b'{"event":"draining","grace_s":30}'
    assert msgspec.json.encode(OpenedMessage(id="a")) == b'{"event":"opened","id":"a"}'
    assert msgspec.json.encode(ErrorMessage(error="no")) == b'{"error":"no"}'


def test_a_control_changes_only_what_it_names() -> None:
    """A control with one field leaves the other options as they are."""
    options = apply_control(make_options(), decode_control('{"annotate":false}'), model=MODEL)
    assert options == make_options(annotate=False)


@pytest.mark.parametrize(
    ("control", "field", "value"),
    [
        ('{"conf":0.25}', "confidence", 0.25),
        ('{"classes":["person"]}', "classes", frozenset({1})),
        ('{"classes":[0]}', "classes", frozenset({0})),
        ('{"classes":[]}', "classes", frozenset()),
        ('{"mode":"exact"}', "exact", True),
        ('{"view_h":219}', "view_height_px", 219),
    ],
)
def test_a_control_sets_its_option(control: str, field: str, value: object) -> None:
    """Each field of a control sets one option."""
    assert getattr(apply_control(make_options(), decode_control(control), model=MODEL), field) == value


def test_null_shows_all_classes_again() -> None:
    """A control with classes null takes the filter away."""
    filtered = apply_control(make_options(), decode_control('{"classes":["person"]}'), model=MODEL)
    assert apply_control(filtered, decode_control('{"classes":null}'), model=MODEL).classes is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "7",
        '{"conf":1.01}',
        '{"conf":"high"}',
        '{"conf":NaN}',
        '{"unknown":1}',
        '{"mode":"fast"}',
        '{"view_h":0}',
        b"\xff\xfe",
        "[" * 10_000,
        " " * (MOST_CONTROL_BYTES + 1),
    ],
)
def test_refuses_what_is_no_control(text: str | bytes) -> None:
    """A control that cannot be meant is an invalid request."""
    with pytest.raises(InvalidRequest):
        decode_control(text)


def test_refuses_a_class_that_the_model_does_not_know() -> None:
    """The refusal names the class."""
    with pytest.raises(InvalidRequest, match="cow"):
        apply_control(make_options(), decode_control('{"classes":["cow"]}'), model=MODEL)
