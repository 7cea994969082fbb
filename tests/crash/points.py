"""Death before and after every call to files and sockets: exact where a random kill is only likely."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpcore
from faults import clients
from faults.disk import CALLS
from faults.documents import body, new_call_id

from tuner_langchain.config import TunerConfig
from tuner_langchain.delivery import Delivery, Recording
from tuner_langchain.delivery.client import HttpClient
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
        try:
            return real(*arguments, **more)
        finally:  # a call that fails is a moment to die as well
            if here:
                os._exit(DIED)


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


class FusedStream(httpcore.NetworkStream):
    """A connection on a fuse."""

    def __init__(self, fuse: Fuse, stream: httpcore.NetworkStream) -> None:
        self._fuse = fuse
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data: bytes = self._fuse.call("socket read", self._stream.read, max_bytes, timeout)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._fuse.call("socket write", self._stream.write, buffer, timeout)

    def close(self) -> None:
        self._fuse.call("socket close", self._stream.close)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class FusedBackend(httpcore.SyncBackend):
    """The real network on a fuse."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self._fuse = fuse

    def connect_tcp(self, *arguments: Any, **more: Any) -> httpcore.NetworkStream:
        stream = self._fuse.call("socket connect", super().connect_tcp, *arguments, **more)
        return FusedStream(self._fuse, stream)


def fused_submit(
    url: str, outbox: str, acks: str, number: int, after: bool, names: str, count: int, recorded: bool = False
) -> None:
    """Finalise calls on a fuse that counts the calling thread's file calls alone."""
    fuse = Fuse(number, after=after, thread=threading.get_ident())
    sender = Delivery(clients.config(url, outbox), files=FusedFileSystem(fuse))
    acknowledged = clients.Acknowledgements(acks)
    for _ in range(count):
        call_id = new_call_id(f"c{os.getpid()}")
        if recorded:
            audio = Recording(b"RIFF" + bytes(500), "wav")
            document = body(call_id, recording_file_extension="wav")
            acknowledged.add(sender.submit(call_id, document, recording=audio))
        else:
            acknowledged.add(sender.submit(call_id, body(call_id)))
    Path(names).write_text("\n".join(fuse.names))


def fused_send(url: str, outbox: str, acks: str, number: int, after: bool, names: str) -> None:
    """Send what waits on a fuse that counts every thread's calls to files and sockets."""
    assert acks
    fuse = Fuse(number, after=after)

    def make_client(config: TunerConfig) -> HttpClient:
        return HttpClient(config, network=FusedBackend(fuse))

    sender = Delivery(clients.config(url, outbox), files=FusedFileSystem(fuse), make_client=make_client)
    while any(path.parent.name in ("new", "upload") for path in Path(outbox).rglob("*.call")):
        sender.flush(10)
    Path(names).write_text("\n".join(fuse.names))
