"""What a client process does: each function is the whole life of one process.

Acknowledgements go to a file with one write per line, after `submit` has returned: what stands there was promised. A
line is `call_id durable state`.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faults.documents import KEY, body, new_call_id
from tuner_langchain.config import TunerConfig
from tuner_langchain.delivery import Delivery, Receipt, Recording

if TYPE_CHECKING:
    from tuner_langchain import TunerCallbackHandler


def config(url: str, outbox: str, **settings: Any) -> TunerConfig:
    """Return the harness' settings for one server and one outbox."""
    return TunerConfig(
        api_key=settings.pop("api_key", KEY),
        workspace_id=settings.pop("workspace_id", 42),
        agent_id=settings.pop("agent_id", "front desk & co"),
        base_url=url,
        outbox_dir=outbox,
        environ={},
        **settings,
    )


def delivery(url: str, outbox: str, **settings: Any) -> Delivery:
    return Delivery(config(url, outbox, **settings))


def handler_with_a_turn(outlet: Delivery, call_id: str) -> TunerCallbackHandler:
    """Return a handler that heard one sentence, so that its call has something to send."""
    from tuner_langchain import (
        TunerCallbackHandler,
    )  # it brings LangGraph, which most programs here do without

    handler = TunerCallbackHandler(
        delivery=outlet, call_id=call_id, call_type="phone_call", metadata={"nonce": uuid.uuid4().hex}
    )
    handler.add_user_turn("I would like an appointment.", start_ms=0, end_ms=10)
    return handler


class Acknowledgements:
    """The file that says what was promised."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def add(self, receipt: Receipt) -> None:
        line = f"{receipt.call_id} {int(receipt.durable)} {receipt.state}\n"
        os.write(self._file, line.encode())

    def say(self, word: str) -> None:
        """Tell the test how far the process is; such lines begin with `#`."""
        os.write(self._file, f"# {word}\n".encode())


def writer(url: str, outbox: str, acks: str, count: int, *, threads: int = 1, size_bytes: int = 0) -> None:
    """Finalise calls as fast as possible, each acknowledged; `count` per thread."""
    sender = delivery(url, outbox)
    acknowledged = Acknowledgements(acks)

    def write() -> None:
        for _ in range(count):
            call_id = new_call_id(f"w{os.getpid()}")
            acknowledged.add(sender.submit(call_id, body(call_id, size_bytes=size_bytes)))

    _in_threads(write, threads)


def drain(url: str, outbox: str, timeout_s: float = 10) -> None:
    """Send what waits in the outbox."""
    sender = delivery(url, outbox)
    sender.flush(timeout_s)
    sender.close()


def drain_for_ever(url: str, outbox: str) -> None:
    """Send what waits, again and again, until somebody kills the process; each flush cuts an outage's pause short."""
    sender = delivery(url, outbox)
    while True:
        sender.flush(0.05)


def write_and_stay(url: str, outbox: str, acks: str, count: int) -> None:
    """Finalise calls and leave the sending to the background, until killed."""
    writer(url, outbox, acks, count)
    Acknowledgements(acks).say("written")
    signal.pause()


def write_and_flush(
    url: str,
    outbox: str,
    acks: str,
    count: int,
    timeout_s: float = 20,
    settings: dict[str, Any] | None = None,
) -> None:
    """Finalise calls, flush, end."""
    sender = delivery(url, outbox, **settings or {})
    acknowledged = Acknowledgements(acks)
    for _ in range(count):
        call_id = new_call_id(f"p{os.getpid()}")
        acknowledged.add(sender.submit(call_id, body(call_id)))
    sender.flush(timeout_s)
    acknowledged.say("flushed")


def crash_while_writing(url: str, outbox: str, acks: str) -> None:
    """Read address nothing in one thread while another finalises."""
    sender = delivery(url, outbox)
    acknowledged = Acknowledgements(acks)

    def write() -> None:
        while True:
            call_id = new_call_id(f"s{os.getpid()}")
            acknowledged.add(sender.submit(call_id, body(call_id)))

    threading.Thread(target=write, daemon=True).start()
    time.sleep(0.05)  # not waited for in a test: the moment of the crash shall be in the midst of the writing
    ctypes.string_at(0)


def submit_named(url: str, outbox: str, acks: str, call_id: str, text: str, go: str) -> None:
    """Wait for a go-ahead on a named pipe, then finalise one call under a given call_id."""
    sender = delivery(url, outbox)
    Path(go).read_bytes()
    receipt = sender.submit(call_id, body(call_id, caller_phone_number=text))
    sender.flush(10)
    Acknowledgements(acks).add(receipt)


def _in_threads(work: Any, count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def memory_kb(line: str = "VmHWM") -> int:
    """Return a figure of this process' memory as the kernel counts it."""
    for text in Path("/proc/self/status").read_text().splitlines():
        if text.startswith(line):
            return int(text.split()[1])
    raise LookupError(line)


def forget_peak_memory() -> None:
    """Begin counting VmHWM anew."""
    Path("/proc/self/clear_refs").write_text("5")


def read_acks(paths: Sequence[Path]) -> list[tuple[str, bool, str]]:
    """Return the complete lines of acknowledgement files."""
    promised = []
    for path in paths:
        if not path.exists():
            continue
        for line in path.read_text().splitlines():
            if not line.startswith("#"):
                call_id, durable, state = line.split(" ")
                promised.append((call_id, durable == "1", state))
    return promised


def file_size_limited(url: str, outbox: str, acks: str) -> None:
    """Finalise a call in a process whose files may not grow beyond a few bytes."""
    sender = delivery(url, outbox)
    acknowledged = Acknowledgements(acks)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, before[1]))
    call_id = new_call_id("limited")
    receipt = sender.submit(call_id, body(call_id, size_bytes=5_000))
    sender.flush(10)
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    durable = receipt.durable and receipt.state != "delivered"
    os.write(acknowledged._file, f"{call_id} {int(durable)} {receipt.state}\n".encode())


def peak_of_flush(url: str, outbox: str, acks: str, timeout_s: float) -> None:
    """Finalise one call, flush, and say by how many KB the memory rose above what it was."""
    sender = delivery(url, outbox)
    acknowledged = Acknowledgements(acks)
    call_id = new_call_id("peak")
    warm = new_call_id("warm")
    acknowledged.add(sender.submit(warm, body(warm)))
    sender.flush(10)  # the first flush loads the HTTP client
    forget_peak_memory()
    before = memory_kb("VmRSS")
    acknowledged.add(sender.submit(call_id, body(call_id)))
    sender.flush(timeout_s)
    acknowledged.say(f"peak-kb {memory_kb('VmHWM') - before}")


def adopt_backlog(url: str, outbox: str, acks: str) -> None:
    """Start beside a large backlog; say how long the first request took and what the memory did."""
    warm_up = new_call_id("fresh")
    before = memory_kb("VmRSS")
    started = time.perf_counter()
    sender = delivery(url, outbox)
    receipt = sender.submit(warm_up, body(warm_up))
    receipt.wait(20)
    took_s = time.perf_counter() - started
    acknowledged = Acknowledgements(acks)
    acknowledged.add(receipt)
    sender.flush(1)
    acknowledged.say(f"first-s {took_s:.3f}")
    acknowledged.say(f"rss-kb {memory_kb('VmHWM') - before}")


def record_and_stay(url: str, outbox: str, acks: str) -> None:
    """Finalise a call with a recording and leave the rest to the background, until killed."""
    sender = delivery(url, outbox)
    call_id = new_call_id("recorded")
    audio = Recording(b"RIFF" + bytes(5_000), "wav")
    receipt = sender.submit(call_id, body(call_id, recording_file_extension="wav"), recording=audio)
    Acknowledgements(acks).add(receipt)
    signal.pause()


def upload_rest(url: str, outbox: str) -> None:
    """Stay until the outbox is empty: calls and recordings."""
    sender = delivery(url, outbox)
    while any(path.is_file() for path in Path(outbox).rglob("*")):
        sender.flush(1)
