"""Sockets that keep a deadline: the sole owner of httpcore.

httpcore's timeouts are per read, so a server that sends a byte now and then holds a request for ever, and
name resolution has no timeout at all. Here every socket call gets what is left until the request's
deadline.
"""

from __future__ import annotations

import contextlib
import encodings.idna  # noqa: F401 - the resolver would import it in the midst of things, perhaps of a fork
import socket
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator


class DeadlinePassedError(Exception):
    """The request's total time is over."""


class Deadline(threading.local):
    """What the requests of this thread have left, and what their sockets did."""

    def __init__(self) -> None:
        self.at_s = float("inf")
        self.connected = False
        self.bytes_read = 0

    def begin(self, seconds: float) -> None:
        """Start a request that may take `seconds` in all."""
        self.at_s = time.monotonic() + seconds
        self.connected = False
        self.bytes_read = 0

    def left_s(self, timeout: float | None) -> float:
        """Return the timeout of the next socket call.

        Raises:
            DeadlinePassedError: Nothing is left.
        """
        left = self.at_s - time.monotonic()
        if left <= 0:
            raise DeadlinePassedError
        return left if timeout is None else min(left, timeout)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Tell a call that ran out of the request's time from one that was silent for too long."""
        try:
            yield
        except httpcore.TimeoutException as error:
            if time.monotonic() >= self.at_s:
                raise DeadlinePassedError from error
            raise


class DeadlineBackend(httpcore.NetworkBackend):
    """Opens connections whose every call respects the deadline of the thread that makes it."""

    def __init__(self, network: httpcore.NetworkBackend) -> None:
        self.deadline = Deadline()
        self._inner = network
        self._open: weakref.WeakSet[_DeadlineStream] = weakref.WeakSet()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of the host's addresses that answers."""
        self.deadline.connected = True
        with self.deadline.watched():
            return self._connect(host, port, timeout, local_address, socket_options)

    def _connect(
        self,
        host: str,
        port: int,
        timeout: float | None,
        local_address: str | None,
        socket_options: Iterable[Any] | None,
    ) -> httpcore.NetworkStream:
        trouble: Exception = httpcore.ConnectError("the name resolved to no address")
        for address in _addresses(host, port, self.deadline.left_s(timeout)):
            try:
                stream = self._inner.connect_tcp(
                    address, port, self.deadline.left_s(timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                trouble = error
                continue
            return self._track(stream)
        raise trouble

    def _track(self, stream: httpcore.NetworkStream) -> _DeadlineStream:
        tracked = _DeadlineStream(self, stream)
        self._open.add(tracked)
        return tracked

    def close_inherited(self) -> None:
        """Close a forked child's copies of its parent's sockets; nothing is sent on them."""
        for stream in list(self._open):
            with contextlib.suppress(OSError):
                stream.close()


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, backend: DeadlineBackend, stream: httpcore.NetworkStream) -> None:
        self._backend = backend
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        deadline = self._backend.deadline
        with deadline.watched():
            data = self._stream.read(max_bytes, deadline.left_s(timeout))
        deadline.bytes_read += len(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # One piece at a time, so that a slow upload is measured against the deadline too.
        view = memoryview(buffer)
        for start in range(0, len(view), 1 << 18):
            with self._backend.deadline.watched():
                left = self._backend.deadline.left_s(timeout)
                self._stream.write(bytes(view[start : start + (1 << 18)]), left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        with self._backend.deadline.watched():
            left = self._backend.deadline.left_s(timeout)
            return self._backend._track(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _addresses(host: str, port: int, timeout_s: float) -> list[str]:
    """Resolve a name within `timeout_s`; the system's resolver takes no deadline, so a thread waits for it."""
    found: list[str] = []
    trouble: list[Exception] = []
    done = threading.Event()

    def resolve() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))
        except (OSError, UnicodeError) as error:
            trouble.append(error)
        done.set()

    if _is_address(host):
        return [host]
    try:
        threading.Thread(target=resolve, name="tuner-resolve", daemon=True).start()
    except (
        RuntimeError
    ):  # the interpreter gives no more threads: without a deadline is better than not at all
        resolve()
    if not done.wait(timeout_s):
        raise httpcore.ConnectTimeout("the name was not resolved in time")
    if trouble:
        raise httpcore.ConnectError("the name does not resolve")
    return found


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            socket.inet_pton(family, host)
            return True
    return False


def connection_pool(
    backend: DeadlineBackend,
    ssl_context: ssl.SSLContext,
    proxy: str | None,
    proxy_auth: tuple[str, str] | None,
) -> httpcore.ConnectionPool:
    """Return the pool of one destination: HTTP/1.1, no retries of its own, through `proxy` when there is one."""
    settings: dict[str, Any] = {
        "ssl_context": ssl_context,
        "max_connections": None,
        # No limit: httpcore closes a surplus connection after it has let go of its lock, and by then another
        # thread may be sending on it. The threads that send are few.
        "max_keepalive_connections": None,
        # Shorter than a load balancer's idle time, or every quiet minute begins with a dead connection.
        "keepalive_expiry": 30.0,
        "http1": True,
        "http2": False,
        "retries": 0,
        "network_backend": backend,
    }
    if proxy is None:
        return httpcore.ConnectionPool(**settings)
    if proxy.startswith("socks5"):
        return httpcore.SOCKSProxy(proxy, proxy_auth=proxy_auth, **settings)
    return httpcore.HTTPProxy(proxy, proxy_auth=proxy_auth, **settings)


def proxy_for(url: str) -> tuple[str | None, tuple[str, str] | None]:
    """Return the proxy that the environment names for an address, and its user and password."""
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or not parts.hostname or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None, None
    split = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    where = f"{split.scheme}://{split.netloc.rpartition('@')[2]}"
    if split.username is None:
        return where, None
    return where, (unquote(split.username), unquote(split.password or ""))
