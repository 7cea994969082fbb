"""Real clients of real wire formats: rows, latencies and tokens against a server that controls them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

import anthropic
import openai
import pytest
from langchain.agents import create_agent
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from pydantic import BaseModel
from wire.anthropic_server import anthropic_server, chat_anthropic
from wire.driving import WAYS, run_turn
from wire.openai_server import chat_openai, openai_server
from wire.replies import Reply, Tokens, ToolUse

from conversation.driving import handler, said, spoken

VENDORS = {"openai": (openai_server, chat_openai), "anthropic": (anthropic_server, chat_anthropic)}
EVERY_VENDOR = pytest.mark.parametrize("vendor", VENDORS)
EVERY_WAY = pytest.mark.parametrize("way", WAYS)
STREAMED = ("stream", "astream")
TOKENS = Tokens(prompt=50, answer=20, cached=30, reasoning=12)


@tool
def find_table(people: int) -> str:
    """Find a free table."""
    return f"a table for {people} at eight"


def talking(model: Any) -> Any:
    """A graph whose only node asks the model, in sync and async code."""

    async def atalk(state: Any) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node(
        "talk", RunnableLambda(lambda state: {"messages": [model.invoke(state["messages"])]}, atalk)
    )
    graph.add_edge(START, "talk")
    return graph.compile()


def user(text: str) -> dict[str, Any]:
    """The input of a turn that brings one message."""
    return {"messages": [("user", text)]}


def usage(call: Any) -> dict[str, Any]:
    """The figures of a call's only model, with its name."""
    ((name, figures),) = call.timeline.document["metadata"]["llm_usage"].items()
    return {"name": name, **figures}


@EVERY_VENDOR
@EVERY_WAY
def test_an_agent_with_a_tool(vendor: str, way: str) -> None:
    """Words, tool rows and the sum of what the server counted, streamed or not, sync or async."""
    start, client = VENDORS[vendor]
    asked = ToolUse("find_table", {"people": 2}, "call_1")
    replies = (
        Reply(text="Let me check.", tools=(asked,), tokens=TOKENS),
        Reply(text="There is one at eight.", tokens=Tokens(prompt=90, answer=6)),
    )
    with start(*replies) as server:
        call = handler()
        run_turn(create_agent(client(server), [find_table]), user("For two?"), {"callbacks": [call]}, way)

    assert said(call) == ["1 user: For two?", "1 agent: Let me check.", "1 agent: There is one at eight."]
    assert [row["tool"]["request_id"] for row in call.timeline if "tool" in row] == ["call_1", "call_1"]
    figures = usage(call)
    assert figures["name"] == "scripted-2026-01-01"
    assert (figures["calls"], figures["unknown_usage_calls"]) == (2, 0)
    assert (figures["input_tokens"], figures["output_tokens"]) == (140, 26)
    assert figures["cache_read_tokens"] == 30
    assert call.timeline.document["metadata"]["usage_token"] == {"llm_token": 166}
    for row in spoken(call):
        assert ("llm_node_ttft" in row["metadata"]) == (way in STREAMED)
        assert row["metadata"]["model"] == "scripted-2026-01-01"


def test_reasoning_tokens() -> None:
    """OpenAI counts the tokens of its thoughts apart."""
    with openai_server(Reply(text="Hm.", tokens=TOKENS)) as server:
        call = handler()
        chat_openai(server).invoke("Hi", {"callbacks": [call]})

    assert usage(call)["reasoning_tokens"] == 12


def test_cache_writes() -> None:
    """Anthropic counts what it wrote into its cache."""
    with anthropic_server(Reply(text="Hm.", tokens=Tokens(prompt=50, cached=10, cache_written=20))) as server:
        call = handler()
        chat_anthropic(server).invoke("Hi", {"callbacks": [call]})

    figures = usage(call)
    assert (figures["input_tokens"], figures["cache_read_tokens"], figures["cache_write_tokens"]) == (
        50,
        10,
        20,
    )


@EVERY_WAY
def test_thoughts_are_not_said(way: str) -> None:
    """A thinking block is no word, and the first word is not its first token."""
    with anthropic_server(
        Reply(text="Twelve.", thinking="Let me count to twelve.", between_s=0.02)
    ) as server:
        call = handler()
        model = chat_anthropic(server, thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=2048)
        run_turn(talking(model), user("How many?"), {"callbacks": [call]}, way)

    assert said(call) == ["1 user: How many?", "1 agent: Twelve."]
    if way in STREAMED:
        # Five words of thought come first, 20 ms apart.
        assert spoken(call)[0]["metadata"]["llm_node_ttft"] >= 80


@EVERY_VENDOR
@pytest.mark.parametrize("way", STREAMED)
def test_latencies_of_a_streamed_answer(vendor: str, way: str) -> None:
    """The time to the first token is the server's wait before it, and not the time that the rest of the answer took."""
    start, client = VENDORS[vendor]
    with start(Reply(text="one two three four five", before_first_s=0.15, between_s=0.1)) as server:
        call = handler()
        run_turn(talking(client(server)), user("Count"), {"callbacks": [call]}, way)

    (row,) = spoken(call)
    figures = row["metadata"]
    assert figures["llm_node_ttft"] >= 150
    assert figures["e2e_latency"] >= figures["llm_node_ttft"]
    assert figures["e2e_latency"] == row["start_ms"] - spoken(call, "user")[0]["end_ms"]
    # Four more words, 0.1 s apart: they belong to the answer, not to the wait for it.
    assert row["duration_ms"] >= 390
    (asked,) = spoken(call, "node_transition")[0]["metadata"]["llm"]
    assert abs(asked["ttft_ms"] - figures["llm_node_ttft"]) <= 1
    assert asked["end_ms"] - asked["start_ms"] >= 540
    assert usage(call)["total_ms"] >= 540


@EVERY_VENDOR
def test_latency_of_a_whole_answer(vendor: str) -> None:
    """An answer that was not streamed has no time to first token; it begins with the call of the model."""
    start, client = VENDORS[vendor]
    with start(Reply(text="one", before_first_s=0.15)) as server:
        call = handler()
        run_turn(talking(client(server)), user("Count"), {"callbacks": [call]}, "invoke")

    (row,) = spoken(call)
    assert "llm_node_ttft" not in row["metadata"]
    assert row["duration_ms"] >= 150
    assert "ttft_ms" not in spoken(call, "node_transition")[0]["metadata"]["llm"][0]


def test_a_stream_without_usage_is_unknown() -> None:
    """A stream that was not asked for its usage reports none: unknown, not zero."""
    with openai_server(Reply(text="Hm.")) as server:
        call = handler()
        run_turn(
            talking(chat_openai(server, stream_usage=False)), user("Hi"), {"callbacks": [call]}, "stream"
        )

    assert usage(call)["unknown_usage_calls"] == 1
    assert "usage_token" not in call.timeline.document["metadata"]


@EVERY_VENDOR
@EVERY_WAY
def test_an_error_status(vendor: str, way: str) -> None:
    """The failed call is told once, on its node; there is no answer and nothing unknown was spent."""
    start, client = VENDORS[vendor]
    with start(Reply(status=500, error="the model is not well")) as server:
        call = handler()
        with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)):
            run_turn(talking(client(server)), user("Hi"), {"callbacks": [call]}, way)

    assert said(call) == ["1 user: Hi"]
    (node,) = spoken(call, "node_transition")
    assert node["metadata"]["status"] == "error"
    assert "the model is not well" in node["metadata"]["error"]["message"]
    assert node["metadata"]["llm"][0]["error"] == {"type": node["metadata"]["error"]["type"]}
    figures = usage(call)
    assert (figures["errors"], figures["unknown_usage_calls"]) == (1, 0)


@EVERY_VENDOR
@pytest.mark.parametrize("way", STREAMED)
def test_a_cut_stream(vendor: str, way: str) -> None:
    """The connection breaks in the middle: what had come is what was heard, and the tokens are unknown."""
    start, client = VENDORS[vendor]
    with start(Reply(text="one two three four", cut_after=4)) as server:
        call = handler()
        # Each client has an exception of its own for a broken connection.
        with pytest.raises(Exception):  # noqa: B017, PT011
            run_turn(talking(client(server)), user("Count"), {"callbacks": [call]}, way)

    heard = spoken(call)
    assert len(heard) == 1
    assert "one two three four".startswith(heard[0]["text"])
    assert heard[0]["metadata"]["interrupted"] is True
    assert (usage(call)["errors"], usage(call)["calls"]) == (1, 1)


@EVERY_VENDOR
def test_a_cancelled_stream(vendor: str) -> None:
    """The caller interrupts: the words that had come, to the moment of the cancellation."""
    start, client = VENDORS[vendor]

    async def session(program: Any, call: Any) -> None:
        heard = asyncio.Event()

        async def read() -> None:
            async for chunk, _ in program.astream(
                user("Count"), {"callbacks": [call]}, stream_mode="messages"
            ):
                if "two" in chunk.text:
                    heard.set()

        task = asyncio.create_task(read())
        await heard.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    with start(Reply(text="one two three four five six", between_s=0.3)) as server:
        call = handler()
        asyncio.run(session(talking(client(server)), call))

    assert said(call) == ["1 user: Count", "1 agent: one two [cut]"]
    assert spoken(call, "node_transition")[0]["metadata"]["status"] == "cancelled"
    assert usage(call)["unknown_usage_calls"] in (0, 1)  # Anthropic reports the prompt's tokens first


@EVERY_VENDOR
def test_cancelled_before_the_first_token(vendor: str) -> None:
    """No token, no row."""
    start, client = VENDORS[vendor]
    gate = threading.Event()

    async def session(program: Any, call: Any, server: Any) -> None:
        async def read() -> None:
            async for _ in program.astream(user("Count"), {"callbacks": [call]}, stream_mode="messages"):
                pass

        task = asyncio.create_task(read())
        while not server.received:
            await asyncio.sleep(0.01)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        gate.set()

    with start(Reply(text="one", first_token=gate)) as server:
        call = handler()
        asyncio.run(session(talking(client(server)), call, server))

    assert said(call) == ["1 user: Count"]


class Order(BaseModel):
    """An order."""

    people: int


@EVERY_VENDOR
@EVERY_WAY
@pytest.mark.filterwarnings(
    "ignore:Pydantic serializer warnings"
)  # OpenAI's client parses into a field of no type
def test_structured_output_is_not_said(vendor: str, way: str) -> None:
    """A model that fills a form spends tokens and says nothing."""
    start, client = VENDORS[vendor]
    form = ToolUse("Order", {"people": 2}, "call_1")
    with start(
        Reply(text='{"people": 2}' if vendor == "openai" else "", tools=() if vendor == "openai" else (form,))
    ) as server:
        model = client(server).with_structured_output(Order)

        graph = StateGraph(MessagesState)

        def fill(state: Any) -> dict[str, Any]:
            form: Any = model.invoke(state["messages"])
            assert form.people == 2
            return {}

        graph.add_node("fill", fill)
        graph.add_edge(START, "fill")
        call = handler()
        run_turn(graph.compile(), user("For two"), {"callbacks": [call]}, way)

    assert said(call) == ["1 user: For two"]
    assert usage(call)["calls"] == 1


def test_the_retries_of_a_client_are_one_call() -> None:
    """The vendor's client tries again by itself, below LangChain: one call, with the time of all attempts."""
    with openai_server(Reply(status=500), Reply(text="Yes.")) as server:
        call = handler()
        chat_openai(server, max_retries=1).invoke("Hi", {"callbacks": [call]})

    assert (usage(call)["calls"], usage(call)["errors"]) == (1, 0)
    assert said(call) == ["1 user: Hi", "1 agent: Yes."]
