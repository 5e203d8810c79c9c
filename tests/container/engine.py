"""The image, built and run without a container service: mmdebstrap's Debian stands in for the registry's base image."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.conftest import REPOSITORY

BASE = "localhost/sightline-stand-in"
IMAGE = "localhost/sightline-under-test"
NEEDED = ("mmdebstrap", "buildah", "podman", "runc", "docker-registry")
BUILD_TIMEOUT_S = 900
TOOL_TIMEOUT_S = 120

# How this machine reaches the package index: without these the build would not, on a machine that has a certificate of its own.
_OF_THE_MACHINE = (Path("/etc/pip.conf"), Path("/etc/ssl/certs/ca-certificates.crt"))
# Neither systemd, whose services these would be, nor a user of its own is there in a container or a bare chroot.
_PODMAN = ("podman", "--cgroup-manager", "cgroupfs", "--events-backend", "file", "--log-level", "fatal")


def why_impossible() -> str | None:
    """Why images cannot be built and run here, None where they can."""
    if os.geteuid() != 0:
        return "building and running containers without a service needs root"
    missing = [command for command in NEEDED if shutil.which(command) is None]
    return f"containers need {' '.join(missing)} (Debian's packages)" if missing else None


def podman(*arguments: str, check: bool = True) -> str:
    """Runs podman and returns what it prints; raises AssertionError with its complaint."""
    done = subprocess.run([*_PODMAN, *arguments], capture_output=True, text=True, timeout=TOOL_TIMEOUT_S, check=False)
    assert done.returncode == 0 or not check, f"podman {' '.join(arguments)}: {done.stderr or done.stdout}"
    return done.stdout.strip()


def build_image() -> str:
    """Builds what `make image` builds on top of the stand-in, and returns its name. Minutes the first time; layers are kept."""
    _make_base()
    flags = ["--isolation", "chroot", "--pull-never", "--build-arg", f"BASE={BASE}"]
    for file in _OF_THE_MACHINE:
        if file.exists():
            flags += ["--volume", f"{file}:{file}:ro"]
    _run(["sh", "container/build.sh", IMAGE, *flags], ENGINE="buildah")
    return IMAGE


def image_bytes(name: str) -> int:
    """Bytes of an image, uncompressed, with the base that it stands on."""
    return int(podman("image", "inspect", "--format", "{{.Size}}", name))


def _make_base() -> None:
    """Debian with Python, as far as the official image goes: without a compiled standard library, as that one."""
    if _exists(BASE):
        return
    with tempfile.TemporaryDirectory() as folder:
        root = f"{folder}/root.tar"
        no_bytecode = 'find "$1"/usr/lib/python3* -name "*.pyc" -delete'
        packages = "--include=python3,python3-venv,ca-certificates"
        _run(["mmdebstrap", "--variant=minbase", packages, f"--customize-hook={no_bytecode}", "bookworm", root])
        working = _run(["buildah", "from", "scratch"])
        try:
            _run(["buildah", "add", "--quiet", working, root, "/"])
            _run(["buildah", "commit", "--quiet", "--format", "docker", working, BASE])
        finally:
            _run(["buildah", "rm", working])


def _exists(name: str) -> bool:
    found = subprocess.run([*_PODMAN, "image", "exists", name], capture_output=True, timeout=TOOL_TIMEOUT_S, check=False)
    return found.returncode == 0


def _run(command: list[str], **environ: str) -> str:
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout.strip()
