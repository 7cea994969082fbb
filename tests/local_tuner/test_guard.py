"""Who may ask the local Tuner: loopback names only; and what its log leaves out."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

import httpx
import pytest
from contract.example import minimal

from tuner_langchain.testing import LocalTuner

if TYPE_CHECKING:
    from local_tuner.posting import Poster


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "localhost:80", "agent.localhost:80", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:80"],
)  # fmt: skip
def test_loopback_names_are_answered(tuner: LocalTuner, host: str) -> None:
    """A request under any name of the loopback, with or without a port, is answered."""
    assert httpx.get(tuner.base_url + "/calls", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.com",
        "127.0.0.1.nip.io",
        "localhost.evil.example.com",
        "evil-localhost",
        "localhost@evil.example.com",
        "localhost/evil.example.com",
        "localhost:80:80",
        "0.0.0.0",
        "2130706433",
        "0x7f.1",
        "192.168.1.4:8321",
        "[::]",
        "[::1",
        "",
    ],
)
def test_other_names_are_answered_nothing(tuner: LocalTuner, host: str) -> None:
    """A name that is not the loopback's gets 421 on every path, also where it resolves to 127.0.0.1."""
    with httpx.Client(base_url=tuner.base_url, headers={"Host": host}) as client:
        for path in ("/calls", "/refusals", "/", "/nothing"):
            answer = client.get(path)

            assert (answer.status_code, set(answer.json())) == (421, {"detail"})


def test_a_rebound_name_stores_nothing(tuner: LocalTuner, post: Poster) -> None:
    """A post under a foreign name is refused before its key is looked at."""
    headers = {"Authorization": f"Bearer {tuner.api_key}", "Host": "evil.example.com"}

    assert post(minimal(), headers=headers).status_code == 421
    assert tuner.calls() == []


def test_an_old_request_without_a_host(tuner: LocalTuner) -> None:
    """HTTP/1.0 may leave the Host header out; nobody of ours does, so it is refused."""
    port = int(tuner.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /calls HTTP/1.0\r\n\r\n")

        assert b" 421 " in connection.recv(4096).splitlines()[0]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "example.com", ""])
def test_only_a_loopback_address_is_bound(host: str) -> None:
    """Any other address is an error that names it."""
    with pytest.raises(ValueError, match="is not a loopback address"):
        LocalTuner(host=host)


def test_the_other_loopback() -> None:
    """It serves on IPv6 too, with an address that clients can use."""
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        tuner = LocalTuner(host="::1").start()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with tuner:
        assert tuner.base_url.startswith("http://[::1]:")
        assert httpx.get(tuner.base_url + "/calls").json() == []


def test_other_pages_neither_read_nor_frame_it(tuner: LocalTuner) -> None:
    """No answer opens itself to another origin, and none is guessed to be a script or kept by a cache."""
    headers = httpx.get(tuner.base_url + "/calls", headers={"Origin": "https://evil.example.com"}).headers

    assert not [name for name in headers if name.startswith("access-control-")]
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_the_log_has_no_content(tuner: LocalTuner, post: Poster, caplog: pytest.LogCaptureFixture) -> None:
    """A line has method, path, status and time: no query, no key, no body, and no line break of a caller's."""
    caplog.set_level(logging.DEBUG)
    # `tuner-langchain serve` sets a level of its own, and may have run in this process.
    caplog.set_level(logging.DEBUG, logger="tuner_langchain.local_tuner")
    post(minimal() | {"transcript": "a secret word"})
    httpx.get(tuner.base_url + "/calls/x%0Aforged")

    lines = [record.getMessage() for record in caplog.records if record.name == "tuner_langchain.local_tuner"]
    assert [line.rpartition(" ms")[0].rpartition(" ")[0] for line in lines] == [
        "POST /api/v1/public/call 201",
        "GET /calls/x%0Aforged 404",
    ]
    everything = " ".join(
        record.getMessage() for record in caplog.records if not record.name.startswith("http")
    )
    for word in ("secret", "tr_api_local", "local-agent", "workspace_id"):
        assert word not in everything


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example.com"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_a_page_plants_no_refusal(tuner: LocalTuner, post: Poster, headers: dict[str, str]) -> None:
    """What a page on the web posts is refused, not kept, and takes no answer that a test scripted."""
    tuner.answer_next(503)
    body = b'{"call_id": "planted by a page"}'

    answer = post(content=body, headers={**headers, "Content-Type": "text/plain"})

    assert answer.status_code == 401
    assert tuner.refusals() == []
    assert post(content=body).status_code == 503
    assert post(content=body).status_code == 422
    assert len(tuner.refusals()) == 1
