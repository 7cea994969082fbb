"""Measure other handlers beside this one, each in an environment of its own, and print the comparison.

Installing needs the package index; measuring sends to a server on this machine and to nothing else.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.peers.environments import PEERS, Environment
from benchmarks.sink import sink

COLUMNS = {
    "event_us": "callback, in-line µs",
    "event_all_us": "callback, all CPU to flush, µs",
    "loop_wall": "agent loop, wall",
    "loop_cpu": "agent loop, all CPU",
    "at_once_wall": "100 at once, wall",
    "at_once_cpu": "100 at once, all CPU",
    "at_once_delay_ms": "worst loop delay, ms",
    "token_us": "streamed token, µs over no-op",
    "first_turns_ms": "turns 1-20, in-line ms",
    "last_turns_ms": "turns 181-200, in-line ms",
    "turns_ratio": "late / early turn",
}
RATIOS = {"loop_wall", "loop_cpu", "at_once_wall", "at_once_cpu", "turns_ratio"}


def main() -> int:
    """Run the peers that were asked for, one after the other."""
    names = [peer.adapter for peer in PEERS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--only", metavar="NAME", action="append", choices=names, help=", ".join(names))
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a look, not a verdict")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the figures to FILE")
    home = Path(tempfile.gettempdir()) / "tuner-langchain-peers"
    parser.add_argument("--environments", metavar="DIR", type=Path, default=home, help="kept between runs")
    asked = parser.parse_args()
    found: dict[str, dict[str, Any]] = {}
    failed: list[str] = []
    with sink() as address:
        for peer in PEERS:
            if asked.only and peer.adapter not in asked.only:
                continue
            print(peer.shown, file=sys.stderr, flush=True)
            environment = Environment(peer, asked.environments)
            try:
                environment.prepare()
                found[environment.shown_name()] = environment.measure(address, 0.2 if asked.quick else 1.0)
            except subprocess.CalledProcessError as error:  # its own message is on the screen already
                failed.append(f"{peer.shown} ({' '.join(error.cmd[1:4])} failed)")
    print(_table(found))
    if failed:
        print(f"Could not be measured: {', '.join(failed)}.")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2))
    return bool(failed)


def _table(found: dict[str, dict[str, Any]]) -> str:
    """Return the comparison with a line for each handler; figures are the median of their rounds."""
    head = ["handler", *COLUMNS.values()]
    lines = [[name, *(_cell(key, figures[key]) for key in COLUMNS)] for name, figures in found.items()]
    rule = ["---"] * len(head)
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *lines))


def _cell(key: str, figure: list[float]) -> str:
    median = figure[1]
    shown = f"{median:.2f}" if abs(median) < 20 else f"{median:,.0f}"
    return f"x{shown}" if key in RATIOS else shown


if __name__ == "__main__":
    sys.exit(main())
