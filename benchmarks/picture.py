"""Pictures by POST beside Flask and FastAPI services with ultralytics on torch: answers a second, waits, memory, start.

A photograph of 810x1080 with a drawn firearm in it, the delivered weights, one input size and confidence for all. `sightline`
computes as it comes, which is with the INT8 form of the weights where the processor multiplies 8-bit integers; `bf16` and
`float32` as they say. `base64` is the annotated picture as PNG in base64, `json` the detections alone; Flask answers with the
first, FastAPI with the second. `flask run` is the original service, a new thread for each connection; waitress and uvicorn
are what one takes in production. ultralytics gives torch one thread unless told otherwise: `all cores` tells it otherwise.
All servers run at once and are asked in turns. `cpu_ms` is the processor time of the server's process for each answer, which
other programs hardly touch.
"""

import asyncio
import base64
import json
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from benchmarks.load.picture_load import Form, Load, ask_once, load
from benchmarks.peers.environments import installed, python_of, ultralytics_python
from benchmarks.report.results import summary, write_result
from server.inference.card import read_card
from server.resources import delivered_model
from tests.scenes import draw_firearm
from tests.server_process import ServerProcess

CLIENTS = (1, 4, 16)
FORMS = {"base64": "predict", "json": "predict?format=json"}
Start = Callable[[], ServerProcess]


@dataclass(frozen=True, slots=True)
class Case:
    """One server and what it is asked for."""

    name: str
    process: ServerProcess
    url: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What clients met, and what an answer cost the server."""

    met: Load
    cpu_ms: float


def run(*, rounds: int = 3, seconds: float = 4.0, starts: int = 3, pause_s: float = 0.0) -> None:
    """Starts each server several times alone, then all of them, and asks each in turns, with a pause after each."""
    form = Form.of(_photograph())
    servers = _servers()
    started_s = {name: [_start_s(start, form, pause_s=pause_s) for _ in range(starts)] for name, start in servers.items()}
    with ExitStack() as running:
        processes = {name: running.enter_context(start()) for name, start in servers.items()}
        cases = [case for name, process in processes.items() for case in _cases(name, process)]
        for case in cases:
            _check(asyncio.run(ask_once(case.url, form)))
        measured = _measure(cases, form, rounds=rounds, seconds=seconds, pause_s=pause_s)
        (ready,) = [line for line in processes["sightline"].lines if "model ready" in line]
        memory = {name: round(process.resident_mib, 1) for name, process in processes.items()}
    figures = {
        "rounds": rounds,
        "seconds": seconds,
        "sightline": ready.partition("model ready: ")[2],
        "peers": _peers(),
        "start_to_first_answer_s": {name: summary(values) for name, values in started_s.items()},
        "resident_mib": memory,
        **{_clients(clients): _figures(loads) for clients, loads in measured.items()},
    }
    write_result("picture", figures)


def _servers() -> dict[str, Start]:
    """How each of them is started."""
    weights = str(delivered_model() / "firearm-yolov8n.pt")
    card = read_card(delivered_model())
    flags = (weights, "--imgsz", str(card.imgsz), "--conf", str(card.confidence))
    flask = (str(python_of("flask", torch=True)), "-m", "benchmarks.peers.flask_service", *flags, "--server")
    fastapi = (str(python_of("fastapi", torch=True)), "-m", "benchmarks.peers.fastapi_service", *flags)
    all_cores = ("--torch-threads", str(len(os.sched_getaffinity(0))))
    return {
        "sightline": ServerProcess,
        "sightline bf16": lambda: ServerProcess("--precision", "bf16"),
        "sightline float32": lambda: ServerProcess("--precision", "f32"),
        "flask run": lambda: ServerProcess(command=(*flask, "flask")),
        "waitress": lambda: ServerProcess(command=(*flask, "waitress")),
        "waitress, all cores": lambda: ServerProcess(command=(*flask, "waitress", *all_cores)),
        "fastapi": lambda: ServerProcess(command=fastapi),
        "fastapi, all cores": lambda: ServerProcess(command=(*fastapi, *all_cores)),
    }


def _cases(name: str, process: ServerProcess) -> list[Case]:
    """How a server is asked; Sightline in both forms."""
    if name.startswith("sightline"):
        return [Case(f"{name}, {form}", process, f"{process.url}{path}") for form, path in FORMS.items()]
    return [Case(name, process, f"{process.url}predict")]


def _measure(
    cases: list[Case], form: Form, *, rounds: int, seconds: float, pause_s: float
) -> dict[int, dict[str, list[Measured]]]:
    measured: dict[int, dict[str, list[Measured]]] = {clients: {case.name: [] for case in cases} for clients in CLIENTS}
    for _ in range(rounds):
        for clients, of in measured.items():
            for case in cases:
                before_s = case.process.processor_s
                met = asyncio.run(load(case.url, form, clients=clients, seconds=seconds))
                of[case.name].append(Measured(met, 1000 * (case.process.processor_s - before_s) / met.answers))
                time.sleep(pause_s)
    return measured


def _figures(measured: dict[str, list[Measured]]) -> dict[str, Any]:
    each = {
        name: {
            "answers_per_s": summary([one.met.per_s for one in of]),
            "p50_ms": summary([one.met.p50_ms for one in of]),
            "p95_ms": summary([one.met.p95_ms for one in of]),
            "p99_ms": summary([one.met.p99_ms for one in of]),
            "cpu_ms": summary([one.cpu_ms for one in of]),
        }
        for name, of in measured.items()
    }
    theirs = [name for name in measured if not name.startswith("sightline")]
    answers: dict[str, Any] = {}
    processor: dict[str, Any] = {}
    for name, of in measured.items():
        for other in theirs if name.startswith("sightline") else ():
            pairs = list(zip(of, measured[other], strict=True))
            answers[f"{name} over {other}"] = summary([one.met.per_s / peer.met.per_s for one, peer in pairs])
            processor[f"{other} over {name}"] = summary([peer.cpu_ms / one.cpu_ms for one, peer in pairs])
    return {**each, "times as many answers": answers, "times as much processor time": processor}


def _start_s(start: Start, form: Form, *, pause_s: float) -> float:
    time.sleep(pause_s)
    began_at = time.monotonic()
    with start() as server:
        _check(asyncio.run(ask_once(f"{server.url}predict", form)))
        return time.monotonic() - began_at


def _check(answer: bytes) -> None:
    """Both forms must tell of the firearm: one object, or a picture of the same size."""
    if answer.startswith(b"{"):
        (image,) = json.loads(answer)["images"]
        assert len(image["results"]) == 1, image
        return
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(answer), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (1080, 810, 3)


def _photograph() -> bytes:
    """A street photograph that comes with ultralytics, its lowest third replaced by the drawn pistol on a table."""
    (asset,) = (ultralytics_python().parent.parent / "lib").glob("python3*/site-packages/ultralytics/assets/bus.jpg")
    picture = np.asarray(cv2.imread(str(asset)))
    picture[-360:] = draw_firearm((picture.shape[1], 360)).bgr
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def _peers() -> dict[str, str]:
    """What the peers ran on."""
    torch = installed(ultralytics_python(), "torch", "ultralytics-opencv-headless", "opencv-python-headless")
    flask = installed(python_of("flask", torch=True), "flask", "werkzeug", "waitress")
    found = {**torch, **flask, **installed(python_of("fastapi", torch=True), "fastapi", "uvicorn")}
    return {"versions": ", ".join(f"{name} {version}" for name, version in found.items())}


def _clients(count: int) -> str:
    return "1 client" if count == 1 else f"{count} clients"
