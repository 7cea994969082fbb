"""Facts about a call that its runs cannot tell, each checked against the Create Call API when it is given. Pure."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from tuner_langchain.errors import CallFactError
from tuner_langchain.values import plain, text

if TYPE_CHECKING:
    from tuner_langchain.delivery import Recording

Sentiment = Literal["positive", "neutral", "negative", "unknown"]
Timestamp = int | float | dt.datetime


class CallUsage(TypedDict, total=False):
    """What a call used, as a cost function gets it."""

    llm_usage: Mapping[str, Mapping[str, Any]]
    """By the model's name: `calls`, `errors`, `input_tokens`, `output_tokens`, `cache_read_tokens`,
    `reasoning_tokens`, `total_ms`, `unknown_usage_calls`, and where they are not zero `cache_write_tokens`,
    `audio_tokens` and `cached_calls`; `provider` as LangChain names it."""
    llm_token: int
    """All tokens that the models reported; absent when none did."""
    stt_duration_seconds: float
    tts_characters_count: int


CostFunction = Callable[[CallUsage], float | None]


class CallFacts(TypedDict, total=False):
    """What may be said about a call, to the handler, to `update` or to `finalize`. All are optional.

    Limits are those of the Create Call API. None leaves a fact as it is.
    """

    call_id: str | None
    """The call's own id, 1 to 200 characters; only when the handler is made. Default: a new UUID."""
    call_type: str | None
    """1 to 100 characters, like `phone_call` or `web_call` (the default)."""
    start_timestamp: Timestamp | None
    """When the call began: a datetime with a time zone, or Unix time in seconds or milliseconds. Default: when the
    handler was made. Only when the handler is made."""
    end_timestamp: Timestamp | None
    """When the call ended, in the same forms. Default: when it was finalised."""
    duration_ms: int | None
    recording_url: str | None
    """A public address of the recording, up to 1,024 characters. Default: `pending`."""
    recording_multi_channel_url: str | None
    agent_version: int | None
    transcript: str | None
    """The plain text of the conversation; the service derives it when absent."""
    call_status: str | None
    disconnection_reason: str | None
    """Like `user_hangup`, `agent_hangup`, `error`, `timeout`; up to 100 characters."""
    caller_phone_number: str | None
    call_successful: bool | None
    in_voicemail: bool | None
    user_sentiment: Sentiment | None
    collected_dynamic_variables: Mapping[str, Any] | None
    call_cost: float | CostFunction | None
    """In cents: 125 is $1.25. Or a function from what the call used (see `CallUsage`) to cents, asked when the call
    ends; when it fails or returns None the call has no cost."""
    call_analysis: Mapping[str, Any] | None
    metadata: Mapping[str, Any] | None
    """Your own keys, beside those that the library writes."""
    general_meta_data_raw: Mapping[str, Any] | None
    sip_call_id: str | None
    sip_headers: Mapping[str, str] | None
    recipient: str | None
    recording: Recording | None
    """The audio itself, to be uploaded to Tuner with the call; says `recording_file_extension` too."""
    recording_file_extension: str | None
    """Like `wav`, without a dot: asks for an upload target for the recording."""
    recording_s3_multi_channel: bool | None
    recording_s3_caller_channel: int | None
    asr_model: str | None
    tts_model: str | None
    llm_model: str | None
    """The model to show for the call, where the models themselves do not say."""
    stt_duration_seconds: float | None
    tts_characters_count: int | None


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
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
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
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise _wrong(name, f"is {_shown(value)}", expected)
    # The API reads numbers below 10^10 as seconds; so do we.
    milliseconds = round(value * 1000) if value < 10**10 else round(value)
    if milliseconds < 10**10:
        raise _wrong(name, f"is {_shown(value)}, a day in early 1970", expected)
    return milliseconds


def _shown(value: Any) -> str:
    return repr(value)[:60]


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
