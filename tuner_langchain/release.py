"""The last gate of a call's document: what `Capture` withholds, masks, cuts and lets the user redact. Pure.

Most rows pass as they are. A row is opened only when its JSON may hold a secret or is long, or when there is
a `redact` hook; the rest are embedded as the bytes they are checked as.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import orjson

from tuner_langchain.masking import mask, may_hold_secrets
from tuner_langchain.shrinking import shrink
from tuner_langchain.values import CUT_WORDS_CHARS, cut_text, plain, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tuner_langchain.capture import Capture

log = logging.getLogger("tuner_langchain")

ROWS: Final = "transcript_with_tool_calls"
WITHHELD: Final = "[withheld]"
# Facts and parts of the metadata without free text: ids, figures, names of models and fixed words.
FIXED_FACTS: Final = frozenset({
    "call_id", "call_type", "start_timestamp", "end_timestamp", "duration_ms", "recording_url", "call_status",
    "recording_multi_channel_url", "agent_version", "user_sentiment", "sip_call_id",
    "recording_file_extension", "recording", "ai_models", "usage_token", "llm_usage",
})  # fmt: skip
_SPOKEN: Final = ("user", "agent")
_FREE_METADATA: Final = frozenset({"input", "output", "events", "interrupt", "error"})


def release(document: dict[str, Any], capture: Capture) -> dict[str, Any]:
    """Return the document as it may leave the process; its rows become ready-made JSON."""
    hook = _Redaction(capture.redact) if capture.redact is not None else None
    facts = _facts({name: value for name, value in document.items() if name != ROWS}, capture, hook)
    rows = list(_rows(document[ROWS], capture, hook))
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


def ready(row: Any, capture: Capture) -> bytes:
    """Return a row as it is sent, where words are sent and no hook is to see it."""
    data = _encoded(row, capture)
    return to_json(_opened(data, capture)) if _needs_care(row, data, capture) else data


def _rows(rows: Sequence[Any], capture: Capture, hook: _Redaction | None) -> Iterable[bytes]:
    names = frozenset() if capture.words else _node_names(rows)
    for row in rows:
        if isinstance(row, bytes):
            yield row
            continue
        if not capture.words:
            _withhold_words(row, names)
        if hook is None:
            yield ready(row, capture)
        else:
            released = hook.row(_opened(_encoded(row, capture), capture))
            if released is not None:
                yield to_json(released)


def _encoded(row: dict[str, Any], capture: Capture) -> bytes:
    if not capture.error_messages and row["role"] == "agent_result" and row["tool"].get("is_error"):
        row["tool"]["result"] = {}  # a failure that a tool answered with is an exception's text
    return to_json(row)


def _opened(data: bytes, capture: Capture) -> dict[str, Any]:
    return _masked_row(orjson.loads(data), capture.max_value_chars)


def _needs_care(row: dict[str, Any], data: bytes, capture: Capture) -> bool:
    return len(data) > capture.max_value_chars or _is_suspect(row, data)


def _is_suspect(row: dict[str, Any], data: bytes) -> bool:
    """Return whether values of the program's own in a row may hold secrets.

    Words, names and figures of ours are not searched: it is the searching that costs.
    """
    if row["role"] in _SPOKEN:
        return False
    metadata = row["metadata"]
    if not _FREE_METADATA.isdisjoint(metadata):
        return may_hold_secrets(data)
    if "tool" in row:
        return may_hold_secrets(data[data.find(b'"tool":') : data.rfind(b'"metadata":')])
    for call in metadata.get("llm", ()):
        if "error" in call or "system_prompt" in call:
            return may_hold_secrets(data)
    reason = row["node"]["reason"]
    return reason is not None and may_hold_secrets(reason.encode(errors="replace"))


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
    if row["role"] in _SPOKEN:
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


def _facts(facts: dict[str, Any], capture: Capture, hook: _Redaction | None) -> dict[str, Any]:
    if not capture.words and "transcript" in facts:
        del facts["transcript"]
    free = {name: value for name, value in facts.items() if name not in FIXED_FACTS}
    # Figures and names of models beside the user's own keys: no free text, and no secrets whatever they are called.
    figures = {name: value for name, value in facts["metadata"].items() if name in FIXED_FACTS}
    free["metadata"] = {name: value for name, value in facts["metadata"].items() if name not in FIXED_FACTS}
    data = to_json(free)
    if hook is None and not may_hold_secrets(data):
        return facts
    masked = mask(orjson.loads(data))
    if hook is not None:
        masked = hook.facts(masked)
    fixed = {name: value for name, value in facts.items() if name in FIXED_FACTS}
    return {**fixed, **masked, "metadata": {**masked.get("metadata", {}), **figures}}


# --- the user's hook -------------------------------------------------------------------------------------


class _Redaction:
    """Calls `redact`, and withholds what it fails on."""

    def __init__(self, redact: Callable[..., Any]) -> None:
        self._redact = redact
        self.failures = 0

    def row(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """Return the row that the hook returns, None when it withholds it, its bare frame when it raises."""
        original = orjson.loads(orjson.dumps(row))
        try:
            returned = self._redact(row)
            return None if returned is None else _fitted(original, returned)
        except Exception as error:  # noqa: BLE001 - a user's function may raise anything; the call stays
            self.failures += 1
            return _frame(original, type(error).__name__)

    def facts(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Return the call facts with every text in them seen by the hook."""
        seen = {name: self._fact(value, name) for name, value in facts.items()}
        return {name: value for name, value in seen.items() if value is not _DROP}

    def _fact(self, value: Any, path: str) -> Any:
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, dict):
            seen = {key: self._fact(item, f"{path}.{key}") for key, item in value.items()}
            return {key: item for key, item in seen.items() if item is not _DROP}
        if isinstance(value, list):
            listed = [self._fact(item, f"{path}[{index}]") for index, item in enumerate(value)]
            return [item for item in listed if item is not _DROP]
        return value

    def _text(self, text: str, path: str) -> Any:
        fact = {
            "role": "call_fact", "text": text, "metadata": {"fact": path},
            "start_ms": 0, "end_ms": 0, "duration_ms": 0,
        }  # fmt: skip
        try:
            returned = self._redact(fact)
            return _DROP if returned is None else _as_text(returned["text"])
        except Exception:  # noqa: BLE001 - a user's function may raise anything; the call stays
            self.failures += 1
            # A fact of its own is left out, as its form may matter; inside an object its place is kept.
            return WITHHELD if "." in path or "[" in path else _DROP


_DROP: Final = object()


def _fitted(original: dict[str, Any], returned: Any) -> dict[str, Any]:
    """Return what the hook returned in the form of a row: who, when and which tool call are not its to change."""
    row = plain(dict(returned))
    for name in ("role", "start_ms", "end_ms", "duration_ms"):
        row[name] = original[name]
    row["text"] = _as_text(row.get("text"))
    if not isinstance(row.get("metadata"), dict):
        row["metadata"] = {}
    if "tool" in original:
        row["tool"] = _fitted_tool(original["tool"], row.get("tool"))
    if "node" in original:
        node = row.get("node")
        row["node"] = {**original["node"], **(node if isinstance(node, dict) else {})}
    return {name: value for name, value in row.items() if name in _FIELDS}


_FIELDS: Final = frozenset({
    "role", "text", "start_ms", "end_ms", "duration_ms", "metadata", "words", "node", "tool",
})  # fmt: skip


def _fitted_tool(original: dict[str, Any], returned: Any) -> dict[str, Any]:
    tool = dict(returned) if isinstance(returned, dict) else {}
    for name in ("name", "request_id", "start_ms", "is_error"):
        if name in original:
            tool[name] = original[name]
    for name in ("params", "result"):
        if name in tool and not isinstance(tool[name], dict):
            tool[name] = {"value": tool[name]}
    return tool


def _as_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("redact returned a segment without text")
    return value


def _frame(row: dict[str, Any], error: str) -> dict[str, Any]:
    """Return a row without its free text: what it is, when, how it ended and its figures."""
    kept = {name: value for name, value in row["metadata"].items() if name in _PLAIN_METADATA}
    frame = {**row, "metadata": {**kept, "withheld": f"redact raised {error}"}}
    frame.pop("words", None)
    if row["role"] in _SPOKEN:
        frame["text"] = WITHHELD
    if "node" in row:
        frame["node"] = {**row["node"], "reason": None}
    if "tool" in row:
        tool = {
            name: row["tool"][name]
            for name in ("name", "request_id", "is_error", "start_ms")
            if name in row["tool"]
        }
        frame["tool"] = {**tool, "params" if row["role"] == "agent_function" else "result": {}}
    return frame


_PLAIN_METADATA: Final = frozenset({
    "status", "step", "attempt", "graph", "turn", "node", "model", "interrupted", "superseded", "e2e_latency",
    "llm_node_ttft", "tts_node_ttfb", "stt_node_ttfb", "transcript_confidence", "kind",
})  # fmt: skip
