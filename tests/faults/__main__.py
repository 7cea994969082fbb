"""Run the scenarios and print the table: `python -m tests.faults [--soak] [PYTEST ARGUMENTS]`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

_TESTS = Path(__file__).resolve().parents[1]


def main(arguments: list[str]) -> int:
    """Run, print, and return pytest's status."""
    sys.path.insert(0, str(_TESTS))
    from faults.report import Report

    report = Report()
    soak = "--soak" in arguments
    rest = [argument for argument in arguments if argument != "--soak"]
    marks = ["-m", ""] if soak else []
    status = pytest.main(
        [str(_TESTS / "faults"), str(_TESTS / "crash"), "-q", *marks, *rest], plugins=[report]
    )
    sys.stdout.write("\n".join(report.lines()) + "\n")
    return int(status)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
