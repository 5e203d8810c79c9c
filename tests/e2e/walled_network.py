"""A network on this machine in which UDP does not get through: a client, a firewall, and a server, each in a namespace."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest

CLIENT, SERVER = "10.231.1.2", "10.231.2.2"
GATEWAYS = {CLIENT: "10.231.1.1", SERVER: "10.231.2.1"}
TOOL_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class WalledNetwork:
    """Two hosts; `client` and `server` begin a command that runs on one of them."""

    client: tuple[str, ...]
    server: tuple[str, ...]


@contextmanager
def walled_network() -> Iterator[WalledNetwork]:
    """The network inside the block, nothing of it afterwards; skips with a reason where it cannot be made."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    if shutil.which("ip") is None:
        pytest.skip("network namespaces need the ip command (Debian: iproute2)")
    with ExitStack() as undo:
        client, wall, server = (_namespace(f"sightline-{os.getpid()}-{name}", undo) for name in ("client", "wall", "server"))
        _connect(client, wall, address=CLIENT)
        _connect(server, wall, address=SERVER)
        _ip("netns", "exec", wall, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        # A firewall that says nothing, as most do. A routing rule needs no tool besides, and no module of the kernel.
        _ip("-n", wall, "rule", "add", "ipproto", "udp", "blackhole", "priority", "1")
        yield WalledNetwork(*(("ip", "netns", "exec", name) for name in (client, server)))


def _namespace(name: str, undo: ExitStack) -> str:
    added = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, timeout=TOOL_TIMEOUT_S, check=False)
    if added.returncode != 0:
        pytest.skip(f"this machine allows no network namespaces: {added.stderr.strip()}")
    undo.callback(_ip, "netns", "delete", name)  # which takes its interfaces with it
    _ip("-n", name, "link", "set", "lo", "up")
    return name


def _connect(host: str, wall: str, *, address: str) -> None:
    """Connects a host with the firewall, and sends all that it sends there."""
    inside, gateway = address.replace(".", "-"), GATEWAYS[address]
    _ip("link", "add", "eth0", "netns", host, "type", "veth", "peer", "name", inside, "netns", wall)
    _ip("-n", host, "address", "add", f"{address}/24", "dev", "eth0")
    _ip("-n", wall, "address", "add", f"{gateway}/24", "dev", inside)
    _ip("-n", host, "link", "set", "eth0", "up")
    _ip("-n", wall, "link", "set", inside, "up")
    _ip("-n", host, "route", "add", "default", "via", gateway)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], capture_output=True, timeout=TOOL_TIMEOUT_S, check=True)
