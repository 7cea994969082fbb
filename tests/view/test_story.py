"""What a document's story says, whoever wrote the document."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner_langchain import Timeline
from tuner_langchain.testing.contract import validate
from tuner_langchain.view.nouns import Bar, Story
from tuner_langchain.view.story import read_story
from view import samples
from view.samples import Document, Sample

SAMPLES = [samples.restaurant, samples.many_rows, samples.hostile, samples.other_sdk]


def outline(story: Story, turn: int) -> list[str]:
    """A turn's bars as the terminal lists them: indented by what they lie in."""
    chosen = next(each for each in story.turns if each.number == turn)
    return ["  " * story.bars[index].depth + story.bars[index].label for index in chosen.bars]


def found(story: Story, index: int | None) -> Bar:
    """The bar that a total names."""
    assert index is not None
    return story.bars[index]


@pytest.mark.parametrize("sample", [samples.restaurant, samples.many_rows, samples.other_sdk])
def test_the_samples_are_what_the_api_takes(sample: Sample) -> None:
    """A view that is tried on documents no service would hold has been tried on nothing."""
    assert validate(sample()) == []


def test_nodes_of_a_nested_graph_lie_in_their_node_and_calls_in_the_node_that_made_them() -> None:
    """Nested graph, tool and model calls are found by node and time, to any depth."""
    assert outline(read_story(samples.restaurant()), 1) == [
        "caller",
        "understand",
        "  gpt-4o-mini",
        "booking",
        "  plan",
        "    gpt-4o-mini",
        "  look_up",
        "    find_table",
        "  reply",
        "    gpt-4o-mini",
        "agent",
    ]


def test_the_same_call_without_our_metadata_nests_by_time_and_path() -> None:
    """Another SDK's document says no turn, graph or node: paths, times and who speaks say enough."""
    document = samples.restaurant()
    for row in document["transcript_with_tool_calls"]:
        row["metadata"] = {}
    story = read_story(document)
    assert [turn.number for turn in story.turns] == [1, 2, 3, 4]
    assert outline(story, 1) == [
        "caller", "understand", "booking", "  plan", "  look_up", "    find_table", "  reply", "agent",
    ]  # fmt: skip


def test_a_graph_that_a_tool_called_lies_in_the_tool() -> None:
    """A subagent's nodes and its model calls are the tool's doing, and its time is not the tool's own."""
    rows = [
        samples.node(1, 0, 1000, "tools", "__start__"),
        *samples.tool(1, 10, 900, "task", "1", {}, "x", node="tools", graph=""),
        samples.node(1, 20, 880, "tools:agent", "tools:__start__", llm=[samples.model(30, 870, (1, 1))]),
    ]
    story = read_story(samples.document("subagent", rows))
    assert outline(story, 1) == ["tools", "  task", "    agent", "      gpt-4o-mini"]
    assert found(story, story.totals.slowest).kind == "model"
    assert [story.lanes[bar.lane].row for bar in story.bars if bar.kind == "node"] == [0, 1]


def test_of_two_tools_at_once_none_is_guessed() -> None:
    """Where time leaves two tools, what ran stays with the node that is known."""
    rows = [
        samples.node(1, 0, 1000, "tools", "__start__"),
        *samples.tool(1, 10, 900, "one", "1", {}, "x", node="tools", graph=""),
        *samples.tool(1, 10, 900, "two", "2", {}, "x", node="tools", graph=""),
        samples.node(1, 20, 880, "tools:agent", "tools:__start__"),
    ]
    assert outline(read_story(samples.document("two", rows)), 1) == ["tools", "  one", "  two", "  agent"]


def test_a_task_lies_in_the_node_that_called_it() -> None:
    """Tasks of the functional API run inside their caller, though no graph holds them."""
    called = [{"from": "flow", "kind": "call", "name": None, "value": None}]
    rows = [
        samples.node(1, 0, 1000, "flow", "__start__"),
        samples.node(1, 10, 900, "step", "flow", "call", sources=called),
    ]
    assert outline(read_story(samples.document("tasks", rows)), 1) == ["flow", "  step"]


def test_nothing_contains_itself() -> None:
    """Rows that claim to lie in each other at one time are read, and the first one holds the other."""
    rows = [samples.node(1, 0, 10, "a", "a", graph="a"), samples.node(1, 0, 10, "a", "a", graph="a")]
    assert outline(read_story(samples.document("knot", rows)), 1) == ["a", "  a"]


def test_two_nodes_at_once_share_no_lane_and_each_keeps_its_own_tool() -> None:
    """Parallel nodes lie side by side, with what they called inside them."""
    story = read_story(samples.restaurant())
    assert outline(story, 2)[3:7] == ["parking", "  search_places", "menu", "  search_menu"]
    menu, parking = (next(bar for bar in story.bars if bar.name == name) for name in ("menu", "parking"))
    assert menu.lane != parking.lane


@pytest.mark.parametrize("sample", SAMPLES)
def test_no_two_bars_overlap_in_a_lane(sample: Sample) -> None:
    """What lies behind something else cannot be seen, nor clicked."""
    story = read_story(sample())
    for lane in range(len(story.lanes)):
        ends = 0
        for bar in (bar for bar in story.bars if bar.lane == lane):
            assert bar.start_ms >= ends
            ends = bar.end_ms
        assert {bar.kind for bar in story.bars if bar.lane == lane} == {story.lanes[lane].kind}


def test_a_node_lies_in_a_lane_below_the_node_that_contains_it() -> None:
    """Nested graphs are drawn nested."""
    story = read_story(samples.restaurant())
    for bar in story.bars:
        if bar.kind == "node" and bar.parent is not None:
            assert bar.lane == story.bars[bar.parent].lane + 1


def test_the_slowest_is_what_spent_the_time_not_what_contains_it() -> None:
    """The tool took the time; the node and the nested graph around it only waited."""
    story = read_story(samples.restaurant())
    slowest = found(story, story.totals.slowest)
    assert (slowest.kind, slowest.name, slowest.turn) == ("tool", "reserve", 3)
    assert story.totals.slowest_own_ms == 2990
    assert found(story, story.totals.slowest_node).name == "booking:look_up"


def test_a_node_that_computes_for_itself_is_the_slowest() -> None:
    """Time outside everything a node contains is the node's own."""
    rows = [
        samples.node(1, 0, 5000, "think", "__start__"),
        *samples.tool(1, 100, 1600, "look", "1", {}, "x", node="think", graph=""),
    ]
    story = read_story(samples.document("own", rows))
    assert found(story, story.totals.slowest).name == "think"
    assert story.totals.slowest_own_ms == 3500


def test_totals_are_the_documents_own_figures() -> None:
    """Waiting, tokens, cost, errors and cut-off answers are summed over the call."""
    totals = read_story(samples.restaurant()).totals
    assert (totals.turns, totals.duration_ms) == (4, 30_000)
    assert totals.waited_ms == 2870 + 2230 + 4190 + 1860
    assert (totals.longest_wait_ms, totals.longest_wait_turn) == (4190, 3)
    assert (totals.tokens, totals.models, totals.cost_cents) == (6263, 11, 0.41)
    assert (totals.errors, totals.interrupted) == (1, 1)


def test_turns_have_their_own_sums() -> None:
    """A turn's tokens are those of its model calls, its errors its own."""
    turns = read_story(samples.restaurant()).turns
    assert [turn.tokens for turn in turns] == [1115, 1273, 1718, 2157]
    assert [turn.errors for turn in turns] == [0, 0, 1, 0]
    assert [turn.waited_ms for turn in turns] == [2870, 2230, 4190, 1860]


def test_what_is_not_said_is_not_invented() -> None:
    """A document without models, cost and nodes has no figures for them."""
    totals = read_story(samples.other_sdk()).totals
    assert (totals.tokens, totals.cost_cents, totals.slowest_node) == (None, None, None)


def test_times_come_from_words_and_durations_too() -> None:
    """The contract lets a row give its time in three ways."""
    story = read_story(samples.other_sdk())
    assert [(bar.start_ms, bar.end_ms) for bar in story.bars if bar.kind == "user"] == [
        (2000, 3100),
        (7200, 8000),
    ]
    assert (story.bars[0].start_ms, story.bars[0].end_ms) == (100, 1500)


def test_a_tool_call_without_length_lasts_until_its_result() -> None:
    """Other SDKs stamp the call and the result once each."""
    tool = next(bar for bar in read_story(samples.other_sdk()).bars if bar.kind == "tool")
    assert (tool.start_ms, tool.end_ms) == (3300, 4500)


def test_a_greeting_comes_before_the_first_turn() -> None:
    """Turn 1 begins with the caller's first words."""
    story = read_story(samples.other_sdk())
    assert [turn.number for turn in story.turns] == [0, 1, 2]
    assert story.totals.turns == 2


def test_the_wait_is_measured_where_no_row_says_it() -> None:
    """From the end of the caller's words to the start of the answer."""
    assert [turn.waited_ms for turn in read_story(samples.other_sdk()).turns] == [None, 2000, None]


def test_transitions_carry_their_reasons_and_counts() -> None:
    """The way into a nested graph leads from the node that holds it."""
    story = read_story(samples.restaurant())
    taken = [(way.source, way.target, way.reason, way.count) for way in story.transitions]
    assert taken[:3] == [
        ("__start__", "understand", "", 4),
        ("understand", "booking", "route_by_intent: booking", 3),
        ("booking", "booking:plan", "", 3),
    ]
    assert ("menu", "answer", "join", 1) in taken
    assert ("parking", "answer", "join", 1) in taken


def test_nodes_of_the_path_stand_in_the_order_of_first_visits_with_nested_ones_inside() -> None:
    """The drawing of the path reads from top to bottom as the call went."""
    places = read_story(samples.restaurant()).places
    assert [("  " * place.depth) + place.label for place in places] == [
        "start", "understand", "booking", "  plan", "  look_up", "  reply", "parking", "menu", "answer",
    ]  # fmt: skip


def test_an_error_is_told_once_where_it_happened() -> None:
    """The nodes around a failed tool, node or model call are not errors of their own."""
    error = {"type": "ValueError", "message": "bad"}
    rows = [
        samples.node(1, 0, 900, "outer", "__start__", status="error"),
        samples.node(1, 10, 890, "outer:inner", "outer:__start__", status="error", error=error),
    ]
    problems = read_story(samples.document("failed", rows)).problems
    assert [(problem.kind, problem.message) for problem in problems] == [
        ("node outer:inner", "ValueError: bad")
    ]


def test_an_exception_that_passed_through_a_node_is_told_at_the_tool_that_raised_it() -> None:
    """Both rows carry it; it went wrong once."""
    rows = [
        samples.node(
            1, 0, 900, "tools", "__start__", status="error", error={"type": "ValueError", "message": "no"}
        ),
        *samples.tool(1, 10, 800, "look", "1", {}, ValueError("no"), node="tools", graph=""),
    ]
    story = read_story(samples.document("raised", rows))
    assert [(problem.kind, problem.message) for problem in story.problems] == [
        ("tool look", "ValueError: no")
    ]
    assert [bar.failed for bar in story.bars] == [True, True]


@pytest.mark.parametrize("status", ["cancelled", "unfinished"])
def test_a_tool_that_was_stopped_did_not_fail(status: str) -> None:
    """Its result row has no answer, and says so as an error; nothing went wrong."""
    rows = samples.tool(1, 10, 800, "look", "1", {}, ValueError(status))
    for row in rows:
        row["metadata"]["status"] = status
    story = read_story(samples.document("stopped", rows))
    assert story.problems == []
    assert [(bar.status, bar.failed) for bar in story.bars] == [(status, False)]


def test_words_that_were_withheld_are_named_as_such() -> None:
    """A row without words says whether there were any."""
    hidden, silent = samples.user(1, 0, 10, ""), samples.agent(1, 20, 30, "")
    hidden["metadata"]["withheld"] = "words"
    assert [bar.text for bar in read_story(samples.document("x", [hidden, silent])).bars] == [
        "[withheld: words]",
        "[no words]",
    ]


def test_errors_without_a_node_are_told_too() -> None:
    """What went wrong outside every node is in the call's metadata."""
    errors = [{"turn": 2, "type": "GraphRecursionError", "message": "25 steps", "at_ms": 40}]
    document = samples.document("limit", [samples.user(1, 0, 10, "Hi")], metadata={"errors": errors})
    story = read_story(document)
    assert [(each.turn, each.at_ms, each.kind, each.message) for each in story.problems] == [
        (2, 40, "GraphRecursionError", "25 steps")
    ]
    assert story.totals.errors == 1


def test_a_paused_tools_result_belongs_to_the_call_that_was_resumed() -> None:
    """Both executions have the same request id; the result is the later one's."""
    paused, _ = samples.tool(1, 100, 200, "ask", "id-1", {"q": 1}, "x", status="interrupted")
    resumed, result = samples.tool(2, 1000, 1400, "ask", "id-1", {"q": 1}, "yes")
    story = read_story(samples.document("paused", [paused, resumed, result]))
    assert [(bar.status, [fact.label for fact in bar.facts]) for bar in story.bars] == [
        ("interrupted", ["params", "request id"]),
        ("ok", ["params", "result", "request id"]),
    ]


def test_a_result_without_its_call_is_still_shown() -> None:
    """A document that was cut, or redacted, keeps what it has."""
    _, result = samples.tool(1, 100, 200, "ask", "id-1", {}, RuntimeError("no"))
    story = read_story(samples.document("half", [result]))
    assert [(bar.name, bar.error) for bar in story.bars] == [("ask", "RuntimeError: no")]


def test_reading_leaves_the_document_as_it_was() -> None:
    """A view looks; it never changes what it is shown."""
    document = samples.restaurant()
    before = copy.deepcopy(document)
    read_story(document)
    assert document == before


def test_five_thousand_rows_are_five_thousand_rows() -> None:
    """Each row of the long sample is in the story: a result in its call's bar, all others as their own."""
    document = samples.many_rows()
    story = read_story(document)
    rows = document["transcript_with_tool_calls"]
    assert len(rows) == 5000
    results = sum(row["role"] == "agent_result" for row in rows)
    models = sum(len(row["metadata"].get("llm", ())) for row in rows)
    assert len(story.bars) == len(rows) - results + models
    assert sum(len(turn.bars) for turn in story.turns) == len(story.bars)


@pytest.mark.parametrize("number", [-1.7e305, 1.7e308, 10**400], ids=["least", "most", "whole"])
def test_a_number_that_no_clock_or_bill_holds_is_none(number: float) -> None:
    """It is left out of the sums; the rest of the call is shown."""
    row = samples.user(1, 0, 500, "Hi") | {"start_ms": number, "end_ms": number, "duration_ms": number}
    document = {
        **samples.document("absurd", [samples.agent(1, 750, 1000, "Ho", e2e_latency=number)]),
        **dict.fromkeys(("start_timestamp", "end_timestamp", "duration_ms", "call_cost"), number),
    }
    document["transcript_with_tool_calls"].append(row)

    story = read_story(document)

    assert (story.began, story.totals.duration_ms) == ("", 1000)
    assert [bar.label for bar in story.bars] == ["caller", "agent"]
    assert Timeline(document).said[0].e2e_latency is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
TIME = st.integers(-100, 10_000) | JSON
ROLE = st.sampled_from(["user", "agent", "agent_function", "agent_result", "node_transition"])


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with some of these fields, or anything else."""
    return st.fixed_dictionaries({}, optional=fields) | JSON


METADATA = some(
    turn=st.integers(0, 3) | JSON, graph=st.sampled_from(["", "a"]) | JSON, node=JSON, status=JSON, sources=JSON,
    events=JSON, llm=st.lists(some(start_ms=TIME, end_ms=TIME, model=JSON), max_size=2) | JSON, error=JSON,
    e2e_latency=TIME, interrupted=JSON,
)  # fmt: skip
ROW = some(
    role=ROLE | JSON, text=st.text(max_size=20) | JSON, start_ms=TIME, end_ms=TIME, duration_ms=TIME,
    words=st.lists(some(start_ms=TIME, end_ms=TIME), max_size=2) | JSON, metadata=METADATA,
    node=st.fixed_dictionaries({"to": st.sampled_from(["a", "a:b", "c"])}, optional={"from": JSON}) | JSON,
    tool=some(name=JSON, request_id=JSON, params=JSON, result=JSON, is_error=st.booleans(), error=JSON),
)  # fmt: skip
DOCUMENT = st.fixed_dictionaries(
    {"transcript_with_tool_calls": st.lists(ROW, max_size=8) | JSON},
    optional={
        "call_id": JSON, "call_type": JSON, "start_timestamp": JSON, "end_timestamp": JSON, "duration_ms": JSON,
        "call_cost": JSON, "metadata": some(errors=JSON, usage_token=JSON, llm_usage=JSON),
    },
)  # fmt: skip


@given(DOCUMENT)
def test_any_document_has_a_story_in_which_everything_holds_together(document: Document) -> None:
    """Whatever a document lacks or holds instead, it can be looked at; no bar is lost, none is its own ancestor."""
    story = read_story(document)
    assert sorted(index for turn in story.turns for index in turn.bars) == list(range(len(story.bars)))
    for bar in story.bars:
        assert bar.start_ms <= bar.end_ms <= story.totals.duration_ms
        assert 0 <= bar.self_ms <= bar.duration_ms
        if bar.parent is not None:
            outer = story.bars[bar.parent]
            assert outer.start_ms <= bar.start_ms <= bar.end_ms <= outer.end_ms
            assert outer.depth == bar.depth - 1
