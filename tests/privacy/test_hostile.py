"""Values whose own code raises, with the caller's words in the exception: no callback raises, no log has the words.

LangChain logs a handler's exceptions with their text. So what a program's classes raise must not get out.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, LLMResult

from tuner_langchain.testing import record, validate

SAID = "CALLERWORD"


class Hostile:
    """Raises whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(SAID)

    def __repr__(self) -> str:
        raise RuntimeError(SAID)

    def __eq__(self, other: object) -> bool:
        raise RuntimeError(SAID)

    def __hash__(self) -> int:
        return 1

    def __bool__(self) -> bool:
        raise RuntimeError(SAID)

    def __iter__(self) -> Any:
        raise RuntimeError(SAID)

    def __len__(self) -> int:
        raise RuntimeError(SAID)


class HostileMapping(Mapping[str, Any]):
    """A mapping that cannot be read."""

    def __getitem__(self, key: str) -> Any:
        raise RuntimeError(SAID)

    def __iter__(self) -> Any:
        raise RuntimeError(SAID)

    def __len__(self) -> int:
        raise RuntimeError(SAID)


class HostileDict(dict[str, Any]):
    """A dictionary that cannot be read."""

    def get(self, key: str, default: Any = None) -> Any:
        raise RuntimeError(SAID)

    def items(self) -> Any:
        raise RuntimeError(SAID)


class HostileMessage(AIMessage):
    """A message whose content cannot be read."""

    def __getattribute__(self, name: str) -> Any:
        if name in ("content", "text", "usage_metadata", "response_metadata"):
            raise RuntimeError(SAID)
        return super().__getattribute__(name)


class HostileList(list[Any]):
    """A list that cannot be gone through."""

    def __reversed__(self) -> Any:
        raise RuntimeError(SAID)

    def __iter__(self) -> Any:
        raise RuntimeError(SAID)


class HostileError(Exception):
    """An exception that refuses to be shown."""

    def __str__(self) -> str:
        raise RuntimeError(SAID)


VALUES: dict[str, Any] = {
    "object": Hostile(),
    "mapping": HostileMapping(),
    "dict": HostileDict(messages=[HumanMessage("Hi")]),
    "message": HostileMessage(content="x"),
    "messages": {"messages": [HostileMessage(content="x"), Hostile(), None, 5]},
    "list in a state": {"messages": HostileList([1])},
    "result": LLMResult(generations=[[ChatGeneration(message=AIMessage("x"))]]).model_copy(
        update={"generations": Hostile()}
    ),
    "number": 7,
    "nothing": None,
    "class": Hostile,
}
TASK = {
    "langgraph_node": "talk",
    "langgraph_step": 1,
    "langgraph_checkpoint_ns": "talk:1",
    "langgraph_path": ("x",),
}


@pytest.mark.parametrize("value", VALUES.values(), ids=list(VALUES))
def test_no_callback_raises(value: Any, every_log: list[str]) -> None:
    """Each callback takes a value that cannot be read, and the call can be shown and finalised."""
    call: Any = record()
    root, task, model, tool, retriever = (uuid.uuid4() for _ in range(5))
    call.on_chain_start(None, value, run_id=root, name="graph", metadata={"thread_id": "t"})
    call.on_chain_start(
        None, value, run_id=task, parent_run_id=root, name="talk", metadata=TASK, tags=["graph:step:1"]
    )
    call.on_chat_model_start(
        {}, [[value]], run_id=model, parent_run_id=task, invocation_params=value, options=value
    )
    call.on_llm_new_token(value, run_id=model)
    call.on_stream_event({"event": "content-block-delta", "delta": value}, run_id=model)
    call.on_llm_end(value, run_id=model)
    call.on_tool_start(
        {"name": "look_up"}, "x", run_id=tool, parent_run_id=task, inputs=value, tool_call_id="c1"
    )
    call.on_custom_event("event", value, run_id=tool)
    call.on_tool_end(value, run_id=tool)
    call.on_retriever_start({}, value, run_id=retriever, parent_run_id=task, name="r")
    call.on_retriever_end(value, run_id=retriever)
    call.on_chain_end(value, run_id=task, inputs=value)
    call.on_chain_end(value, run_id=root, inputs=value)
    for start in (call.on_chain_start, call.on_chat_model_start):
        failed = uuid.uuid4()
        start({}, [[value]], run_id=failed)
        (call.on_llm_error if start == call.on_chat_model_start else call.on_chain_error)(
            HostileError(value), run_id=failed, response=value
        )
    call.on_llm_start({}, [value], run_id=(text := uuid.uuid4()))
    call.on_llm_end(value, run_id=text)

    assert [row["text"] for row in call.timeline if row["role"] == "node_transition"] == ["talk"]
    call.finalize(metadata={"odd": value} if not isinstance(value, type) else {})
    assert validate(call.body) == []
    assert SAID.encode() not in call.body
    assert SAID not in "\n".join(every_log)


def test_what_the_user_gives_may_raise_too(every_log: list[str]) -> None:
    """The user's own functions fail, each for itself; none of it is logged with its text."""

    def fail(value: Any) -> Any:
        raise RuntimeError(SAID)

    call = record(agent_text=fail, call_cost=fail)
    root = uuid.uuid4()
    call.on_chain_start(None, {"messages": [("user", "Hi")]}, run_id=root)
    call.on_chain_end({"messages": [HumanMessage("Hi"), AIMessage("Hello")]}, run_id=root)
    call.finalize()

    assert [row["text"] for row in call.timeline] == ["Hi", "Hello"]
    assert SAID not in "\n".join(every_log)
    assert any("agent_text raised RuntimeError" in line for line in every_log)
