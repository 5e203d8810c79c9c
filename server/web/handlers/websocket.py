"""Live video over a WebSocket: `GET /ws/stream`, for networks that let no UDP through."""

import asyncio

from aiohttp import WSCloseCode, WSMsgType, hdrs, web

from server.web import keys
from server.web.clients import client_of
from server.web.parameters import WebsocketParameters, read_parameters
from server.web.problems import Problem

# A client that does not answer our close, or takes in nothing any more, is left after this long.
CLOSE_TIMEOUT_S = 2.0
# A close frame holds at most 125 bytes, two of which are the code (RFC 6455, 5.5).
_MOST_REASON_BYTES = 123


async def stream(request: web.Request) -> web.StreamResponse:
    """Takes JPEG frames and answers each; whatever can be refused is refused before the upgrade."""
    app = request.app
    app[keys.LIFECYCLE].check_ready()
    settings, info = app[keys.SETTINGS], app[keys.MODEL].info
    parameters = read_parameters(WebsocketParameters, {name: request.query.getall(name) for name in request.query})
    session = app[keys.LIVE].open_websocket(
        name=parameters.stream_name,
        options=parameters.stream_options(info, settings=settings),
        pictures=parameters.annotate,
        client=client_of(request),
    )
    try:
        socket = AiohttpSocket(max_message_bytes=settings.live.max_frame_bytes)
        await socket.open(request)
        if parameters.tell_id:
            session.announce_id()
        await session.run(socket)
    finally:
        await session.aclose("the WebSocket could not be opened")
    return socket.response


class AiohttpSocket:
    """A WebSocket as sessions see it. Nothing is compressed: JPEG cannot be, and texts are short."""

    def __init__(self, *, max_message_bytes: int) -> None:
        self._max_message_bytes = max_message_bytes
        # aiohttp takes its limit for the first size that is too large.
        self.response = web.WebSocketResponse(compress=False, max_msg_size=max_message_bytes + 1, timeout=CLOSE_TIMEOUT_S)

    async def open(self, request: web.Request) -> None:
        """Answers the handshake; a 426 problem where the request does not begin one."""
        if not self.response.can_prepare(request):
            headers = {hdrs.UPGRADE: "websocket", hdrs.CONNECTION: "Upgrade"}
            raise Problem(426, "this address speaks WebSocket only", headers=headers)
        await self.response.prepare(request)

    async def receive(self) -> str | bytes:
        """The next message; ConnectionError says how the connection has ended."""
        message = await self.response.receive()
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            data: str | bytes = message.data
            return data
        raise ConnectionError(self._how_it_ended())

    async def send_text(self, text: str) -> None:
        """Sends a text message."""
        await self.response.send_str(text)

    async def send_bytes(self, data: bytes) -> None:
        """Sends a binary message."""
        await self.response.send_bytes(data)

    async def close(self, *, code: int, reason: str) -> None:
        """Says goodbye; a client that takes in nothing is cut off."""
        message = reason.encode()[:_MOST_REASON_BYTES].decode(errors="ignore").encode()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self.response.close(code=code, message=message)
        except (TimeoutError, ConnectionError):
            pass  # aiohttp has closed the connection

    def _how_it_ended(self) -> str:
        if self.response.close_code == WSCloseCode.MESSAGE_TOO_BIG:
            return f"a message had more than {self._max_message_bytes:,} bytes (live.max_frame_bytes)"
        if self.response.close_code in (WSCloseCode.PROTOCOL_ERROR, WSCloseCode.INVALID_TEXT):
            return "the client broke the protocol"
        return "the client left"
