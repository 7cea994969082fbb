"""Strict JSON: what the API's parser would refuse, in bytes, in text and as Python values."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner_langchain.testing import validate

from .example import example


def problems(document: Any) -> list[str]:
    return [str(violation) for violation in validate(document)]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "document: is not JSON: Expecting value (line 1, column 1)"),
        (b'{"a":\n1 2}', "document: is not JSON: Expecting ',' delimiter (line 2, column 3)"),
        (b'{"a": NaN}', "document: is not JSON: NaN has no JSON form"),
        (b"[-Infinity]", "document: is not JSON: -Infinity has no JSON form"),
        (b'"\xff"', "document: is not UTF-8 (byte 1)"),
        ("{}".encode("utf-16"), "document: is not UTF-8"),
        (b"\xef\xbb\xbf{}", "document: is not JSON"),
        (b"[" * 100_000, "document: is nested too deeply"),
        (b"1" * 5_000, "document: holds an integer with too many digits"),
        (b"[]", "document: should be an object (it is an array)"),
        (b"null", "document: should be an object (it is null)"),
    ],
)
def test_a_body_that_is_no_document(body: bytes, problem: str) -> None:
    """A body that is no JSON object is one violation that says why."""
    (found,) = problems(body)

    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (float("nan"), "is not a finite number"),
        (float("-inf"), "is not a finite number"),
        ({1, 2}, "is a Python set, which has no JSON form"),
        ((1, 2), "is a Python tuple"),
        (b"bytes", "is a Python bytes"),
        (dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "is a Python datetime"),
        (decimal.Decimal(1), "is a Python Decimal"),
        (uuid.UUID(int=1), "is a Python UUID"),
        ("\ud800", "holds a lone surrogate"),
    ],
)
def test_a_python_value_without_a_json_form(value: Any, problem: str) -> None:
    """Deep inside free JSON, a value that cannot be sent is found at its path."""
    document = example(call_analysis={"free": [0, {"deep": value}]})

    (found,) = problems(document)

    assert found.startswith(f"call_analysis.free[1].deep: {problem}")


def test_a_key_that_is_no_string() -> None:
    """Python's other keys are refused: what is in the file would not be what the test saw."""
    assert problems(example(call_analysis={5: "five"})) == [
        "call_analysis.int: has a key that is an integer; keys are strings"
    ]


def test_a_lone_surrogate_in_an_escape() -> None:
    """An escaped lone surrogate is JSON, but no text that UTF-8 can carry; a pair of them is an emoji."""
    assert "call_id: holds a lone surrogate, which UTF-8 cannot carry" in problems(b'{"call_id": "\\ud83d"}')
    assert "call_id: holds" not in "".join(problems(b'{"call_id": "\\ud83d\\ude00"}'))


def test_a_number_beyond_every_float() -> None:
    """1e999 is JSON, and no number that can be stored."""
    assert "call_cost: is not a finite number, which JSON cannot say" in problems(b'{"call_cost": 1e999}')


def test_a_document_that_contains_itself() -> None:
    """A cycle is named once, at the place where it closes."""
    inner: dict[str, Any] = {}
    inner["again"] = inner

    assert problems(example(call_analysis=inner)) == [
        "call_analysis.again: contains itself, which JSON cannot say"
    ]


def test_the_same_value_twice_is_no_cycle() -> None:
    """One object in two places is what JSON writes twice."""
    shared = {"a": 1}

    assert problems(example(call_analysis={"one": shared, "two": [shared, shared]})) == []


def test_integers_beyond_64_bits_are_json() -> None:
    """JSON has no bound on integers, and free JSON may hold them."""
    assert problems(example(call_analysis={"big": 2**80})) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_validate_answers_whatever_it_is_given(document: Any) -> None:
    """No JSON value makes `validate` raise; it always answers with violations."""
    assert validate(document)


@given(st.binary())
def test_validate_answers_whatever_bytes_it_is_given(body: bytes) -> None:
    """No bytes make `validate` raise."""
    assert validate(body)
