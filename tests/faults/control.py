"""The test's end of the server: starts the process, gives orders, asks what it saw."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faults.script import Rule

_SERVER = Path(__file__).with_name("server.py")


class ServerProcess:
    """A Tuner on loopback that can be told to fail."""

    def __init__(self, directory: Path) -> None:
        self.store_file = directory / "store.jsonl"
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, str(_SERVER), str(self.store_file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self.order("listen", name="api"))
        self._is_up = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def order(self, command: str, **arguments: Any) -> Any:
        """Give one order and return the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(f"the server could not {command}: {answer['error']}")
        return answer["answer"]

    def script(self, *rules: Rule) -> None:
        """Replace the rules."""
        self.order("rules", rules=list(rules))

    def options(self, **options: Any) -> None:
        self.order("options", **options)

    def listen(self, name: str, **options: Any) -> int:
        return int(self.order("listen", name=name, **options))

    def down(self) -> None:
        """Stop accepting and cut what is connected: the API is down."""
        self.order("unlisten", name="api")
        self._is_up = False

    def up(self) -> None:
        """Listen on the same port again."""
        self.order("listen", name="api", port=self.port)
        self._is_up = True

    def ensure_up(self) -> None:
        """Listen again when a test left the API down."""
        if not self._is_up:
            self.up()

    def open_gate(self, name: str) -> None:
        self.order("open_gate", name=name)

    def clear(self) -> None:
        self.order("clear")

    def wait_requests(self, count: int, timeout_s: float = 10) -> None:
        found = self.order("wait", what="requests", count=count, timeout_s=timeout_s)
        assert found, f"fewer than {count} requests: {self.order('count')}"

    def wait_calls(self, count: int, timeout_s: float = 10) -> None:
        found = self.order("wait", what="calls", count=count, timeout_s=timeout_s)
        assert found, f"fewer than {count} calls: {self.order('count')}"

    def wait_uploads(self, count: int, timeout_s: float = 10) -> None:
        assert self.order("wait", what="uploads", count=count, timeout_s=timeout_s), "no such upload"

    def seen(self) -> Seen:
        return Seen(**self.order("summary"))

    def body(self, call_id: str) -> dict[str, Any]:
        text = self.order("body", call_id=call_id)
        assert text is not None, f"{call_id} is not stored"
        document: dict[str, Any] = json.loads(text)
        return document

    def stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


@dataclass(frozen=True)
class Seen:
    """What the server saw up to one moment."""

    calls: dict[str, dict[str, Any]]
    changed_bodies: list[str]
    requests: list[dict[str, Any]]
    uploads: list[dict[str, Any]]

    @property
    def posts(self) -> list[dict[str, Any]]:
        """The requests that were to create a call."""
        return [entry for entry in self.requests if entry["method"] == "POST" and "/call" in entry["target"]]

    def posts_of(self, call_id: str) -> list[dict[str, Any]]:
        return [entry for entry in self.posts if entry.get("call_id") == call_id]

    def sent_header(self, name: str) -> list[str]:
        """Every value of a header, over all requests."""
        pairs = [pair for entry in self.requests for pair in entry.get("headers", [])]
        return [value for key, value in pairs if key.lower() == name]
