"""One request in, one answer out: the sole owner of httpx.

No redirects, no cookies, no retries but one: a kept-alive connection that turns out to be dead is replaced
once. Nothing raised here leaves: whatever happens is an `Answer`.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote

import httpcore
import httpx

from tuner_langchain.delivery.answer import Answer, Failure
from tuner_langchain.delivery.network import (
    DeadlineBackend,
    DeadlinePassedError,
    connection_pool,
    proxy_for,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tuner_langchain.config import TunerConfig
    from tuner_langchain.delivery.upload import UploadTarget

# On a very slow line a request has the time its bytes take besides its total.
SLOWEST_BYTES_PER_S = 32 * 1024
# A refusal is a few hundred bytes; a captive portal's page or worse is not read to its end.
ANSWER_LIMIT = 64 * 1024

_REQUEST_IDS = ("x-request-id", "request-id", "x-correlation-id", "x-amzn-requestid", "cf-ray")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a connection, one read, one write and a request in all may take, in seconds."""

    connect_s: float = 5.0
    read_s: float = 30.0
    write_s: float = 30.0
    total_s: float = 60.0

    def for_bytes(self, size: int, limit_s: float | None) -> float:
        """Return what a request with `size` bytes may take in all, and no more than `limit_s`."""
        total_s = self.total_s + size / SLOWEST_BYTES_PER_S
        return total_s if limit_s is None else min(total_s, limit_s)


DEFAULT_TIMEOUTS = Timeouts()


class HttpClient:
    """The connections of one process to one destination; any thread may use it."""

    def __init__(
        self,
        config: TunerConfig,
        *,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        network: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._config = config
        self._timeouts = timeouts
        self._backend = DeadlineBackend(network or httpcore.SyncBackend())
        self._ssl = httpx.create_ssl_context()
        self._tuner = self._connect(config.base_url)
        agent = quote(config.agent_id, safe="")
        self._url = httpx.URL(
            f"{config.base_url}/api/v1/public/call?workspace_id={config.workspace_id}&agent_remote_identifier={agent}"
        )

    def _connect(self, url: str) -> httpx.Client:
        limits = self._timeouts
        return httpx.Client(
            transport=_Transport(connection_pool(self._backend, self._ssl, *proxy_for(url))),
            timeout=httpx.Timeout(
                connect=limits.connect_s, read=limits.read_s, write=limits.write_s, pool=limits.connect_s
            ),
            follow_redirects=False,
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": f"tuner-langchain/{version('tuner-langchain')}",
            },
        )

    def post(self, body: bytes, *, timeout_s: float | None = None) -> Answer:
        """Post a call's bytes and return what came back, within `timeout_s` when that is less than usual."""

        def request() -> httpx.Request:
            made = self._tuner.build_request("POST", self._url, content=body)
            made.headers["Content-Type"] = "application/json"
            self._authorize(made)
            return made

        return self._send(self._tuner, request, self._timeouts.for_bytes(len(body), timeout_s))

    def _authorize(self, request: httpx.Request) -> None:
        if self._config.auth_header == "x-api-key":
            request.headers["X-API-Key"] = self._config.api_key.reveal()
        else:
            request.headers["Authorization"] = f"Bearer {self._config.api_key.reveal()}"

    def upload(
        self,
        target: UploadTarget,
        audio: BinaryIO,
        size: int,
        extension: str,
        *,
        timeout_s: float | None = None,
    ) -> Answer:
        """Post a recording to a presigned target: its fields first, the file last, no key.

        The storage is another host, so it gets a connection of its own, by the proxy that leads there.
        """
        try:
            storage = self._connect(target.url)
        except Exception as error:  # noqa: BLE001 - an address that cannot be used is an answer too
            return _failed(error)

        def request() -> httpx.Request:
            audio.seek(0)
            part = (f"recording.{extension}", audio, target.content_type)
            return storage.build_request("POST", target.url, data=target.fields, files={"file": part})

        with storage:
            return self._send(storage, request, self._timeouts.for_bytes(size, timeout_s))

    def _send(self, client: httpx.Client, request: Callable[[], httpx.Request], total_s: float) -> Answer:
        try:
            return self._try_twice(client, request, total_s)
        except BaseException as signal:  # noqa: BLE001 - it is raised again
            # A signal's handler raised it. Its frames below hold the request's header lines, and the key.
            signal.__context__ = None
            raise signal.with_traceback(None) from None

    def _try_twice(
        self, client: httpx.Client, request: Callable[[], httpx.Request], total_s: float
    ) -> Answer:
        deadline = self._backend.deadline
        deadline.begin(total_s)
        try:
            return _exchange(client, request())
        except Exception as error:  # noqa: BLE001 - every way a request can end is an answer
            reused = not deadline.connected and not deadline.bytes_read
            if not (reused and isinstance(error, _CONNECTION_DIED)):
                return _failed(error)
        try:
            return _exchange(client, request())._replace(resent=True)
        except Exception as error:  # noqa: BLE001 - as above
            return _failed(error)._replace(resent=True)

    def close_inherited(self) -> None:
        """Close a forked child's copies of its parent's sockets; nothing is sent on them."""
        self._backend.close_inherited()

    def close(self) -> None:
        """Close every connection."""
        self._tuner.close()


# What a request meets on a kept-alive connection that the server has closed meanwhile.
_CONNECTION_DIED = (httpcore.ReadError, httpcore.WriteError, httpcore.RemoteProtocolError)


class _Transport(httpx.BaseTransport):
    """httpx' requests on a pool whose sockets keep a deadline."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        response = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(response.status, headers=response.headers, stream=_Stream(response))

    def close(self) -> None:
        self._pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


def _exchange(client: httpx.Client, request: httpx.Request) -> Answer:
    response = client.send(request, stream=True)
    try:
        body = _read_limited(response)
    finally:
        response.close()
        # Nothing an answer sets is to come back with the next call.
        client.cookies.clear()
    return Answer(
        status=response.status_code,
        body=body,
        content_type=response.headers.get("content-type", "").partition(";")[0].strip().lower(),
        retry_after=tuple(response.headers.get_list("retry-after")),
        request_id=_request_id(response.headers),
    )


def _read_limited(response: httpx.Response) -> bytes:
    """Read what is worth reading; a body that breaks off does not undo the status that came before it."""
    read = bytearray()
    try:
        for chunk in response.iter_raw():
            read += chunk
            if len(read) >= ANSWER_LIMIT:
                break
    except (*_NETWORK_TROUBLE, DeadlinePassedError):
        pass
    return bytes(read[:ANSWER_LIMIT])


_NETWORK_TROUBLE = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError)


def _request_id(headers: httpx.Headers) -> str | None:
    found = next((headers[name] for name in _REQUEST_IDS if name in headers), None)
    return found[:200] if found else None


def _failed(error: Exception) -> Answer:
    kind, detail = _describe(error)
    return Answer(failure=kind, detail=detail)


def _describe(error: Exception) -> tuple[Failure, str]:
    """Sort an exception, and say it without repeating addresses or anything that was sent."""
    tls = _cause(error, ssl.SSLError)
    if isinstance(tls, ssl.SSLCertVerificationError):
        return (
            "certificate",
            f"the server's certificate is not valid: {tls.verify_message or 'it was refused'}",
        )
    if isinstance(tls, ssl.SSLError) and tls.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
        return "not-tls", "the server does not speak TLS at this port"
    if isinstance(error, httpcore.ProxyError):
        return _describe_proxy(str(error)[:3])
    if isinstance(error, DeadlinePassedError):
        return "deadline", "no complete answer in time"
    if isinstance(error, _NETWORK_TROUBLE):
        return "transport", _describe_trouble(error)
    return "internal", type(error).__name__


def _describe_proxy(status: str) -> tuple[Failure, str]:
    if status in ("401", "403", "407"):
        return "proxy", f"the proxy refused the connection with {status}"
    return "transport", "the proxy did not make the connection"


def _describe_trouble(error: Exception) -> str:
    number = _cause(error, OSError)
    if isinstance(number, OSError) and number.strerror and not isinstance(number, TimeoutError):
        return number.strerror
    return _IN_WORDS.get(type(error).__name__, "the connection broke")


_IN_WORDS = {
    "ConnectTimeout": "no connection in time",
    "WriteTimeout": "the connection takes no more bytes",
    "ReadTimeout": "no answer in time",
    "ConnectError": "no connection: the name does not resolve or nothing listens",
    "RemoteProtocolError": "the server closed the connection without a usable answer",
}


def _cause(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error
