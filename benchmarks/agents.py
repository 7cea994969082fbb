"""The programs that are measured: their models answer at once, so that a handler's cost shows most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from langchain.agents import create_agent
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from typing_extensions import TypedDict

USAGE: UsageMetadata = {
    "input_tokens": 820,
    "output_tokens": 64,
    "total_tokens": 884,
    "input_token_details": {"cache_read": 512},
    "output_token_details": {"reasoning": 16},
}
PROVIDER = {"model_name": "scripted-1", "finish_reason": "stop"}
EIGHTY_WORDS = " ".join(f"word{number % 17}" for number in range(80))


class ScriptedModel(BaseChatModel):
    """Calls a tool `tool_calls` times in a turn, then says `words`; streams one word a chunk."""

    model: str = "scripted-1"
    tool_calls: int = 0
    words: str = "A table for two at eight is booked."

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        """Return the model with its tools' schemas, worked out at each call as the providers' models do."""
        return self.bind(tools=[convert_to_openai_tool(found) for found in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for word in self.words.split():
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=f"{word} "))
            if run_manager:
                run_manager.on_llm_new_token(f"{word} ", chunk=chunk)
            yield chunk
        last = AIMessageChunk(content="", usage_metadata=USAGE, response_metadata=PROVIDER)
        yield ChatGenerationChunk(message=last)

    def _answer(self, messages: Sequence[BaseMessage]) -> AIMessage:
        made = _since_the_caller_spoke(messages)
        if made >= self.tool_calls:
            return AIMessage(content=self.words, usage_metadata=USAGE, response_metadata=PROVIDER)
        arguments = {"name": "find_table", "args": {"guests": 2, "at": f"20:{made:02}"}, "id": f"call_{made}"}
        return AIMessage(content="", tool_calls=[arguments], usage_metadata=USAGE, response_metadata=PROVIDER)


def _since_the_caller_spoke(messages: Sequence[BaseMessage]) -> int:
    """Return how many of the agent's messages stand after the caller's last one."""
    count = 0
    for message in reversed(messages):
        if message.type == "human":
            break
        count += message.type == "ai"
    return count


@tool
def find_table(guests: int, at: str) -> str:
    """Find a free table."""
    return f"A table for {guests} is free at {at}, by the window."


ONE_TURN: dict[str, Any] = {"messages": [("user", "A table for two tonight?")]}
AGENT_LOOP_EVENTS = 86  # 22 chain starts and ends, 11 model starts and ends, 10 tool starts and ends


def agent_loop() -> Any:
    """Return an agent that makes 11 model calls and 10 tool calls in a turn."""
    return create_agent(ScriptedModel(tool_calls=10), tools=[find_table])


class Counted(TypedDict):
    """The state of a graph that only counts."""

    count: int


def nodes_in_a_row(number: int = 50) -> Any:
    """Return a graph of plain function nodes, one after the other."""
    builder = StateGraph(Counted)
    names = [f"step_{index}" for index in range(number)]
    for name in names:
        builder.add_node(name, _count_up)
    for before, after in zip([START, *names], [*names, END], strict=True):
        builder.add_edge(before, after)
    return builder.compile()


def _count_up(state: Counted) -> Counted:
    return {"count": state["count"] + 1}


def conversation() -> Any:
    """Return an agent with a memory that answers each turn with one tool call and eighty words."""
    model = ScriptedModel(tool_calls=1, words=EIGHTY_WORDS)
    return create_agent(model, tools=[find_table], checkpointer=InMemorySaver())


def streaming(chunks: int) -> Any:
    """Return a graph whose one node streams an answer of `chunks` words."""
    model = ScriptedModel(words=" ".join(["word"] * chunks))

    def answer(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    builder = StateGraph(MessagesState)
    builder.add_node("answer", answer)
    builder.add_edge(START, "answer")
    builder.add_edge("answer", END)
    return builder.compile()
