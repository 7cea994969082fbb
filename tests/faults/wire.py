"""One connection as raw bytes: requests in, whatever the script says out."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import struct
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

_READ_BYTES = 65_536
_TLS_HANDSHAKE = 0x16


class PeerGone(Exception):
    """The client closed or reset the connection."""


@dataclass
class Request:
    """One request: the head at once, the body when somebody asks for it."""

    method: str
    target: str
    version: str
    headers: list[tuple[str, str]]
    body: bytearray = field(default_factory=bytearray)

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return found[0] if found else None

    @property
    def length(self) -> int:
        return int(self.header("content-length") or 0)

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {key: values[0] for key, values in parse_qs(urlsplit(self.target).query).items()}

    def document(self) -> dict[str, Any]:
        """Return the body as JSON, or an empty object when it is none."""
        raw = bytes(self.body)
        try:
            if self.header("content-encoding") == "gzip":
                raw = gzip.decompress(raw)
            document = json.loads(raw)
        except (ValueError, OSError, EOFError):
            return {}
        return document if isinstance(document, dict) else {}


class Wire:
    """A connected socket with a buffer, and the rough ways in which a connection can end."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._buffer = bytearray()

    def _more(self) -> None:
        try:
            data = self.sock.recv(_READ_BYTES)
        except OSError as error:
            raise PeerGone from error
        if not data:
            raise PeerGone
        self._buffer += data

    def head(self) -> Request:
        """Read one request's head."""
        while b"\r\n\r\n" not in self._buffer:
            self._more()
            if self._buffer[0] == _TLS_HANDSHAKE:  # what an HTTP server says to a client that speaks TLS
                self.send(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                raise PeerGone
        raw, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self._buffer = bytearray(rest)
        lines = raw.decode("latin-1").split("\r\n")
        method, target, version = lines[0].split(" ", 2)
        pairs = [line.partition(":")[::2] for line in lines[1:]]
        return Request(method, target, version, [(name, value.strip()) for name, value in pairs])

    def body(self, request: Request, upto: int | None = None) -> None:
        """Read the request's body, or its first `upto` bytes."""
        wanted = request.length if upto is None else min(upto, request.length)
        while len(request.body) < wanted:
            if not self._buffer:
                self._more()
            take = wanted - len(request.body)
            request.body += self._buffer[:take]
            del self._buffer[:take]

    def send(self, data: bytes) -> None:
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise PeerGone from error

    def wait_for_peer(self) -> None:
        """Read and forget until the client goes away."""
        while True:
            self._more()
            self._buffer.clear()

    def reset(self) -> None:
        """End with RST instead of FIN."""
        with contextlib.suppress(OSError):  # the peer was faster
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self.sock.close()

    def cut(self) -> None:
        """Wake whoever blocks on this socket in another thread."""
        with contextlib.suppress(OSError):  # it was never connected, or is closed
            self.sock.shutdown(socket.SHUT_RDWR)


def answer_bytes(
    status: int,
    body: bytes,
    headers: list[list[str]],
    *,
    version: str = "HTTP/1.1",
    length: int | None = None,
    chunked: bool = False,
) -> bytes:
    """Return one complete answer; `length` overrides what Content-Length says."""
    lines = [f"{version} {status} Scripted"]
    lines += [f"{name}: {value}" for name, value in headers]
    if chunked:
        lines.append("transfer-encoding: chunked")
        body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in _parts(body)) + b"0\r\n\r\n"
    else:
        lines.append(f"content-length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def _parts(body: bytes) -> list[bytes]:
    return [body[at : at + 7] for at in range(0, len(body), 7)]
