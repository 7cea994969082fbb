"""What there is to know about a bar, as labelled values: what the page shows when a bar is opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuner_langchain.view.figures import duration_text, moment_text
from tuner_langchain.view.nouns import Fact
from tuner_langchain.view.reading import items, mapping, number, spread, words

Row = Mapping[str, Any]

FIRST_TOKEN = "time to first token"  # noqa: S105  of a model, not of a user
_TIMES = {
    "e2e_latency": "waited for the answer",
    "llm_node_ttft": FIRST_TOKEN,
    "tts_node_ttfb": "time to first audio",
    "stt_node_ttfb": "speech-to-text, first byte",
    "ttft_ms": FIRST_TOKEN,
}
_SHOWN_ELSEWHERE = frozenset({"turn", "status", "llm", "error", "interrupted", "sources", "events", *_TIMES})
_WORDS = {"ok": "", "handed_over": "handed over", "unknown_tool": "unknown tool"}


def speech_facts(row: Row) -> list[Fact]:
    """Return the facts of something said."""
    metadata = mapping(row.get("metadata"))
    facts = _latencies(metadata)
    if (sure := number(metadata.get("transcript_confidence"))) is not None:
        facts.append(Fact("transcript confidence", f"{sure:.0%}"))
    if metadata.get("interrupted") is True:
        facts.append(Fact("interrupted", "this answer was cut off"))
    return facts + _others(metadata, {"transcript_confidence"})


def node_facts(row: Row) -> list[Fact]:
    """Return the facts of a node's execution: where it came from and why first."""
    node, metadata = mapping(row.get("node")), mapping(row.get("metadata"))
    facts = [Fact("came from", words(node.get("from")) or "unknown")]
    if reason := words(node.get("reason")):
        facts.append(Fact("because", reason))
    facts += [
        Fact("source", text) for source in items(metadata.get("sources")) if (text := source_text(source))
    ]
    facts += [event_fact(event) for event in items(metadata.get("events"))]
    return facts + _others(metadata, {"graph"})


def source_text(source: object) -> str:
    """Write one of a node's sources: from, the kind of way, the router's or tool's name, and its value."""
    told = mapping(source)
    way = " ".join(part for part in (words(told.get("kind")), words(told.get("name"))) if part)
    value = words(told.get("value"))
    return ", ".join(p for p in (words(told.get("from")), f"{way}: {value}" if value else way) if p)


def event_fact(event: object) -> Fact:
    """Return a custom event as a fact: its moment, name and data."""
    told = mapping(event)
    at = number(told.get("at_ms"))
    name = words(told.get("name")) or "event"
    label = f"event {name}" if at is None else f"event {name} at {moment_text(at)}"
    return Fact(label, spread(told.get("data")), code=True)


def tool_facts(row: Row, *, result: bool = False) -> list[Fact]:
    """Return the facts of a tool call, or of its result."""
    tool, metadata = mapping(row.get("tool")), mapping(row.get("metadata"))
    facts = [Fact(key, spread(tool[key]), code=True) for key in ("params", "result") if tool.get(key)]
    if result:
        return facts
    facts += _others(metadata, {"node", "graph"})
    identity = words(tool.get("request_id"))
    return [*facts, Fact("request id", identity, code=True)] if identity else facts


def model_facts(call: Row) -> list[Fact]:
    """Return the facts of a model call: latency and tokens."""
    return _latencies(call) + _others(call, {"model", "start_ms", "end_ms", "duration_ms", "error"})


def _latencies(metadata: Row) -> list[Fact]:
    return [
        Fact(label, duration_text(ms))
        for key, label in _TIMES.items()
        if (ms := number(metadata.get(key))) is not None
    ]


def _others(metadata: Row, shown: set[str]) -> list[Fact]:
    facts = []
    for key, value in metadata.items():
        if key in shown or key in _SHOWN_ELSEWHERE or value in (None, "", [], {}):
            continue
        data = isinstance(value, (Mapping, list))
        facts.append(Fact(str(key).replace("_", " "), spread(value) if data else words(value), code=data))
    return facts


def status_words(status: str) -> str:
    """Write a status for people; nothing when all went well."""
    return _WORDS.get(status, status)
