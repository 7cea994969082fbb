"""What a call's log says when the handler is held wrong: one line each, once a call, with the way out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tuner_langchain.runs import CallRecord, Turn

log = logging.getLogger("tuner_langchain")

NO_CALLBACKS: Final = (
    "Call %s was finalised, but no callback reached its handler. Pass it with each turn: "
    "graph.invoke(..., config={'callbacks': [handler]}). A RemoteGraph sends no callbacks: record it in the server."
)
ONLY_MODELS: Final = (
    "Call %s: callbacks came from models only, so its nodes and turns are unknown. Pass the handler to the graph or "
    "chain, not to the model: graph.invoke(..., config={'callbacks': [handler]})."
)
LATE_TURN: Final = (
    "Call %s is finalised; a turn that began after that is not recorded. Make a new TunerCallbackHandler for each "
    "call."
)
SECOND_THREAD: Final = (
    "Call %s: its handler got turns of more than one thread_id, so words of several conversations are in one call. "
    "Make a new TunerCallbackHandler for each call."
)
REMOTE: Final = (
    "Call %s: a RemoteGraph sends no callbacks, so what happens inside node %s is not recorded. Record it in the "
    "server that runs it."
)
FORGOTTEN: Final = (
    "Call %s was never finalised: its handler %s. It is sent now, with metadata.never_finalized. Call "
    "handler.finalize() when the call is over, or use the handler in a with block."
)
FORGOTTEN_AND_NOT_SENT: Final = (
    "Call %s was never finalised: its handler %s. It is not sent (send_unfinalized=False). Call handler.finalize() "
    "when the call is over, or use the handler in a with block."
)


class Notices:
    """What was logged of one call."""

    def __init__(self, call_id: str) -> None:
        self._call_id = call_id
        self._thread_id: str | None = None
        self._logged: set[str] = set()
        self._apart = 0

    def turn_began(self, turn: Turn) -> None:
        """Take note of a turn, to see whether the handler serves two conversations."""
        if turn.thread_id is None:
            return
        if self._thread_id is None:
            self._thread_id = turn.thread_id
        elif turn.thread_id != self._thread_id:
            self._once(SECOND_THREAD)

    def ran_apart(self) -> None:
        """Take note of a model or tool inside a graph that was given the handler where the graph was not."""
        self._apart += 1

    def turn_was_late(self) -> None:
        """Take note of a turn that began when the call was finalised."""
        self._once(LATE_TURN)

    def remote_nodes(self, names: Iterable[str]) -> None:
        """Take note of nodes that are graphs on a server."""
        for name in names:
            self._once(REMOTE, name)

    def call_ended(self, record: CallRecord) -> None:
        """Look at what reached the handler, when its call has ended."""
        if record.runs and len(record.turns) <= self._apart:
            self._once(ONLY_MODELS)
        elif not (record.runs or record.spoken):
            self._once(NO_CALLBACKS)

    def _once(self, message: str, *facts: str) -> None:
        key = message.join(("", *facts))
        if key not in self._logged:
            self._logged.add(key)
            log.warning(message, self._call_id, *facts)
