"""The table of programs: the rows are right in every mode, and the program does what it does without us."""

from __future__ import annotations

import functools
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pytest
from packaging.requirements import Requirement
from stretches import same_in_stretches

from graphs import agents, failures, newer, others, pauses, routing, subgraphs, toolcalls
from graphs.drive import Outcome, comparable, drive
from graphs.invariants import check
from graphs.notation import expected, shortened, written, written_errors
from graphs.play import BATCH, CASES, Case, play_of
from tuner_langchain import Timeline, TunerCallbackHandler

TABLES = (agents, failures, newer, others, pauses, routing, subgraphs, toolcalls)


class Nowhere:
    """An outlet for calls that are never finalised."""

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        raise AssertionError("nothing is sent here")


def handler(**settings: Any) -> TunerCallbackHandler:
    """Return a handler whose own faults are raised."""
    made = TunerCallbackHandler(delivery=Nowhere(), **settings)
    made.raise_error = True
    return made


def cases(without: tuple[str, ...] = ()) -> list[Any]:
    return [
        pytest.param(case, mode, id=f"{case.name}-{mode}")
        for case in CASES
        for mode in case.modes
        if mode not in without
    ]


def _skip_without(case: Case) -> None:
    if case.needs is None:
        return
    needed = Requirement(case.needs)
    try:
        installed = version(needed.name)
    except PackageNotFoundError:
        pytest.skip(f"{needed.name} is not installed")
    if installed not in needed.specifier:
        pytest.skip(f"{case.needs} is not installed, but {installed}")


@functools.lru_cache(maxsize=2048)
def driven(index: int, mode: str) -> tuple[Outcome, Timeline]:
    """Return what a case gave in a mode, and its timeline; both tests of a case look at one run."""
    made = handler()
    outcome = drive(mode, play_of(CASES[index].build()), [made])
    assert same_in_stretches(made)
    return outcome, made.timeline


@pytest.mark.parametrize(("case", "mode"), cases())
def test_rows(case: Case, mode: str) -> None:
    """The rows of nodes and tools are those in the table."""
    _skip_without(case)
    outcome, timeline = driven(CASES.index(case), mode)
    got, wanted = written(timeline.segments), expected(case.rows)
    if mode in BATCH:
        wanted = {1: wanted[1], 2: wanted[1]} if wanted else {}
    if case.unordered or mode in BATCH:
        got, wanted = _sorted(got), _sorted(wanted)
    assert shortened(got, wanted) == wanted
    assert (type(outcome.error).__name__ if outcome.error else None) == case.fails
    if mode not in BATCH:
        told = {0: written_errors(timeline.document["metadata"])}
        assert shortened(told, {0: case.errors}) == {0: case.errors}
    check(timeline.document)


def _sorted(turns: dict[int, list[str]]) -> dict[int, list[str]]:
    return {turn: sorted(rows) for turn, rows in turns.items()}


# Without the graph's edges a node that ran from a cache leaves no trace, so what follows it looks like an entry.
@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.name) for case in CASES if case.name != "cached_nodes"]
)
def test_nothing_is_guessed(case: Case) -> None:
    """Where the edges are not known, what is said of a node's sources is true, or said to be unknown."""
    _skip_without(case)
    made = handler()
    drive(case.modes[0], play_of(case.build()), [made])
    known = _sources(made)
    for run in made._record.runs:
        if run.kind == "chain":
            run.edges = None  # type: ignore[attr-defined]  # a chain has edges
    for truth, told in zip(known, _sources(made), strict=True):
        assert {source for source in told if source[1] != "unknown"} <= truth


def _sources(made: TunerCallbackHandler) -> list[set[tuple[str, str, str]]]:
    return [
        {(source["from"], source["kind"], str(source["value"])) for source in row["metadata"]["sources"]}
        for row in made.timeline.segments
        if row["role"] == "node_transition"
    ]


@pytest.mark.parametrize(("case", "mode"), cases(without=BATCH))
def test_program_is_left_alone(case: Case, mode: str) -> None:
    """A program's results, chunks, events and exceptions are the same with the handler and without."""
    _skip_without(case)
    if not case.same:
        pytest.skip("what this program does differs from run to run")
    alone = drive(mode, play_of(case.build()), [])
    with_us, _ = driven(CASES.index(case), mode)
    # Threads of a program race for their places among its events.
    unordered = case.unordered or mode == "astream_events"
    assert _seen(with_us, unordered=unordered) == _seen(alone, unordered=unordered)


def _seen(outcome: Outcome, *, unordered: bool) -> Any:
    given = [comparable(item) for item in outcome.given]
    return sorted(map(repr, given)) if unordered else given, type(outcome.error)
