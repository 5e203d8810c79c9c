"""`sightline doctor`: what it prints, and how it ends."""

import json
import socket

import pytest

from server.commands.doctor import report
from server.domain.finding import Finding
from tests.commands.running import run

pytestmark = pytest.mark.usefixtures("delivered_model_dir")


def test_a_machine_that_is_fine_is_exit_code_0() -> None:
    """Each check is one line with its sign, and the last line says that it works."""
    code, out, err = run("doctor", "--port", "0")
    assert (code, err) == (0, "")
    assert {line.split()[0] for line in out.splitlines()[:-1] if line and not line.startswith(" ")} <= {"ok", "warn"}
    assert out.splitlines()[-1].startswith("Sightline works here")


def test_json_is_for_programs() -> None:
    """One document, with every check."""
    code, out, _ = run("doctor", "--port", "0", "--json")
    answer = json.loads(out)
    assert (code, answer["ok"]) == (0, True)
    assert {"model", "speed", "tcp_port"} <= {finding["check"] for finding in answer["findings"]}


def test_what_is_bad_is_exit_code_1() -> None:
    """A port in use and a model that is not there are findings, not failures."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, out, err = run("doctor", "--port", str(taken.getsockname()[1]), "--model", "no/model", "--json")
    findings = {finding["check"]: finding for finding in json.loads(out)["findings"]}
    assert (code, err) == (1, "")
    assert findings["tcp_port"]["sign"] == "bad"
    assert findings["model"]["sign"] == "bad"
    assert "no/model" in findings["model"]["text"]
    assert "speed" not in findings


def test_settings_that_cannot_be_used_are_exit_code_2() -> None:
    """Then there is nothing to examine."""
    code, out, err = run("doctor", "--port", "99999")
    assert (code, out) == (2, "")
    assert "server.port" in err


def test_the_text_has_what_to_do_below_each_finding() -> None:
    """And how many went wrong at the end."""
    text = report([Finding("disk", "ok", "Fine."), Finding("tcp_port", "bad", "Taken.", "Choose another.")])
    assert text.splitlines() == [
        "ok    disk            Fine.",
        "bad   tcp port        Taken.",
        "                      -> Choose another.",
        "",
        "1 of 2 checks went wrong: see what stands behind ->.",
    ]


def test_a_warning_is_no_failure() -> None:
    """It works, and somebody should know."""
    text = report([Finding("https", "warn", "No https.", "Use a proxy.")])
    assert text.splitlines()[-1] == "Sightline works here, with 1 thing to know: see what stands behind ->."
