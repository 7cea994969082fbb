"""No order of callbacks, and no value in them, raises or makes a document that the API would refuse."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from search.holds import problems, smallest
from search.player import Case

# Where the nightly search begins; every night another one, so that it does not look at the same calls.
FIRST = int(os.environ.get("TUNER_SEARCH_SEED", "1000"))
SIZES = [
    pytest.param(0, 300, id="300"),
    pytest.param(FIRST, 20_000, marks=[pytest.mark.soak, pytest.mark.timeout(7_200)], id="20000"),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("first", "count"), SIZES)
def test_any_call_has_a_document_that_is_accepted(first: int, count: int, tmp_path: Path) -> None:
    """Callbacks in any order, with any ids, parents, values, facts, clocks and hooks, make a right document."""
    for seed in range(first, first + count):
        (tmp_path / "seed").write_text(f"{seed}\n")  # outlives this process if a value ends it
        case = Case(seed)
        found = problems(case)
        if found:
            pytest.fail("\n".join([*found[:5], repr(smallest(case))]))
