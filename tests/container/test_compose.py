"""The Compose file is as careful as docs/container.md says, and its Caddyfile gives the page over HTTPS."""

import contextlib
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.config.load import load_settings
from server.config.settings import Settings
from server.web.networks import parse_networks
from tests.conftest import REPOSITORY
from tests.container.ports import free_ports
from tests.server_process import ServerProcess

FOLDER = REPOSITORY / "container"
PAGE_TIMEOUT_S = 30.0


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services of the Compose file."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
    return found


def test_every_service_is_read_only_and_without_rights(services: dict[str, Any]) -> None:
    """What is reached from outside gets no more than it needs: a port below 1024 at most."""
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["restart"] == "unless-stopped"
    rights = {name: service.get("cap_add", []) for name, service in services.items()}
    assert rights == {"server": [], "https": ["NET_BIND_SERVICE"], "turn": ["NET_BIND_SERVICE"]}


def test_turn_starts_only_when_asked_for(services: dict[str, Any]) -> None:
    """`docker compose up` brings the server and the page over HTTPS; TURN is a profile."""
    assert {name: service.get("profiles", []) for name, service in services.items()} == {
        "server": [],
        "https": [],
        "turn": ["turn"],
    }


def test_turn_refuses_to_be_open_to_everybody(services: dict[str, Any]) -> None:
    """Without a secret the relay does not start, and says which one is missing."""
    shell, flag, script = services["turn"]["entrypoint"]
    line = script.replace("$$", "$").replace("turnserver", "true", 1)  # as Compose passes it on, and without coturn
    for secret, code in (("", False), ("long-and-random", True)):
        environ = {"PATH": os.environ["PATH"], "TURN_SECRET": secret}
        done = subprocess.run([shell, flag, line], env=environ, capture_output=True, text=True, timeout=10, check=False)
        assert (done.returncode == 0) is code
        assert code or "set SIGHTLINE_TURN_SECRET" in done.stderr


def test_the_server_accepts_its_settings(services: dict[str, Any]) -> None:
    """With nothing set besides, the environment that Compose makes is one that the server starts with, and asks for a key."""
    environ = {name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value) for name, value in services["server"]["environment"].items()}
    settings = load_settings(file=None, environ=environ, flags={})
    assert settings.auth.api_keys == []
    assert settings.webrtc.turn_urls == []
    assert "127.0.0.1" in parse_networks(settings.server.trusted_proxies, setting="server.trusted_proxies")
    assert settings.server.port == Settings().server.port


def test_the_server_gets_its_time_to_drain(services: dict[str, Any]) -> None:
    """Compose kills after longer than running sessions get."""
    assert int(services["server"]["stop_grace_period"].removesuffix("s")) > Settings().server.drain_s


def test_the_dockerfile_is_clean() -> None:
    """Hadolint finds nothing."""
    linter = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert linter is not None, "the dev dependencies bring it"
    done = subprocess.run([linter, FOLDER / "Dockerfile"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.container
def test_caddy_gives_the_page_over_https(tmp_path: Path) -> None:
    """By the address of the machine, with a certificate of its own authority, which nothing else trusts."""
    with ServerProcess() as server, _caddy(tmp_path, upstream=int(server.url.split(":")[2].rstrip("/"))) as port:
        context = ssl.create_default_context(cafile=tmp_path / "caddy/pki/authorities/local/root.crt")
        with urllib.request.urlopen(f"https://127.0.0.1:{port}/", context=context, timeout=10) as answer:
            assert answer.status == 200
            assert b"<html" in answer.read()


@contextlib.contextmanager
def _caddy(folder: Path, *, upstream: int) -> Iterator[int]:
    """Debian's Caddy with our Caddyfile in front of a server; yields the port of HTTPS."""
    command = shutil.which("caddy")
    if command is None:
        pytest.skip("HTTPS on this machine needs caddy (Debian's package)")
    http, https = free_ports(2)
    own = {"SIGHTLINE_HTTP_PORT": str(http), "SIGHTLINE_HTTPS_PORT": str(https), "SIGHTLINE_PORT": str(upstream)}
    folders = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}
    caddy = [command, "run", "--config", str(FOLDER / "Caddyfile"), "--adapter", "caddyfile"]
    with subprocess.Popen(caddy, env={**os.environ, **own, **folders}, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for_page(https)
            yield https
        finally:
            process.terminate()


def _wait_for_page(port: int) -> None:
    """The certificate is made at the first visit, which may take a while."""
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    ends_at = time.monotonic() + PAGE_TIMEOUT_S
    while time.monotonic() < ends_at:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"https://127.0.0.1:{port}/", context=anybody, timeout=10):
            return
        time.sleep(0.2)
    raise AssertionError("Caddy gives no page")
