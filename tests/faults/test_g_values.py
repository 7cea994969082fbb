"""Group G, values: what a graph may hold and JSON cannot say, from a real tool to the stored document."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from langchain_core.tools import StructuredTool

from faults.scenarios import scenario
from faults.trial import Trial
from tuner_langchain import TunerCallbackHandler

HOUR_S = 3_600.0


def _cycle() -> Any:
    cycle: dict[str, Any] = {"name": "a cycle"}
    cycle["self"] = cycle
    return cycle


def _deep() -> Any:
    value: Any = "bottom"
    for _ in range(300):
        value = [value]
    return value


class Raises:
    """Shows itself to nobody."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    def model_dump(self) -> Any:
        raise RuntimeError("no")


class Explodes:
    """Shows itself at great length."""

    def __repr__(self) -> str:
        return "y" * 100_000_000


ODD_VALUES: dict[str, Any] = {
    "surrogate": "half \ud83d emoji",
    "nul": "a\0b",
    "not a number": float("nan"),
    "infinite": float("inf"),
    "big": 2**70,
    "bytes": b"\xff\x00",
    "datetime": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    "set": {1, 2},
    "object": object(),
    "cycle": _cycle(),
    "deep": _deep(),
}


def _finalised(trial: Trial, value: Any) -> tuple[str, dict[str, Any]]:
    """Let a real tool return a value in a call; return the call_id and the stored document."""
    handler = TunerCallbackHandler(delivery=trial.delivery, call_type="web_call")
    tool = StructuredTool.from_function(
        lambda: {"value": value}, name="odd", description="Returns something odd."
    )
    tool.invoke({}, config={"callbacks": [handler]})
    receipt = handler.finalize()
    assert receipt.durable
    trial.run(60)
    assert receipt.state == "delivered"
    text = json.dumps(trial.server.body(handler.call_id))
    document: dict[str, Any] = json.loads(
        text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON")
    )
    return handler.call_id, document


@pytest.mark.parametrize("kind", ODD_VALUES)
@scenario("G1")
def test_values_json_does_not_know(trial: Trial, kind: str) -> None:
    """One odd value costs at most that value; the document is strict JSON with both rows of the tool."""
    _, document = _finalised(trial, ODD_VALUES[kind])
    rows = document["transcript_with_tool_calls"]
    assert [row["role"] for row in rows if row["role"].startswith("agent_")] == [
        "agent_function",
        "agent_result",
    ]


@pytest.mark.parametrize("value", [Raises(), Explodes()], ids=["raises", "explodes"])
@scenario("G2")
def test_objects_that_do_not_want_to_be_shown(trial: Trial, value: object) -> None:
    """What an object does when it is shown costs that value; the call is kept, and stays small."""
    _, document = _finalised(trial, value)
    assert len(json.dumps(document)) < 20_000


@scenario("G3")
def test_a_20_mb_document(trial: Trial) -> None:
    """A very large call is sent as it is."""
    receipt = trial.submit(size_bytes=20_000_000)
    assert receipt.durable
    trial.run(60)
    assert receipt.state == "delivered"


@scenario("G3")
def test_a_call_without_segments(trial: Trial) -> None:
    """Tuner refuses a call in which nothing happened, so nothing is posted, and the receipt says so."""
    handler = TunerCallbackHandler(delivery=trial.open())
    receipt = handler.finalize()
    trial.run(60)
    assert receipt.state == "empty"
    assert receipt.message
    assert not trial.posts()
