"""LangChain's callbacks in, recorded runs out; one handler is one call. Start reading here.

Each callback stamps the time, finds the run and notes the few facts that could change later. What the runs mean is
worked out in `timeline` when the call is over; nothing here sends, waits, or looks at the message history.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from types import TracebackType
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
from tuner_langchain.runs import CallRecord, ChainRun, Event, Failure, ModelRun, RetrieverRun, Run, ToolRun, Turn
from tuner_langchain.timeline import Timeline
from tuner_langchain.values import to_json

if TYPE_CHECKING:
    _Base = BaseCallbackHandler
else:
    try:
        # Breakpoints and resumes are told to handlers of this class only; LangGraph before 1.1.8 has none.
        from langgraph.callbacks import GraphCallbackHandler as _Base
    except ImportError:
        _Base = BaseCallbackHandler

log = logging.getLogger("tuner_langchain")


class TunerCallbackHandler(_Base):
    """One call: pass it in `config={"callbacks": [handler]}` of every turn, then finalise it.

    One class serves sync and async code; make one instance per call. Call facts may be given here, to `update`, or
    to `finalize`, and are checked when they are given.

    Args:
        config: Where the call goes; None reads the environment (see `TunerConfig`).
        capture: What may leave the process (see `Capture`).
        graph: The compiled graph, for graphs whose edges cannot be found by themselves.
        messages_key: The key of the graph's state that holds the conversation.
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
        delivery: Outlet | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
        **facts: Unpack[CallFacts],
    ) -> None:
        super().__init__()
        if delivery is None:
            config = config or TunerConfig()
            delivery = Delivery.shared(config)
        self._capture = capture or Capture()
        self._graph = graph
        self._messages_key = messages_key
        self._clock = clock
        self._call = Call(facts, started_ns=clock(), agent_version=config.agent_version if config else None)
        self._record = CallRecord()
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
        run = ChainRun(run_id, self._record.open.get(parent_run_id), name, self._clock())  # type: ignore[arg-type]
        if self._begin(run, parent_run_id, metadata):
            langgraph.mark(run, tags, metadata)
            if run.turn is not None:
                run.turn.incoming = messages.incoming(inputs, self._messages_key)
            run.input_id = id(inputs)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._end(run_id)
        if not isinstance(run, ChainRun):
            return
        if run.is_task:
            run.output = langgraph.read_returned(outputs)
        elif run.seq:
            run.output = langgraph.gotos(outputs)
        if run.turn is not None:
            run.turn.answers = messages.answers(outputs, self._messages_key)

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._fail(run_id, error)

    # ------------------------------------------------------------------ models

    def on_chat_model_start(
        self,
        serialized: Any,
        messages: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        name = (metadata or {}).get("ls_model_name")
        run = ModelRun(run_id, self._record.open.get(parent_run_id), name, self._clock())  # type: ignore[arg-type]
        self._begin(run, parent_run_id, metadata)

    def on_llm_start(self, serialized: Any, prompts: list[str], *, run_id: UUID, **kwargs: Any) -> None:
        self.on_chat_model_start(serialized, prompts, run_id=run_id, **kwargs)

    def on_llm_new_token(self, token: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._record.open.get(run_id)
        if token and isinstance(run, ModelRun):
            if run.streamed is None:
                run.streamed = []
                run.first_token_ns = self._clock()
            run.streamed.append(token)

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._end(run_id)
        if isinstance(run, ModelRun):
            run.reply = messages.reply(response)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._fail(run_id, error)

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
        tool_call_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        name = (serialized or {}).get("name")
        run = ToolRun(run_id, self._record.open.get(parent_run_id), name, self._clock())  # type: ignore[arg-type]
        run.tool_call_id = tool_call_id
        run.params = to_json(inputs if isinstance(inputs, dict) else {"value": input_str})
        self._begin(run, parent_run_id, metadata)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._end(run_id)
        if isinstance(run, ToolRun):
            run.status = getattr(output, "status", None) or "ok"
            content = getattr(output, "content", output)
            run.result = to_json(content if isinstance(content, dict) else {"value": content})

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
        run = RetrieverRun(run_id, self._record.open.get(parent_run_id), name, self._clock())  # type: ignore[arg-type]
        run.params = to_json({"query": query})
        self._begin(run, parent_run_id, metadata)

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._end(run_id)
        if isinstance(run, RetrieverRun):
            sources = [document.metadata.get("source") for document in documents]
            run.result = to_json({"count": len(documents), "sources": sources})

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._fail(run_id, error)

    # ------------------------------------------------------------------ what else happens during a run

    def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._record.open.get(run_id)
        if run is not None:
            event = Event(name, to_json(data), self._clock())
            run.events = [*(run.events or ()), event]

    # ------------------------------------------------------------------ opening and closing runs

    def _begin(self, run: Run, parent_run_id: UUID | None, metadata: dict[str, Any] | None) -> bool:
        """Take in a run that starts; False when it is already known or the call is over."""
        record = self._record
        if record.sealed:
            record.late += 1
            return False
        if run.run_id in record.open:  # the handler was passed twice
            return False
        if run.parent is None:
            if parent_run_id is None:
                run.turn = Turn((metadata or {}).get("thread_id"))
                record.turns.append(run)
            else:
                run.orphan = True
        record.start(run)
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
        return run

    def _fail(self, run_id: UUID, error: BaseException) -> None:
        """Close a run that ended in an exception; the same exception on its way up stays one failure."""
        run = self._record.open.get(run_id)
        known = run.child_errors if run is not None else None
        run = self._end(run_id)
        if run is None:
            return
        run.failure = next((failure for child, failure in known or () if child is error), None)
        if run.failure is None:
            run.failure = Failure(type(error).__name__, langgraph.failure_kind(error), _message(error), run)
        if run.parent is not None:
            run.parent.child_errors = [*(run.parent.child_errors or ()), (error, run.failure)]

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
