"""Each fact about a call, checked against the Create Call API when it is given. Pure."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from tuner_langchain.errors import CallFactError
from tuner_langchain.values import LATEST_MS, is_number, plain, short_repr, text

if TYPE_CHECKING:
    from tuner_langchain.facts import CostFunction

Check = Callable[[str, Any], Any]

SENTIMENTS: Final = ("positive", "neutral", "negative", "unknown")


def check(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts in the form they are sent in, without those that are None.

    Raises:
        CallFactError: A fact is unknown or breaks a limit.
    """
    checked: dict[str, Any] = {}
    for name, value in facts.items():
        if name not in CHECKS:
            raise CallFactError(f"{name}: is no fact of a call. Known are: {', '.join(sorted(CHECKS))}.")
        if value is not None:
            checked[name] = CHECKS[name](name, value)
    return checked


def _wrong(name: str, problem: str, expected: str) -> CallFactError:
    return CallFactError(f"{name}: {problem}. Expected {expected}.")


def _words(least: int, most: int | None) -> Check:
    expected = f"{least} to {most:,} characters" if most else "text"

    def checked(name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise _wrong(name, f"is a {type(value).__name__}, not a string", expected)
        cleaned = text(value)
        if len(cleaned) < least:
            raise _wrong(name, "is empty", expected)
        if most and len(cleaned) > most:
            raise _wrong(name, f"is {len(cleaned):,} characters long", expected)
        return cleaned

    return checked


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, f"is {_shown(value)}", "True or False")
    return value


def _count(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise _wrong(name, f"is {_shown(value)}", "a whole number, 0 or more")
    return value


def _amount(name: str, value: Any) -> float:
    if not is_number(value) or value < 0:
        raise _wrong(name, f"is {_shown(value)}", "a number, 0 or more")
    return value


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


def _object(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(name, f"is a {type(value).__name__}", "a dictionary")
    cleaned: dict[str, Any] = plain(value)
    return cleaned


def _headers(name: str, value: Any) -> dict[str, str]:
    cleaned = _object(name, value)
    for key, item in cleaned.items():
        if not isinstance(item, str):
            raise _wrong(
                f"{name}[{key!r}]", f"is a {type(item).__name__}, not a string", "text for each header"
            )
    return cleaned


def _sentiment(name: str, value: Any) -> str:
    if value not in SENTIMENTS:
        raise _wrong(name, f"is {_shown(value)}", f"one of {', '.join(SENTIMENTS)}")
    return str(value)


def _extension(name: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9]{1,16}", value):
        raise _wrong(name, f"is {_shown(value)}", "a file extension without its dot, like wav")
    return value


def _recording(name: str, value: Any) -> Any:
    extension = getattr(value, "file_extension", None)
    if extension is None or not hasattr(value, "audio"):
        raise _wrong(
            name,
            f"is a {type(value).__name__}",
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
        raise _wrong(name, f"is {_shown(value)}, a day after the year 9999", expected)
    # The API reads numbers below 10^10 as seconds; so do we.
    milliseconds = round(value * 1000) if value < 10**10 else round(value)
    if milliseconds < 10**10:
        raise _wrong(name, f"is {_shown(value)}, a day in early 1970", expected)
    return milliseconds


def _shown(value: Any) -> str:
    return short_repr(value)[:60]


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
    "sip_headers": _headers,
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
