"""The server of the app: on this computer only, for this computer's browser only."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from nicegui import app, ui
from starlette.responses import FileResponse, PlainTextResponse, Response

from perrin.app.guard import FILES, NAMES, Guard
from perrin.app.leaving import Leaving
from perrin.app.page import Page
from perrin.app.session import Session
from perrin.app.workspace import Workspace
from perrin.errors import PerrinError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOST = NAMES[0]


def serve(
    folder: str | Path,
    *,
    port: int = 8765,
    show: bool = True,
    ready: Callable[[str], object] | None = None,
) -> None:
    """Serve the app for `folder` until it is stopped; `show` opens the browser.

    `ready` is called with the address once it is served. Raises `PerrinError` for a folder that
    is not there or cannot be written, or a port that is taken.
    """
    workspace = Workspace(folder)
    _check_free(port)
    session = Session(workspace)

    @app.get(FILES + "{name:path}")
    def file(name: str) -> Response:
        try:
            path = workspace.shown(name)
        except PerrinError as error:
            return PlainTextResponse(str(error), status_code=403)
        if not path.is_file():
            return PlainTextResponse(f"{name} is not there.", status_code=404)
        return FileResponse(path)

    async def stop() -> None:
        if session.job is not None:
            await session.job.cancel()

    app.on_shutdown(stop)
    if ready is not None:
        app.on_startup(lambda: ready(f"http://{HOST}:{port}"))
    app.add_middleware(Guard, port=port)
    app.add_middleware(Leaving)
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
