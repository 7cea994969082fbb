"""Any value in, strict JSON out; long values cut in place."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import uuid
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from tuner_langchain.values import CUT_WORDS_CHARS, cut_text, freeze, freeze_object, plain, text, to_json


class Colour(enum.Enum):
    """A value behind a name."""

    RED = "red"


class Model(BaseModel):
    """A pydantic model."""

    name: str = "Ada"
    when: dt.date = dt.date(2026, 1, 2)


@dataclasses.dataclass
class Point:
    """A dataclass with something odd in it."""

    x: float
    tags: set[str]


class Silent:
    """Refuses to be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


class Text(str):
    """A string of the program's own."""

    __slots__ = ()


CYCLE: dict[str, Any] = {}
CYCLE["self"] = CYCLE
DEEP: Any = []
for _ in range(2_000):
    DEEP = [DEEP]


CASES = {
    "not a number": ({"a": float("nan"), "b": float("inf")}, {"a": None, "b": None}),
    "set": ({"tags": {"b", "a"}}, {"tags": ["a", "b"]}),
    "bytes": (b"\x00\xff", "<2 bytes>"),
    "datetime": (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "2026-01-02T00:00:00+00:00"),
    "large number": (2**70, str(2**70)),
    "large numbers": ({"n": -(2**70), "ok": 2**64 - 1}, {"n": str(-(2**70)), "ok": 2**64 - 1}),
    "a number too large to be written": (
        {"n": 10**5000, "ok": 1},
        {"n": "<a whole number of 16610 bits>", "ok": 1},
    ),
    "surrogate": ("lone \ud800 surrogate", "lone � surrogate"),
    "surrogate key": ({"\udfff": 1}, {"�": 1}),
    "odd keys": ({1: "a", None: "b", (1, 2): "c"}, {"1": "a", "None": "b", "(1, 2)": "c"}),
    "enum": (Colour.RED, "red"),
    "model": (Model(), {"name": "Ada", "when": "2026-01-02"}),
    "model inside": (
        {"model": Model(), "odd": {1}},
        {"model": {"name": "Ada", "when": "2026-01-02"}, "odd": [1]},
    ),
    "dataclass": (Point(1.5, {"x"}), {"x": 1.5, "tags": ["x"]}),
    "cycle": (CYCLE, {"self": "<cycle>"}),
    "unreadable": ({"it": Silent()}, {"it": "<Silent>"}),
    "string subclass": (Text("mine"), "mine"),
    "uuid": (uuid.UUID(int=0), "00000000-0000-0000-0000-000000000000"),
    "decimal": (decimal.Decimal("1.5"), "1.5"),
    "tuples": ((1, [2, (3,)]), [1, [2, [3]]]),
}


@pytest.mark.parametrize(("value", "shown"), list(CASES.values()), ids=list(CASES))
def test_every_value_becomes_json(value: Any, shown: Any) -> None:
    """What JSON cannot say is said as short text in its place; the rest is exact."""
    assert orjson.loads(to_json(value)) == shown


def test_a_value_too_deep_is_cut_off() -> None:
    """A value nested beyond reason ends in a word, not in an error."""
    assert b"<nested too deep>" in freeze(DEEP, 1_000)


JSONLIKE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None))
    | st.binary(),
    lambda kids: (
        st.lists(kids) | st.dictionaries(st.text(st.characters(codec=None)), kids) | st.sets(st.integers())
    ),
    max_leaves=20,
)


@given(JSONLIKE)
def test_to_json_never_raises(value: Any) -> None:
    """Strict JSON comes out of anything, and a value that is plain already is the same again."""
    assert plain(plain(value)) == plain(value) == orjson.loads(to_json(value))


@given(JSONLIKE, st.integers(20, 400))
def test_frozen_values_keep_their_cap(value: Any, most: int) -> None:
    """A frozen value is JSON of about the cap at most: more only by what says what was cut, on each level."""
    frozen = orjson.loads(freeze(value, most))

    if len(to_json(value)) > most:
        assert len(orjson.dumps(frozen).decode()) <= 2 * most + 20 * CUT_WORDS_CHARS
    else:
        assert frozen == plain(value)


def test_cut_says_what_is_missing() -> None:
    """Text, lists and objects each say what was left out."""
    assert cut_text("abcdef", 3) == "abc… [cut: 6 characters in all]"
    assert plain(list(range(100)), 30)[-1] == "[cut: 85 of 100 items left out]"
    assert plain({str(n): n for n in range(100)}, 30)["…"] == "[cut: 95 of 100 fields left out]"


def test_freezing_an_object_gives_an_object() -> None:
    """Parameters and results stay objects however much of them is cut."""
    assert isinstance(orjson.loads(freeze_object({"value": "x" * 1_000}, 50)), dict)
    assert orjson.loads(freeze_object(["x"] * 1_000, 50))["value"][0] == "x"


def test_text_without_surrogates_is_itself() -> None:
    """Ordinary text is not touched."""
    assert text("héllo 👋") == "héllo 👋"
