"""Call facts and segments in, the request document out."""

from __future__ import annotations

import copy
import threading
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson

from tuner_langchain.checks import check
from tuner_langchain.cost import asked_cost
from tuner_langchain.errors import CallFactError
from tuner_langchain.release import FIXED_FACTS, ROWS, release
from tuner_langchain.timeline.bare import bare_rows
from tuner_langchain.timeline.clock import Span
from tuner_langchain.timeline.fold import Folded, fold
from tuner_langchain.values import passes_through, to_json

if TYPE_CHECKING:
    from tuner_langchain.ahead import Ahead
    from tuner_langchain.capture import Capture
    from tuner_langchain.delivery import Recording
    from tuner_langchain.facts import CallFacts
    from tuner_langchain.runs import CallRecord

# Facts that are known when a call begins and never change after it.
FIRST_FACTS: Final = ("call_id", "start_timestamp")
AI_MODELS: Final = ("asr_model", "llm_model", "tts_model")
USAGE: Final = ("stt_duration_seconds", "tts_characters_count")
NO_RECORDING: Final = "pending"  # what Tuner's own clients send for a call without a recording


class Call:
    """The facts of one call, and the document they make together with its rows.

    `started_ns` is the handler's clock at the call's start; with a `start_timestamp` in the past it is set back, so
    that offsets are measured from the call's real start.
    """

    def __init__(
        self, facts: CallFacts, *, started_ns: int, agent_version: int | None, capture: Capture
    ) -> None:
        self._capture = capture
        checked = check(facts, capture)
        now_ms = time.time_ns() // 1_000_000
        self.call_id: str = checked.pop("call_id", None) or str(uuid.uuid4())
        self.start_timestamp: int = checked.pop("start_timestamp", now_ms)
        self._check_end(checked)
        self.started_ns: int = started_ns - (now_ms - self.start_timestamp) * 1_000_000
        self._facts: dict[str, Any] = {} if agent_version is None else {"agent_version": agent_version}
        self.recording: Recording | None = None
        self._facts |= self._without_recording(checked)
        self._lock = threading.RLock()  # a signal handler may finalise while this is held

    def update_missing(self, facts: Mapping[str, Any]) -> None:
        """Take in only those facts that nobody gave."""
        with self._lock:
            self._facts = {**facts, **self._facts}

    def update(self, facts: Mapping[str, Any]) -> None:
        """Take in facts; objects are merged key by key. Nothing is changed when one of them is wrong."""
        checked = check(facts, self._capture)
        for name in FIRST_FACTS:
            if name in checked:
                raise CallFactError(
                    f"{name}: cannot change during a call. Give it to TunerCallbackHandler({name}=...)."
                )
        self._check_end(checked)
        with self._lock:
            for name, value in self._without_recording(checked).items():
                known = self._facts.get(name)
                merged = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
                self._facts[name] = merged

    def _check_end(self, checked: Mapping[str, Any]) -> None:
        early_ms = self.start_timestamp - checked.get("end_timestamp", self.start_timestamp)
        if early_ms > 0:
            raise CallFactError(
                f"end_timestamp: is {early_ms:,} ms before start_timestamp. Expected a later time."
            )

    def _without_recording(self, checked: dict[str, Any]) -> dict[str, Any]:
        """Keep the audio aside, for it is no part of the document; its extension is."""
        recording: Recording | None = checked.pop("recording", None)
        if recording is not None:
            self.recording = recording
            checked["recording_file_extension"] = recording.file_extension
        return checked

    def document(self, folded: Folded, ended_ns: int) -> dict[str, Any]:
        """Return the request's document; rows may hold ready-made JSON."""
        with self._lock:
            facts = dict(self._facts)
        lasted_ms = max(self._elapsed_ms(ended_ns), folded.last_spoken_ms)
        end = facts.pop("end_timestamp", None) or self.start_timestamp + lasted_ms
        end = max(end, self.start_timestamp)
        metadata = _metadata(folded.metadata, facts)
        if callable(facts.get("call_cost")):
            facts |= asked_cost(facts.pop("call_cost"), metadata)
        return {
            "call_id": self.call_id,
            "call_type": facts.pop("call_type", "web_call"),
            "start_timestamp": self.start_timestamp,
            "end_timestamp": end,
            "duration_ms": facts.pop("duration_ms", end - self.start_timestamp),
            "recording_url": facts.pop("recording_url", NO_RECORDING),
            "call_status": facts.pop("call_status", "call_ended"),
            "transcript_with_tool_calls": folded.rows,
            **facts,
            "metadata": metadata,
        }

    def _elapsed_ms(self, ended_ns: int) -> int:
        return int(max(0, ended_ns - self.started_ns) // 1_000_000)

    def so_far(self, record: CallRecord, capture: Capture, now_ns: int) -> dict[str, Any]:
        """Return the document of a call that goes on, as it would leave the process now."""
        return release(self.document(fold(record, self.span(now_ns)), now_ns), capture)

    def whole(self, ahead: Ahead, capture: Capture, ended_ns: int) -> dict[str, Any]:
        """Return the call's document, as it may leave the process; the rows that are ready ahead are used up."""
        return release(self.document(ahead.finish(self.span(ended_ns)), ended_ns), capture)

    def bare(self, record: CallRecord, capture: Capture, ended_ns: int) -> dict[str, Any]:
        """Return the least that can be said of the call, for when a fault of ours keeps `whole` from its work."""
        rows = bare_rows(record, self.span(ended_ns))
        try:
            return release(self.document(rows, ended_ns), capture)
        except BaseException as error:
            if passes_through(error):
                raise
            # The fault may be in the facts, or in the release: what has no free text needs none.
            document = Call.document(self._without_facts(), rows, ended_ns)
            fixed = {name: value for name, value in document.items() if name in FIXED_FACTS}
            return {**fixed, ROWS: document[ROWS], "metadata": {}}

    def _without_facts(self) -> Call:
        bare = copy.copy(self)
        bare._facts = {name: value for name, value in self._facts.items() if name == "call_type"}
        return bare

    def clear(self) -> None:
        """Forget every fact but the call's id."""
        with self._lock:
            self._facts = {}
            self.recording = None

    def span(self, ended_ns: int) -> Span:
        """Return the call's time from its start to `ended_ns` of the handler's clock."""
        return Span(self.started_ns, ended_ns)


def _metadata(found: Mapping[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """Return the document's metadata: the user's keys, then what the runs and the voice stack said."""
    ai_models = {
        **found.get("ai_models", {}),
        **{name: facts.pop(name) for name in AI_MODELS if name in facts},
    }
    usage = {**found.get("usage_token", {}), **{name: facts.pop(name) for name in USAGE if name in facts}}
    metadata = {**facts.pop("metadata", {}), **found}
    if ai_models:
        metadata["ai_models"] = ai_models
    if usage:
        metadata["usage_token"] = usage
    return metadata


def encode(document: dict[str, Any]) -> bytes:
    """Return the document as the request's body."""
    return to_json(document)


def preview(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document as plain data, the way the service reads it."""
    plain: dict[str, Any] = orjson.loads(encode(document))
    return plain
