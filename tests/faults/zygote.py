"""Forks client processes quickly: imports everything once, then one child per order.

`python zygote.py` reads `{"target": "module:function", "arguments": {...}}` lines from stdin. For each it forks and
answers `{"pid": N}`; when a child ends it writes `{"ended": N, "status": ...}` (a negative status is a signal). The
parent has one thread and never touches the delivery, so what a child inherits is only imported code.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import selectors
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import httpx  # noqa: F401  # imported before the fork, so that a child need not

from faults import clients


def _child(order: dict[str, Any]) -> None:
    module, _, name = order["target"].partition(":")
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1):  # the control line is the zygote's alone
        os.dup2(nowhere, fd)
    status = 1
    try:
        target = getattr(importlib.import_module(module), name)
        target(**order["arguments"])
        status = 0
    except BaseException:  # noqa: BLE001  # whatever it was, the parent's stack is not to be run by the child
        Path(order["errors"]).write_text(traceback.format_exc())
    finally:
        os._exit(status)


def _tell(message: dict[str, int]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


def _reap(started: set[int]) -> None:
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None:
            return
        # Its number is still its own: what it forked ends with it, and nobody else does.
        _kill_group(ended.si_pid)
        pid, status = os.waitpid(ended.si_pid, 0)
        started.discard(pid)
        _tell({"ended": pid, "status": os.waitstatus_to_exitcode(status)})


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def main() -> None:
    """Fork on order until the control line closes."""
    assert clients
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    os.set_blocking(reading, False)
    signal.set_wakeup_fd(writing)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    waiting = selectors.DefaultSelector()
    waiting.register(0, selectors.EVENT_READ)
    waiting.register(reading, selectors.EVENT_READ)
    pending = b""
    started: set[int] = set()
    while True:
        for key, _ in waiting.select():
            if key.fd == reading:
                os.read(reading, 4_096)
                _reap(started)
                continue
            data = os.read(0, 65_536)
            if not data:
                for running in started:  # nothing outlives the tests, however these end
                    _kill_group(running)
                return
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    for fd in (reading, writing):
                        os.close(fd)
                    _child(json.loads(line))
                started.add(pid)
                _tell({"pid": pid})


if __name__ == "__main__":
    main()
