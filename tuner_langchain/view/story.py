"""A document's story: its turns, bars, path and totals, as the terminal and the page draw them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from tuner_langchain.view.figures import date_text
from tuner_langchain.view.nesting import lay_lanes, nest
from tuner_langchain.view.nouns import Fact, Story
from tuner_langchain.view.path import lay_places, read_transitions
from tuner_langchain.view.reading import epoch_ms, mapping, spread, unsigned, words
from tuner_langchain.view.rows import read_bars
from tuner_langchain.view.sums import read_problems, read_totals, read_turns, tell_errors_once

_SHOWN_ELSEWHERE = frozenset(
    {"transcript_with_tool_calls", "transcript", "start_timestamp", "end_timestamp", "duration_ms"}
    | {"call_id", "call_type", "call_cost", "metadata"}
)
_ADDRESSES = frozenset({"recording_url", "recording_multi_channel_url"})
_METADATA_SHOWN_ELSEWHERE = frozenset({"errors"})


def read_story(document: Mapping[str, Any]) -> Story:
    """Read a Create Call document, whoever wrote it.

    Args:
        document: The body of a Create Call request. What it lacks is left out of the story.

    Returns:
        The story: bars in order of time, nested by what they lie in; turns, path, problems and totals.
    """
    bars = read_bars(document)
    nest(bars)
    tell_errors_once(bars)
    lanes = lay_lanes(bars)
    problems = read_problems(document, bars)
    turns = read_turns(document, bars, problems)
    transitions = read_transitions(document)
    models = mapping(mapping(document.get("metadata")).get("ai_models"))
    return Story(
        call_id=words(document.get("call_id")) or "call",
        call_type=words(document.get("call_type")),
        began=date_text(epoch_ms(document.get("start_timestamp"))),
        outcome=outcome(document),
        model=words(models.get("llm_model")),
        totals=read_totals(document, bars, turns, len(problems)),
        turns=turns,
        bars=bars,
        lanes=lanes,
        places=lay_places(bars, transitions),
        transitions=transitions,
        problems=problems,
        facts=list(_call_facts(document)),
    )


def members(noun: Any) -> dict[str, Any]:
    """Return the members of a noun of a story, for JSON: one level, which is all that an encoder asks for."""
    return {member.name: getattr(noun, member.name) for member in fields(noun)}


def outcome(document: Mapping[str, Any]) -> str:
    """Return how the call ended, in a few words; nothing when the document does not say."""
    good = document.get("call_successful")
    ended = words(document.get("disconnection_reason")) or words(document.get("call_status"))
    parts = ["successful" if good is True else "failed" if good is False else "", ended.replace("_", " ")]
    return ", ".join(part for part in parts if part)


def _call_facts(document: Mapping[str, Any]) -> Iterable[Fact]:
    """Yield what the document says of the call beyond the figures on top."""
    metadata = {
        k: v for k, v in mapping(document.get("metadata")).items() if k not in _METADATA_SHOWN_ELSEWHERE
    }
    for key, value in document.items():
        if key not in _SHOWN_ELSEWHERE and value not in (None, "", [], {}):
            yield _fact(key, value)
    for key, value in metadata.items():
        if value not in (None, "", [], {}):
            yield _fact(key, value)


def _fact(key: object, value: object) -> Fact:
    if key in _ADDRESSES:
        value = unsigned(words(value))
    data = isinstance(value, (Mapping, list))
    return Fact(str(key).replace("_", " "), spread(value) if data else words(value), code=data)
