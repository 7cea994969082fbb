"""Whatever document any client wrote, its text, its JSON and its page are made."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from typing import Any, Final

import pytest

from tuner_langchain.view.html import page
from tuner_langchain.view.outline import timeline_text
from tuner_langchain.view.story import members, read_story

ROWS: Final = "transcript_with_tool_calls"
ROLES: Final = ("user", "agent", "agent_function", "agent_result", "node_transition")
ODD: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 5, 7.5, 10**18, 10**400, -(10**30), 1e308, float("inf"), float("nan"), "", "x",
    "a\x1b\n", "\ud800", "é" * 50, [], {}, [1], [[]], [{}], {"a": 1}, {"a": {"b": [None]}}, [None, 5, "x"],
    {"start_ms": "x"}, {"type": 5, "message": [1]}, [{"word": 5, "start_ms": None, "end_ms": "x"}],
)  # fmt: skip


def story_json(document: dict[str, Any]) -> str:
    return json.dumps(read_story(document), default=members)


FORMS: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "text": timeline_text,
    "json": story_json,
    "html": page,
}


class Client:
    """A client that fills most fields as the contract says, and any field with anything."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def document(self) -> dict[str, Any]:
        """Return one document."""
        at = 1767225600000 + self._ms()
        return self._some(
            call_id="c", call_type="p", start_timestamp=at, end_timestamp=at + self._ms(), duration_ms=5,
            recording_url="https://a@b/c?d", call_cost=5, call_successful=True, disconnection_reason="x",
            call_analysis={"a": 1}, metadata=self._call(), transcript_with_tool_calls=self._many(self._row),
        )  # fmt: skip

    def _row(self) -> Any:
        role = self._random.choice(ROLES)
        return self._some(
            role=role, text="hi", start_ms=self._ms(), end_ms=self._ms(), duration_ms=self._ms(),
            words=self._many(lambda: self._some(word="a", start_ms=self._ms(), end_ms=self._ms())),
            node=self._some(**{"from": self._node(), "to": self._node(), "reason": "r"}),
            tool=self._some(
                name="t", request_id=self._random.choice("12"), params={"a": 1}, result={"error": self._odd()},
                is_error=True, error="boom", start_ms=self._ms(),
            ),
            metadata=self._about_row(),
        )  # fmt: skip

    def _about_row(self) -> dict[str, Any]:
        return self._some(
            turn=self._random.randint(0, 3), e2e_latency=self._ms(), llm=self._many(self._model), graph="g", node="a",
            sources=self._many(self._source), events=self._many(self._event),
            error=self._odd(), status=self._random.choice(["ok", "error", "cancelled"]), interrupted=True,
            withheld="x", transcript_confidence=0.5,
        )  # fmt: skip

    def _model(self) -> dict[str, Any]:
        return self._some(model="m", start_ms=self._ms(), total_tokens=5, error=self._odd(), status="ok")

    def _source(self) -> dict[str, Any]:
        return self._some(**{"kind": "call", "name": "n", "value": "v", "from": "a"})

    def _event(self) -> dict[str, Any]:
        return self._some(at_ms=5, name="e", data=self._odd())

    def _call(self) -> dict[str, Any]:
        usage = {"calls": self._odd(), "unknown_usage_calls": self._odd()}
        return self._some(
            ai_models={"llm_model": self._odd()}, usage_token={"llm_token": self._odd()}, llm_usage={"m": usage},
            errors=self._many(lambda: self._some(turn=1, at_ms=5, type="T", message="m")), more=self._odd(),
        )  # fmt: skip

    def _some(self, **fields: Any) -> dict[str, Any]:
        kept = {name: value for name, value in fields.items() if self._random.random() < 0.85}
        return {name: value if self._random.random() < 0.75 else self._odd() for name, value in kept.items()}

    def _many(self, make: Callable[[], Any]) -> list[Any]:
        count = self._random.randint(0, 6)
        return [make() if self._random.random() < 0.9 else self._odd() for _ in range(count)]

    def _node(self) -> str:
        return self._random.choice(["a", "b", "g:c", "g"])

    def _odd(self) -> Any:
        return self._random.choice(ODD)

    def _ms(self) -> int:
        return self._random.randint(0, 5000)


@pytest.mark.parametrize("form", FORMS)
def test_any_document_is_shown(form: str) -> None:
    """Three hundred documents, each field of the right kind or of any other: none fails, and JSON stays strict."""
    for seed in range(300):
        shown = FORMS[form](Client(seed).document())

        assert shown
        if form == "json":
            json.loads(shown, parse_constant=pytest.fail)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_any_value_in_any_place(value: Any, form: str) -> None:
    """An odd value in the place of each field, alone, costs that field."""
    row = {"role": "agent", "text": "words that stay", "start_ms": 1, "end_ms": 2}
    for name in ("words", "metadata", "tool", "node", "start_ms", "end_ms", "duration_ms"):
        assert "words that stay" in FORMS[form]({"call_id": "c", ROWS: [row | {name: value}]})
    for name in (
        "metadata",
        "call_cost",
        "start_timestamp",
        "end_timestamp",
        "duration_ms",
        "call_id",
        "call_type",
    ):
        assert "words that stay" in FORMS[form]({ROWS: [row], name: value})
    for name in ("llm", "sources", "events", "turn", "e2e_latency", "error"):
        assert "words that stay" in FORMS[form]({ROWS: [row | {"metadata": {name: value}}]})
    assert FORMS[form]({"call_id": "c", ROWS: value})


@pytest.mark.parametrize("form", FORMS)
def test_a_value_that_is_nested_deeply(form: str) -> None:
    """A document that Python can hold is shown, also where writing it out in full would go too deep."""
    deep: Any = "the bottom"
    for _ in range(sys.getrecursionlimit() * 2):
        deep = {"a": [deep]}
    row = {
        "role": "agent_function",
        "text": "t",
        "start_ms": 1,
        "end_ms": 2,
        "tool": {"name": "t", "params": deep},
    }

    assert FORMS[form]({"call_id": "deep", "metadata": {"x": deep}, ROWS: [row]})


@pytest.mark.parametrize("form", FORMS)
def test_ten_thousand_rows(form: str) -> None:
    """A very long call is shown to its last row."""
    rows = [
        {"role": ROLES[index % 5], "text": f"row {index}.", "start_ms": index, "end_ms": index + 5,
         "node": {"from": "a", "to": f"n{index % 50}"}, "tool": {"name": "t", "request_id": str(index)}}
        for index in range(10_000)
    ]  # fmt: skip

    assert "row 9996." in FORMS[form]({"call_id": "long", ROWS: rows})
