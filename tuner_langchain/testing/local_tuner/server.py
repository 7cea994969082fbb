"""The local Tuner as an object: a real server on a loopback port, in a thread of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import threading
import weakref
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Literal, Self

import anyio.to_thread
import uvicorn

from tuner_langchain.config import AuthHeader, TunerConfig
from tuner_langchain.settings import is_loopback
from tuner_langchain.testing.local_tuner.answers import AnswerForm, Refusal, ScriptedAnswer
from tuner_langchain.testing.local_tuner.app import Desk, build_app
from tuner_langchain.testing.local_tuner.calls import CallStore
from tuner_langchain.testing.local_tuner.recordings import Recordings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

# They open nothing but this server, which only this machine reaches.
LOCAL_API_KEY = "tr_api_local"
LOCAL_WORKSPACE_ID = 1
LOCAL_AGENT_ID = "local-agent"

MIB = 1024 * 1024
START_TIMEOUT_S = 30.0
_LAST_TURNS = 5


class LocalTuner:
    """A Tuner on this machine, for tests and for people without an account.

        with LocalTuner() as tuner:
            handler = TunerCallbackHandler(config=tuner.config())
            ...
            assert tuner.calls()

    It answers as the API does, refuses what the API refuses, and keeps each call as a JSON file. `async with`
    works too, and so do `start()` and `stop()`.

    Args:
        directory: Where calls and recordings are kept; None is a temporary directory. It can be asked after the
            server has stopped, and goes with this object, at the latest when the process ends.
        host: A loopback address.
        port: 0 takes a free one.
        api_key: The key it lets in.
        workspace_id: The one workspace it has.
        agent_id: The one agent the workspace has.
        auth_header: Where it reads the key: `"bearer"`, or `"x-api-key"` as older deployments do.
        answer_form: The documented form of its answers: `"new"` or `"old"`.
        repeats: For a `call_id` that is stored already, `"accept"` answers `is_new: false`, `"conflict"` 409.
        max_body_bytes: Larger bodies are answered with 413.
        max_recording_bytes: The `max_bytes` of recording uploads.
    """

    def __init__(
        self,
        directory: str | Path | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str = LOCAL_API_KEY,
        workspace_id: int = LOCAL_WORKSPACE_ID,
        agent_id: str = LOCAL_AGENT_ID,
        auth_header: AuthHeader = "bearer",
        answer_form: AnswerForm = "new",
        repeats: Literal["accept", "conflict"] = "accept",
        max_body_bytes: int = 32 * MIB,
        max_recording_bytes: int = 256 * MIB,
    ) -> None:
        if not is_loopback(host):
            raise ValueError(
                f"host: {host!r} is not a loopback address; a local Tuner is for this machine only"
            )
        self.api_key = api_key
        self.workspace_id = workspace_id
        self.agent_id = agent_id
        self._host, self._port = host, port
        self._running: _Running | None = None
        self.directory = Path(directory).absolute() if directory is not None else _temporary_directory(self)
        self._desk = Desk(
            api_key=api_key,
            workspace_id=workspace_id,
            agent_id=agent_id,
            auth_header=auth_header,
            answer_form=answer_form,
            repeats=repeats,
            max_body_bytes=max_body_bytes,
            calls=CallStore(self.directory / "calls"),
            recordings=Recordings(self.directory / "recordings", max_recording_bytes),
        )

    # --- Its life ---

    def start(self) -> Self:
        """Serve, from a thread of its own; return when requests are answered."""
        if self._running is None:
            try:
                self._running = _Running(self._desk, self._host, self._port)
            except OSError as error:
                reason = os.strerror(error.errno or 0)
                problem = f"port {self._port} on {self._host} cannot be used ({reason})"
                raise OSError(error.errno, f"{problem}; port 0 takes a free one") from None
        return self

    def stop(self) -> None:
        """Answer what is under way, then stop serving."""
        if self._running is not None:
            self._running.stop()
            self._running = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await anyio.to_thread.run_sync(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await anyio.to_thread.run_sync(self.stop)

    # --- How to reach it ---

    @property
    def base_url(self) -> str:
        """Its address, such as `http://127.0.0.1:8321`."""
        if self._running is None:
            raise RuntimeError("this LocalTuner is not running; use it in a with block or call start()")
        return self._running.base_url

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that send a program's calls here."""
        return {
            "TUNER_BASE_URL": self.base_url,
            "TUNER_API_KEY": self.api_key,
            "TUNER_WORKSPACE_ID": str(self.workspace_id),
            "TUNER_AGENT_ID": self.agent_id,
        }

    def config(self, **overrides: Any) -> TunerConfig:
        """Return settings that send calls here, read nothing from the environment, and keep the outbox here.

        Args:
            **overrides: Any argument of `TunerConfig`.
        """
        settings: dict[str, Any] = {
            "base_url": self.base_url,
            "api_key": self.api_key,
            "workspace_id": self.workspace_id,
            "agent_id": self.agent_id,
            "auth_header": self._desk.auth_header,
            "outbox_dir": self.directory / "outbox",
            "environ": {},
        }
        return TunerConfig(**(settings | overrides))

    # --- What it received ---

    def calls(self) -> list[dict[str, Any]]:
        """Return the stored documents, the first received first."""
        return [call.document() for call in self._desk.calls.all()]

    def call(self, call_id: str) -> dict[str, Any]:
        """Return one stored document.

        Raises:
            KeyError: It is not stored; the message says which calls are.
        """
        call = self._desk.calls.get(call_id)
        if call is None:
            raise KeyError(f"{call_id!r} is not stored; {self._what_came()}")
        return call.document()

    def wait_for_call(self, call_id: str, timeout_s: float = 10.0) -> dict[str, Any]:
        """Return one stored document as soon as it has come.

        Raises:
            TimeoutError: It has not come within the time; the message says what has.
        """
        call = self._desk.calls.wait_for(call_id, timeout_s)
        if call is None:
            raise TimeoutError(f"{call_id!r} has not come within {timeout_s} s; {self._what_came()}")
        return call.document()

    def refusals(self) -> list[Refusal]:
        """Return the newest refused requests (4xx, but none that a test scripted), the oldest first."""
        return list(self._desk.refusals)

    def recording(self, key: str) -> bytes:
        """Return the recording that was uploaded under the `key` of its `recording_upload`."""
        return self._desk.recordings.file(key).read_bytes()

    def _what_came(self) -> str:
        stored = ", ".join(repr(call.call_id) for call in self._desk.calls.all()) or "none"
        refused = "; ".join(f"{refusal.status} {refusal.reason}" for refusal in self.refusals()) or "none"
        return f"stored: {stored}; refused: {refused}"

    # --- What it answers ---

    def answer_next(
        self,
        status: int,
        *,
        times: int = 1,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        store: bool = False,
    ) -> None:
        """Script the answer to the next Create Call requests, whatever they say; later ones queue up.

        Args:
            status: The HTTP status.
            times: How many requests are answered so.
            headers: Headers of the answer, such as `{"Retry-After": "1"}`.
            body: JSON values, or text as it is.
            store: Keep the call all the same, as a server does that fails after its work is done.
        """
        if not 200 <= status <= 599:
            raise ValueError(f"status: {status} is not a final HTTP status; expected 200 to 599")
        self._desk.script.add(ScriptedAnswer(status, dict(headers or {}), body, store), times)


class _Running:
    """One running server: the socket listens before the thread starts, so that no client comes too early."""

    def __init__(self, desk: Desk, host: str, port: int) -> None:
        self._socket = socket.create_server((host, port), family=_family(host), backlog=2048)
        bound_port = self._socket.getsockname()[1]
        self.base_url = f"http://[{host}]:{bound_port}" if ":" in host else f"http://{host}:{bound_port}"
        self._ready = threading.Event()
        self._server = uvicorn.Server(
            uvicorn.Config(
                build_app(desk, self._ready.set),
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                ws="none",
                lifespan="on",
                timeout_graceful_shutdown=2,
            )
        )
        self._thread = threading.Thread(target=self._run, name="local-tuner", daemon=True)
        self._thread.start()
        if not self._ready.wait(START_TIMEOUT_S):
            self.stop()
            raise RuntimeError(f"the local Tuner did not start within {START_TIMEOUT_S:.0f} s")

    def _run(self) -> None:
        with self._socket:
            asyncio.run(self._serve())

    async def _serve(self) -> None:
        await self._server.serve(sockets=[self._socket])
        # Connections that were accepted while it stopped come to the server a few turns of the loop later.
        for _ in range(_LAST_TURNS):
            for connection in list(self._server.server_state.connections):
                connection.transport.abort()
            await asyncio.sleep(0)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()


def _temporary_directory(owner: LocalTuner) -> Path:
    path = mkdtemp(prefix="local-tuner-")
    weakref.finalize(owner, shutil.rmtree, path, ignore_errors=True)
    return Path(path)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
