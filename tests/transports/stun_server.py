"""Small STUN and TURN servers on loopback, for tests: real datagrams, just enough of RFC 8489 and RFC 8656."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aioice import stun

REALM, USER, PASSWORD = "sightline", "somebody", "secret"
RELAYED = ("198.51.100.7", 40_000)


class StunServer(asyncio.DatagramProtocol):
    """Answers Binding requests, and Allocate and Refresh requests of USER; `silent` answers nothing."""

    def __init__(self, *, silent: bool = False) -> None:
        self._silent = silent
        self.methods: list[stun.Method] = []

    def connection_made(self, transport: Any) -> None:
        """Keeps the socket."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answers one request."""
        request = stun.parse_message(data)
        self.methods.append(request.message_method)
        if self._silent:
            return
        if request.message_method is stun.Method.BINDING:
            answer = self._answer(request)
            answer.attributes["XOR-MAPPED-ADDRESS"] = addr
        elif request.attributes.get("USERNAME") != USER:
            answer = self._refusal(request, code=401, reason="Unauthorized")
        else:
            answer = self._allocation(request, mapped=addr)
        self._transport.sendto(bytes(answer), addr)

    def _allocation(self, request: stun.Message, *, mapped: tuple[str, int]) -> stun.Message:
        key = hashlib.md5(f"{USER}:{REALM}:{PASSWORD}".encode()).digest()
        answer = self._answer(request)
        answer.attributes["LIFETIME"] = 600
        answer.attributes["XOR-RELAYED-ADDRESS"] = RELAYED
        answer.attributes["XOR-MAPPED-ADDRESS"] = mapped
        answer.add_message_integrity(key)
        return answer

    def _refusal(self, request: stun.Message, *, code: int, reason: str) -> stun.Message:
        answer = self._answer(request, kind=stun.Class.ERROR)
        answer.attributes["ERROR-CODE"] = (code, reason)
        answer.attributes["REALM"] = REALM
        answer.attributes["NONCE"] = b"nonce"
        return answer

    def _answer(self, request: stun.Message, *, kind: stun.Class = stun.Class.RESPONSE) -> stun.Message:
        return stun.Message(message_method=request.message_method, message_class=kind, transaction_id=request.transaction_id)


@asynccontextmanager
async def running_stun_server(*, silent: bool = False) -> AsyncIterator[tuple[str, StunServer]]:
    """A server and its address, `127.0.0.1:PORT`."""
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: StunServer(silent=silent), local_addr=("127.0.0.1", 0)
    )
    try:
        yield f"127.0.0.1:{transport.get_extra_info('sockname')[1]}", server
    finally:
        transport.close()
