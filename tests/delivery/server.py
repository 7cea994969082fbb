"""A scripted HTTP server on loopback: one answer per request, and what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """One scripted answer; `cut` closes the connection without one."""

    status: int = 201
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    cut: bool = False
    hold: threading.Event | None = None


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def call_id(self) -> str:
        return str(json.loads(self.body)["call_id"])


@dataclass
class ScriptedServer:
    """Answers from `script` in order, then as Tuner does: 201 once per call_id, `is_new` false after."""

    script: list[Reply] = field(default_factory=list)
    answer: Callable[[Request], Reply | None] | None = None
    requests: list[Request] = field(default_factory=list)
    stored: dict[str, bytes] = field(default_factory=dict)
    url: str = ""

    def reply(self, request: Request) -> Reply:
        self.requests.append(request)
        if self.script:
            return self.script.pop(0)
        if self.answer is not None and (reply := self.answer(request)) is not None:
            return reply
        return self.accept(request)

    def accept(self, request: Request) -> Reply:
        is_new = request.call_id not in self.stored
        self.stored.setdefault(request.call_id, request.body)
        number = list(self.stored).index(request.call_id) + 1
        fields: dict[str, Any] = {"id": number, "provider_call_id": request.call_id, "is_new": is_new}
        return Reply(201 if is_new else 200, json.dumps(fields).encode())

    def posts(self) -> list[str]:
        return [request.call_id for request in self.requests]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        owner: ScriptedServer = self.server.owner  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        reply = owner.reply(Request(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        if reply.hold is not None:
            reply.hold.wait(20)
        if reply.cut:
            self.close_connection = True
            return
        self.send_response(reply.status)
        content = b"{}" if reply.body is None else reply.body
        given = {name.lower() for name, _ in reply.headers}
        for name, value in reply.headers:
            self.send_header(name, value)
        if "content-type" not in given:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what some tests are about."""


def serve(owner: ScriptedServer) -> _Server:
    """Start a server on a free port; `shutdown` and `server_close` end it."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.owner = owner  # type: ignore[attr-defined]
    owner.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server
