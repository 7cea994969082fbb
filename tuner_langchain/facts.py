"""Facts about a call that its runs cannot tell: their names and types. `checks` holds them to their limits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict

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
    """What you may give about a call, to the handler, to `update` or to `finalize`. All are optional.

    Limits are those of the Create Call API. None leaves a fact as it is. Long objects are cut as other values are.
    """

    call_id: str | None
    """The call's own id, 1 to 200 characters; only when the handler is made. Default: a new UUID."""
    call_type: str | None
    """1 to 100 characters, like `phone_call` or `web_call` (the default)."""
    start_timestamp: Timestamp | None
    """When the call began: a datetime with a time zone, or Unix time in seconds or milliseconds. Default: when the
    handler was made. Only when the handler is made."""
    end_timestamp: Timestamp | None
    """When the call ended, in the same forms; not before its start. Default: when it was finalised."""
    duration_ms: int | None
    recording_url: str | None
    """A public address of the recording, up to 1,024 characters. Default: `pending`."""
    recording_multi_channel_url: str | None
    agent_version: int | None
    transcript: str | None
    """The plain text of the conversation; the service derives it when absent."""
    call_status: str | None
    disconnection_reason: str | None
    """Like `user_hangup`, `agent_hangup`, `error`, `timeout`, `unknown`; up to 100 characters."""
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
