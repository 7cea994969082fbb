"""What tools and retrievers tell, and the events that a program sends of its own."""

from __future__ import annotations

from types import EllipsisType
from typing import TYPE_CHECKING, Any

from tuner_langchain import langgraph
from tuner_langchain.callbacks.recorder import Recorder
from tuner_langchain.messages.tools import found_documents, started_tool, tool_answer
from tuner_langchain.runs import Event, RetrieverRun, ToolRun
from tuner_langchain.values import freeze_object, name_text

if TYPE_CHECKING:
    from uuid import UUID


class ToolCallbacks(Recorder):
    """Notes what tools were given and what they answered, as it was at that moment."""

    def on_tool_start(
        self,
        serialized: Any,
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        inputs: Any = None,
        tool_call_id: str | EllipsisType | None = ...,
        **kwargs: Any,
    ) -> None:
        run = self._begin(ToolRun, run_id, parent_run_id, metadata, _name(serialized))
        if run is None:
            return
        run.run_id = run_id
        arguments = inputs if issubclass(type(inputs), dict) else {"value": input_str}
        if isinstance(tool_call_id, EllipsisType):
            # LangChain before 1.1.3 tells no id, and mixes the graph's state into the arguments.
            started = started_tool()
            tool_call_id = started.call_id if started is not None else None
            if started is not None and issubclass(type(inputs), dict):
                arguments = {key: value for key, value in inputs.items() if key in started.arguments}
        run.tool_call_id = name_text(tool_call_id)
        if self._capture.tool_params:
            run.params = freeze_object(arguments, self._capture.max_value_chars)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._end(run_id)
        if not isinstance(run, ToolRun):
            return
        answer = tool_answer(output, self._capture.max_value_chars)
        run.tool_call_id = run.tool_call_id or answer.call_id
        if answer.leads:
            run.goto = langgraph.read_returned(output)
            if langgraph.hands_over(output):
                run.status = "handed_over"
        if answer.failed:
            run.status, run.error = "error", self._tool_error(answer)
        else:
            run.result = self._result(answer.content)

    def _result(self, content: dict[str, Any]) -> bytes:
        """Return what a tool answered as JSON, as it is now, where it may be sent."""
        capture = self._capture
        return freeze_object(content, capture.max_value_chars) if capture.tool_results else b"{}"

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._fail(run_id, error)

    def on_retriever_start(
        self,
        serialized: Any,
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        name = (metadata or {}).get("ls_retriever_name") if name is None else name
        run = self._begin(RetrieverRun, run_id, parent_run_id, metadata, name)
        if run is None:
            return
        run.run_id = run_id
        if self._capture.tool_params:
            run.params = freeze_object({"query": query}, self._capture.max_value_chars)

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._end(run_id)
        if isinstance(run, RetrieverRun):
            run.result = self._result(found_documents(documents, self._capture.max_value_chars))

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._fail(run_id, error)

    def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._open(run_id)
        if run is not None:
            frozen = self._frozen(data) if self._capture.events else b"null"
            self._record.events.append(Event(name_text(name) or "", frozen, self._clock(), run))


def _name(serialized: Any) -> Any:
    return serialized.get("name") if type(serialized) is dict else None
