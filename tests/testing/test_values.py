"""Any value of a program can be written into an event log, and plain data comes back as it was."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tuner_langchain.testing.decoding import Decoder, error_class
from tuner_langchain.testing.encoding import Encoder

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
PLAIN = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(TEXT | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)
ODD = (
    PLAIN
    | st.binary()
    | st.sets(TEXT)
    | st.builds(object)
    | st.just("\ud800")
    | st.complex_numbers()
    | st.dates()
)


@given(PLAIN)
@example({"count": -(10**5000)})
def test_plain_data_comes_back(value: Any) -> None:
    """Lists, tuples and dictionaries with any keys, and numbers of any size, survive the file."""
    line = orjson.dumps(Encoder().value(value, "text"))

    assert Decoder().value(orjson.loads(line)) == value


@given(st.lists(ODD, max_size=5), st.sampled_from(["mark", "answer", "text"]))
def test_any_value_can_be_written(value: Any, sort: Any) -> None:
    """Nothing raises, and what is written is strict JSON that can be read again."""
    written = Encoder().value({"value": value}, sort)

    Decoder().value(json.loads(orjson.dumps(written)))


@given(PLAIN)
def test_redact_sees_every_text(value: Any) -> None:
    """With the hook, no text of the value is left."""
    written = json.dumps(Encoder(lambda _: "").value(["§" + repr(value), {"said": value}], "text"))

    assert "§" not in written


@pytest.mark.parametrize(
    "error",
    [
        KeyError("a"), OSError(2, "no such file"), UnicodeDecodeError("utf-8", b"x", 0, 1, "bad"),
        ExceptionGroup("several", [ValueError("x")]), RecursionError("deep"), StopAsyncIteration(), Exception(),
        type("OwnError", (LookupError,), {})("mine"),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_exceptions_keep_their_class_and_text(error: BaseException) -> None:
    """The name, what it descends from, and the message are what they were."""
    again = Decoder().value(json.loads(orjson.dumps(Encoder().value(error))))

    assert type(again).__name__ == type(error).__name__
    assert str(again) == str(error)


def test_known_errors_are_the_real_ones() -> None:
    """An except clause for a built-in class would catch the replayed exception."""
    assert issubclass(
        error_class(("OwnError", "LookupError", "Exception", "BaseException", "object")), LookupError
    )
