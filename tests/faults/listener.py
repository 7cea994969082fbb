"""Ports of the server: plain, TLS, or ending every connection at once."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import TYPE_CHECKING

from faults.wire import Wire

if TYPE_CHECKING:
    from faults.server import Server


class Listener:
    """One listening port and the thread that accepts on it."""

    def __init__(
        self, server: Server, name: str, port: int, *, tls: str | None, proxy: bool, on_accept: str
    ) -> None:
        self.name = name
        self.proxy = proxy
        self._server = server
        self._on_accept = on_accept
        self._context: ssl.SSLContext | None = None
        if tls is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(tls)
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self._socket.listen(512)
        self.port = int(self._socket.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return  # closed
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._begin, args=(sock,), daemon=True).start()

    def _begin(self, sock: socket.socket) -> None:
        if self._on_accept:
            wire = Wire(sock)
            self._server.store.note({"listener": self.name, "method": "", "accepted": self._on_accept})
            if self._on_accept == "reset":
                sock.recv(1)  # the first bytes of a handshake
                wire.reset()
            wire.close()
            return
        try:
            sock = self._context.wrap_socket(sock, server_side=True) if self._context else sock
        except (OSError, ssl.SSLError):
            self._server.store.note({"listener": self.name, "method": "", "handshake": "failed"})
            sock.close()
            return
        self._server.serve(Wire(sock), self)

    def close(self) -> None:
        # shutdown wakes the accepting thread; close alone does not.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def copy_bytes(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # either end may leave first
