from __future__ import annotations

import pytest

from testing.documents import BOOKING, agent, document, node, row, tool, user
from tuner_langchain import Timeline

CALL = Timeline(BOOKING)


def test_a_timeline_is_the_sequence_of_its_rows() -> None:
    """Index, length and loops give the rows themselves."""
    assert len(CALL) == 12
    assert CALL[0]["text"] == "Table for two tonight?"
    assert [each["role"] for each in CALL][:2] == ["user", "node_transition"]
    assert CALL[-1:] == BOOKING["transcript_with_tool_calls"][-1:]


def test_nodes_say_where_they_came_from_and_why() -> None:
    """A visit has name, source, reason, times and status."""
    booking = CALL.nodes[1]

    assert (booking.name, booking.came_from, booking.reason) == (
        "booking",
        "triage",
        "route_by_intent: booking",
    )
    assert (booking.turn, booking.step, booking.status, booking.duration_ms) == (1, 2, "ok", 1655)


def test_path_of_several_turns() -> None:
    """Steps are joined with arrows, turns with bars."""
    assert CALL.path() == "triage -> booking | triage -> booking"
    assert CALL.turn(2).path() == "triage -> booking"


def test_path_joins_the_nodes_of_one_step_in_name_order() -> None:
    """Which parallel node starts first is chance, so the path does not depend on it."""
    fan_out = [
        node("plan"),
        node("right", "plan", step=2),
        node("left", "plan", step=2),
        node("sum", "left+right", step=3),
    ]

    assert Timeline(document(fan_out)).path() == "plan -> left+right -> sum"


def test_path_writes_a_retried_node_once() -> None:
    """Attempts are visits of their own, but one step of the way."""
    timeline = Timeline(
        document(node("pay"), node("pay", why="retry", attempt=2), node("thanks", "pay", step=2))
    )

    assert timeline.path() == "pay -> thanks"
    assert [visit.attempt for visit in timeline.nodes] == [1, 2, 1]


def test_path_of_a_nested_graph() -> None:
    """A nested graph has a path of its own, with its own names; a second run of it is not the same step."""
    rows = [
        node("triage"),
        node("billing", "triage", step=2),
        node("billing:lookup", graph="billing"),
        node("billing:answer", "billing:lookup", graph="billing", step=2),
        node("billing", "billing", step=3),
        node("billing:lookup", graph="billing"),
    ]
    timeline = Timeline(document(rows))

    assert timeline.path() == "triage -> billing -> billing"
    assert timeline.path("billing") == "lookup -> answer -> lookup"
    assert timeline.path("nothing") == ""


def test_a_tool_call_is_joined_with_its_result() -> None:
    """Parameters, result, answer and times are in one place."""
    found = CALL.tool("find_table")

    assert found.params == {"people": 2}
    assert found.result == {"value": "19:30"}
    assert found.answer == "19:30"
    assert (found.start_ms, found.end_ms, found.duration_ms) == (2900, 3400, 500)
    assert not found.failed


def test_a_failed_tool_says_why() -> None:
    """The error text of the result row is the tool call's error."""
    found = CALL.tool("book_table")

    assert found.failed
    assert found.error == "the kitchen is closed"
    assert found.result is None


def test_asking_for_one_tool_call_when_there_is_another_number() -> None:
    """The message says what was called, or how to ask for all."""
    with pytest.raises(
        LookupError, match=r"cancel was not called\. Tools that were called: find_table, book_table\."
    ):
        CALL.tool("cancel")
    twice = Timeline(document(tool("find", {}, 1, request_id="a"), tool("find", {}, 2, request_id="b")))
    with pytest.raises(LookupError, match=r"find was called 2 times: ask for tool_calls\('find'\)"):
        twice.tool("find")
    assert [use.answer for use in twice.tool_calls("find")] == [1, 2]


def test_a_repeated_call_keeps_its_own_result() -> None:
    """A retry calls the tool under the same request id; each call has the result that followed it."""
    timeline = Timeline(
        document(
            tool("pay", {"try": 1}, error="busy", request_id="x"),
            tool("pay", {"try": 2}, "paid", request_id="x"),
        )
    )

    assert [use.answer for use in timeline.tools] == [None, "paid"]


def test_a_paused_tool_has_no_result_until_its_resume() -> None:
    """The result comes in a later turn, under the same request id."""
    call, result = tool("pay", {}, "paid", request_id="x")
    later = {**result, "metadata": {"turn": 2, "status": "ok"}}

    assert Timeline(document(call)).tool("pay").result is None
    assert Timeline(document(call, user("Yes", turn=2), later)).tool("pay").answer == "paid"


def test_what_was_said() -> None:
    """Both sides' words, with latencies where they were measured."""
    assert CALL.said_by_user == ["Table for two tonight?", "Yes please."]
    assert CALL.said_by_agent == ["19:30 works. Shall I book it?", "I am sorry, the kitchen is closed."]
    assert [said.role for said in CALL.said] == ["user", "agent", "user", "agent"]
    assert CALL.e2e_latencies == [1550, 1200]
    assert CALL.llm_node_ttfts == [210]


def test_tokens_of_the_call_and_of_a_turn() -> None:
    """The call's figure is the document's; a turn's is the sum of its model calls, None when unknown."""
    assert CALL.tokens == 812
    assert CALL.turn(2).tokens == 25
    assert CALL.turn(1).tokens is None
    assert CALL.models == {"llm_model": "gpt-4o-mini"}


def test_errors_of_nodes_tools_and_the_call() -> None:
    """Everything that went wrong is in one list, in order of time, each with its place."""
    raising = node("pay", status="error", error={"type": "ValueError", "message": "no card"}, end=50)

    assert [str(problem) for problem in CALL.errors] == [
        "tool book_table: the kitchen is closed",
        "call: GraphRecursionError: 25 steps",
    ]
    assert [str(problem) for problem in Timeline(document(raising)).errors] == [
        "node pay: ValueError: no card"
    ]
    assert CALL.turn(1).errors == []


def test_a_model_that_failed_while_a_fallback_answered() -> None:
    """It is told when the node went on; when the node failed with it, the node tells."""
    failing = {
        "model": "gpt-x",
        "start_ms": 0,
        "end_ms": 90,
        "error": {"type": "RateLimitError", "message": "slow down"},
    }
    fell_back = Timeline(document(node("ask", llm=[failing])))
    raised = Timeline(document(node("ask", status="error", error={"type": "RateLimitError"}, llm=[failing])))

    assert [str(problem) for problem in fell_back.errors] == ["model gpt-x: RateLimitError: slow down"]
    assert [str(problem) for problem in raised.errors] == ["node ask: RateLimitError"]


def test_an_interrupted_call_is_no_error() -> None:
    """A tool that was cut off by the caller has no answer, and nothing went wrong."""
    call, result = tool("pay", {}, error="cancelled")
    for each in (call, result):
        each["metadata"]["status"] = "cancelled"
    timeline = Timeline(document(call, result))

    assert not timeline.tool("pay").failed
    assert timeline.errors == []
    assert timeline.outline() == "tool: pay()\nresult: pay [cancelled]"


def test_turns() -> None:
    """Each turn is a timeline of its own, and a wrong number is answered with the right ones."""
    assert [len(turn) for turn in CALL.turns] == [6, 6]
    assert CALL.turn(2).said_by_agent == ["I am sorry, the kitchen is closed."]
    assert CALL.turn(2).duration_ms == 2000
    assert CALL.duration_ms == 12500
    with pytest.raises(LookupError, match=r"The call has no turn 3\. Its turns: 1, 2\."):
        CALL.turn(3)


def test_a_turn_is_shown_by_itself() -> None:
    """Printed or as a page, a turn has its own length, tokens and errors, from its own start."""
    call, turn = str(CALL), str(CALL.turn(2))

    assert "length          12.5 s, 2 turns" in call
    assert "length          2.00 s, 1 turn" in turn
    assert "tokens          812" in call
    assert "tokens          25 " in turn
    assert "Turn 1" not in turn
    assert "GraphRecursionError" not in str(CALL.turn(1))
    assert "0:00.00" in turn
    assert CALL.turn(2)[0]["start_ms"] == 6_000


def test_an_empty_call_answers_every_question() -> None:
    """Nothing happened: no question raises."""
    empty = Timeline(document())

    assert (empty.path(), empty.outline(), empty.nodes, empty.tools, empty.said, empty.errors) == (
        "",
        "",
        [],
        [],
        [],
        [],
    )
    assert empty.tokens is None


def test_a_document_of_another_sdk() -> None:
    """Rows are read as far as they go, and turns are counted by the caller's words."""
    foreign = {
        "call_id": "x",
        "transcript_with_tool_calls": [
            {"role": "agent", "text": "Hello", "start_ms": 0, "duration_ms": 500},
            {"role": "user", "text": "Hi", "words": [{"word": "Hi", "start_ms": 600, "end_ms": 700}]},
            {"role": "agent_function", "tool": {"name": "f", "request_id": "1", "params": {}}, "start_ms": 8},
            {"role": "agent_result", "tool": {"name": "f", "request_id": "1", "result": {"a": 1}}},
            {"role": "node_transition", "text": "n", "node": {"from": "a", "to": "n", "reason": None}},
            {"role": "node_transition", "text": "m", "node": {"from": "n", "to": "m"}},
        ],
    }  # fmt: skip
    timeline = Timeline(foreign)

    assert [said.turn for said in timeline.said] == [0, 1]
    assert (timeline.said[1].start_ms, timeline.said[1].end_ms) == (600, 700)
    assert timeline.tool("f").result == {"a": 1}
    assert timeline.path() == "n -> m"
    assert timeline.turn(0).said_by_agent == ["Hello"]


def test_the_repr_says_what_it_is() -> None:
    """At a prompt, a timeline names its call, its size and its way."""
    assert repr(Timeline(document(node("a")))) == "<Timeline of call call-7f3a: 1 rows, 12500 ms, a>"


def test_a_timeline_shows_itself() -> None:
    """Printed it is the call in the terminal, in a notebook its page, and a turn shows only itself."""
    assert "19:30 works. Shall I book it?" in str(CALL)
    assert "1.55 s" in str(CALL)
    assert "Shall I book it?" not in str(CALL.turn(2))
    assert CALL.to_html().startswith("<!doctype html>")
    assert CALL._repr_html_().startswith("<iframe")


def test_rows_that_say_no_turn_belong_to_their_neighbours() -> None:
    """Spoken rows may lack a turn: the caller's words open the next one, all else goes on with the last."""
    rows = [
        row("user", "Hi"),
        node("a", turn=1),
        row("agent", "Hm."),
        row("user", "And?"),
        agent("Well.", turn=2),
    ]

    assert [len(turn) for turn in Timeline(document(rows)).turns] == [3, 2]
