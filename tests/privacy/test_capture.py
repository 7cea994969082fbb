"""What leaves the process: switches, limits, the redact hook. Searched for in the document as it would be sent."""

from __future__ import annotations

import contextlib
import uuid
from typing import Any, TypedDict

import pytest
from graphs.prebuilt import ToolNode
from langchain_core.callbacks import dispatch_custom_event
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt
from scripted import ScriptedModel, calls

from tuner_langchain import Capture, ConfigError
from tuner_langchain.testing import record, validate

# Each is planted in one place; where it is found says which switch let it through.
PLANTED = {
    "words": ("CALLERWORD", "AGENTWORD", "ROUTEWORD"),
    "tool_params": ("PARAMWORD",),
    "tool_results": ("RESULTWORD",),
    "error_messages": ("ERRORWORD",),
    "interrupt_values": ("ASKEDWORD",),
    "events": ("EVENTWORD",),
    "node_inputs": ("INPUTWORD",),
    "node_outputs": ("OUTPUTWORD",),
    "system_prompts": ("SYSTEMWORD",),
}
DEFAULT = {"words", "tool_params", "tool_results", "error_messages", "interrupt_values", "events"}


class State(MessagesState, total=False):
    """Messages, and values of the program's own."""

    given: str
    made: str


@tool
def look_up(what: str) -> str:
    """Look something up."""
    return "RESULTWORD"


@tool
def fail(what: str) -> str:
    """Fail to look something up."""
    raise ValueError("ERRORWORD of a tool")


def program() -> Any:
    """A graph with a planted word in every place that can leave the process."""
    model = ScriptedModel(
        calls(
            {"name": "look_up", "args": {"what": "PARAMWORD"}, "id": "c1"},
            {"name": "fail", "args": {"what": "PARAMWORD"}, "id": "c2"},
            text="AGENTWORD, one moment.",
        )
    )
    broken = ScriptedModel(RuntimeError("ERRORWORD of a model"))

    def talk(state: State) -> dict[str, Any]:
        dispatch_custom_event("progress", {"said": "EVENTWORD"})
        with contextlib.suppress(RuntimeError):
            broken.invoke("hello")
        return {
            "messages": [model.invoke([("system", "SYSTEMWORD"), *state["messages"]])],
            "made": "OUTPUTWORD",
        }

    def ask(state: State) -> dict[str, Any]:
        interrupt("ASKEDWORD?")
        return {}

    graph = StateGraph(State)
    graph.add_node("talk", talk)
    graph.add_node("tools", ToolNode([look_up, fail], handle_tool_errors=True))
    graph.add_node("ask", ask)
    graph.add_edge(START, "talk")
    graph.add_conditional_edges(
        "talk", lambda state: "ROUTEWORD, says the caller", {"ROUTEWORD, says the caller": "tools"}
    )
    graph.add_edge("tools", "ask")
    return graph.compile(checkpointer=InMemorySaver())


def failing() -> Any:
    """A graph that fails with a planted word, in a node and at its root."""

    class Own(TypedDict):
        value: str

    def fall(state: Own) -> Any:
        raise LookupError("ERRORWORD of a node")

    graph = StateGraph(Own)
    graph.add_node("fall", fall)
    graph.add_edge(START, "fall")
    return graph.compile()


def one_call(capture: Capture) -> Any:
    """Run everything that can carry a word, and finalise the call."""
    call: Any = record(capture=capture)
    config = {"callbacks": [call], "configurable": {"thread_id": "t"}}
    program().invoke({"messages": [("user", "CALLERWORD, please.")], "given": "INPUTWORD"}, config)
    with contextlib.suppress(LookupError):
        failing().invoke({"value": "INPUTWORD"}, {"callbacks": [call]})
    call.finalize()
    return call


def found(body: bytes) -> set[str]:
    """The switches whose planted words are in a document."""
    return {switch for switch, words in PLANTED.items() if any(word.encode() in body for word in words)}


def test_what_is_sent_by_default() -> None:
    """Words, tools, error messages and what was asked are sent; node values and system prompts are not."""
    assert found(one_call(Capture()).body) == DEFAULT


def test_with_everything_off_nothing_leaves(every_log: list[str]) -> None:
    """No word, argument, result or exception text is in the document or in any log; the rows are all there."""
    everything = one_call(Capture())
    call = one_call(Capture.nothing())

    assert validate(call.body) == []
    assert found(call.body) == set()
    assert found("\n".join(every_log).encode()) == set()
    assert [row["role"] for row in call.timeline] == [row["role"] for row in everything.timeline]


@pytest.mark.parametrize("switch", sorted(PLANTED))
def test_each_switch_is_for_its_own(switch: str) -> None:
    """A switch alone lets its own through and nothing else."""
    off: dict[str, Any] = dict.fromkeys(PLANTED, False)

    sent = found(one_call(Capture(**{**off, switch: True})).body)

    # A node is given what the nodes before it made.
    assert sent == ({switch, "node_outputs"} if switch == "node_inputs" else {switch})


def test_a_long_value_is_cut_in_place() -> None:
    """A value beyond the cap keeps its beginning and says how long it was; its neighbours are whole."""

    @tool
    def read(page: int) -> dict[str, Any]:
        """Read a page."""
        return {"page": page, "text": "x" * 5_000, "rows": list(range(5_000))}

    call: Any = record(capture=Capture(max_value_chars=1_000))
    read.invoke({"page": 7}, {"callbacks": [call]})
    result = call.timeline[1]["tool"]["result"]

    assert result["page"] == 7
    assert result["text"].startswith("xxx")
    assert result["text"].endswith("… [cut: 5,000 characters in all]")
    assert "rows" in result or "left out" in result["…"]
    assert len(str(result)) < 1_300


def test_long_words_and_errors_are_cut_too() -> None:
    """What was said and an exception's text have the same cap."""
    model = ScriptedModel("word " * 1_000)
    graph = StateGraph(MessagesState)
    graph.add_node("talk", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("fall", lambda state: 1 / len(""))
    graph.add_edge(START, "talk")
    call: Any = record(capture=Capture(max_value_chars=500))
    program: Any = graph.compile()
    program.invoke({"messages": [("user", "word " * 1_000)]}, {"callbacks": [call]})

    assert [row["text"][-32:] for row in call.timeline if row["role"] in ("user", "agent")] == [
        "… [cut: 5,000 characters in all]"
    ] * 2


def test_a_large_document_is_made_smaller_where_it_is_largest() -> None:
    """The largest values shrink, the small ones stay, no row is lost, and it is said how many were shortened."""

    @tool
    def read(size: int) -> str:
        """Read a page."""
        return "x" * size

    call: Any = record(capture=Capture(max_document_bytes=20_000))
    for size in (10, 9_000, 15_000, 10):
        read.invoke({"size": size}, {"callbacks": [call]})
    call.finalize()

    assert len(call.body) <= 20_000
    results = [row["tool"]["result"]["value"] for row in call.timeline if row["role"] == "agent_result"]
    assert results[0] == results[3] == "x" * 10
    assert "[cut: 15,000 characters in all]" in results[2]
    assert call.document["metadata"]["shortened_rows"] in (1, 2)


@pytest.mark.parametrize("limits", [{"max_value_chars": 3}, {"max_document_bytes": True}, {"redact": "no"}])
def test_a_wrong_limit_says_so(limits: dict[str, Any]) -> None:
    """A limit that cannot be kept is an error where it is given, with what is expected."""
    with pytest.raises(ConfigError, match=rf"{next(iter(limits))}: .*Expected"):
        Capture(**limits)


def test_redact_sees_every_text_last() -> None:
    """The hook gets each row and each text among the facts, and what it returns is sent."""
    seen: list[str] = []

    def redact(segment: Any) -> Any:
        seen.append(segment["role"])
        text = segment["text"].replace("CALLERWORD", "▇").replace("Ada", "▇")
        tool_part = segment.get("tool", {})
        if "params" in tool_part:
            tool_part["params"] = {"what": "▇"}
        return {**segment, "text": text}

    call: Any = record(capture=Capture(redact=redact))
    config = {"callbacks": [call], "configurable": {"thread_id": "t"}}
    program().invoke({"messages": [("user", "CALLERWORD, please.")]}, config)
    call.finalize(
        transcript="Ada: CALLERWORD",
        caller_phone_number="+1555",
        collected_dynamic_variables={"guest": {"name": "Ada"}, "tags": ["Ada", 3]},
    )

    assert b"CALLERWORD" not in call.body
    assert b"PARAMWORD" not in call.body
    assert b"Ada" not in call.body
    assert call.document["collected_dynamic_variables"] == {"guest": {"name": "▇"}, "tags": ["▇", 3]}
    assert call.document["caller_phone_number"] == "+1555"
    assert set(seen) == {"user", "agent", "node_transition", "agent_function", "agent_result", "call_fact"}


def test_redact_may_withhold_a_row_and_a_fact() -> None:
    """None leaves a row or a fact out."""
    call: Any = record(
        capture=Capture(redact=lambda row: None if row["role"] in ("user", "call_fact") else row)
    )
    ScriptedModel("Hello").invoke("CALLERWORD", {"callbacks": [call]})
    call.finalize(transcript="CALLERWORD", call_analysis={"note": "CALLERWORD", "score": 1})

    assert b"CALLERWORD" not in call.body
    assert [row["role"] for row in call.timeline] == ["agent"]
    assert call.document["call_analysis"] == {"score": 1}


def test_when_redact_raises_the_text_is_withheld(every_log: list[str]) -> None:
    """The row stays with its figures, its text does not, it says why, and no log has the text."""

    def redact(segment: Any) -> Any:
        raise KeyError(segment["text"] + "CALLERWORD PARAMWORD")

    call: Any = record(capture=Capture(redact=redact))
    config = {"callbacks": [call], "configurable": {"thread_id": "t"}}
    program().invoke({"messages": [("user", "CALLERWORD, please.")]}, config)
    call.finalize(transcript="CALLERWORD", call_analysis={"note": "CALLERWORD"})

    assert found(call.body) == set()
    assert found("\n".join(every_log).encode()) == set()
    assert validate(call.body) == []
    roles = [row["role"] for row in call.timeline]
    assert {"user", "agent", "node_transition", "agent_function", "agent_result"} == set(roles)
    assert {row["metadata"]["withheld"] for row in call.timeline} == {"redact raised KeyError"}
    assert "transcript" not in call.document
    assert call.document["call_analysis"] == {"note": "[withheld]"}
    assert any("redact raised" in line for line in every_log)


@pytest.mark.parametrize("returned", [3, "text", {}, {"text": 5}, {"role": "user"}])
def test_what_redact_returns_must_be_a_segment(returned: Any) -> None:
    """Anything else counts as a failure: the text is withheld, the document stays valid."""
    call: Any = record(capture=Capture(redact=lambda row: returned))
    ScriptedModel("Hello").invoke("CALLERWORD", {"callbacks": [call]})

    assert [row["text"] for row in call.timeline] == ["[withheld]", "[withheld]"]
    assert "redact raised" in call.timeline[0]["metadata"]["withheld"]


def test_redact_cannot_break_the_form_of_a_row() -> None:
    """Who, when, and which tool call stay what they were; parameters are objects again."""

    def redact(segment: Any) -> Any:
        segment |= {"role": "nobody", "start_ms": -5, "extra": 1, "metadata": None}
        segment["tool"] |= {"name": 7, "params": ["PARAMWORD"]}
        return segment

    call: Any = record(capture=Capture(redact=redact))
    look_up.invoke({"what": "PARAMWORD"}, {"callbacks": [call]})
    first = call.timeline[0]

    assert (first["role"], first["tool"]["name"], first["tool"]["params"]) == (
        "agent_function", "look_up", {"value": ["PARAMWORD"]},
    )  # fmt: skip
    assert first["start_ms"] >= 0
    assert first["metadata"] == {}
    assert "extra" not in first


class Hostile(AIMessage):
    """A message that refuses to be read, with the caller's words in its refusal."""

    def __getattribute__(self, name: str) -> Any:
        if name == "content":
            raise RuntimeError("CALLERWORD")
        return super().__getattribute__(name)


def test_a_message_that_cannot_be_read_reaches_no_log(every_log: list[str]) -> None:
    """A program's class that raises when it is read costs its row; its exception is not logged."""
    call, run_id = record(), uuid.uuid4()
    call.on_chain_start(None, {"messages": [("user", "Hi")]}, run_id=run_id, name="chain")
    call.on_chain_end({"messages": [Hostile(content="x")]}, run_id=run_id)

    assert [row["role"] for row in call.timeline] == ["user"]
    assert "CALLERWORD" not in "\n".join(every_log)
