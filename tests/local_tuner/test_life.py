"""The local Tuner's life: starting, stopping, and what it needs to run."""

from __future__ import annotations

import gc
import socket
import subprocess
import sys
import threading

import httpx
import pytest
from contract.example import minimal

from local_tuner.posting import poster
from tuner_langchain.errors import ConfigError
from tuner_langchain.testing import LocalTuner


def test_nothing_is_left_when_it_stops() -> None:
    """Leaving the block ends the thread and frees the port; the temporary directory goes with the object."""
    with LocalTuner() as tuner:
        address, directory = tuner.base_url, tuner.directory
        assert directory.is_dir()

    assert "local-tuner" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(httpx.ConnectError):
        httpx.get(address + "/calls")
    del tuner
    gc.collect()
    assert not directory.exists()


def test_what_came_can_be_asked_afterwards() -> None:
    """A test may look at the calls and refusals after the block, where its assertions often are."""
    with LocalTuner() as tuner:
        poster(tuner)(minimal())
        poster(tuner)({})

    assert tuner.calls() == [minimal()]
    assert [refusal.status for refusal in tuner.refusals()] == [422]


def test_it_may_be_started_again() -> None:
    """A Tuner that was away and is back has its calls still, as after a deployment."""
    tuner = LocalTuner()
    for _ in range(2):
        with tuner:
            poster(tuner)(minimal())

    assert tuner.calls() == [minimal()]


@pytest.mark.anyio
async def test_it_works_in_async_code() -> None:
    """`async with` starts and stops it without holding up the event loop's own clients."""
    async with LocalTuner() as tuner, httpx.AsyncClient() as client:
        assert (await client.get(tuner.base_url + "/calls")).json() == []


def test_a_client_that_stays_connected_does_not_keep_it_alive() -> None:
    """Stopping waits for no idle connection."""
    with httpx.Client() as client:
        with LocalTuner() as tuner:
            client.get(tuner.base_url + "/calls")
            thread = next(thread for thread in threading.enumerate() if thread.name == "local-tuner")

        assert not thread.is_alive()


def test_many_at_once() -> None:
    """Several Tuners live beside each other, each with its own port and calls."""
    with LocalTuner() as one, LocalTuner() as other:
        poster(one)(minimal())

        assert (len(one.calls()), len(other.calls())) == (1, 0)


def test_a_port_that_is_taken() -> None:
    """The error names the port and the way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(
            OSError, match=rf"port {port} on 127.0.0.1 cannot be used .*port 0 takes a free one"
        ):
            LocalTuner(port=port).start()


def test_an_address_before_it_runs() -> None:
    """Asking for the address too early is an error that says what to do."""
    tuner = LocalTuner()

    with pytest.raises(RuntimeError, match="is not running; use it in a with block or call start"):
        _ = tuner.base_url
    tuner.stop()


def test_its_settings_send_calls_to_it(tuner: LocalTuner, monkeypatch: pytest.MonkeyPatch) -> None:
    """`config()` points to this Tuner whatever the environment says, keeps its outbox here, and takes overrides."""
    monkeypatch.setenv("AGENT_VERSION", "9")

    config = tuner.config(auth_header="x-api-key")

    assert (config.base_url, config.workspace_id, config.agent_id) == (tuner.base_url, 1, "local-agent")
    assert config.api_key.reveal() == tuner.api_key
    assert config.agent_version is None
    assert config.outbox_dir is not None
    assert config.outbox_dir.is_relative_to(tuner.directory)
    assert config.auth_header == "x-api-key"
    with pytest.raises(ConfigError, match="workspace_id"):
        tuner.config(workspace_id=0)


def test_importing_the_testing_package_imports_no_server() -> None:
    """`tuner_langchain.testing` and `validate` need no extra: starlette and uvicorn come with `LocalTuner`."""
    code = (
        "import sys, tuner_langchain.testing as testing; testing.validate({}); testing.Violation\n"
        "print(*sorted({'starlette', 'uvicorn'} & set(sys.modules)))\n"
        "testing.LocalTuner; print(*sorted({'starlette', 'uvicorn'} & set(sys.modules)))"
    )

    assert _python(code).stdout == "\nstarlette uvicorn\n"


@pytest.mark.parametrize("name", ["starlette", "uvicorn", "python_multipart"])
def test_a_missing_extra_is_named(name: str) -> None:
    """Without one of the extra's packages the error says what to install."""
    code = f"import sys; sys.modules['{name}'] = None\nfrom tuner_langchain.testing import LocalTuner"

    run = _python(code)

    assert run.returncode == 1
    assert run.stderr.strip().splitlines()[-1] == (
        f"ModuleNotFoundError: The local Tuner needs {name}, which is not installed: "
        "pip install 'tuner-langchain[serve]'"
    )


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
