"""Measure everything and print one table; the exit status is 1 when a goal does not hold."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

from benchmarks import cases
from benchmarks.effort import Effort
from benchmarks.rows import Row
from benchmarks.table import table


def main() -> int:
    """Run the workloads that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", metavar="NAME", action="append", choices=cases.NAMES, help=", ".join(cases.NAMES)
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a look, not a verdict")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the figures to FILE")
    asked = parser.parse_args()
    began = time.monotonic()
    lines: list[Row] = []
    for name in asked.only or cases.NAMES:
        print(f"{name} ...", file=sys.stderr, flush=True)
        lines += cases.load(name)(Effort(quick=asked.quick))
    about = _about(time.monotonic() - began)
    print(table(lines))
    print(f"\n{about}. Figures: smallest / median of the rounds; goals are held against the median.")
    failed = [line.what for line in lines if line.holds is False]
    print(f"Goals that do not hold: {'; '.join(failed)}." if failed else "All goals hold.")
    if asked.json:
        asked.json.write_text(
            json.dumps({"about": about, "lines": [line.as_json() for line in lines]}, indent=2)
        )
    return bool(failed)


def _about(took_s: float) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("langgraph", "langchain-core", "langchain"))
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    python = f"Python {platform.python_version()}"
    return f"{python}, {packages}; {os.cpu_count()} cores, load {load}; {took_s:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
