"""Tests of health, readiness, metrics, and what every answer carries."""

import logging
import re
import threading

import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from server.domain.errors import ModelError
from server.metrics import METRIC_NAMES
from server.web import keys
from tests.conftest import Client, ClientFactory
from tests.fakes import FakeDetector
from tests.web.pictures import picture_file


async def test_is_alive_and_ready(client: Client) -> None:
    """With the model loaded both probes succeed."""
    assert (await client.get("/healthz")).status == 200
    assert (await client.get("/readyz")).status == 200


async def test_is_alive_but_not_ready_while_the_model_loads(start_client: ClientFactory) -> None:
    """The socket answers while the model is still being loaded."""
    gate = threading.Event()
    client = await start_client(detector=FakeDetector(gate=gate), wait=False)
    assert (await client.get("/healthz")).status == 200
    answer = await client.get("/readyz")
    assert answer.status == 503
    assert "Retry-After" in answer.headers
    assert (await client.get("/api/info")).status == 503
    gate.set()
    assert client.app is not None
    await client.app[keys.LIFECYCLE].wait_until_ready()
    assert (await client.get("/readyz")).status == 200


async def test_is_not_ready_while_draining(client: Client) -> None:
    """Draining, the process is alive and takes nothing new."""
    assert client.app is not None
    await client.app[keys.LIFECYCLE].drain(0.1)
    assert (await client.get("/healthz")).status == 200
    answer = await client.get("/readyz")
    assert answer.status == 503
    assert "about to end" in (await answer.json(content_type=None))["detail"]


async def test_waiting_for_a_broken_model_raises(start_client: ClientFactory) -> None:
    """Whoever started the server learns why the model cannot be loaded."""
    client = await start_client(detector=FakeDetector(load_failure=ModelError("models/x: broken")), wait=False)
    assert client.app is not None
    with pytest.raises(ModelError, match="models/x: broken"):
        await client.app[keys.LIFECYCLE].wait_until_ready()


async def test_metrics_have_what_is_documented(client: Client) -> None:
    """Prometheus reads the metrics, and each one that is named is there."""
    await client.post("/predict", data=picture_file())
    await client.post("/predict", data=b"no picture")
    await client.post("/predict?conf=9", data=picture_file())
    answer = await client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(await answer.text()))
    samples = {sample.name for family in families for sample in family.samples}
    # A counter by channel has no sample where there is no channel.
    for name in set(METRIC_NAMES) - {"sightline_deliveries_total"}:
        assert name in samples or f"{name}_count" in samples, name
    counted = {
        sample.labels["status"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == "sightline_predict_requests_total"
    }
    assert counted == {"200": 1, "400": 1, "415": 1}


async def test_every_answer_has_a_request_id(client: Client) -> None:
    """Pages, answers, problems and unknown addresses all carry one, each its own."""
    paths = ("/", "/healthz", "/api/info", "/nothing", "/api/streams/none", "/static/js/main.js", "/metrics")
    ids = [(await client.get(path)).headers["X-Request-Id"] for path in paths]
    assert len(set(ids)) == len(paths)


async def test_takes_over_a_request_id(client: Client) -> None:
    """A client's own id comes back, so that both logs can be laid side by side."""
    answer = await client.get("/api", headers={"X-Request-Id": "trace-1.2_3"})
    assert answer.headers["X-Request-Id"] == "trace-1.2_3"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "<script>", "ä"])
async def test_replaces_a_strange_request_id(client: Client, given: str) -> None:
    """What could harm a log is not taken over."""
    answer = await client.get("/api", headers={"X-Request-Id": given})
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"])


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("GET", "/predict", 405), ("PUT", "/whip", 405)]
)
async def test_unknown_addresses_and_methods_are_problems(client: Client, method: str, path: str, status: int) -> None:
    """The refusals of aiohttp itself have the form of all others."""
    answer = await client.request(method, path)
    problem = await answer.json(content_type="application/problem+json")
    assert answer.status == problem["status"] == status
    assert problem["instance"] == path
    assert ("Allow" in answer.headers) == (status == 405)


async def test_a_fault_of_ours_is_logged_and_not_told(
    start_client: ClientFactory, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client gets a 500 with the id that finds the traceback in the log, and nothing of our insides."""
    client = await start_client()
    assert client.app is not None

    def fail() -> bytes:
        raise RuntimeError("secret insides")

    monkeypatch.setattr(client.app[keys.METRICS], "render", fail)
    with caplog.at_level(logging.ERROR):
        answer = await client.get("/metrics", headers={"X-Request-Id": "find-me"})
    problem = await answer.json(content_type="application/problem+json")
    assert answer.status == 500
    assert "secret" not in str(problem)
    assert "find-me" in problem["detail"]
    assert "secret insides" in caplog.text


async def test_answers_are_not_sniffed_or_kept(client: Client) -> None:
    """Browsers take answers for what they are called, and keep none of those that change."""
    headers = (await client.get("/api/info")).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Server"] == "Sightline"


async def test_closes_everything(start_client: ClientFactory) -> None:
    """After the end none of the threads that the application started is left."""
    client = await start_client()
    await client.post("/predict", data=picture_file())
    await client.close()
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith(("io", "renderer", "detector"))]
    assert left == []


async def test_can_end_while_the_model_loads(start_client: ClientFactory) -> None:
    """Ending early waits for the load and leaves no thread behind."""
    gate = threading.Event()
    client = await start_client(detector=FakeDetector(gate=gate), wait=False)
    gate.set()
    await client.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("detector")]


def test_the_application_can_be_made_without_a_loop(client: Client) -> None:
    """Making the application starts nothing."""
    assert isinstance(client.app, web.Application)
