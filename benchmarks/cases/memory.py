"""Ten thousand calls in a row, in a process of their own: what is left of them."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

from benchmarks import agents, rows
from benchmarks.effort import Effort
from benchmarks.events import fresh, play, record
from benchmarks.handlers import ours
from benchmarks.rows import Row

WARM_UP, CALLS, TRACED = 1_000, 10_000, 200


def run(effort: Effort) -> list[Row]:
    """Measure in a fresh process, so that no other workload's memory is counted."""
    calls = CALLS // 5 if effort.quick else CALLS
    command = [sys.executable, "-m", "benchmarks.cases.memory", str(calls)]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return [
        rows.single(f"RSS gained by {calls:,} calls, finalised", "MiB", found["rss_mib"], at_most=2),
        rows.single("live blocks gained by them", "blocks a call", found["blocks"] / calls, at_most=0.01),
        rows.single("traced memory gained", "bytes a call", found["traced_bytes"] / TRACED, at_most=8),
    ]


def _grown(calls: int) -> dict[str, float]:
    graph = agents.conversation()
    config = {"configurable": {"thread_id": "one"}}
    turn = record(lambda given: graph.invoke(agents.ONE_TURN, config={**given, **config}))

    def call() -> None:
        handler = ours()
        play(fresh(turn), handler)
        handler.finalize()

    def blocks_after(number: int) -> int:
        for _ in range(number):
            call()
        gc.collect()
        return sys.getallocatedblocks()

    blocks, rss = blocks_after(WARM_UP), _rss_bytes()
    gained, grown = blocks_after(calls) - blocks, _rss_bytes() - rss
    tracemalloc.start()
    blocks_after(TRACED)
    traced = tracemalloc.get_traced_memory()[0]
    blocks_after(TRACED)
    traced = tracemalloc.get_traced_memory()[0] - traced
    return {"rss_mib": grown / 2**20, "blocks": gained, "traced_bytes": traced}


def _rss_bytes() -> int:
    resident_kib = next(
        line.split()[1]
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmRSS")
    )
    return int(resident_kib) * 1024


if __name__ == "__main__":
    print(json.dumps(_grown(int(sys.argv[1]))))
