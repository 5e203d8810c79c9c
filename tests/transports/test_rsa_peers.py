"""Peers with RSA certificates, such as GStreamer's."""

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.rtcdtlstransport import RTCCertificate, generate_certificate
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from server.transports.aiortc_changes import AiortcChanges, apply
from tests.transports.rig import eventually


@pytest.mark.parametrize(("changed", "state"), [(True, "connected"), (False, "failed")])
async def test_an_rsa_peer_is_connected_to(*, changed: bool, state: str) -> None:
    """A DTLS server with an RSA certificate is reached with the change, and not without it."""
    assert await _state_with(rsa.generate_private_key(65537, 2048), changes=AiortcChanges(rsa_peers=changed)) == state


async def test_an_ecdsa_peer_is_still_connected_to() -> None:
    """What aiortc offers by itself stays on offer."""
    assert await _state_with(ec.generate_private_key(ec.SECP256R1()), changes=AiortcChanges()) == "connected"


async def _state_with(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, *, changes: AiortcChanges) -> str:
    """The state that we reach with a peer of that key, which as the one that offers becomes the DTLS server."""
    undo = apply(changes)
    peer, ours = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    try:
        certificate = RTCCertificate(key, generate_certificate(key))  # type: ignore[arg-type]  # it takes any key
        peer._RTCPeerConnection__certificates = [certificate]  # type: ignore[attr-defined]  # there is no public way
        peer.createDataChannel("any")
        await peer.setLocalDescription(await peer.createOffer())
        await ours.setRemoteDescription(peer.localDescription)
        await ours.setLocalDescription(await ours.createAnswer())
        await peer.setRemoteDescription(ours.localDescription)
        await eventually(lambda: ours.connectionState in ("connected", "failed"))
        return str(ours.connectionState)
    finally:
        await peer.close()
        await ours.close()
        undo()
