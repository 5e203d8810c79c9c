"""`sightline keys`: what it prints, and that a running server notices by itself."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from server.cli import main
from server.commands.exit_codes import OK, USAGE_ERROR
from tests.server_process import REPOSITORY, ServerProcess

Printed = pytest.CaptureFixture[str]


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs `sightline keys` in a data folder of the test's own; returns the exit code."""
    monkeypatch.setenv("SIGHTLINE_SERVER__DATA_DIR", str(tmp_path))
    return lambda *arguments: main(["keys", *arguments])


def test_add_prints_the_key_alone(keys: Callable[..., int], capsys: Printed) -> None:
    """Standard output is the key, for a script; what it may and that it is shown once is said beside it."""
    assert keys("add", "gate") == OK
    printed = capsys.readouterr()
    assert len(printed.out) == 43 + 1
    assert "'gate', which may look, check pictures and answer alerts" in printed.err
    assert printed.out.strip() not in printed.err


def test_list_names_them_with_their_rights(keys: Callable[..., int], capsys: Printed, tmp_path: Path) -> None:
    """A line each; nothing in it opens anything."""
    assert keys("list") == OK
    assert "No named key" in capsys.readouterr().out
    values = []
    for arguments in (("gate",), ("studio", "--rights", "admin")):
        keys("add", *arguments)
        values.append(capsys.readouterr().out.strip())
    (tmp_path / "api-key").write_text("sha256 ...")
    assert keys("list") == OK
    listed = capsys.readouterr().out
    assert [line.split()[:3] for line in listed.splitlines()[:2]] == [["gate", "view", "made"], ["studio", "admin", "made"]]
    assert "delete the file to end it" in listed
    assert not [value for value in values if value in listed]


def test_revoke_says_what_is_left(keys: Callable[..., int], capsys: Printed) -> None:
    """Whoever revokes the last key reads that the server does not open."""
    keys("add", "gate")
    capsys.readouterr()
    assert keys("revoke", "gate") == OK
    assert "Keys are asked for all the same" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("revoke", "nobody"), "no key named 'nobody'"),
        (("add", " "), "no name for a key"),
        (("add", "taken"), "already"),
    ],
)
def test_refusals_are_one_sentence(keys: Callable[..., int], capsys: Printed, arguments: tuple[str, ...], says: str) -> None:
    """And exit code 2, with nothing on standard output."""
    keys("add", "taken")
    capsys.readouterr()
    assert keys(*arguments) == USAGE_ERROR
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n"), says in printed.err) == ("", 1, True)


def test_a_key_file_can_be_elsewhere(keys: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Several servers may share one."""
    monkeypatch.setenv("SIGHTLINE_AUTH__KEYS_FILE", str(tmp_path / "shared" / "team.json"))
    assert keys("add", "gate") == OK
    assert (tmp_path / "shared" / "team.json").exists()
    assert not (tmp_path / "keys.json").exists()


def test_a_running_server_notices(tmp_path: Path) -> None:
    """A key works within seconds of being made, and what was opened with it ends within seconds of its being revoked."""
    flags = ("--data-dir", str(tmp_path))
    with ServerProcess(*flags) as server:
        assert _status(server.url) == 200
        value = _run("add", "gate", *flags)
        _until(lambda: _status(server.url) == 401)
        assert _status(server.url, value) == 200
        with urllib.request.urlopen(_request(f"{server.url}api/events", value), timeout=20) as events:
            assert events.readline().startswith(b"retry")
            _run("revoke", "gate", *flags)
            try:
                while events.readline():
                    pass
            except ConnectionError:
                pass
        assert _status(server.url, value) == 401
        assert value not in server.output
        assert "named keys: gate (view)" in server.output
        assert "the key gate is revoked" in server.output


def _run(*arguments: str) -> str:
    command = [sys.executable, "-m", "server", "keys", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=True).stdout.strip()


def _request(url: str, key: str) -> urllib.request.Request:
    return urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})


def _status(url: str, key: str = "") -> int:
    try:
        with urllib.request.urlopen(_request(f"{url}api", key), timeout=10) as answer:
            status: int = answer.status
            return status
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
