"""The start of a model call, read: which model was asked, what for, and with which words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from tuner_langchain.messages.content import content_text
from tuner_langchain.values import name_text, tolerant

Purpose = Literal["speech", "structured", "middleware", "unheard"]

# LangGraph's own tag for models whose tokens are not for the caller.
_UNHEARD = frozenset({"nostream", "langsmith:nostream"})
_MODEL_KEYS = ("model", "model_name", "deployment_name", "model_id", "azure_deployment")


def requested_model(metadata: Mapping[str, Any] | None, invocation: Any, serialized: Any) -> str | None:
    """Return the name of the model that was asked for."""
    named = metadata.get("ls_model_name") if metadata else None
    if type(named) is str and named:
        return named
    return _requested_model(metadata, invocation, serialized)


def purpose(
    metadata: Mapping[str, Any] | None, tags: Sequence[str] | None, options: Any, invocation: Any
) -> Purpose:
    """Return what a model call is for, as far as its start tells: to speak or to fill a form.

    `lc_source` is LangChain's mark for the calls of its middleware (summaries, choice of tools); "nostream"
    is LangGraph's tag for models whose tokens are not for the caller; structured output comes with its
    format.
    """
    if metadata and "lc_source" in metadata:
        return "middleware"
    if tags and not _UNHEARD.isdisjoint(tags):
        return "unheard"
    return "structured" if _has_format(options, invocation) else "speech"


@tolerant(False)
def _has_format(options: Any, invocation: Any) -> bool:
    return bool(
        (
            isinstance(options, dict)
            and (options.get("ls_structured_output_format") or options.get("response_format"))
        )
        or (isinstance(invocation, dict) and invocation.get("response_format"))
    )


@tolerant(None)
def _requested_model(metadata: Mapping[str, Any] | None, invocation: Any, serialized: Any) -> str | None:
    named = (metadata or {}).get("ls_model_name")
    if named:
        return name_text(named)
    if isinstance(invocation, Mapping):
        for key in _MODEL_KEYS:
            if isinstance(invocation.get(key), str) and invocation[key]:
                return str(invocation[key])
    return name_text(serialized.get("name")) if isinstance(serialized, Mapping) else None


@tolerant(None)
def last_words(messages: Any) -> str | None:
    """Return the last thing the caller says in what a model was given."""
    given = messages[0] if messages and isinstance(messages[0], list) else messages
    for message in reversed(given):
        if getattr(message, "type", None) == "human":
            return content_text(message.content) or None
    return None


@tolerant(None)
def system_prompt(messages: Any) -> str | None:
    """Return what a model was told before the conversation."""
    first: Any = messages[0][0] if messages and isinstance(messages[0], list) else None
    return content_text(first.content) if getattr(first, "type", None) == "system" else None
