"""Opening and closing runs: what every callback begins or ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from langchain_core.callbacks import BaseCallbackHandler

from tuner_langchain import langgraph
from tuner_langchain.runs import CallRecord, ChainRun, Failure, ModelRun, RetrieverRun, Run, ToolRun, Turn
from tuner_langchain.values import cut_text, freeze, name_text, tolerant

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tuner_langchain.ahead import Ahead
    from tuner_langchain.capture import Capture
    from tuner_langchain.messages.tools import ToolAnswer
    from tuner_langchain.notices import Notices
    from tuner_langchain.outcome import AgentText

    _Base = BaseCallbackHandler
else:
    try:
        # Breakpoints and resumes are told to handlers of this class only; LangGraph before 1.1.8 has none.
        from langgraph.callbacks import GraphCallbackHandler as _Base
    except ImportError:
        _Base = BaseCallbackHandler


R = TypeVar("R", ChainRun, ModelRun, ToolRun, RetrieverRun)


class Recorder(_Base):
    """Takes in runs that start and closes those that end; the record of one call is what it leaves."""

    # LangChain would otherwise send every callback of async code through a thread pool, late and out of order.
    run_inline = True
    # No version of LangChain or LangGraph reports retries through this callback. (`ignore_agent` would hide tools.)
    ignore_retry = True
    # LangChain asks one of these before each callback; as plain attributes they answer faster than as properties.
    ignore_llm = ignore_chain = ignore_agent = ignore_retriever = ignore_chat_model = ignore_custom_event = (
        False
    )

    _record: CallRecord
    _capture: Capture
    _clock: Callable[[], int]
    _messages_key: str
    _agent_text: AgentText | None
    _ahead: Ahead
    _notices: Notices

    def _note_turn(self, turn: Turn) -> None:
        """Take note of a turn that begins."""
        self._notices.turn_began(turn)

    def _caller(self, metadata: dict[str, Any] | None) -> Run | None:
        """Return the node that a run without a known parent was called in.

        A graph that is called inside a node with callbacks of its own names no parent; LangGraph's namespace tells
        which node it is in.
        """
        tasks = self._record.tasks
        ns = metadata.get("langgraph_checkpoint_ns") if metadata and tasks else None
        return tasks.get(ns) if type(ns) is str else None

    def _open(self, run_id: UUID | None) -> Run | None:
        """Return a run that is open, None for any other."""
        return self._record.open.get(getattr(run_id, "int", run_id))

    def _begin(
        self,
        kind: type[R],
        run_id: UUID,
        parent_run_id: UUID | None,
        metadata: dict[str, Any] | None,
        name: str | None,
    ) -> R | None:
        """Take in a run that starts; None when it is already known or the call is over."""
        record = self._record
        if record.sealed:
            record.late += 1
            if parent_run_id is None:
                self._notices.turn_was_late()
            return None
        parent = record.open.get(getattr(parent_run_id, "int", parent_run_id)) or self._caller(metadata)
        run = kind(parent, name if type(name) is str else name_text(name), self._clock())
        known = record.open.setdefault(getattr(run_id, "int", run_id), run)
        if known is not run:  # the handler was passed twice
            return None
        # A model whose parent was never seen has callbacks of its own in a program without them: no turn.
        if parent is None and (parent_run_id is None or run.kind == "chain"):
            run.turn = Turn(name_text((metadata or {}).get("thread_id")))
            record.turns.append(run)
            self._note_turn(run.turn)
            if run.kind != "chain" and "langgraph_node" in (metadata or ()):
                self._notices.ran_apart()
        record.runs.append(run)
        return run

    def _end(self, run_id: UUID) -> Run | None:
        """Close a run; None when it is unknown, closed before, or the call is over."""
        record = self._record
        if record.sealed:
            record.late += 1
            return None
        run = record.open.pop(getattr(run_id, "int", run_id), None)
        if run is not None:
            run.end_ns = self._clock()
            run.child_errors = None
            if run.is_task:
                record.tasks.pop(run.ns, None)  # type: ignore[attr-defined]  # only a ChainRun is a task
        return run

    def _fail(self, run_id: UUID, error: BaseException) -> Run | None:
        """Close a run that ended in an exception; the same exception on its way up stays one failure."""
        run = self._open(run_id)
        known = run.child_errors if run is not None else None
        run = self._end(run_id)
        if run is None:
            return None
        failure = next((failure for child, failure in known or () if child is error), None)
        run.failure = failure or self._failure(error, run)
        if failure is None and any(child.kind == "interrupted" for _, child in known or ()):
            run.failure.interrupts = []  # LangGraph gathers what several nodes ask; each has said it itself
        around = run.parent
        if around is not None and around.end_ns is None:
            with self._record.lock:  # nodes of one step may fail in several threads at once
                around.child_errors = [*(around.child_errors or ()), (error, run.failure)]
                if (
                    run.failure.kind == "handed_over"
                    and isinstance(run, ChainRun)
                    and isinstance(around, ChainRun)
                ):
                    around.left = {**(around.left or {}), run.ns or "": run}
        return run

    def _frozen(self, value: Any) -> bytes:
        """Return a value as JSON, as it is now: the program may change it afterwards."""
        return freeze(value, self._capture.max_value_chars)

    def _failure(self, error: BaseException, run: Run) -> Failure:
        """Return what is kept of an exception; the exception itself would keep whole frames alive."""
        kind, capture = langgraph.failure_kind(error), self._capture
        told = None
        if capture.error_messages and kind in _WITH_TEXT:
            told = cut_text(message_of(error), capture.max_value_chars)
        failure = Failure(type(error).__name__, kind, told, run)
        if kind == "handed_over":
            failure.goto = langgraph.handover(error)
        elif kind == "interrupted" and capture.interrupt_values:
            failure.interrupts = [self._frozen(value) for value in langgraph.interrupt_values(error)]
        return failure

    def _tool_error(self, answer: ToolAnswer) -> str | None:
        """Return the words of a failure that a tool call was answered with, where they may be sent."""
        if not (self._capture.tool_results and self._capture.error_messages):
            return None
        said = answer.content.get("value", answer.content)
        return said if isinstance(said, str) else self._frozen(said).decode()


@tolerant("")
def message_of(error: BaseException) -> str:
    """Return an exception's text; nothing where it refuses to be shown.

    An exception that has no text of its own shows its arguments. Objects among them are named by their class: what
    they would say of themselves may take long, or end the program.
    """
    if type(error).__str__ in _SHOW_ARGUMENTS and any(type(item) not in _PLAIN for item in error.args):
        return ", ".join(name_text(item) or "None" for item in error.args)
    return str.__str__(str(error))


# Others are LangGraph's own, and carry values of the program's.
_WITH_TEXT: Final = ("error", "cancelled")
_SHOW_ARGUMENTS: Final = (BaseException.__str__, KeyError.__str__)
_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
