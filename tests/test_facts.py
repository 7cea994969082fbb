"""Call facts: each wrong value is an error where it is given, which names the fact, the problem and the way out."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tuner_langchain.checks import CHECKS, check
from tuner_langchain.errors import CallFactError
from tuner_langchain.facts import CallFacts
from tuner_langchain.testing import record
from tuner_langchain.values import shown

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

RIGHT: dict[str, list[tuple[Any, Any]]] = {
    "call_id": [("c" * 200, "c" * 200)],
    "call_type": [("phone_call", "phone_call")],
    "start_timestamp": [(NOW, 1_767_225_600_000), (1_767_225_600, 1_767_225_600_000), (1_767_225_600_000.4,
    1_767_225_600_000)], "end_timestamp": [(1_767_225_600.5, 1_767_225_600_500)], "duration_ms": [(0, 0)],
    "recording_url": [("https://example.com/a.wav", "https://example.com/a.wav")],
    "recording_multi_channel_url": [("u" * 1024, "u" * 1024)], "agent_version": [(0, 0)], "transcript": [("",
    ""), ("a \ud800 b", "a � b")], "call_status": [("call_ended", "call_ended")], "disconnection_reason":
    [("user_hangup", "user_hangup")], "caller_phone_number": [("+15551234567", "+15551234567")],
    "call_successful": [(False, False)], "in_voicemail": [(True, True)], "user_sentiment": [("neutral",
    "neutral")], "collected_dynamic_variables": [({"when": NOW, "tags": {"a"}}, {"when":
    "2026-01-01T00:00:00+00:00", "tags": ["a"]})], "call_cost": [(125, 125), (0.5, 0.5)], "call_analysis":
    [({}, {})], "metadata": [({"k": float("nan")}, {"k": None})], "general_meta_data_raw": [({1: 2}, {"1":
    2})], "sip_call_id": [("abc@host", "abc@host")], "sip_headers": [({"X-Correlation-Id": "1"},
    {"X-Correlation-Id": "1"})], "recipient": [("sip:ada@example.com", "sip:ada@example.com")],
    "recording_file_extension": [("wav", "wav")], "recording_s3_multi_channel": [(True, True)],
    "recording_s3_caller_channel": [(1, 1)], "asr_model": [("nova-3", "nova-3")], "tts_model": [("sonic",
    "sonic")], "llm_model": [("gpt", "gpt")], "stt_duration_seconds": [(1.5, 1.5)], "tts_characters_count":
    [(10, 10)],
}  # fmt: skip

WRONG: list[tuple[str, Any, str]] = [
    ("call_id", "", "call_id: is empty. Expected 1 to 200 characters."),
    ("call_id", "c" * 201, "call_id: is 201 characters long. Expected 1 to 200 characters."),
    ("call_id", 7, "call_id: is an int, not a string. Expected 1 to 200 characters."),
    ("call_type", "t" * 101, "call_type: is 101 characters long. Expected 1 to 100 characters."),
    ("start_timestamp", dt.datetime(2026, 1, 1), "start_timestamp: is a datetime without a time zone."),
    ("start_timestamp", 5, "start_timestamp: is 5, a date in early 1970."),
    ("end_timestamp", float("inf"), "end_timestamp: is inf."),
    ("end_timestamp", True, "end_timestamp: is True."),
    ("duration_ms", -1, "duration_ms: is -1. Expected a whole number, 0 or more."),
    ("duration_ms", 1.5, "duration_ms: is 1.5."),
    ("duration_ms", 2**63, f"duration_ms: is {2**63}."),
    ("recording_url", "u" * 1025, "recording_url: is 1,025 characters long. Expected 1 to 1,024 characters."),
    ("recording_multi_channel_url", "", "recording_multi_channel_url: is empty."),
    ("agent_version", "2", "agent_version: is '2'. Expected a whole number, 0 or more."),
    ("agent_version", True, "agent_version: is True."),
    ("transcript", ["a"], "transcript: is a list, not a string."),
    ("call_status", "s" * 101, "call_status: is 101 characters long."),
    ("disconnection_reason", "", "disconnection_reason: is empty."),
    (
        "caller_phone_number",
        "5" * 51,
        "caller_phone_number: is 51 characters long. Expected 1 to 50 characters.",
    ),
    ("call_successful", 1, "call_successful: is 1. Expected True or False."),
    ("in_voicemail", "no", "in_voicemail: is 'no'. Expected True or False."),
    (
        "user_sentiment",
        "happy",
        "user_sentiment: is 'happy'. Expected one of positive, neutral, negative, unknown.",
    ),
    ("collected_dynamic_variables", [1], "collected_dynamic_variables: is a list. Expected a dictionary."),
    (
        "call_cost",
        "12",
        "call_cost: is '12'. Expected cents as a number, 0 or more, or a function from usage to cents.",
    ),
    ("call_cost", float("nan"), "call_cost: is nan."),
    ("call_cost", -0.1, "call_cost: is -0.1."),
    ("call_cost", 10**400, "call_cost: is 1000"),
    ("start_timestamp", 10**400, "start_timestamp: is 1000"),
    ("end_timestamp", 1e300, "end_timestamp: is 1e+300, a date after the year 9999. Expected a datetime"),
    ("duration_ms", 10**5000, "duration_ms: is <"),
    ("call_analysis", "fine", "call_analysis: is a str. Expected a dictionary."),
    ("metadata", 3, "metadata: is an int. Expected a dictionary."),
    ("general_meta_data_raw", (), "general_meta_data_raw: is a tuple. Expected a dictionary."),
    ("sip_call_id", "", "sip_call_id: is empty."),
    ("sip_headers", {"X": 1}, "sip_headers['X']: is an int, not a string. Expected text for each header."),
    ("recipient", 555, "recipient: is an int, not a string."),
    (
        "recording_file_extension",
        ".wav",
        "recording_file_extension: is '.wav'. Expected a file extension without its dot",
    ),
    ("recording_s3_multi_channel", "yes", "recording_s3_multi_channel: is 'yes'. Expected True or False."),
    ("recording_s3_caller_channel", -1, "recording_s3_caller_channel: is -1."),
    ("asr_model", "", "asr_model: is empty."),
    ("tts_model", 1, "tts_model: is an int, not a string."),
    ("llm_model", "", "llm_model: is empty."),
    ("stt_duration_seconds", -1, "stt_duration_seconds: is -1. Expected a number, 0 or more."),
    ("tts_characters_count", 1.5, "tts_characters_count: is 1.5."),
    (
        "phone",
        "x",
        "phone: is not a known call fact. Did you mean caller_phone_number? Known facts: agent_version, asr_model,",
    ),
]


def test_every_fact_is_in_the_tables() -> None:
    """No fact is without a check, a right value and a wrong one."""
    known = set(CallFacts.__annotations__) - {"recording"}  # the audio itself has tests of its own

    assert known == set(CHECKS) - {"recording"}
    assert known == set(RIGHT)
    assert known == {name for name, _, _ in WRONG} - {"phone"}


@pytest.mark.parametrize(
    ("name", "value", "sent"), [(n, *pair) for n, pairs in RIGHT.items() for pair in pairs]
)
def test_right_values(name: str, value: Any, sent: Any) -> None:
    """A right value is taken in the form it is sent in."""
    assert check({name: value}) == {name: sent}


@pytest.mark.parametrize(
    ("name", "value", "message"), WRONG, ids=[f"{n}-{shown(v)[:12]}" for n, v, _ in WRONG]
)
def test_wrong_values(name: str, value: Any, message: str) -> None:
    """A wrong value is an error with the fact's name, the problem and what is expected, in every place to give it."""
    with pytest.raises(CallFactError) as at_construction:
        record(**{name: value})
    assert str(at_construction.value).startswith(message)

    with pytest.raises(CallFactError) as at_update:
        record().update(**{name: value})
    assert str(at_update.value).startswith(message)


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_none_leaves_a_fact_as_it_is(name: str) -> None:
    """None is no value."""
    assert check({name: None}) == {}


@pytest.mark.parametrize("name", ["call_id", "start_timestamp"])
def test_what_is_known_from_the_start_cannot_change(name: str) -> None:
    """The id and the start are given when the handler is made, or never."""
    with pytest.raises(CallFactError, match=f"{name}: cannot change during a call"):
        record().update(**{name: RIGHT[name][0][0]})


def test_a_wrong_fact_changes_nothing() -> None:
    """An update is taken whole or not at all."""
    call = record(call_type="phone_call")
    with pytest.raises(CallFactError):
        call.update(call_status="left", agent_version=-1)

    assert "left" not in str(call.document)


def test_objects_are_merged_key_by_key() -> None:
    """Variables that are learned one after the other are all there."""
    call = record(collected_dynamic_variables={"a": 1})
    call.update(collected_dynamic_variables={"b": 2})
    call.update(collected_dynamic_variables={"a": 3})

    assert call.document["collected_dynamic_variables"] == {"a": 3, "b": 2}


@pytest.mark.parametrize(("name", "names_variable"), [("api_key", True), ("fsync", False)])
def test_a_setting_among_the_facts_names_its_own_place(name: str, names_variable: bool) -> None:
    """The error names a variable only for a setting that has one."""
    facts: Any = {name: "x"}
    with pytest.raises(CallFactError, match=rf"config=TunerConfig\({name}=") as caught:
        record(**facts)

    assert ("or set TUNER_" in str(caught.value)) is names_variable
