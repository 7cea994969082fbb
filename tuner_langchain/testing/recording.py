"""A handler for tests: it needs no account, no environment and no network, and keeps the call."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Unpack

import orjson

from tuner_langchain.delivery import Receipt
from tuner_langchain.handler import TunerCallbackHandler
from tuner_langchain.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuner_langchain.capture import Capture
    from tuner_langchain.delivery import Recording
    from tuner_langchain.facts import CallFacts
    from tuner_langchain.outcome import AgentText

KEPT = "Kept in memory by a recording handler; nothing was sent."


class Shelf:
    """Where a recording handler's document goes: it stays in memory, as it would have been sent."""

    def __init__(self) -> None:
        self.body: bytes | None = None

    def submit(self, call_id: str, body: bytes, *, recording: Recording | None = None) -> Receipt:  # noqa: ARG002 - no file is sent
        """Keep the document and say that it was delivered, so that code under test goes on as it would."""
        self.body = body
        receipt = Receipt(call_id, state="delivered")
        receipt.update(message=KEPT)
        return receipt


class RecordingHandler(TunerCallbackHandler):
    """What `record` returns: a `TunerCallbackHandler` that keeps its call, also after `finalize`."""

    _is_watched = False  # a test may look at a call and let it go

    def __init__(
        self,
        *,
        capture: Capture | None = None,
        graph: Any = None,
        messages_key: str = "messages",
        clock: Callable[[], int] = time.monotonic_ns,
        **options: Any,
    ) -> None:
        self._shelf = Shelf()
        super().__init__(
            capture=capture,
            graph=graph,
            messages_key=messages_key,
            clock=clock,
            delivery=self._shelf,
            **options,
        )

    def __repr__(self) -> str:
        return f"<RecordingHandler of call {self.call_id}>"

    @property
    def timeline(self) -> Timeline:
        """The call so far; once it was finalised, the call as it would have been sent."""
        if self._shelf.body is not None:
            return Timeline(orjson.loads(self._shelf.body))
        if self.finalized:  # with nothing in it, so that there was nothing to send
            return Timeline({"call_id": self.call_id, "transcript_with_tool_calls": []})
        return super().timeline

    @property
    def document(self) -> dict[str, Any]:
        """The Create Call document of the call, so far or as it would have been sent."""
        return self.timeline.document

    @property
    def body(self) -> bytes | None:
        """The request body that would have been sent; None before `finalize`, and for an empty call."""
        return self._shelf.body

    @property
    def finalized(self) -> bool:
        """Whether the call was finalised."""
        return self._record.sealed


def record(
    *,
    capture: Capture | None = None,
    graph: Any = None,
    messages_key: str = "messages",
    agent_text: AgentText | None = None,
    clock: Callable[[], int] = time.monotonic_ns,
    **facts: Unpack[CallFacts],
) -> RecordingHandler:
    """Return a handler for a test: no account, no environment, no network, and the call stays at hand.

    Everything else is the handler that production uses::

        call = record()
        graph.invoke({"messages": [("user", "A table for two?")]}, {"callbacks": [call]})
        assert call.timeline.path() == "triage -> booking"

    Args:
        capture: What goes into the document (see `Capture`).
        graph: As for `TunerCallbackHandler`.
        messages_key: As for `TunerCallbackHandler`.
        agent_text: As for `TunerCallbackHandler`.
        clock: Nanoseconds that never go back, like `ManualClock`; the default is the real clock.
        **facts: Facts about the call, as in `CallFacts`.

    Raises:
        CallFactError: A fact breaks a limit of the Create Call API.
    """
    return RecordingHandler(
        capture=capture, graph=graph, messages_key=messages_key, agent_text=agent_text, clock=clock, **facts
    )
