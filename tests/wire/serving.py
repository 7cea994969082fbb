"""A model server on a loopback port, in a thread of its own."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import anyio
import anyio.to_thread
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from wire.replies import Received, Reply, Script


class CutError(Exception):
    """Ends a stream without its end: the server closes the connection."""


class Format:
    """A vendor's wire format: its path, and how a reply is written."""

    path: str

    def whole(self, reply: Reply, request: dict[str, Any]) -> dict[str, Any]:
        """Return the body of an answer that is not streamed."""
        raise NotImplementedError

    def stream(self, reply: Reply, request: dict[str, Any]) -> Iterator[str]:
        """Yield the server-sent events of an answer that is streamed."""
        raise NotImplementedError

    def error(self, reply: Reply) -> dict[str, Any]:
        """Return the body of an error."""
        raise NotImplementedError


class ModelServer:
    """A running server: where it is, and what it was asked."""

    def __init__(self, base_url: str, script: Script) -> None:
        self.base_url = base_url
        self._script = script

    @property
    def received(self) -> list[Received]:
        """The requests so far, the first first."""
        return self._script.received


@contextlib.contextmanager
def serving(wire: Format, replies: Sequence[Reply]) -> Iterator[ModelServer]:
    """Run a server that gives these replies, one a request, until the block ends."""
    script = Script(replies)

    async def answer(request: Request) -> Response:
        body = await request.json()
        reply = script.take(Received(request.url.path, dict(request.headers), body))
        if reply.status != 200:
            return JSONResponse(wire.error(reply), reply.status, headers=reply.headers)
        if body.get("stream"):
            events = _paced(reply, wire.stream(reply, body))
            return StreamingResponse(events, headers=reply.headers, media_type="text/event-stream")
        await _wait(reply)
        return JSONResponse(wire.whole(reply, body), headers=reply.headers)

    with _running(Starlette(routes=[Route(wire.path, answer, methods=["POST"])])) as base_url:
        yield ModelServer(base_url, script)


async def _wait(reply: Reply) -> None:
    if reply.first_token is not None:
        await anyio.to_thread.run_sync(reply.first_token.wait)
    await anyio.sleep(reply.before_first_s)


async def _paced(reply: Reply, events: Iterator[str]) -> AsyncIterator[str]:
    await _wait(reply)
    for number, event in enumerate(events):
        if number == reply.cut_after:
            raise CutError
        yield event
        await anyio.sleep(reply.between_s)


def event(data: Any, name: str | None = None) -> str:
    """Return one server-sent event."""
    text = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {name}\n" if name else "") + f"data: {text}\n\n"


@contextlib.contextmanager
def _running(app: Callable[..., Any]) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, log_level="critical", lifespan="off", ws="none")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="model-server")
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
