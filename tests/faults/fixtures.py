"""What the scenarios' tests are given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faults import certificates as certs
from faults.control import ServerProcess
from faults.documents import KEY, SPOKEN
from faults.processes import Zygote
from faults.trial import Trial
from faults.witness import Witness


@pytest.fixture(scope="session")
def server_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The server; one process for all tests."""
    server = ServerProcess(tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture
def server(server_process: ServerProcess) -> ServerProcess:
    """The server, with nothing in it and no fault."""
    server_process.ensure_up()
    server_process.clear()
    return server_process


@pytest.fixture(scope="session")
def zygote_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """The process that forks clients; one for all tests."""
    started = Zygote(tmp_path_factory.mktemp("clients"))
    yield started
    said = started.said()
    started.stop()
    assert KEY not in said, "a client process wrote the key to standard error"
    assert SPOKEN not in said, "a client process wrote what was said in a call to standard error"


@pytest.fixture
def zygote(zygote_process: Zygote) -> Iterator[Zygote]:
    """The process that forks clients; they end with the test."""
    yield zygote_process
    zygote_process.kill_all()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> certs.Certificates:
    """Good and bad certificates."""
    return certs.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trial(server: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
    """One scenario; after the test the invariant is checked, whatever the test itself looked at."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with Witness() as witness:
        begun = Trial(server, tmp_path, witness)
        try:
            yield begun
            begun.finish()
        finally:
            begun.close()
