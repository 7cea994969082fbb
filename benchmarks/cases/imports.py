"""What importing the package costs a program that has LangGraph already, and what it brings along."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from benchmarks import rows
from benchmarks.effort import Effort
from benchmarks.measure import Figure, figure
from benchmarks.rows import Row

TIMED = """
import json, sys, time
import langgraph.graph
began = time.perf_counter()
import tuner_langchain
package = time.perf_counter() - began
from tuner_langchain import TunerCallbackHandler
print(json.dumps([package, time.perf_counter() - began]))
"""
ALONE = """
import json, sys, threading
import tuner_langchain
heavy = {"httpx", "requests", "http.server", "uvicorn", "pydantic", "langgraph", "langchain_core"}
print(json.dumps([len(heavy & set(sys.modules)), threading.active_count() - 1]))
"""


def run(effort: Effort) -> list[Row]:
    """Import in fresh interpreters."""
    with tempfile.TemporaryDirectory() as compiled:
        _printed(TIMED, compiled)  # this one compiles, as installing does
        timed = [_printed(TIMED, compiled) for _ in range(effort.rounds(25))]
        modules, threads = _printed(ALONE, compiled)
    return [
        _milliseconds("import tuner_langchain, after langgraph.graph", [package for package, _ in timed]),
        _milliseconds("from it import TunerCallbackHandler", [handler for _, handler in timed]),
        rows.single(
            "import alone: clients, servers and LangChain modules it loads", "modules", modules, at_most=0
        ),
        rows.single("import alone: threads it starts", "threads", threads, at_most=0),
    ]


def _printed(program: str, compiled: str) -> list[float]:
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    printed: list[float] = json.loads(done.stdout)
    return printed


def _milliseconds(what: str, seconds: list[float]) -> Row:
    found = figure([second * 1e3 for second in seconds])
    return Row(what=what, unit="ms", how="is", compared=Figure(*found), at_most=15)
