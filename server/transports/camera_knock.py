"""Knocking: whether anything answers at the address of a camera."""

import socket

from server.transports.address_policy import AddressPolicy
from server.transports.camera_address import CameraAddress


def answers(address: CameraAddress, *, policy: AddressPolicy, timeout_s: float) -> bool:
    """Whether a connection can be made there; files are always there.

    Blocks. Raises AddressRefused and CameraFailed as `AddressPolicy.resolve` does.
    """
    if address.path is not None:
        return True
    ip = policy.resolve(address.host, address.port)
    try:
        socket.create_connection((ip, address.port), timeout=timeout_s).close()
    except OSError:
        return False
    return True
