"""A running stream for tests of the web layer."""

from tests.conftest import Client
from tests.transports.rig import Client as Peer
from tests.transports.rig import eventually

SDP = {"Content-Type": "application/sdp"}


async def publish_plainly(client: Client, peer: Peer, *, name: str = "Door") -> str:
    """Publishes as a program does that knows nothing of us; returns the stream's id once something was detected on."""
    answer = await client.post(f"/whip?name={name}", data=await peer.offer(), headers=SDP)
    assert answer.status == 201
    await peer.accept(await answer.text())
    await eventually(lambda: peer.messages, within_s=20)
    return answer.headers["Location"].rpartition("/")[2]
