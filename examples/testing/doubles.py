"""What stands in for the world: a model that answers from a script, and a booking system. Both take their time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

if TYPE_CHECKING:
    from tuner_langchain.testing import ManualClock

MODEL_MS, TABLES_MS = 400, 150


class ScriptedModel(BaseChatModel):
    """Gives the answers of a script, one for each call, and lets the time pass that a real model takes."""

    script: list[AIMessage]
    clock: Any

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.clock.tick(MODEL_MS)
        return ChatResult(generations=[ChatGeneration(message=self.script.pop(0))])


class FakeTables:
    """A booking system with two free tables for two."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.times = ["18:00", "19:30"]

    def free(self, people: int) -> list[str]:
        self.clock.tick(TABLES_MS)
        return self.times if people <= 2 else []

    def book(self, people: int, at: str) -> str:
        self.clock.tick(TABLES_MS)
        if at not in self.times:
            raise LookupError(f"{at} is taken")
        self.times.remove(at)
        return f"R-{at}"


def asks(tool: str, **args: Any) -> AIMessage:
    """A model's answer that calls a tool."""
    return AIMessage("", tool_calls=[{"name": tool, "args": args, "id": f"call_{tool}"}])
