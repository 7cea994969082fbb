"""Models and tokens: each call counted once, as the model reported it; what nobody reported is unknown."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.caches import InMemoryCache
from langchain_core.language_models import FakeListLLM
from langchain_core.language_models.llms import BaseLLM
from langchain_core.messages import AIMessage
from langchain_core.outputs import Generation, LLMResult
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from scripted import ScriptedModel, call

from conversation.driving import GRAPH_MODES, handler, run, talk

MANY = {
    "input_tokens": 100,
    "output_tokens": 20,
    "total_tokens": 120,
    "input_token_details": {"cache_read": 60, "cache_creation": 10},
    "output_token_details": {"reasoning": 15},
}


def usage(taken: Any) -> dict[str, Any]:
    """A call's usage by model."""
    found: dict[str, Any] = taken.timeline.document["metadata"]["llm_usage"]
    return found


def metadata(taken: Any) -> dict[str, Any]:
    """A call's metadata."""
    found: dict[str, Any] = taken.timeline.document["metadata"]
    return found


def user(text: str) -> dict[str, Any]:
    """The input of a turn that brings one message."""
    return {"messages": [("user", text)]}


@tool
def find_table(people: int) -> str:
    """Find a free table."""
    return "19:30"


@pytest.mark.parametrize("mode", GRAPH_MODES)
def test_each_call_is_counted_once(mode: str) -> None:
    """Streamed or not, every mode gives the same figures, in all their parts."""
    model = ScriptedModel(call("find_table", people=2), "19:30 it is.", usage=MANY)
    taken = talk(create_agent(model, [find_table]), mode, [user("Hi"), user("Again")])

    figures = usage(taken)["scripted-1"]
    assert figures.pop("total_ms") >= 0
    assert figures == {
        "calls": 4, "errors": 0, "input_tokens": 400, "output_tokens": 80, "cache_read_tokens": 240,
        "reasoning_tokens": 60, "cache_write_tokens": 40, "unknown_usage_calls": 0, "provider": "scripted",
    }  # fmt: skip
    assert metadata(taken)["usage_token"] == {"llm_token": 480}
    assert metadata(taken)["ai_models"] == {"llm_model": "scripted-1"}


def test_a_model_that_reports_nothing_is_unknown() -> None:
    """Unknown is not zero: no sum is given, and the number of such calls is."""
    taken = handler()
    ScriptedModel("Hello", usage=None).invoke("Hi", {"callbacks": [taken]})

    assert "usage_token" not in metadata(taken)
    assert usage(taken)["scripted-1"]["unknown_usage_calls"] == 1


def test_the_model_that_speaks_is_the_calls_model() -> None:
    """Most words to the caller win over most tokens; the name is the provider's where it reports one."""
    router = ScriptedModel('{"next": "talk"}', model="router-large", usage=MANY)
    speaker = ScriptedModel(
        AIMessage("Hello.", response_metadata={"model_name": "speaker-2026-01"}), model="speaker", usage=None
    )
    graph = StateGraph(MessagesState)
    graph.add_node("route", lambda state: router.invoke(state["messages"]) and {})
    graph.add_node("talk", lambda state: {"messages": [speaker.invoke(state["messages"])]})
    graph.add_edge(START, "route")
    graph.add_edge("route", "talk")
    taken = talk(graph.compile(), "invoke", [user("Hi")])

    assert metadata(taken)["ai_models"] == {"llm_model": "speaker-2026-01"}
    assert set(usage(taken)) == {"router-large", "speaker-2026-01"}


def test_batches_fallbacks_retries_and_structured_output() -> None:
    """Every attempt is a call; one that failed before its first word reports an error and no unknown usage."""
    taken = handler()
    config: Any = {"callbacks": [taken]}
    ScriptedModel("A", "B", "C", model="batch").batch(["1", "2", "3"], config)
    failing = ScriptedModel(ValueError("no"), model="first")
    failing.with_fallbacks([ScriptedModel("B", model="second")]).invoke("Hi", config)
    ScriptedModel(ValueError("no"), "B", model="again").with_retry(wait_exponential_jitter=False).invoke(
        "Hi", config
    )

    told = {
        name: (figures["calls"], figures["errors"], figures["unknown_usage_calls"], figures["input_tokens"])
        for name, figures in usage(taken).items()
    }
    assert told == {
        "batch": (3, 0, 0, 21),
        "first": (1, 1, 0, 0),
        "second": (1, 0, 0, 7),
        "again": (2, 1, 0, 7),
    }


def test_models_in_tools_and_subgraphs() -> None:
    """A model that a tool or a subgraph calls is counted, and is on the row of its own node."""
    inner: Any = create_agent(ScriptedModel("Facts.", model="inner"), [find_table])

    @tool
    def research(what: str) -> str:
        """Ask a subagent."""
        return str(inner.invoke(user(what))["messages"][-1].text)

    outer = create_agent(ScriptedModel(call("research", what="x"), "Done.", model="outer"), [research])
    graph = StateGraph(MessagesState)
    graph.add_node("agent", outer)
    graph.add_edge(START, "agent")
    taken = talk(graph.compile(), "invoke", [user("Hi")])

    assert {name: figures["calls"] for name, figures in usage(taken).items()} == {"outer": 2, "inner": 1}
    asked = {
        row["text"]: [told["model"] for told in row["metadata"].get("llm", [])]
        for row in taken.timeline
        if row["role"] == "node_transition" and "llm" in row["metadata"]
    }
    assert asked == {"agent:model": ["outer"], "agent:tools:model": ["inner"]}


def test_a_failed_call_is_on_its_nodes_row_though_a_fallback_answered() -> None:
    """The node is ok, and both calls are told, the failed one with its error."""
    model = ScriptedModel(ConnectionError("down"), model="first").with_fallbacks(
        [ScriptedModel("B", model="second")]
    )
    graph = StateGraph(MessagesState)
    graph.add_node("talk", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_edge(START, "talk")
    taken = talk(graph.compile(), "invoke", [user("Hi")])
    node = next(row for row in taken.timeline if row["role"] == "node_transition")

    assert node["metadata"]["status"] == "ok"
    first, second = node["metadata"]["llm"]
    assert (first["model"], first["error"]) == ("first", {"type": "ConnectionError", "message": "down"})
    assert (second["model"], second["input_tokens"], second.get("error")) == ("second", 7, None)
    assert first["start_ms"] <= first["end_ms"] <= node["end_ms"]


def test_answers_from_the_cache_are_not_spent() -> None:
    """LangChain's cache answers as a call with usage; it is counted as a call, its tokens are not."""
    taken = handler()
    model = ScriptedModel("Hello", cache=InMemoryCache())
    for _ in range(3):
        model.invoke("Hi", {"callbacks": [taken]})

    figures = usage(taken)["scripted-1"]
    assert (figures["calls"], figures["cached_calls"], figures["input_tokens"]) == (3, 2, 7)
    assert figures["unknown_usage_calls"] == 0
    assert metadata(taken)["usage_token"] == {"llm_token": 10}


class TextModel(BaseLLM):
    """A text model that reports the tokens of a batch once, as providers do."""

    @property
    def _llm_type(self) -> str:
        return "text"

    def _generate(
        self, prompts: list[str], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> LLMResult:
        report = {
            "token_usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
            "model_name": "text-1",
        }
        return LLMResult(generations=[[Generation(text="Hi")] for _ in prompts], llm_output=report)


def test_text_models_report_once_for_a_batch() -> None:
    """The tokens that came with the first prompt of a batch are those of all; the others are not unknown."""
    taken = handler()
    TextModel().generate(["a", "b", "c"], callbacks=[taken])

    figures = usage(taken)["text-1"]
    assert (figures["calls"], figures["input_tokens"], figures["unknown_usage_calls"]) == (3, 5, 0)
    assert metadata(taken)["usage_token"] == {"llm_token": 7}


def test_text_models_in_every_mode() -> None:
    """Text models have rows and figures like chat models; one that reports nothing is unknown."""
    for mode in ("invoke", "ainvoke", "stream", "astream"):
        taken = handler()
        run(FakeListLLM(responses=["Hello"]), mode, "Hi", {"callbacks": [taken]})

        assert [row["text"] for row in taken.timeline] == ["Hi", "Hello"], mode
        assert next(iter(usage(taken).values()))["unknown_usage_calls"] == 1


def test_a_model_with_callbacks_of_its_own() -> None:
    """A model that alone has the handler, inside a program without it: counted, though it belongs to no turn."""
    taken = handler()
    model = ScriptedModel("Hello", callbacks=[taken])
    graph = StateGraph(MessagesState)
    graph.add_node("talk", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_edge(START, "talk")
    program: Any = graph.compile()

    program.invoke(user("Hi"))
    assert usage(taken)["scripted-1"]["calls"] == 1

    program.invoke(user("Hi"), {"callbacks": [taken]})
    assert usage(taken)["scripted-1"]["calls"] == 2


def test_a_cancelled_call_is_unknown() -> None:
    """A call that was cut after its first words used tokens that nobody reported."""
    taken = handler()

    async def session() -> None:
        stream = ScriptedModel("one two three").astream("Hi", {"callbacks": [taken]})
        async for _ in stream:
            break
        with contextlib.suppress(asyncio.CancelledError):
            await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(session())

    figures = usage(taken)["scripted-1"]
    assert (figures["calls"], figures["errors"], figures["unknown_usage_calls"]) == (1, 0, 1)
