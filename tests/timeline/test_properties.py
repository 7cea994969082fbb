"""For any order of runs the rows are ordered, lie inside the call, nest, and none is lost or invented."""

from __future__ import annotations

from collections import Counter
from typing import Any

from graphs.invariants import check
from graphs.notation import written
from graphs.subgraphs import subgraphs_three_deep
from graphs.test_table import handler
from graphs.test_use import GO, routed
from graphs.toolcalls import ask, broken, find_table, tools_graph
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import calls
from stretches import same_in_stretches

from timeline.events import CancelledError, Clock, Event, GraphInterrupt, MadeRun, MadeUp, Recorder, give

NAMES = ("a", "b", "__x", "LangGraph", "a:b", "tools")
ERRORS = (ValueError("no"), CancelledError(), GraphInterrupt(()), GeneratorExit())
# Mostly the youngest runs, so that trees grow deep.
WHAT = st.sampled_from((0, 1, 1, 1, 1, 2, 3, 4, 7, 8, 9, 10, 11))
STEPS = st.lists(st.tuples(WHAT, st.integers(0, 4), st.sampled_from(NAMES)), min_size=15, max_size=60)


def made_up(steps: list[tuple[int, int, str]]) -> tuple[Any, MadeUp]:
    """Return a handler that was told runs in the order that the numbers say, children within their parents."""
    made = handler(clock=Clock())
    story = MadeUp(made)
    for what, which, name in steps:
        if what == 0:
            story.start("graph", None, name)
            continue
        open_runs = [run for run in story.runs if run.open and not run.lost]
        if not open_runs:
            continue
        run = open_runs[-1 - which % len(open_runs)]
        if what <= 6:
            _go_deeper(story, run, what, name)
        elif what == 7:
            story.again(run)
        elif what == 8:
            made.on_custom_event(name, {"n": 1}, run_id=run.run_id)
        elif what == 11:
            story.end(run, ERRORS[which % len(ERRORS)])
            run.lose()
        elif not run.busy:
            story.end(run)
    return made, story


def _go_deeper(story: MadeUp, run: MadeRun, what: int, name: str) -> None:
    if run.kind == "graph":
        story.start("node", run, name)
    elif run.kind == "node":
        story.start(("graph", "tool", "retriever", "graph", "tool", "tool")[what - 1], run, name)
    elif run.kind == "tool":
        story.start("graph", run, name)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_any_tree_of_runs(steps: list[tuple[int, int, str]]) -> None:
    """Every node and tool that began has its rows, once, in order, inside the call and inside its node."""
    made, story = made_up(steps)
    document = made.timeline.document
    rows = document["transcript_with_tool_calls"]
    check(document)
    nodes = Counter(row["text"] for row in rows if row["role"] == "node_transition")
    assert nodes == Counter(run.path for run in story.runs if run.kind == "node")
    calls_made = Counter(row["text"] for row in rows if row["role"] == "agent_function")
    assert calls_made == Counter(run.name for run in story.runs if run.kind in ("tool", "retriever"))


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_what_is_open_is_not_called_done(steps: list[tuple[int, int, str]]) -> None:
    """A node that never ended is cancelled or unfinished; a node that ended is neither, unless it was cut."""
    made, story = made_up(steps)
    statuses = Counter(
        (row["text"], row["metadata"]["status"] in ("cancelled", "unfinished"))
        for row in made.timeline.segments
        if row["role"] == "node_transition"
    )
    told = [run for run in made._record.runs if run.is_task]
    nodes = [run for run in story.runs if run.kind == "node"]
    wanted = Counter(
        (node.path, node.open or (run.failure is not None and run.failure.kind in ("cancelled", "abandoned")))
        for node, run in zip(nodes, told, strict=True)
    )
    assert statuses == wanted


@settings(max_examples=60, deadline=None)
@given(STEPS, st.lists(st.integers(0, 10**6), min_size=1, max_size=10))
def test_late_ends(steps: list[tuple[int, int, str]], which: list[int]) -> None:
    """An end that comes after the end of what is around it overwrites what was said before; nothing breaks."""
    made, story = made_up(steps)
    for run in [run for run in story.runs if run.open and run.parent is None]:
        story.end(run, ValueError("gone"))
    late = [run for run in story.runs if run.open]
    for number in which:
        if late:
            story.end(late.pop(number % len(late)))
    rows = made.timeline.segments
    assert [row["start_ms"] for row in rows] == sorted(row["start_ms"] for row in rows)
    done = Counter(run.path for run in story.runs if run.kind == "node" and not run.open)
    left = Counter(
        row["text"]
        for row in rows
        if row["role"] == "node_transition" and row["metadata"]["status"] not in ("cancelled", "unfinished")
    )
    assert left <= done


# ------------------------------------------------------------------ real programs, replayed and interleaved


def recorded(program: Any, value: Any) -> list[Event]:
    """Return the callbacks of a real run."""
    recorder = Recorder()
    program.invoke(value, {"callbacks": [recorder]})
    return recorder.events


def programs() -> list[tuple[Any, Any]]:
    said = calls(
        {"name": "find_table", "args": {"people": 2}, "id": "c1"},
        {"name": "broken", "args": {"people": 3}, "id": "c2"},
    )
    tools = ask(tools_graph(said, find_table, broken, handle_tool_errors=True))
    return [
        (routed(), GO),
        (subgraphs_three_deep().compile(), GO),
        (tools.program.compile(), {"messages": [("user", "Hello")]}),
    ]


def test_a_recorded_program_replayed() -> None:
    """Callbacks that were recorded, given to another handler, make the rows that the program made."""
    for program, value in programs():
        live = handler()
        program.invoke(value, {"callbacks": [live]})
        replayed = handler(graph=program)
        give(replayed, recorded(program, value))
        assert _unordered(written(replayed.timeline.segments)) == _unordered(written(live.timeline.segments))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_interleaving_of_turns(data: st.DataObject) -> None:
    """Turns that run at the same time make the rows that each makes alone, whoever comes first."""
    program, value = programs()[data.draw(st.integers(0, 2))]
    alone = handler(graph=program)
    give(alone, recorded(program, value))
    together = handler(graph=program)
    queues = [recorded(program, value) for _ in range(3)]
    while any(queues):
        queue = data.draw(st.sampled_from([queue for queue in queues if queue]))
        give(together, [queue.pop(0) for _ in range(min(len(queue), data.draw(st.integers(1, 7))))])
    check(together.timeline.document)
    assert same_in_stretches(together)
    wanted = _unordered(written(alone.timeline.segments))[1]
    assert _unordered(written(together.timeline.segments)) == {1: wanted, 2: wanted, 3: wanted}


def _unordered(turns: dict[int, list[str]]) -> dict[int, list[str]]:
    return {turn: sorted(lines) for turn, lines in turns.items()}
