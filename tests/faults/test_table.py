"""The table of scenarios itself: nothing is skipped in silence."""

from __future__ import annotations

import importlib
from pathlib import Path

from faults.scenarios import HELD_BY, NOT_RUN, TITLES, table

_TESTS = Path(__file__).resolve().parents[1]
AT_LEAST = 90


def _import_all() -> None:
    for folder in ("faults", "crash"):
        for path in sorted((_TESTS / folder).glob("test_*.py")):
            importlib.import_module(f"{folder}.{path.stem}")


def test_every_scenario_has_a_test_or_a_reason() -> None:
    """A row of the table is held by a test or says why it is not."""
    _import_all()
    silent = [number for number in TITLES if number not in HELD_BY and number not in NOT_RUN]
    assert not silent, f"neither run nor explained: {silent}"
    assert not set(NOT_RUN) & set(HELD_BY), "called not run, yet a test holds it"


def test_at_least_ninety_scenarios_run() -> None:
    """The goal of the proof, counted."""
    _import_all()
    assert len(HELD_BY) >= AT_LEAST


def test_the_documentation_shows_this_table() -> None:
    """What the proof says it ran is what runs."""
    shown = (_TESTS.parent / "docs" / "proof.md").read_text()
    assert "\n".join(table()) in shown
    assert f"{len(TITLES)} scenarios, of which {len(TITLES) - len(NOT_RUN)} run" in shown
