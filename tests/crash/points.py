"""Death before and after every call to files and sockets: exact where a random kill is only likely."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faults import clients
from faults.disk import CALLS
from faults.documents import body, new_call_id
from tuner_langchain.delivery.fs import FileSystem

DIED = 77
"""The exit status of a process whose fuse burnt."""


class Fuse:
    """Counts calls and ends the process before or after one of them.

    Args:
        number: The call to die at, counted from 1; 0 never dies.
        after: Die after the call instead of before it.
        thread: Count only this thread's calls; None counts everybody's.
    """

    def __init__(self, number: int, *, after: bool, thread: int | None = None) -> None:
        self.names: list[str] = []
        self._number = number
        self._after = after
        self._thread = thread
        self._lock = threading.Lock()

    def call(self, name: str, real: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        """Make one call."""
        if self._thread not in (None, threading.get_ident()):
            return real(*arguments, **more)
        with self._lock:
            self.names.append(name)
            here = len(self.names) == self._number
        if here and not self._after:
            os._exit(DIED)
        result = real(*arguments, **more)
        if here:
            os._exit(DIED)
        return result


class FusedFileSystem(FileSystem):
    """The real file system on a fuse."""

    def __init__(self, fuse: Fuse) -> None:
        self._fuse = fuse

    def __getattribute__(self, name: str) -> Any:
        real = super().__getattribute__(name)
        if name not in CALLS:
            return real
        fuse = super().__getattribute__("_fuse")
        return lambda *arguments, **more: fuse.call(name, real, *arguments, **more)
