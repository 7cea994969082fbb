"""The user's `redact` hook, and what it returned made fit to be sent.

The hook may drop, shorten or change anything, and fail in any way. Who spoke, when and which tool call a row belongs
to stay as they were; what the API needs of a row is put back empty, and `metadata.withheld` names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from tuner_langchain.conformance import SPOKEN, START, conform
from tuner_langchain.values import plain

if TYPE_CHECKING:
    from collections.abc import Callable

WITHHELD: Final = "[withheld]"
_DROP: Final = object()
_KEPT: Final = ("role", "start_ms", "end_ms", "duration_ms")
_KEPT_OF_TOOL: Final = ("name", "request_id", "start_ms", "is_error")
_PLAIN_METADATA: Final = frozenset({
    "status", "step", "attempt", "graph", "turn", "node", "model", "interrupted", "superseded", "e2e_latency",
    "llm_node_ttft", "tts_node_ttfb", "stt_node_ttfb", "transcript_confidence", "kind",
})  # fmt: skip
# The facts of free text that the API holds to a length.
_LENGTHS: Final = {"caller_phone_number": 50, "disconnection_reason": 100}


class Redaction:
    """Calls `redact`, and withholds what it fails on."""

    def __init__(self, redact: Callable[..., Any]) -> None:
        self._redact = redact
        self.failures = 0

    def row(self, row: dict[str, Any], length_ms: int) -> dict[str, Any] | None:
        """Return the row that the hook returns, None when it withholds it, its bare frame when it raises."""
        original = orjson.loads(orjson.dumps(row))
        try:
            returned = self._redact(row)
            return None if returned is None else _fitted(original, plain(dict(returned)), length_ms)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a user's function may raise anything; the call stays
            self.failures += 1
            return _frame(original, type(error).__name__)

    def last_row(self, length_ms: int) -> dict[str, Any]:
        """Return the row of a call of which the hook left none: the API takes no call without a row."""
        return {
            "role": "node_transition",
            "text": WITHHELD,
            "start_ms": 0,
            "end_ms": length_ms,
            "duration_ms": length_ms,
            "node": {"from": START, "to": WITHHELD, "reason": None},
            "metadata": {"withheld": "all rows"},
        }

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
            return _DROP if returned is None else _fact_text(returned["text"], path)
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001 - a user's function may raise anything; the call stays
            self.failures += 1
            # A fact of its own is left out, as its form may matter; inside an object its place is kept.
            return WITHHELD if "." in path or "[" in path else _DROP


def _fitted(original: dict[str, Any], row: dict[str, Any], length_ms: int) -> dict[str, Any]:
    """Return what the hook returned in the form of a row."""
    text = _as_text(row.get("text"))
    fitted = {**{name: original[name] for name in _KEPT}, "text": text}
    metadata = row.get("metadata")
    fitted["metadata"] = metadata if isinstance(metadata, dict) else {}
    if "words" in row and "words" in original:
        fitted["words"] = row["words"]
    if "node" in original:
        node = row.get("node")
        names = {name: original["node"][name] for name in ("from", "to")}
        fitted["node"] = {**names, **(node if isinstance(node, dict) else {})}
    if "tool" in original:
        fitted["tool"] = _fitted_tool(original["tool"], row.get("tool"))
    put_back = conform(fitted, length_ms)
    if fitted["role"] in SPOKEN and not text.strip() and "withheld" not in fitted["metadata"]:
        put_back.append("text")
    if put_back:
        fitted["metadata"]["withheld"] = ", ".join(put_back)
    return fitted


def _fitted_tool(original: dict[str, Any], returned: Any) -> dict[str, Any]:
    tool = dict(returned) if isinstance(returned, dict) else {}
    for name in _KEPT_OF_TOOL:
        tool.pop(name, None)
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


def _fact_text(value: Any, path: str) -> str:
    text: str = plain(_as_text(value))
    if len(text) > _LENGTHS.get(path, len(text)):
        raise ValueError("redact returned a text that is longer than the API takes for this fact")
    return text


def _frame(row: dict[str, Any], error: str) -> dict[str, Any]:
    """Return a row without its free text: what it is, when, how it ended and its figures."""
    kept = {name: value for name, value in row["metadata"].items() if name in _PLAIN_METADATA}
    frame = {**row, "metadata": {**kept, "withheld": f"redact raised {error}"}}
    frame.pop("words", None)
    if row["role"] in SPOKEN:
        frame["text"] = WITHHELD
    if "node" in row:
        frame["node"] = {**row["node"], "reason": None}
    if "tool" in row:
        tool = {name: row["tool"][name] for name in _KEPT_OF_TOOL if name in row["tool"]}
        frame["tool"] = {**tool, "params" if row["role"] == "agent_function" else "result": {}}
    return frame
