"""What delivery costs, beside doing it by hand: `python -m benchmarks.delivery` prints one table.

Each figure is set against a yardstick from the same run, because only ratios travel between machines. The exit
status is 1 when a goal does not hold.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tuner_langchain.config import TunerConfig
from tuner_langchain.delivery import Delivery
from tuner_langchain.delivery.item import Item, ItemName, destination_of

KB, MB = 1024, 1024 * 1024
WORKSPACE, AGENT = 42, "benchmark"
# Nothing listens there: every connection is refused at once.
NOWHERE = "http://127.0.0.1:9"


@dataclass
class Line:
    """One line of the table."""

    what: str
    value: str
    goal: str
    holds: bool


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.delivery", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller numbers: a look, not a verdict")
    parser.add_argument(
        "--dir", type=Path, help="a directory on the disk to measure (default: the temporary one)"
    )
    parser.add_argument("--only", choices=sorted(CASES), action="append")
    parser.add_argument("--in-process", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    scale = 10 if asked.quick else 1
    with scratch(asked.dir) as directory:
        if asked.in_process:
            print(json.dumps(PROCESSES[asked.in_process](directory, scale)))
            return 0
        lines: list[Line] = []
        for name in asked.only or CASES:
            print(f"{name} ...", file=sys.stderr, flush=True)
            lines += CASES[name](directory, scale)
    width = max(len(line.what) for line in lines)
    print(f"| {'what':<{width}} | measured | goal | holds |\n|{'-' * (width + 2)}|---|---|---|")
    for line in lines:
        print(f"| {line.what:<{width}} | {line.value} | {line.goal} | {'yes' if line.holds else 'NO'} |")
    return 0 if all(line.holds for line in lines) else 1


@contextmanager
def scratch(directory: Path | None) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="tuner-benchmark-", dir=directory))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def settings(url: str, outbox: Path) -> TunerConfig:
    return TunerConfig(
        api_key="tr_api_benchmark",
        workspace_id=WORKSPACE,
        agent_id=AGENT,
        base_url=url,
        outbox_dir=outbox,
        environ={},
    )


def document(size: int) -> dict[str, Any]:
    """Return a call of about so many bytes, of rows like a real one's."""
    row = {"role": "agent", "text": "19:30 works. Shall I book it? " * 4, "start_ms": 3650, "end_ms": 4180}
    row_bytes = len(orjson.dumps(row)) + 1
    return {"call_id": secrets.token_hex(8), "transcript_with_tool_calls": [row] * (size // row_bytes)}


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


# Finalise: serialise and keep, against the same by hand


def by_hand(directory: Path, call: dict[str, Any]) -> None:
    """Serialise, write, force to the disk, rename, force the directory: the least a durable write can do."""
    name = secrets.token_hex(8)
    fd = os.open(directory / f"{name}.tmp", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(fd, orjson.dumps(call))
        os.fsync(fd)
    finally:
        os.close(fd)
    os.rename(directory / f"{name}.tmp", directory / name)
    folder = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def finalise(directory: Path, scale: int) -> list[Line]:
    """Time both in turn, so that whatever the machine does meanwhile hits both."""
    lines = []
    for size, text, rounds, goal in ((50 * KB, "50 KB", 2000, 3.0), (2 * MB, "2 MB", 200, 3.0)):
        yardstick, outbox = directory / f"hand-{size}", directory / f"outbox-{size}"
        yardstick.mkdir()
        delivery = Delivery(settings(NOWHERE, outbox))
        hand: list[float] = []
        ours: list[float] = []
        for number in range(rounds // scale + 20):
            call = document(size)
            pair = [(hand, by_hand_in(yardstick, call)), (ours, submit_to(delivery, call))]
            # Whoever comes second finds warmer memory, so they take turns.
            for seconds, do in pair if number % 2 else pair[::-1]:
                seconds.append(timed(do))
        hand, ours = hand[20:], ours[20:]  # the first ones load code and open the outbox
        delivery.close(0)
        for share, label, limit in ((0.5, "median", None), (0.99, "p99", goal)):
            ratio = percentile(ours, share) / percentile(hand, share)
            shown = f"{ratio:.2f} x ({percentile(ours, share) * 1000:.2f} / {percentile(hand, share) * 1000:.2f} ms)"
            wanted = f"<= {limit:g} x" if limit else ""
            lines.append(
                Line(f"finalise {text}, {label}, against by hand", shown, wanted, not limit or ratio <= limit)
            )
    return lines


def by_hand_in(directory: Path, call: dict[str, Any]) -> Callable[[], None]:
    return lambda: by_hand(directory, call)


def submit_to(delivery: Delivery, call: dict[str, Any]) -> Callable[[], Any]:
    return lambda: delivery.submit(call["call_id"], orjson.dumps(call))


def timed(do: Callable[[], Any]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


# Drain: a backlog against a server in a process of its own


def drain(directory: Path, scale: int) -> list[Line]:
    lines = []
    for delay_ms, calls, text, goal in ((0, 3000, "loopback", 500), (100, 600, "100 ms server latency", 60)):
        count = calls // scale
        outbox = directory / f"drain-{delay_ms}"
        fill(outbox, count, 50 * KB)
        with server(delay_ms) as url:
            delivery = Delivery(settings(url, outbox))
            began = time.perf_counter()
            # The background threads drain it, as they would; a first call wakes them.
            first = orjson.dumps(document(50 * KB))
            delivery.submit("first", first)
            while delivery.stats().adopted_delivered < count:
                time.sleep(0.01)
            rate = count / (time.perf_counter() - began)
            delivery.close()
        lines.append(
            Line(f"drain of {count} calls of 50 KB, {text}", f"{rate:.0f}/s", f">= {goal}/s", rate >= goal)
        )
    return lines


@contextmanager
def server(delay_ms: int) -> Iterator[str]:
    program = [sys.executable, "-c", SERVER, str(delay_ms)]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


SERVER = """
import asyncio, re, sys
delay_s = float(sys.argv[1]) / 1000
HEAD = b"HTTP/1.1 201 Created\\r\\nContent-Type: application/json\\r\\nContent-Length: 25\\r\\n\\r\\n"
ANSWER = HEAD + b'{"id": 1, "is_new": true}'
async def talk(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            await reader.readexactly(int(re.search(rb"(?i)content-length: (\\d+)", head).group(1)))
            if delay_s:
                await asyncio.sleep(delay_s)
            writer.write(ANSWER)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    serving = await asyncio.start_server(talk, "127.0.0.1", 0)
    print(serving.sockets[0].getsockname()[1], flush=True)
    await serving.serve_forever()
asyncio.run(main())
"""


def fill(outbox: Path, count: int, size: int) -> None:
    """Put calls into an outbox as an earlier process would have left them."""
    Delivery(settings(NOWHERE, outbox))
    folder = outbox / "v1" / "new"
    body = orjson.dumps(document(size)) if size else b"{}"
    created_ms = int(time.time() * 1000) - 60_000
    for number in range(count):
        call_id = f"waiting-{number}"
        name = ItemName.new(
            call_id,
            created_ms=created_ms + number // 100,
            destination=destination_of(WORKSPACE, AGENT),
            nonce=f"{number:08x}",
        )
        item = Item(WORKSPACE, AGENT, name.created_ms, call_id, body)
        (folder / str(name)).write_bytes(item.header() + body)


# Memory and start, each in a process of its own


def memory(directory: Path, scale: int) -> list[Line]:
    grown = in_process("wait", directory, scale)
    text = f"memory with {grown['calls']} calls of 50 KB waiting"
    lines = [Line(text, f"+{grown['mb']:.1f} MB", "<= +20 MB", grown["mb"] <= 20)]
    begun = in_process("start", directory, scale)
    text = f"first request with {begun['calls']} waiting files"
    lines.append(Line(text, f"{begun['first_s']:.2f} s", "<= 1 s", begun["first_s"] <= 1))
    text = f"memory with {begun['calls']} waiting files"
    lines.append(Line(text, f"+{begun['mb']:.1f} MB", "<= +50 MB", begun["mb"] <= 50))
    return lines


def in_process(name: str, directory: Path, scale: int) -> dict[str, Any]:
    program = [sys.executable, "-m", "benchmarks.delivery", "--in-process", name, "--dir", str(directory)]
    done = subprocess.run(
        program + (["--quick"] if scale > 1 else []), capture_output=True, text=True, check=True
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def resident_mb() -> float:
    gc.collect()
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def wait_with_calls(directory: Path, scale: int) -> dict[str, Any]:
    """Finish calls while nothing answers; what stays in memory is what a long outage costs the agent."""
    calls = 10_000 // scale
    delivery = Delivery(settings(NOWHERE, directory / "outbox"))
    for _ in range(50):  # load the HTTP client, the threads and the allocator first
        call = document(50 * KB)
        delivery.submit(call["call_id"], orjson.dumps(call))
    delivery.flush(1)
    before = resident_mb()
    receipts = []
    for number in range(calls):
        call["call_id"] = f"call-{number}"
        receipts.append(delivery.submit(call["call_id"], orjson.dumps(call)))
    grown = resident_mb() - before
    assert delivery.stats().pending == calls + 50
    return {"calls": calls, "mb": grown}


def start_beside_files(directory: Path, scale: int) -> dict[str, Any]:
    """Begin with a large backlog: how long until something is sent, and what it takes to look at it."""
    calls = 100_000 // scale
    fill(directory / "outbox", calls, 0)
    with server(0) as url:
        before = resident_mb()
        began = time.perf_counter()
        delivery = Delivery(settings(url, directory / "outbox"))
        delivery.flush(0)
        while delivery.stats().adopted_delivered == 0:
            time.sleep(0.001)
        first_s = time.perf_counter() - began
        time.sleep(2)  # let it look through everything and send some
        grown = resident_mb() - before
        delivery.close(0)
    return {"calls": calls, "first_s": first_s, "mb": grown}


CASES: dict[str, Callable[[Path, int], list[Line]]] = {"finalise": finalise, "drain": drain, "memory": memory}
PROCESSES: dict[str, Callable[[Path, int], dict[str, Any]]] = {
    "wait": wait_with_calls,
    "start": start_beside_files,
}

if __name__ == "__main__":
    sys.exit(main())
