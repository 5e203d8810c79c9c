"""The command line: what it prints, and how it ends."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.server_process import REPOSITORY, ServerProcess


def _run(*arguments: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a command that is expected to end by itself."""
    command = [sys.executable, "-m", "server", *arguments]
    return subprocess.run(
        command, cwd=REPOSITORY, env={**os.environ, **(environ or {})}, capture_output=True, text=True, timeout=60, check=False
    )


def _get(url: str, **headers: str) -> tuple[int, bytes]:
    """Status and body of an answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read()


def test_serve_prints_one_address_and_ends_with_zero() -> None:
    """Port 0 picks a free port, the line names it, the address answers, and SIGTERM is exit code 0."""
    with ServerProcess() as server:
        assert [line for line in server.lines if "ready: http://127.0.0.1:" in line]
        assert _get(f"{server.url}healthz")[0] == 200
        assert _get(f"{server.url}readyz")[0] == 200
        assert json.loads(_get(f"{server.url}api/info")[1])["model"]["name"] == "firearm-yolov8n"
        assert server.stop(signal.SIGTERM) == 0


def test_ctrl_c_ends_like_sigterm() -> None:
    """SIGINT is exit code 0 too, without a traceback."""
    with ServerProcess() as server:
        assert server.stop(signal.SIGINT) == 0
        assert "Traceback" not in server.output


def test_a_key_is_made_for_any_address_but_loopback(tmp_path: Path) -> None:
    """On all interfaces a key is printed once and asked for; the next start keeps it and prints it no more."""
    flags = ("--host", "0.0.0.0", "--data-dir", str(tmp_path))
    with ServerProcess(*flags) as server:
        address, _, key = server.url.partition("#key=")
        assert key
        assert _get(f"{address}api/info")[0] == 401
        assert _get(f"{address}api/info", Authorization=f"Bearer {key}")[0] == 200
    with ServerProcess(*flags) as server:
        assert key not in server.output
        assert _get(f"{server.url}api/info", Authorization=f"Bearer {key}")[0] == 200


def test_insecure_turns_the_key_off() -> None:
    """With --insecure everybody is served on any address."""
    with ServerProcess("--host", "0.0.0.0", "--insecure") as server:
        assert "#key=" not in server.url
        assert _get(f"{server.url}api/info")[0] == 200


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--model", "no/such/model"), "no/such/model"),
        (("--model", "README.md"), "README.md"),
        (("--port", "99999"), "server.port"),
        (("--conf", "1.5"), "model.confidence"),
        (("--config", "no-such.toml"), "no-such.toml"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(arguments: tuple[str, ...], named: str) -> None:
    """A wrong model, value or file ends the start with one line that names it."""
    ended = _run("serve", "--port", "0", *arguments)
    assert ended.returncode == 2
    (line,) = ended.stderr.strip().splitlines()
    assert line.startswith("sightline: ")
    assert named in line


def test_a_broken_model_file_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    """A file that only looks like a model is named."""
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a model")
    ended = _run("serve", "--port", "0", "--model", str(broken))
    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1
    assert "broken.onnx" in ended.stderr


def test_an_unknown_variable_is_refused() -> None:
    """A misspelt setting in the environment does not pass in silence."""
    ended = _run("serve", environ={"SIGHTLINE_SERVER__PROT": "1"})
    assert ended.returncode == 2
    assert "prot" in ended.stderr


def test_a_port_in_use_is_named() -> None:
    """Nothing but one line and exit code 2 when another program has the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = _run("serve", "--port", str(taken.getsockname()[1]))
    assert ended.returncode == 2
    assert str(taken) not in ended.stderr
    assert "cannot listen on 127.0.0.1" in ended.stderr


def test_a_copied_model_folder_is_served_from_any_directory(tmp_path: Path, delivered_model_dir: Path) -> None:
    """A model is named by path, whatever the working directory is."""
    shutil.copytree(delivered_model_dir, tmp_path / "mine")
    with ServerProcess("--model", "mine", cwd=tmp_path, environ={"PYTHONPATH": str(REPOSITORY)}) as server:
        assert _get(f"{server.url}readyz")[0] == 200
