"""The last gate of a call's document: what `Capture` withholds, masks, cuts and lets the user redact. Pure.

Most rows pass as they are. A row is opened only when its JSON may hold a secret or is long, or when there is
a `redact` hook; the rest are embedded as the bytes they are checked as.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import orjson

from tuner_langchain.conformance import (
    LONGEST_MS,
    SPOKEN,
    conform,
    conform_facts,
    ends_within,
    is_right,
    says_nothing,
)
from tuner_langchain.masking import mask, may_hold_secrets
from tuner_langchain.redaction import Redaction
from tuner_langchain.shrinking import shrink
from tuner_langchain.values import CUT_WORDS_CHARS, cut_text, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tuner_langchain.capture import Capture

log = logging.getLogger("tuner_langchain")

ROWS: Final = "transcript_with_tool_calls"
# Facts and parts of the metadata without free text: ids, figures, names of models and fixed words.
FIXED_FACTS: Final = frozenset({
    "call_id", "call_type", "start_timestamp", "end_timestamp", "duration_ms", "recording_url", "call_status",
    "recording_multi_channel_url", "agent_version", "user_sentiment", "sip_call_id",
    "recording_file_extension", "recording", "ai_models", "usage_token", "llm_usage",
})  # fmt: skip
_SEARCHED_BYTES: Final = 50_000  # about a millisecond
_OVERLAP_BYTES: Final = 256  # longer than what tells a secret
_FREE_METADATA: Final = frozenset({"input", "output", "events", "interrupt", "error"})


def release(document: dict[str, Any], capture: Capture) -> dict[str, Any]:
    """Return the document as it may leave the process; its rows become ready-made JSON."""
    hook = Redaction(capture.redact) if capture.redact is not None else None
    length_ms = document["end_timestamp"] - document["start_timestamp"]
    facts = _facts({name: value for name, value in document.items() if name != ROWS}, capture, hook)
    rows = list(_rows(document[ROWS], length_ms, capture, hook))
    if document[ROWS] and not rows and hook is not None:
        rows = [to_json(hook.last_row(length_ms))]
    if hook is not None and hook.failures:
        log.warning(
            "redact raised for %d texts of call %s; they were withheld.", hook.failures, document["call_id"]
        )
    room = capture.max_document_bytes - len(to_json(facts)) - CUT_WORDS_CHARS
    if sum(map(len, rows)) > room:
        rows, shortened = shrink(rows, room)
        facts["metadata"] = {**facts["metadata"], "shortened_rows": shortened}
    return {**facts, ROWS: [orjson.Fragment(row) for row in rows]}


# --- rows ----------------------------------------------------------------------------------------------------


def ready(row: Any, capture: Capture, length_ms: int = LONGEST_MS) -> bytes:
    """Return a row as it is sent, where words are sent and no hook is to see it."""
    if not is_right(row, length_ms):
        conform(row, length_ms)
    data = to_json(row)
    return to_json(_opened(data, capture)) if _needs_care(row, data, capture) else data


def _rows(rows: Sequence[Any], length_ms: int, capture: Capture, hook: Redaction | None) -> Iterable[bytes]:
    names = frozenset() if capture.words else _node_names(rows)
    for row in rows:
        if isinstance(row, bytes):
            yield row if ends_within(row, length_ms) else _moved(row, length_ms)
            continue
        if says_nothing(row):
            continue
        if not capture.words:
            _withhold_words(row, names)
        if hook is None:
            yield ready(row, capture, length_ms)
        else:
            if not is_right(row, length_ms):
                conform(row, length_ms)
            released = hook.row(_opened(to_json(row), capture), length_ms)
            if released is not None:
                yield to_json(released)


def _moved(data: bytes, length_ms: int) -> bytes:
    """Return a row that was made ready before the program told that the call had ended earlier."""
    row = orjson.loads(data)
    conform(row, length_ms)
    return to_json(row)


def _opened(data: bytes, capture: Capture) -> dict[str, Any]:
    return _masked_row(orjson.loads(data), capture.max_value_chars)


def _needs_care(row: dict[str, Any], data: bytes, capture: Capture) -> bool:
    return len(data) > capture.max_value_chars or _is_suspect(row, data)


def _is_suspect(row: dict[str, Any], data: bytes) -> bool:
    """Return whether values of the program's own in a row may hold secrets.

    Words, names and figures of ours are not searched: it is the searching that costs.
    """
    if row["role"] in SPOKEN:
        return False
    metadata = row["metadata"]
    if not _FREE_METADATA.isdisjoint(metadata):
        return _may_hold_secrets(data)
    if "tool" in row:
        return _may_hold_secrets(data[data.find(b'"tool":') : data.rfind(b'"metadata":')])
    for call in metadata.get("llm", ()):
        if "error" in call or "system_prompt" in call:
            return _may_hold_secrets(data)
    reason = row["node"]["reason"]
    return reason is not None and _may_hold_secrets(reason.encode(errors="replace"))


def _may_hold_secrets(data: bytes) -> bool:
    """Search large JSON in parts: a pattern's search keeps the interpreter from everybody else until it is over."""
    step = _SEARCHED_BYTES
    return any(
        may_hold_secrets(data[at : at + step + _OVERLAP_BYTES] if len(data) > step else data)
        for at in range(0, max(len(data), 1), step)
    )


def _masked_row(row: dict[str, Any], max_chars: int) -> dict[str, Any]:
    """Return a row with its secrets masked and long text cut; what was said are words without keys."""
    said = {name: row[name] for name in ("text", "words") if name in row}
    masked = mask({name: value for name, value in row.items() if name not in said})
    cut: dict[str, Any] = _cut_texts({**masked, **said}, max_chars)
    return cut


def _cut_texts(value: Any, max_chars: int) -> Any:
    if isinstance(value, str):
        # A value that was frozen within the cap is a few words longer for saying what was cut.
        return value if len(value) <= max_chars + CUT_WORDS_CHARS else cut_text(value, max_chars)
    if isinstance(value, dict):
        return {key: _cut_texts(item, max_chars) for key, item in value.items()}
    if isinstance(value, list):
        return [_cut_texts(item, max_chars) for item in value]
    return value


def _node_names(rows: Iterable[dict[str, Any]]) -> frozenset[str]:
    """Return the names of the nodes that ran: the only routing values that are surely no words."""
    nodes = [row["text"] for row in rows if row["role"] == "node_transition"]
    return frozenset(name.rpartition(":")[2] for name in nodes)


def _withhold_words(row: dict[str, Any], node_names: frozenset[str]) -> None:
    if row["role"] in SPOKEN:
        row["text"] = ""
        row.pop("words", None)
        row["metadata"] = {**row["metadata"], "withheld": "words"}
    elif row["role"] == "node_transition":
        unknown = [
            source for source in row["metadata"].get("sources", ())
            if source.get("value") is not None and source["value"] not in node_names
        ]  # fmt: skip
        for source in unknown:
            # A router may answer with the caller's own words.
            reason, shown = row["node"]["reason"] or "", f"{source['name']}: {source['value']}"
            row["node"]["reason"] = reason.replace(shown, str(source["name"])) or None
            source["value"] = None


# --- call facts ------------------------------------------------------------------------------------------


def _facts(facts: dict[str, Any], capture: Capture, hook: Redaction | None) -> dict[str, Any]:
    if not capture.words and "transcript" in facts:
        del facts["transcript"]
    free = {name: value for name, value in facts.items() if name not in FIXED_FACTS}
    # Figures and names of models beside the user's own keys: no free text, and no secrets whatever they are called.
    figures = {name: value for name, value in facts["metadata"].items() if name in FIXED_FACTS}
    free["metadata"] = {name: value for name, value in facts["metadata"].items() if name not in FIXED_FACTS}
    data = to_json(free)
    if hook is None and not _may_hold_secrets(data):
        return conform_facts(facts)
    masked = mask(orjson.loads(data))
    if hook is not None:
        masked = hook.facts(masked)
    fixed = {name: value for name, value in facts.items() if name in FIXED_FACTS}
    return conform_facts({**fixed, **masked, "metadata": {**masked.get("metadata", {}), **figures}})
