"""An environment for each handler: its packages, and the same LangGraph as everybody's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

PROJECT = Path(__file__).resolve().parents[2]
# The versions that are installed where this runs are used everywhere.
COMMON = ("langgraph", "langchain-core", "langchain", "langsmith", "orjson", "pydantic")
QUIET = {
    "LANGSMITH_TRACING": "false",
    "LOGURU_LEVEL": "ERROR",
    "LANGFUSE_DEBUG": "false",
    "OTEL_SDK_DISABLED": "false",
    "PYTHONDONTWRITEBYTECODE": "1",
}


class Peer(NamedTuple):
    """A handler that is compared, by the name of its adapter, and what is installed for it."""

    adapter: str
    shown: str
    requirements: tuple[str, ...]
    package: str | None = None  # whose version is shown


PEERS = (
    Peer("no-op", "a handler that does nothing", ()),
    Peer("ours", "tuner_langchain (this)", (str(PROJECT),)),
    Peer(
        "published",
        "tuner-langchain as published",
        ("tuner-langchain==0.1.1", "tuner-core"),
        "tuner-langchain",
    ),
    Peer("langsmith", "LangSmith's tracer", (), "langsmith"),
    Peer("langfuse", "Langfuse", ("langfuse",), "langfuse"),
    Peer(
        "openinference",
        "OpenInference",
        (
            "openinference-instrumentation-langchain",
            "opentelemetry-sdk",
            "opentelemetry-exporter-otlp-proto-http",
        ),
        "openinference-instrumentation-langchain",
    ),
)


class Environment:
    """A virtual environment for one peer, with a copy of the benchmarks beside it.

    The benchmarks are copied, because a checkout on the path would hide the published package of the same name.
    """

    def __init__(self, peer: Peer, directory: Path) -> None:
        self.peer = peer
        self._home = directory / peer.adapter
        self._python = self._home / "venv" / "bin" / "python"

    def prepare(self) -> None:
        """Make the environment, or bring this project's package in it up to date."""
        if not self._python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(self._home / "venv")], check=True)
            common = [f"{name}=={version(name)}" for name in COMMON]
            self._install(*common, *self.peer.requirements)
        elif self.peer.adapter == "ours":
            self._install("--force-reinstall", "--no-deps", str(PROJECT))
        shutil.copytree(PROJECT / "benchmarks", self._home / "benchmarks", dirs_exist_ok=True)

    def measure(self, address: str, effort: float) -> dict[str, Any]:
        """Run the workloads there and return the figures."""
        command = [
            str(self._python),
            "-m",
            "benchmarks.peers.worker",
            self.peer.adapter,
            address,
            str(effort),
        ]
        done = subprocess.run(
            command, cwd=self._home, env=self._environment(), check=True, stdout=subprocess.PIPE, text=True
        )
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    def shown_name(self) -> str:
        """Return the peer's name with the version that was measured."""
        if self.peer.package is None:
            return self.peer.shown
        ask = f"from importlib.metadata import version; print(version({self.peer.package!r}))"
        done = subprocess.run([str(self._python), "-c", ask], check=True, capture_output=True, text=True)
        return f"{self.peer.shown} {done.stdout.strip()}"

    def _install(self, *arguments: str) -> None:
        subprocess.run([str(self._python), "-m", "pip", "install", "-qq", *arguments], check=True)

    def _environment(self) -> dict[str, str]:
        # Nothing of the caller's settings: a key or an endpoint there must not be used.
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return {**kept, **QUIET, "HOME": str(self._home)}
