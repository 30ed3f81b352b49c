"""What happens to a request whose window has been closed: it ends, and is no error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_GONE = 499  # as web servers record it: the client closed the request
_DISCONNECT = "http.disconnect"


class Leaving:
    """Ends what a closed window asked for, and says so to what is around it.

    A file half sent, an upload half received and a poll of Socket.IO stop without a response where
    the client has gone, or trip over it. Starlette's `BaseHTTPMiddleware`, which NiceGUI puts
    around every app, takes a missing response for a fault and prints a traceback. Here the
    response is completed; nobody reads it. Faults of other kinds pass.
    """

    def __init__(self, inner: ASGIApp) -> None:
        """Wrap an ASGI application."""
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is asked for, unless the one who asked has gone already."""
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        exchange = _Exchange(receive, send, first=await receive())
        if not exchange.left:
            try:
                await self.inner(scope, exchange.receive, exchange.send)
            except ClientDisconnect:
                exchange.left = True
        if exchange.left:
            await exchange.complete()


class _Exchange:
    """One request and its response; `left`: the client has gone."""

    def __init__(self, receive: Receive, send: Send, *, first: Message) -> None:
        self._receive = receive
        self._send = send
        self._first: Message | None = first
        self.left = first["type"] == _DISCONNECT
        self.started = self.ended = False

    async def receive(self) -> Message:
        message, self._first = self._first, None
        if message is None:
            message = await self._receive()
        self.left = self.left or message["type"] == _DISCONNECT
        return message

    async def send(self, message: Message) -> None:
        kind = message["type"]
        self.started = self.started or kind == "http.response.start"
        if kind == "http.response.body" and not message.get("more_body", False):
            self.ended = True
        self.ended = self.ended or kind == "http.response.pathsend"
        await self._send(message)

    async def complete(self) -> None:
        """Send what is missing of the response."""
        if not self.started:
            await self.send({"type": "http.response.start", "status": _GONE, "headers": []})
        if not self.ended:
            await self.send({"type": "http.response.body", "body": b""})
