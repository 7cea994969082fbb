"""LangChain's callbacks in, recorded runs out; one handler is one call. Start reading here.

Each callback stamps the time, finds the run and notes the few facts that could change later. What the runs mean is
worked out in `timeline` when the call is over; nothing here sends, waits, or looks at the message history.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from types import EllipsisType, TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler

from tuner_langchain import langgraph, messages
from tuner_langchain.call import Call, preview
from tuner_langchain.capture import Capture
from tuner_langchain.config import TunerConfig
from tuner_langchain.delivery import Delivery, Receipt
from tuner_langchain.errors import FinalizedError
from tuner_langchain.facts import CallFacts
from tuner_langchain.finalizer import Finalizer, Outlet
from tuner_langchain.messages.state import without_history
from tuner_langchain.messages.tools import (
    ToolAnswer,
    as_object,
    asked,
    found_documents,
    started_tool,
    tool_answer,
)
from tuner_langchain.outcome import AgentText, ask
from tuner_langchain.runs import (
    CallRecord,
    ChainRun,
    Event,
    Failure,
    ModelRun,
    Pause,
    Refused,
    RetrieverRun,
    Run,
    ToolRun,
    Turn,
)
from tuner_langchain.spoken import SpokenTurns
from tuner_langchain.timeline import Timeline
from tuner_langchain.values import cut_text, freeze

if TYPE_CHECKING:
    _Base = BaseCallbackHandler
else:
    try:
        # Breakpoints and resumes are told to handlers of this class only; LangGraph before 1.1.8 has none.
        from langgraph.callbacks import GraphCallbackHandler as _Base
    except ImportError:
        _Base = BaseCallbackHandler

log = logging.getLogger("tuner_langchain")


class TunerCallbackHandler(SpokenTurns, _Base):
    """One call: pass it in `config={"callbacks": [handler]}` of every turn, then finalise it.

    One class serves sync and async code; make one instance per call. Call facts may be given here, to `update`, or
    to `finalize`, and are checked when they are given.

    Args:
        config: Where the call goes; None reads the environment (see `TunerConfig`).
        capture: What may leave the process (see `Capture`).
        graph: The compiled graph, for graphs whose edges cannot be found by themselves.
        messages_key: The key of the graph's state that holds the conversation.
        agent_text: What the agent said in a turn, made from the turn's outcome, for graphs with a state of their
            own: a function that returns text, or None when nothing was said.
        delivery: Where the document goes instead of the process' shared `Delivery`.
        clock: Nanoseconds that never go back, for tests.
        **facts: Facts about the call, as in `CallFacts`.

    Raises:
        ConfigError: A setting is missing or wrong.
        CallFactError: A fact breaks a limit of the Create Call API.
    """

    # LangChain would otherwise send every callback of async code through a thread pool, late and out of order.
    run_inline = True
    # No version of LangChain or LangGraph reports retries through this callback. (`ignore_agent` would hide tools.)
    ignore_retry = True

    def __init__(
        self,
        *,
        config: TunerConfig | None = None,
        capture: Capture | None = None,
        graph: Any = None,
        messages_key: str = "messages",
        agent_text: AgentText | None = None,
        delivery: Outlet | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
        **facts: Unpack[CallFacts],
    ) -> None:
        super().__init__()
        if delivery is None:
            config = config or TunerConfig()
            delivery = Delivery.shared(config)
        self._capture = capture or Capture()
        self._messages_key = messages_key
        self._agent_text = agent_text
        self._clock = clock
        self._call = Call(facts, started_ns=clock(), agent_version=config.agent_version if config else None)
        self._record = CallRecord()
        if graph is not None:
            self._record.edges = langgraph.edges_by_path(graph)
        self._finalizer = Finalizer(self._call, self._record, self._capture, delivery, clock)

    @property
    def call_id(self) -> str:
        """The call's id: the one you gave, or a new UUID."""
        return self._call.call_id

    # ------------------------------------------------------------------ chains: graphs, nodes, routers, steps

    def on_chain_start(
        self,
        serialized: Any,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        run = ChainRun(run_id, self._record.open.get(parent_run_id) or self._caller(metadata), name, self._clock())
        if not self._begin(run, parent_run_id, metadata):
            return
        langgraph.mark(run, tags, metadata)
        if run.turn is not None:
            run.turn.incoming = messages.incoming(inputs, self._messages_key)
        if run.is_task:
            self._record.tasks[run.ns] = run  # type: ignore[index]  # a task has a namespace
            run.last_input = messages.last_message(inputs, self._messages_key)
            run.input_id = id(inputs)
            if self._capture.node_inputs:
                run.input_json = self._frozen(without_history(inputs, self._messages_key))
        else:
            run.edges = langgraph.edges_on_stack()
            run.given = langgraph.read_given(inputs)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._end(run_id)
        if not isinstance(run, ChainRun):
            return
        if run.is_task:
            self._note_update(run, outputs)
        elif run.seq or run.routes_for is not None:
            run.output = langgraph.read_route(outputs)
        if run.turn is not None:
            self._conclude(run.turn, outputs, kwargs.get("inputs"))

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._fail(run_id, error)
        if not isinstance(run, ChainRun):
            return
        if run.is_task and run.failure is not None and run.failure.kind == "handed_over":
            self._note_update(run, error.args[0])
        if run.turn is not None:
            self._hear_late(run.turn, kwargs.get("inputs"))

    def _note_update(self, run: ChainRun, outputs: Any) -> None:
        """Note what a node's execution returned: words, where to go next, tool calls it answered itself."""
        key = self._messages_key
        run.said = messages.added(outputs, key, run.last_input)
        run.output = langgraph.read_returned(outputs)
        if run.said is not None and run.said.failed:
            run.refused = tuple(
                Refused(answer.call_id or "", answer.name, self._tool_error(answer)) for answer in run.said.failed
            )
        if self._capture.node_outputs:
            run.output_json = self._frozen(without_history(outputs, key))

    def _conclude(self, turn: Turn, outputs: Any, inputs: Any) -> None:
        """Note what a turn's outcome says was answered."""
        self._hear_late(turn, inputs)
        turn.answers = messages.answers(outputs, self._messages_key)
        if self._agent_text is not None:
            turn.spoken_text = ask(self._agent_text, outputs)

    def _hear_late(self, turn: Turn, inputs: Any) -> None:
        """Take the caller's words from a turn's end where a chain was fed as a stream and began without them."""
        if inputs is not None and not turn.incoming.said:
            turn.incoming = messages.incoming(inputs, self._messages_key)

    # ------------------------------------------------------------------ models

    def on_chat_model_start(  # type: ignore[override]  # LangChain names the prompt as we name a module
        self,
        serialized: Any,
        prompt: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        name = messages.requested_model(metadata, kwargs.get("invocation_params"), serialized)
        run = ModelRun(run_id, self._record.open.get(parent_run_id) or self._caller(metadata), name, self._clock())
        if not self._begin(run, parent_run_id, metadata):
            return
        run.provider = (metadata or {}).get("ls_provider")
        run.purpose = messages.purpose(metadata, tags, kwargs.get("options"), kwargs.get("invocation_params"))
        if run.turn is not None:
            run.turn.incoming = messages.incoming(prompt[0] if prompt else None, self._messages_key)
        elif run.root.turn is not None and run.root.turn.words is None and run.root.turn.incoming.awaited:
            run.root.turn.words = messages.last_words(prompt)
        if self._capture.system_prompts:
            run.system_prompt = messages.system_prompt(prompt)

    def on_llm_start(self, serialized: Any, prompts: list[str], *, run_id: UUID, **kwargs: Any) -> None:
        self.on_chat_model_start(serialized, prompts, run_id=run_id, **kwargs)

    def on_llm_new_token(self, token: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._record.open.get(run_id)
        if token and isinstance(run, ModelRun) and run.root.end_ns is None:
            if run.streamed is None:
                if not (token if isinstance(token, str) else messages.spoken_part(token)):
                    return  # a model's thoughts are no words yet
                run.first_token_ns = self._clock()
                run.streamed = []
            run.streamed.append(token)

    def on_stream_event(self, event: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Take a model's words where it streams protocol events, and no tokens beside them."""
        run = self._record.open.get(run_id)
        if not isinstance(run, ModelRun) or (run.streamed is not None and not run.as_events):
            return
        text = messages.event_text(event)
        if text and run.root.end_ns is None:
            if run.streamed is None:
                run.first_token_ns = self._clock()
                run.streamed = []
                run.as_events = True
            run.streamed.append(text)

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._end(run_id)
        if isinstance(run, ModelRun):
            run.reply = messages.reply(response)
            if self._capture.tool_params:
                for call_id, arguments in asked(response):
                    self._record.asked[call_id] = self._frozen(as_object(arguments))

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._fail(run_id, error)
        response = kwargs.get("response")
        if isinstance(run, ModelRun) and response is not None:
            run.reply = messages.reply(response)

    # ------------------------------------------------------------------ tools and retrievers

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
        name = (serialized or {}).get("name")
        run = ToolRun(run_id, self._record.open.get(parent_run_id) or self._caller(metadata), name, self._clock())
        if not self._begin(run, parent_run_id, metadata):
            return
        arguments = inputs if isinstance(inputs, dict) else {"value": input_str}
        if isinstance(tool_call_id, EllipsisType):
            # LangChain before 1.1.3 tells no id, and mixes the graph's state into the arguments.
            started = started_tool()
            tool_call_id = started.call_id if started is not None else None
            if started is not None and isinstance(inputs, dict):
                arguments = {key: value for key, value in inputs.items() if key in started.arguments}
        run.tool_call_id = tool_call_id
        if self._capture.tool_params:
            run.params = self._frozen(arguments)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._end(run_id)
        if not isinstance(run, ToolRun):
            return
        answer = tool_answer(output)
        run.tool_call_id = run.tool_call_id or answer.call_id
        run.goto = langgraph.read_returned(output)
        if answer.failed:
            run.status, run.error = "error", self._tool_error(answer)
        else:
            run.status = "handed_over" if langgraph.hands_over(output) else "ok"
            run.result = self._frozen(answer.content) if self._capture.tool_results else b"{}"

    def _tool_error(self, answer: ToolAnswer) -> str | None:
        """Return the words of a failure that a tool call was answered with, where they may be sent."""
        if not (self._capture.tool_results and self._capture.error_messages):
            return None
        said = answer.content.get("value", answer.content)
        return said if isinstance(said, str) else self._frozen(said).decode()

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
        name = name or (metadata or {}).get("ls_retriever_name")
        run = RetrieverRun(run_id, self._record.open.get(parent_run_id) or self._caller(metadata), name, self._clock())
        if self._begin(run, parent_run_id, metadata) and self._capture.tool_params:
            run.params = self._frozen({"query": query})

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._end(run_id)
        if isinstance(run, RetrieverRun):
            run.result = self._frozen(found_documents(documents)) if self._capture.tool_results else b"{}"

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._fail(run_id, error)

    # ------------------------------------------------------------------ what else happens during a run

    def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._record.open.get(run_id)
        if run is not None:
            self._record.events.append(
                Event(name, self._frozen(data) if self._capture.events else b"null", self._clock(), run)
            )

    def on_interrupt(self, event: Any) -> None:
        """Take note of a graph that waits for a human; the only sign of a breakpoint."""
        self._pause(event.run_id, event.status)

    def on_resume(self, event: Any) -> None:
        """Take note of a graph that goes on from where it had stopped."""
        run = self._record.open.get(event.run_id)
        if isinstance(run, ChainRun) and run.given is None:
            run.given = ()

    def _pause(self, run_id: UUID | None, status: str) -> None:
        run = self._record.open.get(run_id)
        pauses = self._record.pauses
        if run is not None and not (pauses and pauses[-1].root is run):  # told twice when passed twice
            pauses.append(Pause(run, status, self._clock()))

    # ------------------------------------------------------------------ opening and closing runs

    def _caller(self, metadata: dict[str, Any] | None) -> Run | None:
        """Return the node that a run without a known parent was called in.

        A graph that is called inside a node with callbacks of its own names no parent; LangGraph's namespace tells
        which node it is in.
        """
        tasks = self._record.tasks
        return tasks.get(metadata.get("langgraph_checkpoint_ns", "")) if metadata and tasks else None

    def _begin(self, run: Run, parent_run_id: UUID | None, metadata: dict[str, Any] | None) -> bool:
        """Take in a run that starts; False when it is already known or the call is over."""
        record = self._record
        if record.sealed:
            record.late += 1
            return False
        if record.open.setdefault(run.run_id, run) is not run:  # the handler was passed twice
            return False
        if run.parent is None:
            run.orphan = parent_run_id is not None
            if not run.orphan or run.kind == "chain":
                run.turn = Turn((metadata or {}).get("thread_id"))
                record.turns.append(run)
        record.runs.append(run)
        return True

    def _end(self, run_id: UUID) -> Run | None:
        """Close a run; None when it is unknown, closed before, or the call is over."""
        record = self._record
        if record.sealed:
            record.late += 1
            return None
        run = record.open.pop(run_id, None)
        if run is not None:
            run.end_ns = self._clock()
            run.child_errors = None
            if run.is_task:
                record.tasks.pop(run.ns, None)  # type: ignore[attr-defined]  # only a ChainRun is a task
        return run

    def _fail(self, run_id: UUID, error: BaseException) -> Run | None:
        """Close a run that ended in an exception; the same exception on its way up stays one failure."""
        run = self._record.open.get(run_id)
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
        told = cut_text(_message(error), capture.max_value_chars) if capture.error_messages else None
        failure = Failure(type(error).__name__, kind, told, run)
        if kind == "handed_over":
            failure.goto = langgraph.handover(error)
        elif kind == "interrupted" and capture.interrupt_values:
            failure.interrupts = [self._frozen(value) for value in langgraph.interrupt_values(error)]
        return failure

    # ------------------------------------------------------------------ the end of the call

    @property
    def timeline(self) -> Timeline:
        """The call so far, as it would be sent now.

        Raises:
            FinalizedError: The call was finalised; nothing of it is kept but its receipt.
        """
        if self._record.sealed:
            raise FinalizedError(
                f"Call {self.call_id} was finalised and nothing of it is kept here. Read `timeline` before `finalize`, "
                f"record the call with tuner_langchain.testing.record(), or run: tuner-langchain show {self.call_id}"
            )
        return Timeline(preview(self._call.fold(self._record, self._capture, self._clock())))

    @property
    def receipt(self) -> Receipt | None:
        """What became of the call, once it was finalised; None before."""
        outcome = self._finalizer.outcome
        return outcome.result() if outcome.done() else None

    @property
    def late_callbacks(self) -> int:
        """How many callbacks arrived after the call was finalised, and so are not in its document."""
        return self._record.late

    def update(self, **facts: Unpack[CallFacts]) -> None:
        """Add or replace facts about the call while it goes on; objects are merged key by key.

        After `finalize` facts come too late: that is logged, and they are not taken in.

        Raises:
            CallFactError: A fact breaks a limit of the Create Call API; nothing was changed.
        """
        if self._record.sealed:
            log.warning("Call %s is finalised already; too late for %s.", self.call_id, ", ".join(facts))
        else:
            self._call.update(facts)

    def finalize(self, **facts: Unpack[CallFacts]) -> Receipt:
        """End the call: write its document durably and return the receipt; sending goes on in the background.

        A second call returns the first receipt.

        Raises:
            CallFactError: A fact breaks a limit; the call was finalised without these facts, so it is not lost.
        """
        first, wrong = self._finalizer.seal(facts)
        if first:
            self._finalizer.hand_over()
        if wrong is not None:
            raise wrong
        return self._finalizer.outcome.result()

    async def afinalize(self, **facts: Unpack[CallFacts]) -> Receipt:
        """Do what `finalize` does without holding up the event loop; a cancelled await still writes.

        Raises:
            CallFactError: As for `finalize`.
        """
        first, wrong = self._finalizer.seal(facts)
        if first:
            self._finalizer.hand_over_elsewhere()
        receipt = await asyncio.shield(asyncio.wrap_future(self._finalizer.outcome))
        if wrong is not None:
            raise wrong
        return receipt

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._mark_failed(error)
        self.finalize()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._mark_failed(error)
        await self.afinalize()

    def _mark_failed(self, error: BaseException | None) -> None:
        # A cancelled session is how voice stacks hang up; only an Exception is a call that failed.
        if isinstance(error, Exception):
            self._call.update_missing({"disconnection_reason": "error", "call_successful": False})


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a user's exception may refuse to be shown; its type still is
        return ""
