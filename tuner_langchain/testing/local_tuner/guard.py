"""Who may ask, and how much: loopback names only, bounded bodies, and a log without anything of a call."""

from __future__ import annotations

import ipaddress
import logging
import time
from secrets import token_hex
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

from tuner_langchain.escaping import printable

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("tuner_langchain.local_tuner")

# A page from elsewhere must neither read nor frame what this server shows.
SAFETY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

# How much of a body that is too large is still read, so that its sender gets to the answer.
DRAINED_BYTES = 64 * 1024 * 1024


def is_loopback_name(host: str) -> bool:
    """Say whether a Host header (with or without a port) names this machine's loopback, and nothing else.

    A name that only resolves to 127.0.0.1 is not one: it is how a page on the web reaches local servers.
    """
    try:
        url = urlsplit(f"//{host}")
        name, _ = url.hostname or "", url.port
    except ValueError:
        return False
    if url.netloc != host or "@" in host:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def from_a_page(request: Request) -> bool:
    """Say whether a browser sent the request for a page: what such a page is refused is for nobody to read.

    Browsers let any page send some requests here, and name the page's origin in each; programs name none.
    """
    return "origin" in request.headers or "sec-fetch-site" in request.headers


class LoopbackOnly:
    """Answers 421 to every request whose Host header is not a loopback name."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it before anything else sees it."""
        if scope["type"] != "http" or is_loopback_name(Headers(scope=scope).get("host", "")):
            await self._app(scope, receive, send)
            return
        detail = "This Tuner answers on loopback names only: localhost, 127.0.0.1 or [::1]."
        await JSONResponse({"detail": detail}, status_code=421)(scope, receive, send)


class AccessLog:
    """Logs method, path, status and time of each request, without its query and body; numbers each answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, add the headers that every answer has, and log the line."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        status: int | None = None

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in {**SAFETY_HEADERS, "X-Request-Id": token_hex(8)}.items():
                    headers.setdefault(name, value)
            elif not message.get(
                "more_body"
            ):  # before its last byte, so that who has the answer finds the line
                _log(scope, status, began)
            await send(message)

        try:
            await self._app(scope, receive, send_noting_status)
        except Exception:
            _log(scope, 500, began)
            raise


def _log(scope: Scope, status: int | None, began: float) -> None:
    took_ms = round((time.monotonic() - began) * 1000)
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw.partition(b"?")[0].decode("ascii", "backslashreplace")
    logger.info("%s %s %s %d ms", printable(scope["method"]), printable(path), status, took_ms)


class BodyTooLargeError(Exception):
    """The body has more bytes than this server takes."""


async def bounded_body(request: Request, max_bytes: int) -> bytes:
    """Return the request's body.

    Raises:
        BodyTooLargeError: It has more than `max_bytes`. What is above is read and dropped, up to a bound.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= max_bytes:
            chunks.append(chunk)
        elif size > max_bytes + DRAINED_BYTES:
            break
    if size > max_bytes:
        raise BodyTooLargeError
    return b"".join(chunks)
