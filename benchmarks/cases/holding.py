"""How long the end of a call holds the interpreter at a stretch: what an event loop in the same process waits.

A thread that only wants the interpreter again and again is late by as long as another one kept it. Python hands it on
between two steps of a program, but not in the middle of one call of C: encoding, sorting, a pattern's search.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from benchmarks import rows
from benchmarks.handlers import Discard
from tuner_langchain import Capture, TunerCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.effort import Effort
    from benchmarks.rows import Row

MILLION = 1_000_000
# The worst of one round is often the machine's; what happens in the best of several is ours.
ROUNDS = 7


def run(effort: Effort) -> list[Row]:
    """Finalise large calls of four kinds beside a thread that wants the interpreter."""
    return [
        rows.single(
            f"the interpreter held at a stretch, {what}", "ms", _least(make, effort.rounds(ROUNDS)), at_most=5
        )
        for what, make in CALLS.items()
    ]


def _least(make: Callable[[], Any], rounds: int) -> float:
    return min(_held_ms(make()) for _ in range(rounds))


def _held_ms(handler: Any) -> float:
    with _interpreter_wanted() as late_s:
        handler.finalize()
    return max(late_s) * 1_000


@contextmanager
def _interpreter_wanted() -> Iterator[list[float]]:
    """Note how long a thread waits for the interpreter, that asks for it every half millisecond."""
    late_s, over = [0.0], threading.Event()
    pause_s, before = 0.0005, sys.getswitchinterval()

    def want() -> None:
        while not over.is_set():
            began = time.perf_counter()
            time.sleep(pause_s)
            late_s.append(time.perf_counter() - began - pause_s)

    sys.setswitchinterval(pause_s)
    thread = threading.Thread(target=want)
    thread.start()
    time.sleep(0.05)
    late_s.clear()
    late_s.append(0.0)
    try:
        yield late_s
    finally:
        over.set()
        thread.join()
        sys.setswitchinterval(before)


# ---------------------------------------------------------------------- large calls


def _handler(**capture: Any) -> Any:
    return TunerCallbackHandler(delivery=Discard(), capture=Capture(**capture))


def many_rows() -> Any:
    """Return a call with 10,000 rows of tools."""
    handler = _handler()
    for number in range(5_000):
        _tool(handler, {"number": number})
    return handler


def one_large_row() -> Any:
    """Return a call with a tool whose result is 5 MB."""
    handler = _handler(max_value_chars=10 * MILLION, max_document_bytes=20 * MILLION)
    _tool(handler, {"page": ["a line of text that a page may hold, and no more", *range(20)] * 40_000})
    return handler


def large_facts() -> Any:
    """Return a call with 5 MB of facts."""
    handler = _handler(max_document_bytes=20 * MILLION)
    handler.update(
        collected_dynamic_variables={f"name {n}": "what was collected " * 5 for n in range(45_000)}
    )
    return handler


def many_words() -> Any:
    """Return a call in which 200,000 words were spoken, each with its time."""
    handler = _handler(max_document_bytes=50 * MILLION)
    words = [{"word": "word", "start_ms": n, "end_ms": n + 1} for n in range(1_000)]
    for turn in range(200):
        handler.add_user_turn("word " * 1_000, start_ms=turn * 1_000, words=words)
    return handler


def _tool(handler: Any, result: Any) -> None:
    run_id = uuid4()
    handler.on_tool_start({"name": "read"}, "", run_id=run_id, inputs={"n": 1}, tool_call_id=str(run_id))
    handler.on_tool_end(result, run_id=run_id)


CALLS: dict[str, Callable[[], Any]] = {
    "10,000 rows": many_rows,
    "one row of 5 MB": one_large_row,
    "5 MB of facts": large_facts,
    "200,000 spoken words": many_words,
}
