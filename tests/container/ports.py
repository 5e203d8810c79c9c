"""TCP ports on this machine."""

import contextlib
import socket
import time


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody has at the moment, all different."""
    with contextlib.ExitStack() as probes:
        sockets = [probes.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def wait_for_port(port: int, *, timeout_s: float = 20.0) -> None:
    """Returns when somebody listens there; raises AssertionError when nobody does in time."""
    ends_at = time.monotonic() + timeout_s
    while time.monotonic() < ends_at:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise AssertionError(f"nobody listens on port {port}")
