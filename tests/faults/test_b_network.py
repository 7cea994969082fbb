"""Group B, the way to Tuner: refused, unreachable, in the wrong hands, slow."""

from __future__ import annotations

import logging
import socket
import threading

import pytest

from faults import script as s
from faults.certificates import Certificates
from faults.documents import KEY
from faults.scenarios import scenario
from faults.trial import Trial
from tuner_langchain.config import TunerConfig
from tuner_langchain.errors import ConfigError

HOUR_S = 3_600.0


@scenario("B1")
def test_connection_refused(trial: Trial) -> None:
    """Finalising goes on, one log line per interval tells, and everything arrives afterwards."""
    trial.server.down()
    receipts = [trial.submit() for _ in range(50)]
    assert all(receipt.durable for receipt in receipts)
    trial.run(240)
    assert len(trial.warnings("", logging.WARNING)) <= 2
    assert trial.warnings("", logging.WARNING)
    trial.server.up()
    trial.run(HOUR_S)
    assert {receipt.state for receipt in receipts} == {"delivered"}


@scenario("B2")
def test_a_name_that_does_not_resolve(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown name is transient: resolvers have bad days."""
    answers = [socket.gaierror(socket.EAI_NONAME, "Name or service not known")] * 3
    real = socket.getaddrinfo

    def resolve(*arguments: object, **more: object) -> object:
        if answers:
            raise answers.pop()
        return real(*arguments, **more)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    trial.open(base_url=f"http://localhost:{trial.server.port}")
    receipt = trial.submit()
    trial.run(120)
    assert receipt.state == "delivered"


@scenario("B2", "F10")
def test_flush_does_not_wait_for_a_hanging_resolver(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver ignores every timeout; flush keeps its own."""
    hangs = threading.Event()
    real = socket.getaddrinfo

    def resolve(*arguments: object, **more: object) -> object:
        hangs.wait(30)
        return real(*arguments, **more)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    sender = trial.open_real(base_url=f"http://localhost:{trial.server.port}")
    receipt = trial.submit()
    result = sender.flush(0.3)
    assert (result.timed_out, result.pending) == (True, 1)
    assert not hangs.is_set()
    hangs.set()
    assert receipt.wait(20).state == "delivered"


@scenario("B3")
def test_dropped_packets(trial: Trial) -> None:
    """A black hole costs the connect timeout, not more."""
    port = trial.server.order("black_hole")
    trial.timeouts(connect_s=0.2)
    trial.open(base_url=f"http://127.0.0.1:{port}")
    receipt = trial.submit()
    trial.run(5)
    assert trial.state_of(receipt) == "pending"
    assert receipt.attempts >= 1
    trial.reopen(base_url=trial.server.url)
    trial.run(HOUR_S)
    assert len(trial.server.seen().calls) == 1


@pytest.mark.parametrize("wrong", ["other_host", "expired", "unknown_authority"])
@scenario("B4")
def test_wrong_certificates(
    trial: Trial, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    """Held as a setting; nothing is sent in clear and nothing dies."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.trusted_authority))
    port = trial.server.listen("tls", tls=str(getattr(certificates, wrong)))
    trial.open(base_url=f"https://127.0.0.1:{port}")
    receipt = trial.submit()
    trial.run(HOUR_S)
    assert trial.state_of(receipt) == "held"
    assert not trial.posts()
    trial.server.order("unlisten", name="tls")
    trial.server.listen("tls", port=port, tls=str(certificates.good))
    trial.run(HOUR_S)
    assert receipt.state == "delivered"


@scenario("B5")
def test_a_handshake_that_is_reset(
    trial: Trial, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reset in the handshake is the network's, not a wrong certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.trusted_authority))
    port = trial.server.listen("tls", on_accept="reset")
    trial.open(base_url=f"https://127.0.0.1:{port}")
    receipt = trial.submit()
    trial.run(30)
    assert trial.state_of(receipt) == "pending"
    trial.server.order("unlisten", name="tls")
    trial.server.listen("tls", port=port, tls=str(certificates.good))
    trial.run(HOUR_S)
    assert receipt.state == "delivered"


@scenario("B5")
def test_plain_http_on_the_tls_port(trial: Trial) -> None:
    """The message says that the other end speaks no TLS."""
    trial.open(base_url=f"https://127.0.0.1:{trial.server.port}")
    receipt = trial.submit()
    trial.run(60)
    assert trial.state_of(receipt) == "held"
    assert "tls" in (receipt.message or "").lower()
    trial.reopen(base_url=trial.server.url)
    trial.run(HOUR_S)
    assert len(trial.server.seen().calls) == 1


@pytest.mark.parametrize(("rule", "state"), [(s.status(407), "held"), ([s.close()], "pending")])
@scenario("B6")
def test_a_proxy_in_the_way(
    trial: Trial, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, rule: list[s.Step], state: str
) -> None:
    """407 is a setting, a dropped CONNECT is the network; both end when the proxy works."""
    proxy = trial.server.listen("proxy")
    port = trial.server.listen("tls", tls=str(certificates.good))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.trusted_authority))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy}")
    trial.server.script(s.rule(*rule, times=None, method="CONNECT"))
    trial.open(base_url=f"https://127.0.0.1:{port}")
    receipt = trial.submit()
    trial.run(30)
    assert trial.state_of(receipt) == state
    trial.server.script()
    trial.run(HOUR_S)
    assert receipt.state == "delivered"
    proxied = [entry for entry in trial.server.seen().requests if entry["listener"] == "proxy"]
    assert not [value for entry in proxied for _, value in entry["headers"] if KEY in value]


@scenario("B7")
def test_no_proxy_goes_direct(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_PROXY is honoured."""
    proxy = trial.server.listen("proxy")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    trial.open()
    receipt = trial.submit()
    trial.run(5)
    assert receipt.state == "delivered"
    assert {entry["listener"] for entry in trial.server.seen().requests} == {"api"}


BAD_KEYS = ["tr_api_secret\r\nX-Evil: 1", "tr_api_secret\n", "tr_api_sécret", "tr_api secret"]
BAD_URLS = [
    "https://user:secret@api.example.com",
    "file:///etc/passwd",
    "http://api.example.com",
    "https://api.example.com/#part",
    "https://api.example.com/?q=1",
    "ftp://api.example.com",
    "https://",
]


@pytest.mark.parametrize("key", BAD_KEYS)
@scenario("B8")
def test_a_key_that_would_break_the_header(key: str) -> None:
    """Refused when it is given, without showing it."""
    with pytest.raises(ConfigError) as raised:
        TunerConfig(api_key=key, workspace_id=1, agent_id="a", environ={})
    assert "secret" not in str(raised.value)
    assert "sécret" not in str(raised.value)


@pytest.mark.parametrize("url", BAD_URLS)
@scenario("B8")
def test_an_address_that_must_not_be_used(url: str) -> None:
    """Refused when it is given; the key is not in the message."""
    with pytest.raises(ConfigError) as raised:
        TunerConfig(api_key=KEY, workspace_id=1, agent_id="a", base_url=url, environ={})
    assert KEY not in str(raised.value)
    assert "user:secret" not in str(raised.value)


@scenario("B9", "A23")
def test_a_peer_that_vanished(trial: Trial) -> None:
    """No answer and no FIN: the read timeout ends it and a new connection is used."""
    trial.timeouts(read_s=0.2)
    trial.server.script(s.rule(s.gate("never")))
    receipt = trial.submit()
    trial.run(60)
    assert receipt.state == "delivered"
    assert len({post["connection"] for post in trial.posts()}) == 2


@scenario("B10")
def test_a_slow_line(trial: Trial) -> None:
    """A large call on a slow line completes, for progress is what the write timeout asks for; others pass it."""
    trial.timeouts(write_s=1.0)
    trial.server.script(s.rule(s.read(bytes_per_s=1_500_000), s.honest()))
    trial.open_real()
    big = trial.submit(size_bytes=5_000_000)
    trial.server.wait_requests(1)
    small = trial.submit()
    assert small.wait(20).state == "delivered"
    assert big.wait(20).state == "delivered"
    assert list(trial.server.seen().calls) == [small.call_id, big.call_id]
    assert len(trial.posts()) == 2
