"""A network as on a cloud: a server behind a 1:1 NAT and a port filter, a client behind a firewall, a TURN server.

client 198.51.100.2 --- router --- 10.0.0.5 server, known outside as 203.0.113.7
                          |
                      192.0.2.2 TURN and STUN
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest

PUBLIC, SERVER, CLIENT, TURN = "203.0.113.7", "10.0.0.5", "198.51.100.2", "192.0.2.2"
GATEWAYS = {SERVER: "10.0.0.1", CLIENT: "198.51.100.1", TURN: "192.0.2.1"}
TCP_PORT = 5000
UDP_PORTS = (40_000, 40_049)
TURN_PORT = 3478
TURN_SECRET = "a-secret-of-the-turn-server"
TOOL_TIMEOUT_S = 10

# The server is reached by its public address alone, on one TCP port and a few of UDP; nobody reaches the client first.
RULES = """
table ip nat {{
    chain before {{ type nat hook prerouting priority -100; ip daddr {public} dnat to {server}; }}
    chain after {{ type nat hook postrouting priority 100; ip saddr {server} snat to {public}; }}
}}
table ip filter {{
    chain forward {{
        type filter hook forward priority 0; policy drop;
        {closed}
        ct state established,related accept
        oifname "client" drop
        iifname "server" accept
        oifname "server" ct status dnat tcp dport {tcp} accept
        oifname "server" ct status dnat udp dport {first}-{last} accept
        oifname "turn" accept
    }}
}}
"""
# What many company networks do: not a datagram leaves.
NO_UDP_FROM_CLIENT = 'iifname "client" meta l4proto udp drop'


@dataclass(frozen=True, slots=True)
class NatNetwork:
    """Three hosts; `client`, `server` and `turn` begin a command that runs on one of them."""

    client: tuple[str, ...]
    server: tuple[str, ...]
    turn: tuple[str, ...]
    router: tuple[str, ...]

    def set_rules(self, *, udp_from_client: bool) -> None:
        """Sets NAT and filter anew; without `udp_from_client` the client's datagrams are lost."""
        closed = "" if udp_from_client else NO_UDP_FROM_CLIENT
        first, last = UDP_PORTS
        rules = RULES.format(public=PUBLIC, server=SERVER, tcp=TCP_PORT, first=first, last=last, closed=closed)
        _run(*self.router, "nft", "-f", "-", text=f"flush ruleset\n{rules}")


@contextmanager
def nat_network() -> Iterator[NatNetwork]:
    """The network inside the block, nothing of it afterwards; skips with a reason where it cannot be made."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    for tool, package in (("ip", "iproute2"), ("nft", "nftables")):
        if shutil.which(tool) is None:
            pytest.skip(f"this needs the {tool} command (Debian: {package})")
    with ExitStack() as undo:
        router = _namespace("router", undo)
        hosts = {name: _namespace(name, undo) for name in ("client", "server", "turn")}
        for name, address in (("client", CLIENT), ("server", SERVER), ("turn", TURN)):
            _connect(hosts[name], router, name=name, address=address)
        _run("ip", "netns", "exec", router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        inside = {name: ("ip", "netns", "exec", host) for name, host in {**hosts, "router": router}.items()}
        network = NatNetwork(**inside)
        _try_rules(network)
        yield network


@contextmanager
def turn_server(network: NatNetwork) -> Iterator[None]:
    """Coturn on its host; skips with a reason where it is not installed."""
    if shutil.which("turnserver") is None:
        pytest.skip("this needs a TURN server (Debian: coturn)")
    with tempfile.TemporaryDirectory(prefix="coturn-") as folder:
        flags = ["-n", f"--listening-ip={TURN}", f"--relay-ip={TURN}", f"--listening-port={TURN_PORT}", "--realm=sightline"]
        secret = ["--use-auth-secret", f"--static-auth-secret={TURN_SECRET}"]
        quiet = ["--no-cli", "--no-tls", "--no-dtls", f"--log-file={folder}/log", "--simple-log", f"--pidfile={folder}/pid"]
        command = [*network.turn, "turnserver", *flags, *secret, *quiet, f"--userdb={folder}/db"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                _wait_until_listening(network)
                yield
            finally:
                process.terminate()


def _wait_until_listening(network: NatNetwork) -> None:
    ends_at = time.monotonic() + TOOL_TIMEOUT_S
    while f":{TURN_PORT}" not in _run(*network.turn, "ss", "--tcp", "--listening", "--numeric"):
        if time.monotonic() > ends_at:
            raise RuntimeError("the TURN server did not start")
        time.sleep(0.05)


def _try_rules(network: NatNetwork) -> None:
    try:
        network.set_rules(udp_from_client=True)
    except subprocess.CalledProcessError as exc:
        pytest.skip(f"this machine's kernel has no NAT for namespaces: {exc.stderr.strip()}")


def _namespace(name: str, undo: ExitStack) -> str:
    name = f"sightline-{os.getpid()}-nat-{name}"
    added = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, timeout=TOOL_TIMEOUT_S, check=False)
    if added.returncode != 0:
        pytest.skip(f"this machine allows no network namespaces: {added.stderr.strip()}")
    undo.callback(_run, "ip", "netns", "delete", name)  # which takes its interfaces with it
    _run("ip", "-n", name, "link", "set", "lo", "up")
    return name


def _connect(host: str, router: str, *, name: str, address: str) -> None:
    """Connects a host with the router, where the interface has the host's name, and sends all that it sends there."""
    gateway = GATEWAYS[address]
    _run("ip", "link", "add", "eth0", "netns", host, "type", "veth", "peer", "name", name, "netns", router)
    _run("ip", "-n", host, "address", "add", f"{address}/24", "dev", "eth0")
    _run("ip", "-n", router, "address", "add", f"{gateway}/24", "dev", name)
    _run("ip", "-n", host, "link", "set", "eth0", "up")
    _run("ip", "-n", router, "link", "set", name, "up")
    _run("ip", "-n", host, "route", "add", "default", "via", gateway)


def _run(*command: str, text: str | None = None) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=TOOL_TIMEOUT_S, check=True)
    return done.stdout
