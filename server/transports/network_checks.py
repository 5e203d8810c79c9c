"""Network checks: whether live video will find its way, before anybody tries."""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Sequence

import aioice.ice
from aioice import stun, turn
from aiortc.rtcicetransport import parse_stun_turn_uri

from server.domain.finding import Finding
from server.transports.aiortc_changes import unchecked_versions
from server.transports.ice import IceServer

# aioice itself gives a STUN server 5 s; one that needs more than this delays every session.
SERVER_TIMEOUT_S = 2.0
# One on each address of the machine: mostly it has one of IPv4 and one of IPv6.
PORTS_A_SESSION = 2

_RESEND_S = 0.5


def check_aiortc() -> Finding:
    """Whether our changes to aiortc apply."""
    other = unchecked_versions()
    if other:
        text = f"{' and '.join(other)} is not what our changes were checked with: live video has more delay."
        return Finding("aiortc", "warn", text, "Install the versions that pyproject.toml names.")
    return Finding("aiortc", "ok", "Our changes to aiortc apply.")


def host_addresses(*, loopback: bool) -> list[str]:
    """The addresses that are offered for live video; `loopback` offers 127.0.0.1 where there is no other."""
    found = list(aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True))
    return found or (["127.0.0.1"] if loopback else [])


def check_candidates(addresses: Sequence[str], *, local_only: bool) -> Finding:
    """Whether there is an address that live video can be sent to; `local_only` tells that only this machine is served."""
    if not addresses:
        advice = "Connect the machine to a network, or leave webrtc.loopback_candidates on."
        return Finding("candidates", "bad", "This machine has no address for live video.", advice)
    if all(ipaddress.ip_address(address).is_loopback for address in addresses) and not local_only:
        text = "This machine has no address but loopback: live video reaches no other machine."
        return Finding("candidates", "warn", text, "Connect the machine to a network.")
    return Finding("candidates", "ok", f"Offered for live video: {', '.join(addresses)}.")


def check_public_address(
    addresses: Sequence[str], *, announced: str, ice_servers: Sequence[IceServer], local_only: bool
) -> Finding:
    """Whether viewers outside this network can reach one of the addresses."""
    if local_only:
        return Finding("public_address", "ok", "Only this machine is served, so no public address is needed.")
    if announced:
        return Finding("public_address", "ok", f"{announced} is announced in place of private addresses.")
    if any(ipaddress.ip_address(address).is_global for address in addresses):
        return Finding("public_address", "ok", "One of the addresses is public.")
    if ice_servers:
        return Finding("public_address", "ok", "All addresses are private; the STUN and TURN servers lead out of the network.")
    text = "All addresses are private: live video reaches viewers in this network only."
    advice = "Behind a 1:1 NAT, as on a cloud machine, set webrtc.public_address; else add a TURN server to webrtc.ice_servers."
    return Finding("public_address", "warn", text, advice)


def check_udp_ports(*, first: int, last: int, sessions: int) -> Finding:
    """Whether UDP ports can be opened, and enough of them for `sessions`. Blocks for a moment."""
    if (first, last) == (0, 0):
        if _is_free(0):
            return Finding("udp_ports", "ok", "UDP ports can be opened; the system picks them.")
        return Finding("udp_ports", "bad", "No UDP port can be opened.", "Look at the limits of the system or the container.")
    if not 0 < first <= last <= 65535:
        text = f"{first} to {last} is no range of UDP ports."
        return Finding("udp_ports", "bad", text, "Set webrtc.udp_port_min and webrtc.udp_port_max.")
    free = sum(_is_free(port) for port in range(first, last + 1))
    text = f"{free} of the {last - first + 1} UDP ports from {first} to {last} are free."
    if free == 0:
        return Finding("udp_ports", "bad", text, "Choose another range, or end what uses it.")
    if free < PORTS_A_SESSION * sessions:
        advice = (
            f"Give {PORTS_A_SESSION} ports for each live session: {PORTS_A_SESSION * sessions} for the {sessions} that fit."
        )
        return Finding("udp_ports", "warn", text, advice)
    return Finding("udp_ports", "ok", text)


async def check_ice_server(url: str, server: IceServer, *, timeout_s: float = SERVER_TIMEOUT_S) -> Finding:
    """Whether a STUN server answers, or a TURN server relays for us."""
    parsed = parse_stun_turn_uri(url)
    advice = "Check its address, that it runs, and that a firewall lets us reach it: each session waits for it."
    try:
        async with asyncio.timeout(timeout_s):
            if parsed["scheme"].startswith("turn"):
                return Finding("ice_servers", "ok", f"{url} relays for us at {await _allocate(parsed, server)}.")
            return Finding("ice_servers", "ok", f"{url} answers; it sees us at {_named(await _bind(parsed))}.")
    except stun.TransactionFailed as exc:
        text = f"{url} refuses us: {exc.response.attributes.get('ERROR-CODE', (0, 'no reason given'))[1]}."
        advice = "Check its username and credential in webrtc.ice_servers, or webrtc.turn_secret."
        return Finding("ice_servers", "bad", text, advice)
    except TimeoutError:
        return Finding("ice_servers", "bad", f"{url} does not answer within {timeout_s:g} s.", advice)
    except (OSError, stun.TransactionTimeout) as exc:
        return Finding("ice_servers", "bad", f"{url} cannot be reached: {exc}.", advice)


async def ask_stun_server(url: str, *, timeout_s: float = SERVER_TIMEOUT_S) -> str:
    """Our address as the STUN server at `url` sees it; ValueError for what is no such address, OSError and TimeoutError."""
    parsed = parse_stun_turn_uri(url)
    async with asyncio.timeout(timeout_s):
        address, _ = await _bind(parsed)
    return address


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("", port))
        except OSError as exc:
            if exc.errno in (errno.EADDRINUSE, errno.EACCES, errno.EMFILE):
                return False
            raise
    return True


def _named(address: tuple[str, int]) -> str:
    return f"{address[0]} port {address[1]}"


async def _bind(server: dict[str, str | int]) -> tuple[str, int]:
    """Our address as a STUN server sees it (RFC 8489); asks again until the caller's patience ends."""
    loop = asyncio.get_running_loop()
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    transport, protocol = await loop.create_datagram_endpoint(_Answer, remote_addr=(str(server["host"]), int(server["port"])))
    try:
        while True:
            transport.sendto(bytes(request))
            done, _ = await asyncio.wait([protocol.answer], timeout=_RESEND_S)
            if done:
                address, port = protocol.answer.result().attributes["XOR-MAPPED-ADDRESS"]
                return str(address), int(port)
    finally:
        transport.close()


async def _allocate(server: dict[str, str | int], credentials: IceServer) -> str:
    """The address at which a TURN server relays for us (RFC 8656); it is given back at once."""
    transport, _ = await turn.create_turn_endpoint(
        asyncio.DatagramProtocol,
        server_addr=(str(server["host"]), int(server["port"])),
        username=credentials.username,
        password=credentials.credential,
        ssl=server["scheme"] == "turns",
        transport=str(server["transport"]),
    )
    address = transport.get_extra_info("sockname")
    transport.close()
    return _named(address)


class _Answer(asyncio.DatagramProtocol):
    """Waits for one STUN message."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[stun.Message] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Takes the first answer that is one."""
        try:
            message = stun.parse_message(data)
        except ValueError:
            return
        if not self.answer.done() and "XOR-MAPPED-ADDRESS" in message.attributes:
            self.answer.set_result(message)

    def error_received(self, exc: Exception) -> None:
        """The system says that nobody listens there."""
        if not self.answer.done():
            self.answer.set_exception(exc)
