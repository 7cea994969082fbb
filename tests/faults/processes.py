"""The test's end of the client processes: start one, kill it, wait for its end."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

_ZYGOTE = Path(__file__).with_name("zygote.py")


class Zygote:
    """A process that forks clients on order."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._said = (directory / "stderr.txt").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, str(_ZYGOTE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )
        self._pids: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._ended: dict[int, int] = {}
        self._changed = threading.Condition()
        self._order_lock = threading.Lock()
        self._count = 0
        self._clients: list[Client] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            if "pid" in message:
                with self._changed:  # numbers come again; an earlier process' end is not this one's
                    self._ended.pop(message["pid"], None)
                self._pids.put(message["pid"])
                continue
            with self._changed:
                self._ended[message["ended"]] = message["status"]
                self._changed.notify_all()

    def start(self, target: Callable[..., None], **arguments: Any) -> Client:
        """Fork a client that calls `target(**arguments)`; arguments travel as JSON."""
        assert self._process.stdin is not None
        with self._order_lock:
            self._count += 1
            errors = self._directory / f"client-{self._count}.txt"
            order = {
                "target": f"{target.__module__}:{target.__name__}",
                "arguments": arguments,
                "errors": str(errors),
            }
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            client = Client(self, self._pids.get(timeout=20), errors)
            self._clients.append(client)
            return client

    def said(self) -> str:
        """Return everything that clients have written to standard error."""
        return (self._directory / "stderr.txt").read_text()

    def kill_all(self) -> None:
        """End whatever a test left running; the zygote ends what that had forked."""
        for client in self._clients:
            client.kill()
        for client in self._clients:
            client.wait()
        self._clients.clear()

    def wait(self, pid: int, timeout_s: float) -> int | None:
        with self._changed:
            self._changed.wait_for(lambda: pid in self._ended, timeout_s)
            return self._ended.get(pid)

    def stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.kill_all()
        self._process.stdin.close()
        self._process.wait(10)
        self._reader.join(10)
        self._process.stdout.close()
        self._said.close()


class Client:
    """One client process."""

    def __init__(self, zygote: Zygote, pid: int, errors: Path) -> None:
        self._zygote = zygote
        self._errors = errors
        self.pid = pid

    def kill(self, sign: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal; a process that has ended already is no error."""
        if self._zygote.wait(self.pid, 0) is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sign)

    def wait(self, timeout_s: float = 20) -> int:
        """Return the exit status; minus the signal's number when a signal ended it."""
        status = self._zygote.wait(self.pid, timeout_s)
        if status is None:
            self.kill()
            raise AssertionError(f"client {self.pid} did not end within {timeout_s} s")
        return status

    def finish(self, timeout_s: float = 20) -> None:
        """Wait for an end without error."""
        status = self.wait(timeout_s)
        assert status == 0, f"client ended with {status}: {self.error()}"

    def error(self) -> str:
        return self._errors.read_text() if self._errors.exists() else "no traceback"
