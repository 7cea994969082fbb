"""How runs ended, in one word. Pure."""

from __future__ import annotations

from tuner_langchain.runs import ChainRun, Failure, Run


def is_done(task: Run) -> bool:
    """Return whether a node came to its end, so that what it wrote counts."""
    return task.end_ns is not None and (task.failure is None or task.failure.kind == "handed_over")


def status_of(run: Run) -> str:
    """Return how a run ended; one that is still open was cancelled or left unfinished by what is around it."""
    failure = run.failure
    if failure is not None:
        return "cancelled" if failure.kind == "abandoned" else failure.kind
    if run.end_ns is not None:
        return "ok"
    around = run.parent
    while around is not None and (around.end_ns is None or around.end_ns < run.start_ns):
        around = around.parent
    stopped = (
        around is not None
        and around.failure is not None
        and around.failure.kind in ("cancelled", "abandoned")
    )
    return "cancelled" if stopped else "unfinished"


def in_entry(graph: Run) -> bool:
    """Return whether a graph's run was called by a router of another graph's entry, so that no node is around it."""
    around = graph.parent
    while around is not None and not around.is_task:
        if isinstance(around, ChainRun) and around.is_start:
            return True
        around = around.parent
    return False


def raising_node(failure: Failure) -> ChainRun | None:
    """Return the deepest node that a failure went through; None when it was stopped below, or there is none."""
    origin = failure.origin
    task = origin if isinstance(origin, ChainRun) and origin.is_task else origin.task
    return task if task is not None and task.failure is failure else None
