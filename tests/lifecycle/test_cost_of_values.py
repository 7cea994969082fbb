"""What a callback costs is bounded by the cap of a value, not by the value's size.

Two measures: the lines of ours that are executed, which are the same in every run, and the time, where only a
difference of many times counts: copying or encoding the whole of a value is one line and a thousand times as long.
"""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pandas as pd
import pytest

import tuner_langchain
from lifecycle.calls import Outlet
from tuner_langchain import Capture, TunerCallbackHandler

OURS = str(Path(tuner_langchain.__file__).parent)
CAP = 20_000
AT_MOST = 3
AT_MOST_IN_TIME = 30
CAPTURE = Capture(node_inputs=True, node_outputs=True, max_value_chars=CAP)

Door = Callable[[TunerCallbackHandler, Any], None]


def _tool_start(handler: TunerCallbackHandler, value: Any) -> None:
    handler.on_tool_start({"name": "find"}, "", run_id=uuid.uuid4(), inputs={"value": value})


def _tool_end(handler: TunerCallbackHandler, value: Any) -> None:
    run_id = uuid.uuid4()
    handler.on_tool_start({"name": "find"}, "", run_id=run_id, inputs={})
    handler.on_tool_end(value, run_id=run_id)


def _chain_start(handler: TunerCallbackHandler, value: Any) -> None:
    handler.on_chain_start(
        None, {"messages": [("user", "Hi")], "thing": value}, run_id=uuid.uuid4(), name="desk"
    )


def _node(handler: TunerCallbackHandler, value: Any) -> None:
    root, node = uuid.uuid4(), uuid.uuid4()
    handler.on_chain_start(None, {"messages": []}, run_id=root, name="desk")
    marks = {"langgraph_node": "greet", "langgraph_step": 1, "langgraph_checkpoint_ns": "greet:1"}
    state = {"messages": [], "thing": value}
    handler.on_chain_start(
        None, state, run_id=node, parent_run_id=root, name="greet", tags=["graph:step:1"], metadata=marks
    )
    handler.on_chain_end({"thing": value}, run_id=node)
    handler.on_chain_end({"messages": [], "thing": value}, run_id=root)


def _event(handler: TunerCallbackHandler, value: Any) -> None:
    root = uuid.uuid4()
    handler.on_chain_start(None, {"messages": []}, run_id=root, name="desk")
    handler.on_custom_event("said", value, run_id=root)


def _error(handler: TunerCallbackHandler, value: Any) -> None:
    run_id = uuid.uuid4()
    handler.on_tool_start({"name": "find"}, "", run_id=run_id, inputs={})
    handler.on_tool_error(ValueError(value), run_id=run_id)


def _facts(handler: TunerCallbackHandler, value: Any) -> None:
    handler.update(metadata={"value": value}, call_analysis={"value": [value]})


DOORS: list[Door] = [_tool_start, _tool_end, _chain_start, _node, _event, _error, _facts]

# The value at the cap, and one that is far beyond it.
SIZES: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "text": (lambda: "a" * CAP, lambda: "a" * 50_000_000),
    "odd text": (lambda: "ä\ud800" * (CAP // 2), lambda: "ä\ud800" * 10_000_000),
    "bytes": (lambda: b"a" * CAP, lambda: b"a" * 50_000_000),
    "numbers": (lambda: [7] * CAP, lambda: [7] * 10_000_000),
    "dictionaries": (lambda: [{"day": "today"}] * 2_000, lambda: [{"day": "today"}] * 200_000),
    "keys": (lambda: dict.fromkeys(range(4_000), "x"), lambda: dict.fromkeys(range(1_000_000), "x")),
    "frame": (
        lambda: pd.DataFrame({"a": range(CAP)}),
        lambda: pd.DataFrame({"a": range(5_000_000), "b": 1.5}),
    ),
}


def _handler() -> TunerCallbackHandler:
    handler = TunerCallbackHandler(delivery=Outlet(), capture=CAPTURE, send_unfinalized=False)
    handler._is_watched = False
    return handler


def _lines(door: Door, value: Any) -> int:
    """Return how many lines of ours are executed."""
    handler, lines = _handler(), 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        door(handler, value)
    finally:
        sys.settrace(before)
    return lines


def _seconds(door: Door, value: Any) -> float:
    """Return the least of several times."""

    def once() -> float:
        handler, began_s = _handler(), time.perf_counter()
        door(handler, value)
        return time.perf_counter() - began_s

    return min(once() for _ in range(5))


@pytest.mark.parametrize("kind", SIZES)
def test_a_huge_value_costs_no_more_than_one_at_the_cap(kind: str) -> None:
    """Through each door: at most three times the lines, and nowhere near the time that its size would take."""
    make, make_huge = SIZES[kind]
    value, huge = make(), make_huge()
    for door in DOORS:
        door(_handler(), value)  # imports and caches are there
        lines, many = _lines(door, value), _lines(door, huge)
        assert many <= AT_MOST * lines, f"{door.__name__}: {many:,} lines where {lines:,} are enough"
        usual_s, long_s = _seconds(door, value), _seconds(door, huge)
        assert long_s <= AT_MOST_IN_TIME * usual_s + 0.005, (
            f"{door.__name__}: {long_s:.4f} s, {usual_s:.4f} s"
        )


@pytest.mark.parametrize("fact", ["transcript", "recipient", "asr_model"])
def test_a_huge_text_given_as_a_fact_is_cut_before_it_is_read(fact: str) -> None:
    """Texts that the API sets no limit for are cut as other values are."""

    def give(handler: TunerCallbackHandler, value: Any) -> None:
        handler.update(**{fact: value})

    longest = CAP if fact != "transcript" else CAPTURE.max_document_bytes // 8
    usual_s = _seconds(give, "ä" * longest)
    assert _seconds(give, "ä" * 50_000_000) <= 5 * usual_s + 0.005
