"""The fields of a Create Call request: types and limits, as Tuner's API checks them.

A field without a default is required. `ABSENT` marks one that may be left out although null is no value for
it. Keys beyond these are allowed. What fields must agree on with each other is in `contract`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from tuner_langchain.segments import Role  # noqa: TC001  pydantic reads annotations at run time

# pydantic does not check defaults, so that this one is never taken for a value.
ABSENT: Final[Any] = None

Natural = Annotated[int, Field(ge=0)]
Object = dict[Any, Any]  # that keys are strings is a rule of JSON, checked for all of the document


class Fields(BaseModel):
    """Strict types: no string for a number, no boolean for an integer."""

    model_config = ConfigDict(strict=True, extra="ignore")


class Word(Fields):
    """One spoken word; milliseconds from the start of the call, as in every row."""

    word: str
    start_ms: int
    end_ms: int
    confidence: float = ABSENT


class Node(Fields):
    """Where a transition came from and went to, and why."""

    from_: str = Field(min_length=1, alias="from")
    to: str
    reason: str | None = None


class Tool(Fields):
    """A tool call or its result; `request_id` joins the two rows."""

    name: str
    request_id: str
    params: Object = ABSENT
    result: Object = ABSENT
    is_error: bool = ABSENT
    error: str = ABSENT
    start_ms: int = ABSENT


class RowMetadata(Fields):
    """The documented keys of a row's metadata; latencies in milliseconds."""

    e2e_latency: float = ABSENT
    llm_node_ttft: float = ABSENT
    tts_node_ttfb: float = ABSENT
    stt_node_ttfb: float = ABSENT
    interrupted: bool = ABSENT
    transcript_confidence: float = ABSENT


class Row(Fields):
    """One row of the transcript."""

    role: Role
    text: str
    words: list[Word] = ABSENT
    start_ms: int = ABSENT
    end_ms: int = ABSENT
    duration_ms: int = ABSENT
    node: Node = ABSENT
    tool: Tool = ABSENT
    metadata: RowMetadata = ABSENT


class AiModels(Fields):
    """Which models spoke, listened and thought."""

    asr_model: str = ABSENT
    llm_model: str = ABSENT
    tts_model: str = ABSENT


class UsageToken(Fields):
    """What the call used: seconds heard, tokens, characters spoken."""

    stt_duration_seconds: float = ABSENT
    llm_token: float = ABSENT
    tts_characters_count: float = ABSENT


class CallMetadata(Fields):
    """The documented keys of the call's metadata."""

    ai_models: AiModels = ABSENT
    usage_token: UsageToken = ABSENT


class CreateCall(Fields):
    """The whole request body."""

    call_id: str = Field(min_length=1, max_length=200)
    call_type: str = Field(min_length=1, max_length=100)
    transcript_with_tool_calls: list[Row] = Field(min_length=1)
    start_timestamp: int
    end_timestamp: int
    recording_url: str = Field(min_length=1, max_length=1024)
    agent_version: Natural | None = None
    transcript: str | None = None
    duration_ms: int | None = None
    call_status: str | None = Field(None, max_length=100)
    disconnection_reason: str | None = Field(None, max_length=100)
    caller_phone_number: str | None = Field(None, max_length=50)
    call_successful: bool | None = None
    in_voicemail: bool | None = None
    user_sentiment: Literal["positive", "neutral", "negative", "unknown"] | None = None
    collected_dynamic_variables: Object = ABSENT
    call_cost: float | None = None
    call_analysis: Object = ABSENT
    metadata: CallMetadata = ABSENT
    general_meta_data_raw: Object = ABSENT
    recording_multi_channel_url: str | None = Field(None, max_length=1024)
    sip_call_id: str = ABSENT
    sip_headers: dict[Any, str] = ABSENT
    recipient: str = ABSENT
    recording_file_extension: str = Field(ABSENT, min_length=1, pattern=r"^[^.]*$")
    recording_s3_multi_channel: bool = ABSENT
    recording_s3_caller_channel: Natural = ABSENT
