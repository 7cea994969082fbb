"""Disks that fail: a scripted file system, and real small ones."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tuner_langchain.delivery.fs import FileSystem

CALLS = tuple(
    name for name, value in vars(FileSystem).items() if callable(value) and not name.startswith("_")
)
"""Every call to the file system that delivery makes."""

Reaction = Callable[..., Any]


class ScriptedFileSystem(FileSystem):
    """The real file system, with calls that fail, fall short or are watched."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], int]] = []
        self._reactions: dict[str, list[tuple[int | None, Reaction]]] = {}
        self._lock = threading.RLock()  # the garbage collector may close a directory at any line

    def on(self, name: str, reaction: Reaction, times: int | None = None) -> None:
        """React to a call: the reaction gets the real function and its arguments, and does what it likes."""
        assert name in CALLS, name
        self._reactions.setdefault(name, []).append((times, reaction))

    def fail(self, name: str, number: int, times: int | None = None) -> None:
        """Let a call fail with an error number."""

        def reaction(*_: Any) -> None:
            raise OSError(number, os.strerror(number))

        self.on(name, reaction, times)

    def heal(self) -> None:
        """Forget all reactions."""
        with self._lock:
            self._reactions.clear()

    def __getattribute__(self, name: str) -> Any:
        real = super().__getattribute__(name)
        if name not in CALLS:
            return real

        def call(*arguments: Any) -> Any:
            with self._lock:
                self.calls.append((name, arguments, threading.get_ident()))
                reaction = self._next(name)
            return real(*arguments) if reaction is None else reaction(real, *arguments)

        return call

    def _next(self, name: str) -> Reaction | None:
        waiting = self._reactions.get(name)
        if not waiting:
            return None
        times, reaction = waiting[0]
        if times is not None:
            waiting[0] = (times - 1, reaction)
            if times <= 1:
                waiting.pop(0)
        return reaction


def short_write(real: Callable[[int, memoryview], int], fd: int, data: memoryview) -> int:
    """Write one byte and say so."""
    return real(fd, data[:1])


def interrupted(real: Callable[..., Any], *arguments: Any) -> Any:
    """Fail as a signal in the middle of a system call does."""
    raise InterruptedError(errno.EINTR, "Interrupted system call")


def full_after(free_bytes: int) -> Reaction:
    """Write until so many bytes are used, then fail as a full disk does: first short, then with an error."""
    left = [free_bytes]

    def reaction(real: Callable[[int, memoryview], int], fd: int, data: memoryview) -> int:
        if left[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = real(fd, data[: left[0]])
        left[0] -= written
        return written

    return reaction


@contextmanager
def small_filesystem(directory: Path, *, size: str = "8m", inodes: int = 0) -> Iterator[Path]:
    """Mount a small file system in memory, or skip the test where mounting is not possible."""
    directory.mkdir(mode=0o700)
    options = f"size={size},mode=0700" + (f",nr_inodes={inodes}" if inodes else "")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def remount(directory: Path, mode: str) -> None:
    """Make a mounted file system `ro` or `rw`."""
    subprocess.run(["mount", "-o", f"remount,{mode}", str(directory)], check=True)


def fill(directory: Path, leave_bytes: int = 0) -> Path:
    """Fill a file system to the last byte and return the file that does it."""
    filler = directory / "filler"
    with filler.open("wb", buffering=0) as file:
        block = b"\0" * 4_096
        try:
            while file.write(block):
                pass
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    if leave_bytes:
        os.truncate(filler, max(filler.stat().st_size - leave_bytes, 0))
    return filler
