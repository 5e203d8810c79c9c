"""Tests of running the application."""

import socket
from pathlib import Path

import pytest

from server.config.settings import Server, Settings
from server.domain.errors import SettingsError
from server.web.credentials import resolve_keys
from server.web.runner import run_server


def test_a_start_that_fails_does_not_lose_the_key_that_it_made(tmp_path: Path) -> None:
    """With the port taken nothing is announced, so the next start still has the key to show."""
    lines: list[str] = []
    with socket.create_server(("0.0.0.0", 0)) as taken:
        settings = Settings(server=Server(host="0.0.0.0", port=taken.getsockname()[1], data_dir=str(tmp_path)))
        with pytest.raises(SettingsError, match="cannot listen"):
            run_server(settings, announce=lines.append)
    assert lines == []
    made = resolve_keys(settings).generated
    assert made is not None
    assert made.unshown
