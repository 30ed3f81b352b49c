"""The server of the app: on this computer only, for this computer's browser only."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nicegui import app, ui
from starlette.responses import FileResponse, PlainTextResponse, Response

from perrin.app.page import Page, Session
from perrin.app.workspace import Workspace
from perrin.errors import PerrinError

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

HOST = "127.0.0.1"
_LOOPBACK = {HOST, "localhost", "::1"}


class LoopbackOnly:
    """Refuses what another site's page may have sent: a foreign Host or Origin.

    Binding to the loopback keeps other computers out; this keeps out pages of the web that
    are open in the same browser (DNS rebinding, cross-site requests).
    """

    def __init__(self, inner: ASGIApp) -> None:
        """Wrap an ASGI application."""
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what comes from this computer."""
        if scope["type"] in ("http", "websocket") and not self._is_ours(scope):
            await PlainTextResponse("only for this computer", status_code=403)(scope, receive, send)
            return
        await self.inner(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host = urlsplit(f"//{headers.get(b'host', '')}").hostname
        origin = headers.get(b"origin")
        return host in _LOOPBACK and (origin is None or urlsplit(origin).hostname in _LOOPBACK)


def serve(folder: str | Path, *, port: int = 8765, show: bool = True) -> None:
    """Serve the app for `folder` until it is stopped; `show` opens the browser.

    Raises `PerrinError` for a folder that is not there or a port that is taken.
    """
    workspace = Workspace(folder)
    _check_free(port)
    session = Session(workspace)

    @app.get("/files/{name:path}")
    def file(name: str) -> Response:
        try:
            path = workspace.path(name)
        except PerrinError as error:
            return PlainTextResponse(str(error), status_code=403)
        if not path.is_file():
            return PlainTextResponse(f"{name} is not there.", status_code=404)
        return FileResponse(path)

    async def stop() -> None:
        if session.job is not None:
            await session.job.cancel()

    app.on_shutdown(stop)
    app.add_middleware(LoopbackOnly)
    ui.run(
        lambda: Page(session).build(),
        host=HOST,
        port=port,
        title="perrin",
        dark=None,
        show=show,
        reload=False,
        reconnect_timeout=60.0,
        show_welcome_message=False,
    )


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PerrinError(
                f"port {port} is taken ({error.strerror}), perhaps by an app that already runs. "
                "Choose another --port."
            ) from error
