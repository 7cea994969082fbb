"""One handler is one call: what a program is given, and how a call ends. Start reading here.

LangChain's callbacks are in `callbacks`: each stamps the time, finds the run and notes the few facts that could change
later. What the runs mean is worked out in `timeline` when the call is over; nothing here sends, waits, or looks at the
message history.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

from tuner_langchain import langgraph
from tuner_langchain.arguments import check_arguments
from tuner_langchain.call import Call, preview
from tuner_langchain.callbacks.chains import ChainCallbacks
from tuner_langchain.callbacks.models import ModelCallbacks
from tuner_langchain.callbacks.tools import ToolCallbacks
from tuner_langchain.capture import Capture
from tuner_langchain.checks import check_names
from tuner_langchain.config import TunerConfig
from tuner_langchain.delivery import Delivery, Receipt
from tuner_langchain.errors import FinalizedError
from tuner_langchain.finalizer import Finalizer, Outlet
from tuner_langchain.notices import Notices
from tuner_langchain.runs import CallRecord, Turn
from tuner_langchain.spoken import SpokenTurns
from tuner_langchain.unfinished import watch

if TYPE_CHECKING:
    from tuner_langchain.facts import CallFacts
    from tuner_langchain.outcome import AgentText
    from tuner_langchain.timeline import Timeline

log = logging.getLogger("tuner_langchain")


class TunerCallbackHandler(ChainCallbacks, ModelCallbacks, ToolCallbacks, SpokenTurns):
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
        send_unfinalized: Whether a call that nobody finalised is sent all the same, with
            `metadata.never_finalized`, when its handler is dropped or the program ends. It is logged either way.
        clock: Nanoseconds that never go back, for tests.
        **facts: Facts about the call, as in `CallFacts`.

    Raises:
        ConfigError: A setting or an argument is missing or wrong.
        CallFactError: A fact breaks a limit of the Create Call API.
        OutboxError: The outbox directory cannot be trusted or used.
    """

    _is_watched = True  # whether a call that nobody finalises is reported

    def __init__(
        self,
        *,
        config: TunerConfig | None = None,
        capture: Capture | None = None,
        graph: Any = None,
        messages_key: str = "messages",
        agent_text: AgentText | None = None,
        delivery: Outlet | None = None,
        send_unfinalized: bool = True,
        clock: Callable[[], int] = time.monotonic_ns,
        **facts: Unpack[CallFacts],
    ) -> None:
        super().__init__()
        check_arguments(
            config=config,
            capture=capture,
            graph=graph,
            messages_key=messages_key,
            agent_text=agent_text,
            delivery=delivery,
            send_unfinalized=send_unfinalized,
            clock=clock,
        )
        check_names(facts)  # first: a setting among the facts explains why another is missing
        if delivery is None:
            config = TunerConfig() if config is None else config
            delivery = Delivery.shared(config)
        self._capture = Capture() if capture is None else capture
        self._messages_key = messages_key
        self._agent_text = agent_text
        self._clock = clock
        version = config.agent_version if config is not None else None
        self._call = Call(facts, started_ns=clock(), agent_version=version, capture=self._capture)
        self._record = CallRecord()
        if graph is not None:
            self._record.edges = langgraph.edges_by_path(graph)
        self._notices = Notices(self.call_id)
        self._finalizer = Finalizer(
            self._call, self._record, self._capture, outlet=delivery, clock=clock, notices=self._notices
        )
        self._ahead = self._finalizer.ahead
        self._send_unfinalized = send_unfinalized
        self._watched: int | None = None

    @property
    def call_id(self) -> str:
        """The call's id: the one you gave, or a new UUID."""
        return self._call.call_id

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
        from tuner_langchain.timeline import Timeline  # noqa: PLC0415 - a program that only sends its calls never loads it

        return Timeline(preview(self._call.so_far(self._record, self._capture, self._clock())))

    @property
    def receipt(self) -> Receipt | None:
        """What became of the call, once it was finalised; None before."""
        return self._finalizer.receipt

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
            CallFactError: A fact breaks a limit; the call was finalised without the facts given here.
        """
        wrong = self._finalizer.close(facts)
        receipt = self._finalizer.finish()
        self._end_watch()
        if wrong is not None:
            raise wrong
        return receipt

    async def afinalize(self, **facts: Unpack[CallFacts]) -> Receipt:
        """Do what `finalize` does without holding up the event loop; a cancelled await still writes.

        Raises:
            CallFactError: As for `finalize`.
        """
        wrong = self._finalizer.close(facts)
        receipt = self._finalizer.receipt
        if receipt is None:
            outcome = self._finalizer.finish_elsewhere()
            receipt = await asyncio.shield(asyncio.wrap_future(outcome))
            self._end_watch()
        if wrong is not None:
            raise wrong
        return receipt

    def _note_turn(self, turn: Turn) -> None:
        super()._note_turn(turn)
        self._begin_watch()

    def _begin_watch(self) -> None:
        if self._watched is None and self._is_watched:
            self._watched = watch().begin(self, self._finalizer, send=self._send_unfinalized)

    def _end_watch(self) -> None:
        if self._watched is not None:
            watch().end(self._watched)

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
