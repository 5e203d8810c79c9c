"""Connecting to a server behind a 1:1 NAT and a port filter, by its announced address and by a TURN relay over TCP.

Needs root, nftables and coturn.
"""

import asyncio
from typing import Any

from benchmarks.report.results import summary, write_result
from tests.e2e.nat_network import NatNetwork, nat_network, turn_server
from tests.e2e.nat_sessions import ANNOUNCED, RELAYED, publish, serve


def run(*, rounds: int = 5) -> None:
    """Publishes several times by each way, one after the other; times run from before the offer."""
    with nat_network() as network, turn_server(network):
        network.set_rules(udp_from_client=True)
        with serve(network, ANNOUNCED):
            announced = _figures(network, rounds=rounds)
        network.set_rules(udp_from_client=False)
        with serve(network, RELAYED):
            relayed = _figures(network, "--ice-servers", rounds=rounds)
    write_result("nat", {"rounds": rounds, "announced address": announced, "TURN over TCP": relayed})


def _figures(network: NatNetwork, *flags: str, rounds: int) -> dict[str, Any]:
    reports = [asyncio.run(publish(network, *flags)) for _ in range(rounds)]
    names = ("connected_after_ms", "first_picture_after_ms")
    return {name: summary([report[name] for report in reports]) for name in names}
