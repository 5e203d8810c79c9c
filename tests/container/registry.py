"""A registry on this machine, as an image is pushed to and pulled from."""

import contextlib
import json
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.container.engine import BASE, podman
from tests.container.ports import free_ports, wait_for_port

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@contextlib.contextmanager
def registry(folder: Path) -> Iterator[str]:
    """Debian's registry on loopback, with what it stores in `folder`; yields its address."""
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}"
    config = folder / "registry.yml"
    storage = f"storage: {{filesystem: {{rootdir: {folder / 'registry'}}}}}"
    config.write_text(f"version: 0.1\nlog: {{level: error}}\n{storage}\nhttp: {{addr: '{address}'}}\n")
    with subprocess.Popen(["docker-registry", "serve", config], stderr=subprocess.DEVNULL) as process:
        try:
            wait_for_port(port)
            yield address
        finally:
            process.terminate()


def push(image: str, *, address: str) -> str:
    """Pushes an image, and returns its name there."""
    there = f"{address}/sightline:test"
    podman("push", "--quiet", "--tls-verify=false", image, f"docker://{there}")
    return there


def compressed_bytes(address: str) -> int:
    """Bytes of the pushed image's layers above the base, as a task pulls them."""
    request = urllib.request.Request(f"http://{address}/v2/sightline/manifests/test", headers={"Accept": _MANIFEST})
    with urllib.request.urlopen(request, timeout=10) as answer:
        layers = json.load(answer)["layers"]
    (base,) = json.loads(podman("image", "inspect", BASE))
    return sum(layer["size"] for layer in layers[len(base["RootFS"]["Layers"]) :])
