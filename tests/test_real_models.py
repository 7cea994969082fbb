"""The vendors' real clients, through LangChain's own agent and our handler, to a stored call.

Nothing between the model's wire format and the local Tuner is a stand-in.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import anyio
import pytest
from langchain.agents import create_agent
from langchain_core.tools import ToolException, tool
from wire.anthropic_server import anthropic_server, chat_anthropic
from wire.driving import WAYS, run_turn
from wire.openai_server import chat_openai, openai_server
from wire.replies import Reply, Tokens, ToolUse
from wire.serving import ModelServer

from tuner_langchain import TunerCallbackHandler
from tuner_langchain.testing import LocalTuner, validate

Vendor = tuple[Callable[..., AbstractContextManager[ModelServer]], Callable[..., Any]]

OPENAI: Vendor = (openai_server, chat_openai)
ANTHROPIC: Vendor = (anthropic_server, chat_anthropic)

VENDORS = pytest.mark.parametrize("vendor", [OPENAI, ANTHROPIC], ids=["openai", "anthropic"])
EVERY_WAY = pytest.mark.parametrize("way", WAYS)

MODEL = "scripted-2026-01-01"
ASKED = "A table for two tonight?"

FIND = ToolUse("find_table", {"people": 2, "at": "19:30"}, "call_find")
WEATHER = ToolUse("weather", {"day": "tonight"}, "call_weather")


@tool
def find_table(people: int, at: str) -> dict[str, Any]:
    """Find a free table."""
    return {"table": 4, "at": at, "seats": people}


@tool
def weather(day: str) -> str:
    """Say what the weather will be."""
    raise ToolException(f"no forecast for {day}")


weather.handle_tool_error = True  # the model is told of the failure, and goes on


CONVERSATION = (
    Reply(
        text="Let me look.",
        tools=(FIND, WEATHER),
        tokens=Tokens(prompt=100, answer=20, cached=64),
    ),
    Reply(text="Table 4 is free at 19:30.", tokens=Tokens(prompt=130, answer=10)),
)


def take_call(
    vendor: Vendor, replies: tuple[Reply, ...], way: str, *, fails: bool = False, **settings: Any
) -> dict[str, Any]:
    """Take one turn with an agent and return the document that the local Tuner stored."""
    start, client = vendor
    with LocalTuner() as tuner, start(*replies) as server:
        handler = TunerCallbackHandler(config=tuner.config(), call_type="phone_call")
        handler.raise_error = True
        agent = create_agent(client(server, **settings), [find_table, weather])
        turn = ({"messages": [("user", ASKED)]}, {"callbacks": [handler]}, way)
        if fails:
            with pytest.raises(Exception, match=r"no tables today|(?i:connection|incomplete|peer closed)"):
                run_turn(agent, *turn)
        else:
            run_turn(agent, *turn)
        if way.startswith("a"):
            anyio.run(handler.afinalize)
        receipt = handler.finalize()
        receipt.wait(timeout=30)
        document = tuner.call(handler.call_id)
        assert receipt.state == "delivered"
        assert validate(document) == []
        assert len(server.received) == len(replies)
    return document


def rows_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows without what takes time, after looking at the times themselves."""
    rows = document["transcript_with_tool_calls"]
    starts = [row["start_ms"] for row in rows]
    assert starts == sorted(starts)
    for row in rows:
        start, end = row.pop("start_ms"), row.pop("end_ms")
        assert 0 <= start <= end <= document["duration_ms"]
        assert row.pop("duration_ms") == end - start
        if "tool" in row:
            assert row["tool"].pop("start_ms") == start
        for run in row["metadata"].get("llm", ()):
            assert start <= run.pop("start_ms") <= run.pop("end_ms") <= end
    return list(rows)


def node(row: dict[str, Any]) -> tuple[str, str]:
    return row["node"]["from"], row["node"]["to"]


@VENDORS
@EVERY_WAY
def test_the_stored_call_field_by_field(vendor: Vendor, way: str) -> None:
    """What was said, which nodes ran and what the models used are in the document, in the order they happened."""
    streamed = way.endswith("stream")

    document = take_call(vendor, CONVERSATION, way)

    rows = rows_of(document)
    spoken = [row for row in rows if row["role"] in ("user", "agent")]
    assert [(row["role"], row["text"]) for row in spoken] == [
        ("user", ASKED),
        ("agent", "Let me look."),
        ("agent", "Table 4 is free at 19:30."),
    ]
    for row in spoken[1:]:
        assert row["metadata"]["model"] == MODEL
        assert row["metadata"]["node"] == "model"
        assert row["metadata"]["interrupted"] is False
        assert ("llm_node_ttft" in row["metadata"]) == streamed
    assert isinstance(spoken[1]["metadata"]["e2e_latency"], int)

    nodes = [row for row in rows if row["role"] == "node_transition"]
    assert node(nodes[0]) == ("__start__", "model")
    assert node(nodes[-1]) == ("tools", "model")
    assert {node(row) for row in nodes[1:-1]} == {("model", "tools")}
    assert {row["metadata"]["status"] for row in nodes} == {"ok"}
    assert {row["metadata"]["turn"] for row in rows} == {1}
    for row, tokens in ((nodes[0], CONVERSATION[0].tokens), (nodes[-1], CONVERSATION[1].tokens)):
        (run,) = row["metadata"]["llm"]
        assert run["model"] == MODEL
        assert (run["input_tokens"], run["output_tokens"]) == (tokens.prompt, tokens.answer)
        assert ("ttft_ms" in run) == streamed

    assert document["metadata"]["ai_models"] == {"llm_model": MODEL}
    assert document["metadata"]["usage_token"] == {"llm_token": 100 + 20 + 130 + 10}
    used = document["metadata"]["llm_usage"][MODEL]
    assert (used["calls"], used["input_tokens"], used["output_tokens"]) == (2, 230, 30)
    assert used["cache_read_tokens"] == 64

    facts = {name: document[name] for name in ("call_type", "call_status", "recording_url")}
    assert facts == {"call_type": "phone_call", "call_status": "call_ended", "recording_url": "pending"}
    assert document["end_timestamp"] - document["start_timestamp"] == document["duration_ms"]


@VENDORS
@EVERY_WAY
def test_two_tools_at_once(vendor: Vendor, way: str) -> None:
    """Each tool call has its pair of rows, joined by the model's own id, with the result or the error."""
    rows = rows_of(take_call(vendor, CONVERSATION, way))

    pairs = {
        use.id: [row for row in rows if row.get("tool", {}).get("request_id") == use.id]
        for use in (FIND, WEATHER)
    }
    for use in (FIND, WEATHER):
        called, answered = pairs[use.id]
        assert (called["role"], called["text"]) == ("agent_function", use.name)
        assert called["tool"] == {"name": use.name, "request_id": use.id, "params": use.arguments}
        assert (answered["role"], answered["text"]) == ("agent_result", use.name)
        assert answered["tool"]["name"] == use.name
        assert answered["metadata"]["node"] == "tools"
    found, failed = pairs[FIND.id][1]["tool"], pairs[WEATHER.id][1]["tool"]
    assert found["result"] == {"table": 4, "at": "19:30", "seats": 2}
    assert found["is_error"] is False
    assert failed["is_error"] is True
    assert "no forecast for tonight" in str(failed)


@EVERY_WAY
def test_what_openai_thought_costs_tokens(way: str) -> None:
    """Reasoning tokens are reported as a part of the answer's, and counted once."""
    reply = Reply(text="At 19:30.", tokens=Tokens(prompt=50, answer=40, reasoning=32))

    metadata = take_call(OPENAI, (reply,), way)["metadata"]

    assert metadata["usage_token"] == {"llm_token": 90}
    assert metadata["llm_usage"][MODEL]["reasoning_tokens"] == 32


@EVERY_WAY
def test_what_anthropic_thought_is_not_said(way: str) -> None:
    """A thinking block is no part of what the agent said."""
    reply = Reply(thinking="Two people, so table four.", text="At 19:30.")
    settings: dict[str, Any] = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}

    document = take_call(ANTHROPIC, (reply,), way, **settings)

    assert [row["text"] for row in rows_of(document) if row["role"] == "agent"] == ["At 19:30."]
    assert "Two people" not in str(document)


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_stream_without_usage_is_not_counted_as_nothing(way: str) -> None:
    """Where the model reported no tokens, none are claimed, and the call says how many it does not know of."""
    metadata = take_call(OPENAI, (Reply(text="At 19:30."),), way, stream_usage=False)["metadata"]

    assert "llm_token" not in metadata.get("usage_token", {})
    assert metadata["llm_usage"][MODEL]["unknown_usage_calls"] == 1


@VENDORS
@pytest.mark.parametrize("way", ["stream", "astream"])
def test_the_time_to_the_first_token(vendor: Vendor, way: str) -> None:
    """The wait before the first token is in `llm_node_ttft` and `e2e_latency`; the rest of the answer is not."""
    reply = Reply(text="one two three four", before_first_s=0.3, between_s=0.2)

    document = take_call(vendor, (reply,), way)

    (said,) = (row for row in document["transcript_with_tool_calls"] if row["role"] == "agent")
    ttft, e2e = said["metadata"]["llm_node_ttft"], said["metadata"]["e2e_latency"]
    assert 300 <= ttft <= e2e
    assert said["duration_ms"] >= 3 * 200  # the words that followed the first
    (asked,) = (row for row in document["transcript_with_tool_calls"] if row["role"] == "user")
    assert e2e == said["start_ms"] - asked["end_ms"]


@VENDORS
@EVERY_WAY
def test_a_model_that_fails(vendor: Vendor, way: str) -> None:
    """A vendor's error is the application's to handle; the call has the failed node with its message."""
    reply = Reply(status=500, error="no tables today")

    document = take_call(vendor, (reply,), way, fails=True)

    (failed,) = (row for row in document["transcript_with_tool_calls"] if row["role"] == "node_transition")
    assert failed["metadata"]["status"] == "error"
    assert "no tables today" in str(failed["metadata"])


@VENDORS
@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_model_whose_connection_is_cut(vendor: Vendor, way: str) -> None:
    """What had been said when the connection broke is kept, and the node is marked as failed."""
    cut_after = {openai_server: 3, anthropic_server: 5}[vendor[0]]  # two words of the answer

    document = take_call(vendor, (Reply(text="Table four is free.", cut_after=cut_after),), way, fails=True)

    rows = document["transcript_with_tool_calls"]
    assert [row["text"] for row in rows if row["role"] == "agent"] == ["Table four"]
    assert [row["metadata"]["status"] for row in rows if row["role"] == "node_transition"] == ["error"]
