"""What the Create Call API needs of a row and of call facts, and both made to fit. Pure.

Every row passes here before it is encoded, whatever made it (`is_right`, else `conform`), and once more when a
`redact` hook had it (`conform`). A row that is right, which is the rule, stays as it is. In any other, times are moved
into the call, what has the wrong type is left out, and what the API needs is put back empty.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from tuner_langchain.values import is_number, name_text

SPOKEN: Final = ("user", "agent")
START: Final = "__start__"
# Longer than any call: for rows that are made ready while it goes on.
LONGEST_MS: Final = 2**63
_OBJECTS: Final = (dict, orjson.Fragment)
_FIGURES: Final = frozenset({
    "e2e_latency", "llm_node_ttft", "tts_node_ttfb", "stt_node_ttfb", "transcript_confidence",
})  # fmt: skip
_OBJECT_FACTS: Final = frozenset({
    "collected_dynamic_variables", "call_analysis", "metadata", "general_meta_data_raw",
})  # fmt: skip
_NAMES: Final = {
    "ai_models": frozenset({"asr_model", "llm_model", "tts_model"}),
    "usage_token": frozenset({"stt_duration_seconds", "llm_token", "tts_characters_count"}),
}
_DOCUMENTED: Final = _FIGURES | {"interrupted"}


def as_object(data: bytes) -> bytes:
    """Return frozen JSON as an object: what is none becomes its `value`."""
    return data if data.startswith(b"{") else b'{"value":' + data + b"}"


def says_nothing(row: dict[str, Any]) -> bool:
    """Return whether a row of the conversation has no words, so that it is no row; withheld words are words."""
    return row["role"] in SPOKEN and not row["text"].strip() and "withheld" not in row["metadata"]


def is_right(row: dict[str, Any], length_ms: int) -> bool:
    """Return whether a row of our own surely fits: a few comparisons, of all that a call's course can put wrong."""
    start, end = row["start_ms"], row["end_ms"]
    if not 0 <= start <= end <= length_ms or row["duration_ms"] != end - start or type(start) is not int:
        return False
    if "tool" in row:
        tool = row["tool"]
        has_part = "params" in tool or "result" in tool or "error" in tool
        return has_part and type(tool["name"]) is str and type(tool["request_id"]) is str
    return bool(row["node"]["from"] and row["node"]["to"]) if "node" in row else "words" not in row


def conform(row: dict[str, Any], length_ms: int) -> list[str]:
    """Make a row fit, in place, and return the names of what was put back empty."""
    start, end = row["start_ms"], row["end_ms"]
    if (
        type(start) is not int
        or type(end) is not int
        or not 0 <= start <= end <= length_ms
        or row["duration_ms"] != end - start
    ):
        _retime(row, length_ms)
    put_back: list[str] = []
    if not isinstance(row["text"], str):
        row["text"] = ""
        put_back.append("text")
    if not _DOCUMENTED.isdisjoint(row["metadata"]):
        put_back += _type_metadata(row["metadata"])
    if "words" in row:
        _type_words(row, length_ms)
    if row["role"] == "node_transition":
        put_back += _type_node(row["node"], row["text"])
    elif row["role"] not in SPOKEN:
        put_back += _type_tool(row["tool"], row["role"])
    return put_back


def ends_within(row: bytes, length_ms: int) -> bool:
    """Return whether an encoded row ends inside the call.

    Quotes inside of text are escaped, so that the first such name is the row's own.
    """
    at = row.index(b'"end_ms":') + 9
    return int(row[at : row.index(b",", at)]) <= length_ms


def conform_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """Return call facts that fit: objects are objects, and the documented figures in the metadata are figures."""
    if facts.get("recording_s3_multi_channel") is not True:
        facts = {name: value for name, value in facts.items() if name != "recording_s3_caller_channel"}
    fitted = {
        name: {"value": value} if name in _OBJECT_FACTS and not isinstance(value, dict) else value
        for name, value in facts.items()
    }
    metadata = fitted["metadata"] = dict(fitted["metadata"])
    for name, is_right in (("ai_models", _is_text), ("usage_token", is_number)):
        if name in metadata:
            told = metadata[name] if isinstance(metadata[name], dict) else {}
            metadata[name] = {
                key: value for key, value in told.items() if key not in _NAMES[name] or is_right(value)
            }
    return fitted


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _retime(row: dict[str, Any], length_ms: int) -> None:
    start = min(max(int(row["start_ms"]), 0), length_ms)
    end = min(max(int(row["end_ms"]), start), length_ms)
    row.update(start_ms=start, end_ms=end, duration_ms=end - start)
    if "tool" in row:
        row["tool"]["start_ms"] = start


def _type_metadata(metadata: dict[str, Any]) -> list[str]:
    """Leave out documented figures that are none."""
    wrong = [name for name in _FIGURES if name in metadata and not is_number(metadata[name])]
    if not isinstance(metadata.get("interrupted", False), bool):
        wrong.append("interrupted")
    for name in wrong:
        del metadata[name]
    return wrong


def _type_words(row: dict[str, Any], length_ms: int) -> None:
    words = row["words"]
    kept = [word for word in words if _is_word(word)] if isinstance(words, list) else []
    if not kept:
        del row["words"]
        return
    row["words"] = [
        word if 0 <= word["start_ms"] <= word["end_ms"] <= length_ms else _retimed_word(word, length_ms)
        for word in kept
    ]


def _retimed_word(word: dict[str, Any], length_ms: int) -> dict[str, Any]:
    start = min(max(word["start_ms"], 0), length_ms)
    return {**word, "start_ms": start, "end_ms": min(max(word["end_ms"], start), length_ms)}


def _is_word(word: Any) -> bool:
    return (
        isinstance(word, dict)
        and isinstance(word.get("word"), str)
        and type(word.get("start_ms")) is int
        and type(word.get("end_ms")) is int
        and is_number(word.get("confidence", 0))
    )


def _type_node(node: dict[str, Any], path: str) -> list[str]:
    wrong = []
    for name, least in (("from", START), ("to", path or START)):
        if not (isinstance(node.get(name), str) and node[name]):
            node[name] = least
            wrong.append(name)
    if not isinstance(node.setdefault("reason", None), str | None):
        node["reason"] = None
        wrong.append("reason")
    return wrong


def _type_tool(tool: dict[str, Any], role: str) -> list[str]:
    for name in ("name", "request_id"):
        if not isinstance(tool[name], str):
            tool[name] = name_text(tool[name]) or "unknown"
    wrong: list[str] = [
        name for name in ("params", "result") if name in tool and not isinstance(tool[name], _OBJECTS)
    ]
    if "error" in tool and not isinstance(tool["error"], str):
        wrong.append("error")
    for name in wrong:
        del tool[name]
    needed = "params" if role == "agent_function" else "result"
    if needed not in tool and not (role == "agent_result" and "error" in tool):
        tool[needed] = {}
        wrong = [*(name for name in wrong if name != needed), needed]
    return wrong
