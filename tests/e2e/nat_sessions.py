"""The real server behind the NAT of the test network, and a client that publishes to it."""

import sys
from collections.abc import Mapping
from typing import Any

from tests.e2e.nat_network import PUBLIC, TCP_PORT, TURN, TURN_PORT, TURN_SECRET, UDP_PORTS, NatNetwork
from tests.e2e.whip_process import WhipProcess
from tests.server_process import ServerProcess

URL = f"http://{PUBLIC}:{TCP_PORT}"
PORTS = {"SIGHTLINE_WEBRTC__UDP_PORT_MIN": str(UDP_PORTS[0]), "SIGHTLINE_WEBRTC__UDP_PORT_MAX": str(UDP_PORTS[1])}
ANNOUNCED = {"SIGHTLINE_WEBRTC__PUBLIC_ADDRESS": "auto", "SIGHTLINE_WEBRTC__PUBLIC_ADDRESS_URL": f"stun:{TURN}:{TURN_PORT}"}
RELAYED = {
    **ANNOUNCED,
    "SIGHTLINE_WEBRTC__TURN_URLS": f"turn:{TURN}:{TURN_PORT}?transport=tcp",
    "SIGHTLINE_WEBRTC__TURN_SECRET": TURN_SECRET,
}


def serve(network: NatNetwork, environ: Mapping[str, str]) -> ServerProcess:
    """The real server on its host."""
    command = (*network.server, sys.executable, "-m", "server", "serve", "--port", str(TCP_PORT))
    return ServerProcess("--host", "0.0.0.0", "--insecure", environ={**PORTS, **environ}, command=command)


async def publish(network: NatNetwork, *flags: str) -> dict[str, Any]:
    """Publishes from the client's host and takes the annotated video back; what the client saw."""
    arguments = ("--seconds", "3", "--fps", "10", *flags)
    client = await WhipProcess.start(f"{URL}/whip?return=annotated", *arguments, inside=network.client)
    return await client.report()
