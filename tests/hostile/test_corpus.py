"""Hostile values end no process, raise nothing, hold nothing up, and cost themselves only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hostile.corpus import HUGE, VALUES
from hostile.doors import OWN, PROGRAMS

TESTS = Path(__file__).parents[1]
# Each part is a process of its own.
PARTS = 4
NAMES = list(VALUES)


def _run(names: list[str]) -> tuple[int, str]:
    """Return a child's exit status, and what it found."""
    done = subprocess.run(
        [sys.executable, "-m", "hostile.child", *names],
        cwd=TESTS, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    places = [line for line in done.stderr.splitlines() if line.startswith("at ")]
    _, mark, crash = done.stderr.rpartition("\nCurrent thread")
    found = done.stdout or "\n".join([*places[-1:], (mark + crash)[-4_000:]])
    return done.returncode, found


@pytest.mark.timeout(320)
@pytest.mark.parametrize("part", range(PARTS))
def test_no_value_does_harm(part: int) -> None:
    """A process takes hostile values through every door and ends as it should, with nothing found."""
    status, found = _run(NAMES[part::PARTS])

    assert status == 0, found


@pytest.mark.timeout(320)
def test_no_huge_value_does_harm() -> None:
    """The same for values far beyond the cap."""
    status, found = _run(list(HUGE))

    assert status == 0, found


def test_the_corpus_is_large() -> None:
    """There are at least 120 values, and doors of every kind that a value can take."""
    assert len(VALUES) + len(HUGE) >= 120
    assert len(PROGRAMS | OWN) >= 19
