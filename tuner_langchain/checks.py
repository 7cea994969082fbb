"""Each fact about a call, checked against the Create Call API when it is given. Pure."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from tuner_langchain.capture import Capture
from tuner_langchain.errors import CallFactError
from tuner_langchain.settings import VARIABLES
from tuner_langchain.values import (
    LATEST_MS,
    as_number,
    cut_text,
    is_number,
    passes_through,
    plain,
    shown,
    text,
    type_words,
)

if TYPE_CHECKING:
    from tuner_langchain.facts import CostFunction

Check = Callable[[str, Any], Any]

_DEFAULT: Final = Capture()
SENTIMENTS: Final = ("positive", "neutral", "negative", "unknown")


def check(facts: Mapping[str, Any], capture: Capture = _DEFAULT) -> dict[str, Any]:
    """Return the facts in the form they are sent in, without those that are None.

    Objects and texts that the API sets no limit for are cut as other values are.

    Raises:
        CallFactError: A fact is unknown or breaks a limit, or its value cannot be read.
    """
    check_names(facts)
    checked: dict[str, Any] = {}
    for name, value in facts.items():
        if value is not None:
            checked[name] = _checked(name, value, capture)
    return checked


def check_names(facts: Mapping[str, Any]) -> None:
    """Look at the names of facts alone.

    Raises:
        CallFactError: There is no such fact.
    """
    for name in facts:
        if name not in CHECKS:
            raise CallFactError(_unknown(name))


def _checked(name: str, value: Any, capture: Capture) -> Any:
    try:
        longest = _longest(name, capture)
        if longest is not None and isinstance(value, str):  # first, so that nothing reads the rest
            value = cut_text(value, longest)
        found = CHECKS[name](name, value)
        if name not in _OBJECTS:
            return found
        cut = _cut_object(name, value, capture.max_value_chars)
        return _headers(name, cut) if name == "sip_headers" else cut
    except CallFactError:
        raise
    except BaseException as error:
        if passes_through(error):
            raise
        # A value's own code was asked, and raised. Nothing of it is shown: it may hold what was said.
        problem = f"{_shown(value)} raises {type(error).__name__} when it is read"
        raise _wrong(name, problem, "a plain value") from None


def _longest(name: str, capture: Capture) -> int | None:
    """Return how many characters are kept of a text that the API sets no limit for; None for any other fact."""
    if name == "transcript":
        return capture.max_document_bytes // _TRANSCRIPT_SHARE
    return capture.max_value_chars if name in _UNLIMITED else None


def _unknown(name: str) -> str:
    if name in _SETTINGS:
        variable = f", or set {VARIABLES[name]}" if name in VARIABLES else ""
        return (
            f"{name}: is a setting, not a call fact. Pass it in a config: "
            f"TunerCallbackHandler(config=TunerConfig({name}=...)){variable}."
        )
    import difflib  # noqa: PLC0415 - only for a mistake

    near = difflib.get_close_matches(name, CHECKS, n=1) or [known for known in CHECKS if name in known]
    meant = f" Did you mean {near[0]}?" if near else ""
    return f"{name}: is not a known call fact.{meant} Known facts: {', '.join(sorted(CHECKS))}."


def _wrong(name: str, problem: str, expected: str) -> CallFactError:
    return CallFactError(f"{name}: {problem}. Expected {expected}.")


def _words(least: int, most: int | None) -> Check:
    expected = f"{least} to {most:,} characters" if most else "text"

    def checked(name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise _wrong(name, f"is {type_words(value)}, not a string", expected)
        length = str.__len__(value)
        if length < least:
            raise _wrong(name, "is empty", expected)
        if most and length > most:
            raise _wrong(name, f"is {length:,} characters long", expected)
        return text(str.__str__(value))

    return checked


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, f"is {_shown(value)}", "True or False")
    return value


def _count(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise _wrong(name, f"is {_shown(value)}", "a whole number, 0 or more")
    return int.__int__(value)


def _amount(name: str, value: Any) -> float:
    if not is_number(value) or value < 0:
        raise _wrong(name, f"is {_shown(value)}", "a number, 0 or more")
    return as_number(value)


def _cost(name: str, value: Any) -> float | CostFunction:
    if callable(value) and not isinstance(value, type):
        function: CostFunction = value
        return function
    try:
        return _amount(name, value)
    except CallFactError:
        raise _wrong(
            name, f"is {_shown(value)}", "cents as a number, 0 or more, or a function from usage to cents"
        ) from None


def _object(name: str, value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise _wrong(name, f"is {type_words(value)}", "a dictionary")
    return value


def _cut_object(name: str, value: Any, max_chars: int) -> dict[str, Any]:
    cleaned = plain(value, max_chars)
    if not isinstance(cleaned, dict):
        raise _wrong(name, f"is {type_words(value)} that cannot be read", "a dictionary")
    return cleaned


def _headers(name: str, headers: dict[str, Any]) -> dict[str, Any]:
    for key, item in headers.items():
        if not isinstance(item, str):
            raise _wrong(
                f"{name}[{_shown(key)}]", f"is {type_words(item)}, not a string", "text for each header"
            )
    return headers


def _sentiment(name: str, value: Any) -> str:
    if not isinstance(value, str) or value not in SENTIMENTS:
        raise _wrong(name, f"is {_shown(value)}", f"one of {', '.join(SENTIMENTS)}")
    return str.__str__(value)


def _extension(name: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9]{1,16}", value):
        raise _wrong(name, f"is {_shown(value)}", "a file extension without its dot, like wav")
    return str.__str__(value)


def _recording(name: str, value: Any) -> Any:
    extension = getattr(value, "file_extension", None)
    if extension is None or not hasattr(value, "audio"):
        raise _wrong(
            name,
            f"is {type_words(value)}",
            "Recording(audio, file_extension), like Recording(path, 'wav')",
        )
    _extension(f"{name}.file_extension", extension)
    return value


def _timestamp(name: str, value: Any) -> int:
    """Return milliseconds of Unix time."""
    expected = "a datetime with a time zone, or Unix time in seconds or milliseconds"
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            raise _wrong(name, "is a datetime without a time zone", expected)
        value = value.timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise _wrong(name, f"is {_shown(value)}", expected)
    if value >= LATEST_MS:
        raise _wrong(name, f"is {_shown(value)}, a date after the year 9999", expected)
    # The API reads numbers below 10^10 as seconds; so do we.
    milliseconds = round(value * 1000) if value < 10**10 else round(value)
    if milliseconds < 10**10:
        raise _wrong(name, f"is {_shown(value)}, a date in early 1970", expected)
    return milliseconds


def _shown(value: Any) -> str:
    return shown(value)[:60]


# The whole of a long call may be in it: an eighth of the document, in characters.
_TRANSCRIPT_SHARE: Final = 8
_OBJECTS: Final = frozenset({
    "collected_dynamic_variables", "call_analysis", "metadata", "general_meta_data_raw", "sip_headers",
})  # fmt: skip
# Texts that the API sets no limit for.
_UNLIMITED: Final = frozenset({"sip_call_id", "recipient", "asr_model", "tts_model", "llm_model"})
# What people give to the handler by mistake.
_SETTINGS: Final = frozenset({
    "api_key", "workspace_id", "agent_id", "base_url", "debug", "auth_header", "allow_insecure", "outbox_dir", "fsync",
    "outbox_max_bytes", "outbox_min_free_bytes", "shared_call_ids",
})  # fmt: skip

CHECKS: Final[dict[str, Check]] = {
    "call_id": _words(1, 200),
    "call_type": _words(1, 100),
    "start_timestamp": _timestamp,
    "end_timestamp": _timestamp,
    "duration_ms": _count,
    "recording_url": _words(1, 1024),
    "recording_multi_channel_url": _words(1, 1024),
    "agent_version": _count,
    "transcript": _words(0, None),
    "call_status": _words(1, 100),
    "disconnection_reason": _words(1, 100),
    "caller_phone_number": _words(1, 50),
    "call_successful": _flag,
    "in_voicemail": _flag,
    "user_sentiment": _sentiment,
    "collected_dynamic_variables": _object,
    "call_cost": _cost,
    "call_analysis": _object,
    "metadata": _object,
    "general_meta_data_raw": _object,
    "sip_call_id": _words(1, None),
    "sip_headers": _object,
    "recipient": _words(1, None),
    "recording": _recording,
    "recording_file_extension": _extension,
    "recording_s3_multi_channel": _flag,
    "recording_s3_caller_channel": _count,
    "asr_model": _words(1, None),
    "tts_model": _words(1, None),
    "llm_model": _words(1, None),
    "stt_duration_seconds": _amount,
    "tts_characters_count": _count,
}
