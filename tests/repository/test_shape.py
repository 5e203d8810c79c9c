"""The shape of the code: what conventions promise a reader."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "server").rglob("*.py"))
FORBIDDEN_NAMES = {"utils", "util", "helpers", "common", "misc", "core", "base"}
BROAD_EXCEPTS = {
    "server/inference/pool.py",  # a worker hands any failure to its future
    "server/transports/own_thread.py",  # likewise
    "server/transports/webrtc.py",  # a session's supervisor
    "server/transports/camera_session.py",  # likewise
    "server/web/middlewares.py",  # the last resort of a request
}
FOREIGN_SIGNATURES = {
    "server/web/connections.py:handle_error",  # aiohttp's
    "server/transports/decoder_queue.py:put",  # queue.Queue's
    "server/transports/udp_ports.py:create_datagram_endpoint",  # the event loop's
}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_file_holds_one_idea(path: Path) -> None:
    """No file passes 400 lines, none is a drawer, none lies more than two folders deep."""
    assert len(path.read_text().splitlines()) <= 400
    assert path.stem not in FORBIDDEN_NAMES
    assert len(path.relative_to(ROOT / "server").parents) <= 3


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_function_does_one_step(path: Path) -> None:
    """No function passes 50 lines, and none takes more than two positional parameters besides self."""
    for function in _functions(path):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        assert length <= 50, f"{function.name} has {length} lines"
        positional = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        own = [name for name in positional if name not in {"self", "cls"}]
        theirs = function.name.startswith("_") or f"{_name(path)}:{function.name}" in FOREIGN_SIGNATURES
        assert theirs or len(own) <= 2, f"{function.name}({', '.join(own)})"


@pytest.mark.parametrize("path", [path for path in SOURCES if path.name == "__init__.py"], ids=_name)
def test_a_package_file_is_one_sentence(path: Path) -> None:
    """`__init__.py` says what the package is, and nothing else."""
    (docstring,) = ast.parse(path.read_text()).body
    assert isinstance(docstring, ast.Expr)


def test_broad_excepts_stand_in_three_places() -> None:
    """Whoever catches everything is on the list, with its reason."""
    found = {
        _name(path)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
    }
    assert found <= BROAD_EXCEPTS


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_the_environment_is_read_in_one_place(path: Path) -> None:
    """Settings are built once by the command line and passed on; vendors' doors set variables for what stands behind them."""
    reads = "os.environ" in path.read_text() or "getenv" in path.read_text()
    assert not reads or _name(path) in {
        "server/cli.py",
        "server/training/export.py",
        "server/inference/ultralytics.py",
        "server/inference/openvino.py",
    }


def test_outgoing_http_has_one_place() -> None:
    """Clients are made in web/outgoing.py alone, with its time-outs."""
    makers = {_name(path) for path in SOURCES if "ClientSession(" in path.read_text()}
    assert makers == {"server/web/outgoing.py"}


def test_the_tests_mirror_the_server() -> None:
    """Each folder of tests has the name of one of server/, or of one of those of its own."""
    own = {
        "benchmarks",
        "container",
        "contracts",
        "e2e",
        "ecs",
        "faults",
        "fuzz",
        "repository",
        "golden",
        "rtsp",
        "security",
        "limits",
        "__pycache__",
    }
    mirrored = {path.name for path in (ROOT / "server").iterdir() if path.is_dir()}
    assert {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()} <= own | mirrored


@pytest.mark.parametrize(
    "path", sorted((ROOT / "benchmarks" / "peers" / "requirements").glob("*.txt")), ids=lambda path: path.stem
)
def test_a_peer_is_pinned(path: Path) -> None:
    """What a benchmark installs has one version each, and no address."""
    lines = path.read_text().splitlines()

    assert lines
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines), path
