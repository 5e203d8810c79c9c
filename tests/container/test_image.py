"""What the image is made of, how large it is, and that it travels."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from server.resources import version
from tests.conftest import REPOSITORY
from tests.container.engine import BASE, image_bytes, podman
from tests.container.registry import compressed_bytes, push, registry

pytestmark = [pytest.mark.container, pytest.mark.timeout(1200)]

MB = 1_000_000
# Above the base: what a task pulls and unpacks before it starts.
MOST_BYTES = 520 * MB
MOST_COMPRESSED_BYTES = 200 * MB


def _configuration(image: str) -> dict[str, Any]:
    (inspected,) = json.loads(podman("image", "inspect", image))
    configuration: dict[str, Any] = inspected["Config"] | {"Healthcheck": inspected.get("Healthcheck")}
    return configuration


def test_the_image_says_how_it_is_run(image: str) -> None:
    """An engine finds the user, the port, the volume, the check and the signal, and a person the version and the license."""
    found = _configuration(image)
    assert found["User"] == "10001:10001"
    assert set(found["ExposedPorts"]) == {"5000/tcp"}
    assert set(found["Volumes"]) == {"/data"}
    assert found["StopSignal"] == "SIGTERM"
    assert found["Healthcheck"]["Test"][0] == "CMD"
    assert (found["Entrypoint"], found["Cmd"]) == (["sightline"], ["serve"])
    assert found["Labels"]["org.opencontainers.image.version"] == version()
    assert found["Labels"]["org.opencontainers.image.licenses"] == "AGPL-3.0-or-later"


def test_the_image_holds_the_fixed_versions_and_no_tools(image: str) -> None:
    """Every package has the version of constraints.txt; there is no compiler, no pip and no training stack."""
    fixed = dict(re.findall(r"^([\w.-]+)==(\S+)$", (REPOSITORY / "constraints.txt").read_text(), re.MULTILINE))
    fixed = {_normal(name): number for name, number in fixed.items()}
    lines = "from importlib.metadata import distributions as d; print(*(f'{one.name}=={one.version}' for one in d()))"
    tools = "command -v gcc cc pip pip3 strip || true"
    printed = podman("run", "--rm", "--runtime", "runc", "--network", "host", "--health-interval", "disable",
                     "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024",
                     "--entrypoint", "sh", image, "-c", f'python -c "{lines}"; {tools}')  # fmt: skip
    installed = dict(one.split("==") for one in printed.splitlines()[0].split())
    installed = {_normal(name): number for name, number in installed.items()}
    assert installed.pop("sightline") == version()
    assert installed == {name: fixed[name] for name in installed}
    assert not {"torch", "ultralytics", "pip", "pytest"} & set(installed)
    assert printed.splitlines()[1:] == []


def test_the_image_travels_and_is_small(image: str, tmp_path: Path) -> None:
    """Pushed to a registry and pulled back it is the same, and what lies above the base is small, packed and unpacked."""
    above = image_bytes(image) - image_bytes(BASE)
    with registry(tmp_path) as address:
        there = push(image, address=address)
        pulled = podman("pull", "--quiet", "--tls-verify=false", there)
        podman("untag", pulled, there)
        packed = compressed_bytes(address)
    assert pulled == podman("image", "inspect", "--format", "{{.Id}}", image)
    print(f"\nabove the base: {above / MB:.0f} MB, compressed {packed / MB:.0f} MB")  # noqa: T201 - for the log of .ci/run
    assert above < MOST_BYTES
    assert packed < MOST_COMPRESSED_BYTES


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
