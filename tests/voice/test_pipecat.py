"""Pipecat's own LangChain processor in a real pipeline, with nothing changed but our handler in the chain's config."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from conversation.driving import handler, said, spoken
from conversation.halting import HaltingModel
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import RunnableGenerator
from langchain_core.runnables.history import RunnableWithMessageHistory
from langgraph.graph import START, MessagesState, StateGraph
from scripted import ScriptedModel

frames = pytest.importorskip(
    "pipecat.frames.frames",
    reason="Pipecat is not installed; see the dependency group `voice` in pyproject.toml",
)
processors = pytest.importorskip("pipecat.processors.frameworks.langchain", reason="Pipecat is not installed")
contexts = pytest.importorskip(
    "pipecat.processors.aggregators.llm_context", reason="Pipecat is not installed"
)
pipelines = pytest.importorskip("pipecat.pipeline.pipeline", reason="Pipecat is not installed")
workers = pytest.importorskip("pipecat.pipeline.worker", reason="Pipecat is not installed")
runners = pytest.importorskip("pipecat.workers.runner", reason="Pipecat is not installed")

# What Pipecat itself warns about is not ours to fail on.
pytestmark = pytest.mark.filterwarnings("default")


def with_history(model: Any) -> Any:
    """The chain of Pipecat's own examples: a prompt, a model, and a history by session."""
    prompt = ChatPromptTemplate.from_messages([
        ("system", "Be kind."), MessagesPlaceholder("chat_history"), ("human", "{input}"),
    ])  # fmt: skip
    history = InMemoryChatMessageHistory()
    return RunnableWithMessageHistory(
        prompt | model, lambda _: history, history_messages_key="chat_history", input_messages_key="input"
    )


def graph_as_chain(model: Any) -> Any:
    """A graph behind a generator that turns text into its messages, and its messages into text."""

    async def talk(state: Any) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("talk", talk)
    graph.add_edge(START, "talk")
    program: Any = graph.compile()

    async def words(given: Any) -> Any:
        async for part in given:
            async for chunk, _ in program.astream(
                {"messages": [("user", part["input"])]}, stream_mode="messages"
            ):
                yield chunk.text

    return RunnableGenerator(words)


def plain(model: Any) -> Any:
    """A prompt, a model and a parser."""
    return ChatPromptTemplate.from_messages([("human", "{input}")]) | model | StrOutputParser()


CHAINS = {"history": with_history, "graph": graph_as_chain, "plain": plain}
EVERY_CHAIN = pytest.mark.parametrize("chain", CHAINS)


class Pipeline:
    """A pipeline of the processor alone, which a test feeds with what the caller said."""

    def __init__(self, chain: Any, call: Any) -> None:
        processor = processors.LangchainProcessor(chain.with_config(callbacks=[call]))
        processor.set_participant_id("caller")
        self._processor = processor
        self._worker = workers.PipelineWorker(pipelines.Pipeline([processor]), cancel_on_idle_timeout=False)
        self._ended = asyncio.Queue[None]()
        self._worker.add_reached_downstream_filter((frames.LLMFullResponseEndFrame,))
        self._worker.event_handler("on_frame_reached_downstream")(self._take)

    async def _take(self, worker: Any, frame: Any) -> None:
        self._ended.put_nowait(None)

    async def say(self, text: str, *, wait: bool = True) -> None:
        """Send the caller's words, and wait until the answer has ended."""
        context = contexts.LLMContext([{"role": "user", "content": text}])
        await self._worker.queue_frame(frames.LLMContextFrame(context))
        if wait:
            await self._ended.get()

    async def interrupt(self) -> None:
        """Interrupt as a voice activity detector would."""
        await self._worker.queue_frame(frames.InterruptionFrame())

    async def run(self, talk: Any) -> None:
        """Run the pipeline for as long as the conversation takes."""
        runner = runners.WorkerRunner(handle_sigint=False)
        await runner.add_workers(self._worker)

        async def conversation() -> None:
            await talk(self)
            await self._worker.queue_frame(frames.EndFrame())

        await asyncio.gather(runner.run(), conversation())


@EVERY_CHAIN
def test_turns(chain: str) -> None:
    """The chain is fed as a stream, so that its start has no words: the rows do."""
    call = handler()

    async def talk(pipeline: Pipeline) -> None:
        await pipeline.say("Good evening")
        await pipeline.say("Good evening")

    async def session() -> None:
        await Pipeline(CHAINS[chain](ScriptedModel("Hello there.", "You said that.")), call).run(talk)

    asyncio.run(session())

    assert said(call) == [
        "1 user: Good evening", "1 agent: Hello there.", "2 user: Good evening", "2 agent: You said that.",
    ]  # fmt: skip
    assert all("llm_node_ttft" in row["metadata"] for row in spoken(call))
    assert all(row["metadata"]["e2e_latency"] >= 0 for row in spoken(call))


@EVERY_CHAIN
def test_an_interruption(chain: str) -> None:
    """The caller cuts in: the words so far, marked; the same words again are a turn of their own."""
    call = handler()
    model = HaltingModel("We have a table.")

    async def talk(pipeline: Pipeline) -> None:
        await pipeline.say("A table", wait=False)
        await model.until_halted()
        await pipeline.interrupt()
        while call.timeline.document["duration_ms"] is None or "cut" not in "".join(said(call)):
            await asyncio.sleep(0.01)
        model.words = 99
        await pipeline.say("A table")

    async def session() -> None:
        await Pipeline(CHAINS[chain](model), call).run(talk)

    asyncio.run(session())

    assert said(call)[:2] == ["1 user: A table", "1 agent: We have [cut]"]
    assert said(call)[2:] == ["2 user: A table", "2 agent: We have a table."]
