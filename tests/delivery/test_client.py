"""One request, one answer: what the network may do, and how long it may take."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from delivery.conftest import KEY, call_body, make_config
from delivery.server import Reply, ScriptedServer
from tuner_langchain.delivery.client import ANSWER_LIMIT, HttpClient, Timeouts
from tuner_langchain.delivery.upload import UploadTarget


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Listen on loopback and let `talk` say what it likes to each connection."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                talk(connection)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


@pytest.fixture
def client(server: ScriptedServer, outbox_dir: Path) -> Iterator[HttpClient]:
    client = HttpClient(make_config(server.url, outbox_dir))
    yield client
    client.close()


def post_to(
    url: str, outbox_dir: Path, timeouts: Timeouts | None = None
) -> tuple[str | None, int | None, str]:
    client = HttpClient(make_config(url, outbox_dir), timeouts=timeouts or Timeouts())
    answer = client.post(b"{}")
    client.close()
    return answer.failure, answer.status, answer.detail


def test_a_trickle_is_given_up_at_the_deadline(outbox_dir: Path) -> None:
    """Each byte comes in time; the whole never does."""
    stop = threading.Event()

    def trickle(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 201 Created\r\nX-Slow: ")
        while not stop.wait(0.02):
            connection.sendall(b"x")

    with raw_server(trickle) as url:
        assert post_to(url, outbox_dir, Timeouts(total_s=0.3))[:2] == ("deadline", None)
        stop.set()


def test_a_body_cut_short_keeps_its_status(outbox_dir: Path) -> None:
    """The status was said; the rest only explains it."""

    def cut(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 900\r\n\r\n{")

    with raw_server(cut) as url:
        assert post_to(url, outbox_dir)[:2] == (None, 201)


def test_a_connection_cut_without_an_answer_is_transient(outbox_dir: Path) -> None:
    """On a fresh connection there is no second try below the schedule."""
    connections: list[int] = []

    def cut(connection: socket.socket) -> None:
        connections.append(1)
        connection.recv(65536)

    with raw_server(cut) as url:
        assert post_to(url, outbox_dir)[0] == "transport"
    assert len(connections) == 1


def test_nobody_listening_and_no_such_name(outbox_dir: Path) -> None:
    """In words that name no address."""
    assert post_to("http://127.0.0.1:9", outbox_dir) == ("transport", None, "Connection refused")
    failure, _, detail = post_to("https://no-such-host.invalid", outbox_dir)
    assert failure == "transport"
    assert "invalid" not in detail


def test_http_on_the_tls_port_is_a_setting(outbox_dir: Path, server: ScriptedServer) -> None:
    """Nothing is sent in clear where TLS was asked for."""
    assert post_to(server.url.replace("http:", "https:"), outbox_dir)[0] == "not-tls"
    assert server.requests == []


def test_a_stale_connection_is_replaced_once(client: HttpClient, server: ScriptedServer) -> None:
    """The second request finds its kept-alive connection closed; that is not its failure."""
    assert client.post(call_body("call-1")).status == 201
    server.script = [Reply(cut=True)]
    answer = client.post(call_body("call-2"))
    assert (answer.status, answer.resent, len(server.requests)) == (201, True, 3)


def test_an_endless_answer_is_read_to_its_limit(client: HttpClient, server: ScriptedServer) -> None:
    """A refusal is a few hundred bytes; more is not read."""
    server.script = [Reply(500, b"x" * (ANSWER_LIMIT * 20))]
    assert len(client.post(call_body("call-1")).body) == ANSWER_LIMIT


def test_no_cookie_comes_back_and_no_redirect_is_followed(client: HttpClient, server: ScriptedServer) -> None:
    """The key goes where the settings say and nowhere else."""
    server.script = [Reply(302, b"", (("Location", f"{server.url}/elsewhere"), ("Set-Cookie", "a=b")))]
    assert client.post(call_body("call-1")).status == 302
    client.post(call_body("call-2"))
    assert [request.path.partition("?")[0] for request in server.requests] == ["/api/v1/public/call"] * 2
    assert "cookie" not in server.requests[1].headers


def test_a_proxy_of_the_environment_is_used_and_may_refuse(
    server: ScriptedServer, outbox_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP_PROXY leads through it with its own credentials, NO_PROXY past it."""
    monkeypatch.setenv("http_proxy", server.url.replace("http://", "http://user:word@"))
    monkeypatch.delenv("no_proxy", raising=False)
    target = "http://127.0.0.1:9"
    client = HttpClient(make_config(target, outbox_dir))
    assert client.post(call_body("call-1")).status == 201
    client.close()
    (request,) = server.requests
    assert request.path.startswith(target)
    assert request.headers["proxy-authorization"].startswith("Basic ")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert post_to(target, outbox_dir)[0] == "transport"


def test_an_upload_to_nonsense_is_an_answer(client: HttpClient) -> None:
    """Nothing is raised, whatever the target's address is."""
    target = UploadTarget("https://[broken", {}, "audio/wav", None)
    assert client.upload(target, io.BytesIO(b"x"), 1, "wav").failure is not None


def test_the_key_is_in_no_repr(client: HttpClient, outbox_dir: Path) -> None:
    """Neither the client nor its settings show it."""
    assert KEY not in repr(vars(client))
    assert KEY not in repr(make_config("http://127.0.0.1:9", outbox_dir))
