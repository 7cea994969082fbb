from __future__ import annotations

import itertools
from inspect import cleandoc
from typing import Any

import pytest

from testing.documents import BOOKING, agent, document, node, row, tool, user
from tuner_langchain import Timeline
from tuner_langchain.timeline.difference import explain

OUTLINE = cleandoc("""
    user: Table for two tonight?
    node: triage from __start__
    node: booking from triage (route_by_intent: booking)
      tool: find_table(people=2)
      result: find_table -> "19:30"
      agent: 19:30 works. Shall I book it?
    user: Yes please.
    node: triage from __start__
    node: booking from triage (route_by_intent: booking)
      tool: book_table(at="19:30")
      result: book_table failed: the kitchen is closed
    agent: I am sorry, the kitchen is closed.
""")


def test_an_outline_has_one_line_for_each_row_and_no_times() -> None:
    """What happened inside a node stands below it; a tool's result follows its call."""
    outline = Timeline(BOOKING).outline()

    assert outline == OUTLINE
    assert len(outline.splitlines()) == len(BOOKING["transcript_with_tool_calls"])


def test_an_outline_does_not_change_with_the_clock() -> None:
    """Parallel nodes and tools may start and end in any order; the outline stays the same."""
    left = [node("left", "plan", step=2), *tool("a", {"n": 1}, 1, node="left", request_id="1")]
    right = [node("right", "plan", step=2), *tool("b", {"n": 2}, 2, node="right", request_id="2")]
    interleavings = [
        [*left, *right],
        [*right, *left],
        [left[0], right[0], right[1], left[1], right[2], left[2]],
        [right[0], left[0], left[1], right[1], left[2], right[2]],
    ]
    outlines = {Timeline(document(node("plan"), *rows)).outline() for rows in interleavings}

    assert outlines == {
        cleandoc("""
        node: plan from __start__
        node: left from plan
          tool: a(n=1)
          result: a -> 1
        node: right from plan
          tool: b(n=2)
          result: b -> 2
        """)
    }


def test_visits_of_one_node_side_by_side() -> None:
    """What the workers of a map-reduce did stands below them all, in an order that chance cannot change."""
    workers = [node("work", "plan", "send", step=2) for _ in range(3)]
    inner = [node("work:look", graph="work") for _ in range(3)]
    last = [node("work:tell", "work:look", graph="work", step=2) for _ in range(3)]
    tools = [tool("look", {"n": n}, n, node="look", graph="work", request_id=f"{n}") for n in range(3)]
    seen = set()
    for order in itertools.permutations(range(3)):
        rows = [each for n in order for each in (workers[n], inner[n], *tools[n], last[n])]
        seen.add(Timeline(document(node("plan"), *rows)).outline())
        rows = [*workers, *(inner[n] for n in order), *(each for n in order for each in (*tools[n], last[n]))]
        seen.add(Timeline(document(node("plan"), *rows)).outline())

    assert len(seen) == 1
    assert seen.pop().splitlines()[:4] == [
        "node: plan from __start__",
        "node: work from plan (send)",
        "node: work from plan (send)",
        "node: work from plan (send)",
    ]


def test_what_a_node_said_stands_last() -> None:
    """A sentence that no model made has its node's start; a tool that begins a millisecond later is not after it."""
    said, called = agent("19:30 works.", node="act"), tool("find", {}, 1, node="act")
    outlines = {
        Timeline(document(node("act"), *rows)).outline() for rows in ([said, *called], [*called, said])
    }

    assert outlines == {
        "node: act from __start__\n  tool: find()\n  result: find -> 1\n  agent: 19:30 works."
    }


def test_tools_that_a_model_asked_for_together() -> None:
    """They run side by side, so they stand in name order; tools that the node's own code called keep their order."""
    own = "0a443624-977e-4883-b879-7ae40d0e61d3"
    first, second = (
        tool("b", {}, 1, node="act", request_id="call_1"),
        tool("a", {}, 2, node="act", request_id="call_2"),
    )

    together = Timeline(document(node("act"), first, second)).outline()
    in_turn = Timeline(
        document(node("act"), *(tool(n, {}, 1, node="act", request_id=own) for n in "ba"))
    ).outline()

    assert together.splitlines()[1:] == ["  tool: a()", "  result: a -> 2", "  tool: b()", "  result: b -> 1"]
    assert in_turn.splitlines()[1:] == ["  tool: b()", "  result: b -> 1", "  tool: a()", "  result: a -> 1"]


def test_nested_graphs_are_indented_with_their_own_names() -> None:
    """Inside its graph a node needs no path."""
    rows = [
        node("billing"),
        node("billing:lookup", "billing:__start__", graph="billing"),
        node("billing:answer", "billing:lookup", "command", graph="billing", step=2),
        agent("Your bill is 12 euros.", node="answer", graph="billing"),
    ]

    assert Timeline(document(rows)).outline() == cleandoc("""
        node: billing from __start__
          node: lookup from __start__
          node: answer from lookup (command)
            agent: Your bill is 12 euros.
    """)


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([node("pay", status="error", error={"type": "ValueError", "message": "no\ncard"})],
         "node: pay from __start__ [error: ValueError: no\\ncard]"),
        ([node("ask", status="interrupted")], "node: ask from __start__ [interrupted]"),
        ([agent("I was about", interrupted=True)], "agent: I was about [interrupted]"),
        ([user("one\ntwo")], "user: one\\ntwo"),
        (tool("f", {"a": [1], "b": "x"}, {"k": None}), 'tool: f(a=[1], b="x")\nresult: f -> {"k": null}'),
        ([row("agent_function", "f", tool={"name": "f", "request_id": "1", "params": {}},
              metadata={"status": "interrupted"})],
         "tool: f() [interrupted]"),
    ],
)  # fmt: skip
def test_lines(rows: list[Any], line: str) -> None:
    """Each kind of row has its line; line breaks in words stay inside it."""
    assert Timeline(document(rows)).outline() == line


def test_outlines_are_told_apart_at_their_first_difference() -> None:
    """The message names the row, what was expected and what came, as a person would."""
    other = OUTLINE.replace(
        "node: booking from triage (route_by_intent: booking)", "node: fallback from triage", 1
    )

    got = "node `booking` from `triage` (route_by_intent: booking)"
    assert explain(Timeline(BOOKING).outline(), other)[:5] == [
        f"row 3: expected node `fallback` from `triage`, got {got}",
        "    user: Table for two tonight?",
        "    node: triage from __start__",
        "  - node: fallback from triage",
        "  + node: booking from triage (route_by_intent: booking)",
    ]


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ("a: 1\nb: 2\nc: 3\nd: 4", "row 4 is missing: expected d `4`, and the call had no more rows"),
        ("a: 1\nb: 2", "row 3 is one too many: got c `3` after all that was expected"),
        ("a: 1\nx: 9\nb: 2\nc: 3", "row 2 is missing: expected x `9` before b `2`"),
        ("a: 1\nc: 3", "row 2 is one too many: got b `2` before c `3`"),
        ("a: 1\nx: 9\nc: 3", "row 2: expected x `9`, got b `2`"),
    ],
)
def test_missing_and_surplus_rows_are_called_so(expected: str, message: str) -> None:
    """A row that is not there and one that should not be are not shown as a chain of differences."""
    from tuner_langchain.timeline.outline import Outline

    assert explain(Outline("a: 1\nb: 2\nc: 3"), expected)[0] == message
    assert explain(expected, Outline("a: 1\nb: 2\nc: 3"))[0] == message


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ("triage -> fallback | triage -> booking",
         "turn 1, step 2: expected `fallback` after `triage`, got `booking` (route_by_intent: booking)"),
        ("triage -> booking | booking", "turn 2, step 1: expected `booking`, got `triage`"),
        ("triage -> booking -> thanks | triage -> booking",
         "turn 1, step 3: expected `thanks` after `booking`, got the end of turn 1"),
        ("triage -> booking | triage",
         "turn 2, step 2: expected the end after `triage`, got `booking` (route_by_intent: booking)"),
        ("triage -> booking | triage -> booking | bye", "turn 3, step 1: expected `bye`, got the end"),
    ],
)  # fmt: skip
def test_paths_are_told_apart_at_their_first_difference(expected: str, message: str) -> None:
    """The message names turn and step, and says why the call went another way."""
    told = explain(Timeline(BOOKING).path(), expected)

    assert told == [message, f"  - {expected}", "  + triage -> booking | triage -> booking"]


def test_other_strings_are_none_of_our_business() -> None:
    """Equal texts and foreign values are left to pytest."""
    path = Timeline(BOOKING).path()

    assert explain("a", "b") == []
    assert explain(path, str(path)) == []
    assert explain(path, 3) == []
