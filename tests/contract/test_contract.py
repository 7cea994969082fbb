"""Every rule of the Create Call contract: what is accepted, and what is refused at which path."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tuner_langchain.testing import validate

from .example import (
    ABSENT,
    AGENT,
    CALL,
    RESULT,
    ROWS,
    TRANSITION,
    USER,
    example,
    minimal,
    with_part,
    with_row,
)

REQUIRED = (
    "call_id",
    "call_type",
    "start_timestamp",
    "end_timestamp",
    "recording_url",
    ROWS,
)
NULLABLE = (
    "agent_version",
    "transcript",
    "duration_ms",
    "call_status",
    "disconnection_reason",
    "caller_phone_number",
    "call_successful",
    "in_voicemail",
    "user_sentiment",
    "call_cost",
    "recording_multi_channel_url",
)
STRINGS = (
    "call_id",
    "call_type",
    "recording_url",
    "transcript",
    "call_status",
    "disconnection_reason",
    "caller_phone_number",
    "recording_multi_channel_url",
    "sip_call_id",
    "recipient",
    "recording_file_extension",
)
INTEGERS = (
    "start_timestamp",
    "end_timestamp",
    "agent_version",
    "duration_ms",
    "recording_s3_caller_channel",
)
OBJECTS = ("collected_dynamic_variables", "call_analysis", "metadata", "general_meta_data_raw", "sip_headers")
BOOLEANS = ("call_successful", "in_voicemail", "recording_s3_multi_channel")


def found(document: Any) -> list[tuple[str, str]]:
    return [(violation.path, violation.rule) for violation in validate(document)]


def test_the_example_with_every_field_is_accepted() -> None:
    """A document with every documented field has no violation, as Python values, text and bytes."""
    assert validate(example()) == []
    assert validate(json.dumps(example())) == []
    assert validate(json.dumps(example()).encode()) == []


def test_the_required_fields_are_enough() -> None:
    """Nothing but the required fields is needed, and timestamps may be in seconds."""
    assert validate(minimal()) == []


def test_keys_the_api_does_not_know_are_allowed() -> None:
    """Extra keys are no violation, at any level."""
    document = with_part(AGENT, "metadata", our_own={"a": [1, None]})
    document["our_own"] = 1
    document[ROWS][0]["our_own"] = 2

    assert validate(document) == []


@pytest.mark.parametrize("name", REQUIRED)
def test_a_required_field_is_missed(name: str) -> None:
    """Each required field is named when it is absent."""
    assert (name, "missing") in found(example(**{name: ABSENT}))


@pytest.mark.parametrize("name", NULLABLE)
def test_null_is_a_value_where_the_contract_says_so(name: str) -> None:
    """Fields documented as nullable take null."""
    assert validate(example(**{name: None})) == []


NOT_NULLABLE = sorted(set(example()) - set(NULLABLE) - {"recording_s3_multi_channel"})


@pytest.mark.parametrize("name", NOT_NULLABLE)
def test_null_is_refused_everywhere_else(name: str) -> None:
    """A field that is not documented as nullable refuses null, also where it may be left out."""
    assert [name] == [path for path, _ in found(example(**{name: None}))]


@pytest.mark.parametrize(
    ("names", "wrong", "rule"),
    [
        (STRINGS, 5, "string_type"),
        (STRINGS, ["a"], "string_type"),
        (INTEGERS, "5", "int_type"),
        (INTEGERS, True, "int_type"),
        (INTEGERS, 5.0, "int_type"),
        (OBJECTS, [], "_type"),
        (OBJECTS, "{}", "_type"),
        (BOOLEANS[:2], 1, "bool_type"),
        (BOOLEANS[:2], "true", "bool_type"),
        (("call_cost",), "1.5", "float_type"),
        (("call_cost",), True, "float_type"),
        ((ROWS,), {}, "list_type"),
    ],
)
def test_types_are_strict(names: tuple[str, ...], wrong: Any, rule: str) -> None:
    """A value of a neighbouring type is refused: no string for a number, no boolean for an integer."""
    for name in names:
        ((path, broken),) = found(example(**{name: wrong}))

        assert path == name
        assert broken.endswith(rule)


@pytest.mark.parametrize(
    ("name", "longest"),
    [
        ("call_id", 200),
        ("call_type", 100),
        ("recording_url", 1024),
        ("call_status", 100),
        ("disconnection_reason", 100),
        ("caller_phone_number", 50),
        ("recording_multi_channel_url", 1024),
    ],
)
def test_a_string_has_its_longest_length(name: str, longest: int) -> None:
    """The documented length is accepted, one character more is refused; characters count, not bytes."""
    assert validate(example(**{name: "ü" * longest})) == []
    assert found(example(**{name: "ü" * (longest + 1)})) == [(name, "string_too_long")]


@pytest.mark.parametrize("name", ["call_id", "call_type", "recording_url", "recording_file_extension"])
def test_a_string_that_may_not_be_empty(name: str) -> None:
    """Where the contract asks for one character at least, none is refused."""
    assert found(example(**{name: ""})) == [(name, "string_too_short")]


@pytest.mark.parametrize("name", ["agent_version", "recording_s3_caller_channel"])
def test_numbers_from_zero(name: str) -> None:
    """Zero is accepted and -1 refused."""
    assert validate(example(**{name: 0})) == []
    assert found(example(**{name: -1})) == [(name, "greater_than_equal")]


@pytest.mark.parametrize("sentiment", ["positive", "neutral", "negative", "unknown"])
def test_the_sentiments(sentiment: str) -> None:
    """The four documented sentiments are accepted, in that spelling only."""
    assert validate(example(user_sentiment=sentiment)) == []
    assert found(example(user_sentiment=sentiment.upper())) == [("user_sentiment", "literal_error")]


@pytest.mark.parametrize("extension", [".wav", "tar.gz"])
def test_a_file_extension_has_no_dot(extension: str) -> None:
    """`recording_file_extension` is an extension without its dot."""
    document = example(recording_file_extension=extension)

    assert found(document) == [("recording_file_extension", "string_pattern_mismatch")]


@pytest.mark.parametrize("multi_channel", [ABSENT, False])
def test_a_caller_channel_needs_several_channels(multi_channel: object) -> None:
    """The caller's channel is refused without `recording_s3_multi_channel: true`."""
    document = example(recording_s3_multi_channel=multi_channel)

    assert found(document) == [("recording_s3_caller_channel", "caller_channel")]


def test_several_channels_are_a_switch() -> None:
    """`recording_s3_multi_channel` is true or false, with or without the caller's channel."""
    document = example(recording_s3_multi_channel="yes", recording_s3_caller_channel=ABSENT)

    assert found(document) == [("recording_s3_multi_channel", "bool_type")]


def test_sip_headers_are_strings() -> None:
    """Each SIP header is a string; the path names the header."""
    document = example(sip_headers={"X-Correlation-Id": 7, "[key]": 8, "fine": "9"})

    assert found(document) == [
        ('sip_headers["X-Correlation-Id"]', "string_type"),
        ('sip_headers["[key]"]', "string_type"),
    ]


@pytest.mark.parametrize(
    ("start", "end", "accepted"),
    [
        (1767225600000, 1767225600000, True),
        (1767225600000, 1767225599999, False),
        (1767225600, 1767225599, False),
        (1767225600, 1767225600500, True),  # seconds, then milliseconds
        (1767225600500, 1767225600, False),  # half a second before its start
    ],
)
def test_a_call_ends_after_it_began(start: int, end: int, accepted: bool) -> None:
    """The end is not before the start, whether they are in seconds or in milliseconds."""
    document = example(start_timestamp=start, end_timestamp=end)

    assert found(document) == ([] if accepted else [("end_timestamp", "end_before_start")])


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("ai_models", "asr_model"),
        ("ai_models", "llm_model"),
        ("ai_models", "tts_model"),
        ("usage_token", "stt_duration_seconds"),
        ("usage_token", "llm_token"),
        ("usage_token", "tts_characters_count"),
    ],
)
def test_the_documented_metadata_of_a_call(part: str, name: str) -> None:
    """Model names are strings and usage is numbers; the path leads to the one that is not."""
    document = example(metadata={part: {name: ["many"]}})

    assert [path for path, _ in found(document)] == [f"metadata.{part}.{name}"]


def test_a_call_needs_a_row() -> None:
    """A transcript without a row is refused."""
    assert found(example(**{ROWS: []})) == [(ROWS, "too_short")]


def test_the_roles_are_a_closed_set() -> None:
    """A role of one's own is refused."""
    assert found(with_row(TRANSITION, role="node")) == [(f"{ROWS}[1].role", "literal_error")]


@pytest.mark.parametrize("role", [USER, AGENT])
@pytest.mark.parametrize(
    "left", [(), ("start_ms",), ("end_ms",), ("duration_ms",), ("end_ms", "duration_ms")]
)
def test_spoken_rows_need_their_time(role: int, left: tuple[str, ...]) -> None:
    """A user or agent row whose fields do not say from when to when is refused."""
    times = {name: ABSENT for name in ("start_ms", "end_ms", "duration_ms") if name not in left}
    document = with_row(role, **times, words=[])

    assert found(document) == [(f"{ROWS}[{role}]", "row_timing")]


@pytest.mark.parametrize(
    "times",
    [
        {"start_ms": ABSENT, "end_ms": ABSENT, "duration_ms": ABSENT},  # words alone
        {"words": ABSENT, "duration_ms": ABSENT},
        {"words": ABSENT, "end_ms": ABSENT},
    ],
)
def test_three_ways_to_say_a_rows_time(times: dict[str, Any]) -> None:
    """Words, or start and end, or start and duration: each is enough."""
    assert validate(with_row(USER, **times)) == []


@pytest.mark.parametrize("row", [TRANSITION, CALL, RESULT])
def test_other_rows_may_go_without_time(row: int) -> None:
    """Nodes and tools are accepted without timing."""
    assert validate(with_row(row, start_ms=ABSENT, end_ms=ABSENT, duration_ms=ABSENT)) == []


@pytest.mark.parametrize("row", range(5))
def test_a_rows_duration_is_its_end_minus_its_start(row: int) -> None:
    """A duration that differs by a millisecond is refused."""
    duration = example()[ROWS][row]["duration_ms"] + 1

    assert found(with_row(row, duration_ms=duration)) == [(f"{ROWS}[{row}].duration_ms", "duration")]


@pytest.mark.parametrize("row", range(5))
def test_a_row_ends_after_it_began(row: int) -> None:
    """An end before the start is refused on every kind of row."""
    assert found(with_row(row, end_ms=1)) == [(f"{ROWS}[{row}].end_ms", "end_before_start")]


def test_a_negative_duration_is_refused() -> None:
    """Where the duration stands in for the end, it is not negative."""
    document = with_row(USER, end_ms=ABSENT, duration_ms=-1)

    assert found(document) == [(f"{ROWS}[0].duration_ms", "duration")]


@pytest.mark.parametrize(
    ("row", "name", "wrong"),
    [
        (USER, "text", None),
        (USER, "start_ms", "800"),
        (USER, "end_ms", True),
        (USER, "duration_ms", 1300.0),
        (USER, "words", {}),
        (USER, "metadata", None),
        (TRANSITION, "metadata", []),
        (TRANSITION, "node", None),
        (CALL, "tool", None),
        (RESULT, "tool", "find_table"),
    ],
)
def test_the_types_of_a_row(row: int, name: str, wrong: Any) -> None:
    """A row's field of a wrong type is refused at its path; metadata is an object, never null."""
    document = with_row(row, words=ABSENT) if row == USER and name != "words" else example()
    document[ROWS][row][name] = wrong

    assert f"{ROWS}[{row}].{name}" in [path for path, _ in found(document)]


@pytest.mark.parametrize(
    ("row", "part", "name", "wrong"),
    [
        (TRANSITION, "node", "from", ABSENT),
        (TRANSITION, "node", "from", None),
        (TRANSITION, "node", "from", ""),
        (TRANSITION, "node", "to", ABSENT),
        (TRANSITION, "node", "to", None),
        (TRANSITION, "node", "reason", 1),
        (CALL, "tool", "name", ABSENT),
        (CALL, "tool", "request_id", None),
        (CALL, "tool", "params", ABSENT),
        (CALL, "tool", "params", "people=2"),
        (CALL, "tool", "params", None),
        (CALL, "tool", "start_ms", "2200"),
        (RESULT, "tool", "result", "19:30"),
        (RESULT, "tool", "result", [1]),
        (RESULT, "tool", "is_error", 0),
        (RESULT, "tool", "error", None),
        (AGENT, "metadata", "e2e_latency", "250"),
        (AGENT, "metadata", "llm_node_ttft", None),
        (AGENT, "metadata", "tts_node_ttfb", True),
        (USER, "metadata", "stt_node_ttfb", []),
        (AGENT, "metadata", "interrupted", "no"),
        (USER, "metadata", "transcript_confidence", "high"),
    ],
)
def test_the_parts_of_a_row(row: int, part: str, name: str, wrong: Any) -> None:
    """A field of a node, a tool or the documented metadata is refused at its own path, and alone."""
    document = with_part(row, part, **{name: wrong})

    assert [path for path, _ in found(document)] == [f"{ROWS}[{row}].{part}.{name}"]


def test_a_words_confidence_is_a_number() -> None:
    """How sure the speech-to-text was may be left out, and is a number where it is there."""
    document = example()
    document[ROWS][USER]["words"][0]["confidence"] = "high"

    assert found(document) == [(f"{ROWS}[0].words[0].confidence", "float_type")]


@pytest.mark.parametrize("name", ["word", "start_ms", "end_ms"])
def test_a_word_has_its_text_and_time(name: str) -> None:
    """Each word says what it is, from when to when."""
    document = example()
    del document[ROWS][USER]["words"][0][name]

    assert found(document) == [(f"{ROWS}[0].words[0].{name}", "missing")]


def test_a_transition_says_from_where_to_where() -> None:
    """A `node_transition` row without `node` is refused."""
    assert found(with_row(TRANSITION, node=ABSENT)) == [(f"{ROWS}[1].node", "missing")]


@pytest.mark.parametrize("row", [CALL, RESULT])
def test_a_tool_row_names_its_tool(row: int) -> None:
    """A row of a tool call or a tool's result without `tool` is refused."""
    assert found(with_row(row, tool=ABSENT)) == [(f"{ROWS}[{row}].tool", "missing")]


def test_a_result_row_has_a_result_or_an_error() -> None:
    """Either is enough; with neither the row is refused."""
    assert validate(with_part(RESULT, "tool", result=ABSENT)) == []
    assert validate(with_part(RESULT, "tool", error=ABSENT)) == []
    neither = with_part(RESULT, "tool", result=ABSENT, error=ABSENT)
    assert found(neither) == [(f"{ROWS}[3].tool", "result_or_error")]


def test_one_mistake_hides_no_other() -> None:
    """Mistakes of every kind are named together, in the order of their paths."""
    document = example(call_id=None, end_timestamp=0, general_meta_data_raw={"a": float("nan")})
    document[ROWS][1]["node"]["from"] = None
    document[ROWS][1]["end_ms"] = 0
    document[ROWS] += [dict(document[ROWS][0], duration_ms=7) for _ in range(8)]

    paths = [path for path, _ in found(document)]

    rows = [f"{ROWS}[1].end_ms", f"{ROWS}[1].node.from", *(f"{ROWS}[{i}].duration_ms" for i in range(5, 13))]
    assert paths == ["call_id", "end_timestamp", "general_meta_data_raw.a", *rows]


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (with_row(TRANSITION, text=["a secret"]), f"{ROWS}[1].text: should be a string (it is an array)"),
        (example(call_id=ABSENT), "call_id: is required"),
        (example(call_id=""), "call_id: should have at least 1 character (it has 0)"),
        (example(call_id="s" * 201), "call_id: should have at most 200 characters (it has 201)"),
        (example(agent_version=-1), "agent_version: should be 0 or more"),
        (example(call_cost="a secret"), "call_cost: should be a number (it is a string)"),
        (example(call_successful=1), "call_successful: should be true or false (it is an integer)"),
        (example(duration_ms=2.5), "duration_ms: should be an integer (it is a number with a fraction)"),
        (example(**{ROWS: []}), f"{ROWS}: should have at least one row"),
        (example(metadata=None), "metadata: should be an object (it is null)"),
        (
            example(recording_file_extension=".wav"),
            "recording_file_extension: should be a file extension without a dot, like wav",
        ),
        (
            example(user_sentiment="a secret"),
            "user_sentiment: should be 'positive', 'neutral', 'negative' or 'unknown' (it is a string)",
        ),
    ],
)
def test_a_violation_reads_as_a_sentence(document: dict[str, Any], sentence: str) -> None:
    """The line names the path, what is expected and what kind of thing is there; it repeats no value."""
    assert [str(violation) for violation in validate(document)] == [sentence]


@pytest.mark.parametrize(
    ("row", "change"),
    [
        (USER, {"text": ""}),
        (USER, {"words": [{"word": "table", "start_ms": 1200, "end_ms": 900}]}),
        (AGENT, {"start_ms": 10**7, "end_ms": 10**7, "duration_ms": 0}),
        (CALL, {"start_ms": -5, "end_ms": -5, "duration_ms": 0}),
    ],
)
def test_what_is_our_rule_and_not_the_apis(row: int, change: dict[str, Any]) -> None:
    """No words, words that end early, rows outside of the call: we never send them, and the API takes them."""
    assert validate(with_row(row, **change)) == []
