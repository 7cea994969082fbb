"""What a call's metadata says beside its rows: errors that have no node, pauses, events outside of nodes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tuner_langchain.runs import Event, ModelRun, Pause, Run, ToolRun
from tuner_langchain.timeline.nodes import error_data, event_data, graph_path
from tuner_langchain.timeline.status import raising_node
from tuner_langchain.timeline.threads import thread_of

if TYPE_CHECKING:
    from tuner_langchain.timeline.clock import Span

# LangGraph's word for a graph that stopped because a node asked something.
_ASKED = "pending"


def call_errors(runs: Iterable[Run], turns: Mapping[Run, int], span: Span) -> dict[str, Any]:
    """Return `errors`: what went wrong and is on no row, like a recursion limit or an invalid update.

    Each has `turn`, `type`, `message` and `at_ms`; one that happened inside a node which dealt with it has `node`.
    """
    found = []
    for run in runs:
        failure = run.failure
        if failure is None or failure.kind != "error" or failure.origin is not run:
            continue
        if isinstance(run, ToolRun) or raising_node(failure) is not None:
            continue
        task = run.task
        if isinstance(run, ModelRun) and task is not None:
            continue  # it is among the model calls of its node
        error = {"turn": turns.get(run.root, 1), **error_data(failure), "at_ms": span.ms(span.end_of(run))}
        if task is not None:
            around = graph_path(task)
            error["node"] = f"{around}:{task.name}" if around else task.name
        found.append(error)
    return {"errors": found} if found else {}


def call_pauses(pauses: Sequence[Pause], turns: Mapping[Run, int], span: Span) -> dict[str, Any]:
    """Return `pauses`: where a graph waited for a human, and the turn in which it went on.

    `kind` is `interrupt`, `interrupt_before` or `interrupt_after`.
    """
    found = []
    for pause in pauses:
        turn = turns.get(pause.root.root, 1)
        kind = "interrupt" if pause.status == _ASKED else pause.status
        found.append(
            {
                "turn": turn,
                "kind": kind,
                "at_ms": span.ms(pause.at_ns),
                "resumed_in_turn": _resumed_in(pause, turns),
            }
        )
    return {"pauses": found} if found else {}


def _resumed_in(pause: Pause, turns: Mapping[Run, int]) -> int | None:
    """Return the first turn of the same thread that goes on from a pause, None when it was never resumed."""
    paused = pause.root.root
    thread = thread_of(paused)
    for root, number in turns.items():
        if root.start_ns > pause.at_ns and root.turn is not None and thread_of(root) == thread:
            return number if getattr(root, "given", None) is not None else None
    return None


def call_events(events: Iterable[Event], turns: Mapping[Run, int], span: Span) -> dict[str, Any]:
    """Return `events`: custom events that were sent outside of nodes."""
    found = [
        {"turn": turns.get(event.run.root, 1), **event_data(event, span)}
        for event in events
        if event.run.task is None and not event.run.is_task
    ]
    return {"events": found} if found else {}
