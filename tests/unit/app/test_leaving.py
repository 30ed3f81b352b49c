"""A closed window ends its requests without an error, whatever is around the app."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="app: pip install 'perrin[app]'")

from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

from perrin.app.leaving import Leaving

BEGUN = {"type": "http.request", "body": b"half", "more_body": True}
ASKED = {"type": "http.request", "body": b"", "more_body": False}
GONE = {"type": "http.disconnect"}


def ask(path: str, said: Iterable[dict[str, Any]], *, folder: Path) -> list[dict[str, Any]]:
    """Ask an app as NiceGUI wraps it; the client says `said`, the last of it for ever."""
    left, answers = list(said), []

    async def receive() -> dict[str, Any]:
        return left.pop(0) if len(left) > 1 else left[0]

    async def send(message: Any) -> None:
        answers.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"accept-encoding", b"gzip")],
    }
    asyncio.run(_app(folder)(scope, receive, send))
    return answers


def _app(folder: Path) -> Starlette:
    large = folder / "large.html"
    large.write_bytes(b"<p>" * 200_000)

    async def file(request: Request) -> Response:
        return FileResponse(large)

    async def upload(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    async def poll(scope: Any, receive: Any, send: Any) -> None:  # as Socket.IO does it
        if (await receive())["type"] == "http.disconnect":
            raise KeyError("REQUEST_METHOD")
        await PlainTextResponse("polled")(scope, receive, send)

    async def broken(request: Request) -> Response:
        raise RuntimeError("broken")

    async def silent(scope: Any, receive: Any, send: Any) -> None:
        """No response at all."""

    routes = [Route(f"/{view.__name__}", view, methods=["POST"]) for view in (file, upload, broken)]
    app = Starlette(routes=[*routes, Mount("/poll", poll), Mount("/silent", silent)])
    app.add_middleware(Leaving)
    app.add_middleware(GZipMiddleware)
    for _ in range(2):
        app.add_middleware(BaseHTTPMiddleware, dispatch=_as_it_is)
    return app


async def _as_it_is(request: Request, call_next: Callable[[Request], Any]) -> Any:
    return await call_next(request)


@pytest.mark.parametrize("path", ["/file", "/upload", "/poll/", "/broken"])
def test_who_has_gone_is_answered_in_full(path: str, tmp_path: Path) -> None:
    answers = ask(path, [GONE], folder=tmp_path)
    assert answers[0]["status"] == 499
    assert answers[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


@pytest.mark.parametrize(("path", "first"), [("/file", ASKED), ("/upload", BEGUN)])
def test_who_goes_in_the_middle_is_answered_in_full(
    path: str, first: dict[str, Any], tmp_path: Path
) -> None:
    answers = ask(path, [first, GONE], folder=tmp_path)
    assert answers[0]["type"] == "http.response.start"
    assert answers[-1]["body"] == b""
    assert not answers[-1]["more_body"]


@pytest.mark.parametrize(("path", "text"), [("/upload", b"4"), ("/poll/", b"polled")])
def test_who_stays_gets_the_response(path: str, text: bytes, tmp_path: Path) -> None:
    answers = ask(path, [BEGUN, ASKED], folder=tmp_path)
    assert answers[0]["status"] == 200
    assert b"".join(answer.get("body", b"") for answer in answers) == text


@pytest.mark.parametrize(("path", "told"), [("/broken", "broken"), ("/silent/", "No response")])
def test_a_fault_is_still_told(path: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=told):
        ask(path, [ASKED, ASKED], folder=tmp_path)
