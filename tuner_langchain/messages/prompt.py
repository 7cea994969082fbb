"""The start of a model call, read: which model was asked, what for, and with which words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from tuner_langchain.messages.content import content_text

Purpose = Literal["speech", "structured", "middleware", "unheard"]

# LangGraph's own tag for models whose tokens are not for the caller.
_UNHEARD = frozenset({"nostream", "langsmith:nostream"})
_MODEL_KEYS = ("model", "model_name", "deployment_name", "model_id", "azure_deployment")


def requested_model(metadata: Mapping[str, Any] | None, invocation: Any, serialized: Any) -> str | None:
    """Return the name of the model that was asked for."""
    named = metadata.get("ls_model_name") if metadata else None
    if type(named) is str and named:
        return named
    try:
        return _requested_model(metadata, invocation, serialized)
    except Exception:  # noqa: BLE001 - a program's own classes may raise anything when they are read
        return None


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
    try:
        has_format = bool(
            (
                isinstance(options, dict)
                and (options.get("ls_structured_output_format") or options.get("response_format"))
            )
            or (isinstance(invocation, dict) and invocation.get("response_format"))
        )
    except Exception:  # noqa: BLE001 - a program's own classes may raise anything when they are read
        return "speech"
    return "structured" if has_format else "speech"


def _requested_model(metadata: Mapping[str, Any] | None, invocation: Any, serialized: Any) -> str | None:
    named = (metadata or {}).get("ls_model_name")
    if named:
        return str(named)
    if isinstance(invocation, Mapping):
        for key in _MODEL_KEYS:
            if isinstance(invocation.get(key), str) and invocation[key]:
                return str(invocation[key])
    return serialized.get("name") if isinstance(serialized, Mapping) else None


def last_words(messages: Any) -> str | None:
    """Return the last thing the caller says in what a model was given."""
    try:
        given = messages[0] if messages and isinstance(messages[0], list) else messages
        for message in reversed(given):
            if getattr(message, "type", None) == "human":
                return content_text(message.content) or None
    except Exception:  # noqa: BLE001 - a program's own classes may raise anything when they are read
        return None
    return None


def system_prompt(messages: Any) -> str | None:
    """Return what a model was told before the conversation."""
    try:
        first: Any = messages[0][0] if messages and isinstance(messages[0], list) else None
        if getattr(first, "type", None) == "system":
            return content_text(first.content)
    except Exception:  # noqa: BLE001 - a program's own classes may raise anything when they are read
        return None
    return None
