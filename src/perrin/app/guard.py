"""What keeps other pages and other folders out of the app: who may ask, and what is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

NAMES = ("127.0.0.1", "localhost")
FILES = "/files/"
_PAGE = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' ws://{host}; frame-src 'self'; frame-ancestors 'none'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'"
)
"""NiceGUI makes its page of scripts in the page itself; nothing comes from elsewhere."""
_SHOWN = (
    "sandbox allow-scripts allow-downloads allow-modals; default-src 'none'; "
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "font-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
"""A file of the folder has an origin of its own: it runs, and can ask the app for nothing."""


class Guard:
    """Refuses what another site's page may have sent, and says what the app's own may do.

    Binding to the loopback keeps other computers out; this keeps out pages of the web that are
    open in the same browser (DNS rebinding, cross-site requests, frames), pages of other servers
    on this computer, and reports of the folder itself, whoever wrote them.
    """

    def __init__(self, inner: ASGIApp, port: int) -> None:
        """Wrap an ASGI application that listens on `port`."""
        self.inner = inner
        self.hosts = {f"{name}:{port}" for name in NAMES}
        self.origins = {f"http://{host}" for host in self.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what the app's own page asks for."""
        if scope["type"] not in ("http", "websocket"):
            await self.inner(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host, origin = headers.get(b"host", ""), headers.get(b"origin")
        if host not in self.hosts or (origin is not None and origin not in self.origins):
            await PlainTextResponse("only for this computer", status_code=403)(scope, receive, send)
            return
        policy = _SHOWN if scope["path"].startswith(FILES) else _PAGE.format(host=host)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = MutableHeaders(scope=message)
                said["Content-Security-Policy"] = policy
                said["X-Frame-Options"] = "SAMEORIGIN" if policy == _SHOWN else "DENY"
                said["X-Content-Type-Options"] = "nosniff"
                said["Referrer-Policy"] = "no-referrer"
                said["Cross-Origin-Opener-Policy"] = "same-origin"
                said["Cross-Origin-Resource-Policy"] = "same-origin"
            await send(message)

        await self.inner(scope, receive, guarded)
