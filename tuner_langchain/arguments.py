"""The arguments of a handler, each checked when it is given: a wrong one is an error there, not a lost call later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tuner_langchain.capture import Capture
from tuner_langchain.config import TunerConfig
from tuner_langchain.errors import ConfigError
from tuner_langchain.values import shown, tolerant, type_words

Check = Callable[[Any], bool]

# By argument: what is right, and how an error describes it.
_ARGUMENTS: Final[dict[str, tuple[Check, str]]] = {
    "config": (
        lambda value: isinstance(value, TunerConfig),
        "a TunerConfig, like TunerConfig(api_key=..., workspace_id=..., agent_id=...)",
    ),
    "capture": (
        lambda value: isinstance(value, Capture),
        "a Capture, like Capture(words=False), or Capture.nothing() to send no content",
    ),
    "graph": (
        lambda value: not isinstance(value, type) and hasattr(value, "get_subgraphs"),
        "a compiled graph, what StateGraph(...).compile() returns",
    ),
    "messages_key": (
        lambda value: isinstance(value, str) and bool(value),
        "the key of the state that holds the conversation, a string",
    ),
    "agent_text": (callable, "a function from a turn's outcome to text or None"),
    "delivery": (
        lambda value: not isinstance(value, type) and callable(getattr(value, "submit", None)),
        "a Delivery, or an object with submit(call_id, body, *, recording=None)",
    ),
    "send_unfinalized": (lambda value: isinstance(value, bool), "True or False"),
    "clock": (callable, "a function that returns nanoseconds"),
}


_OPTIONAL: Final = frozenset({"config", "capture", "graph", "agent_text", "delivery"})


def check_arguments(**given: Any) -> None:
    """Look at what a handler is made with; None stands for what was left out, where that is the default.

    Raises:
        ConfigError: An argument is not what it should be.
    """
    for name, value in given.items():
        is_right, expected = _ARGUMENTS[name]
        if value is None and name in _OPTIONAL:
            continue
        if not _fits(is_right, value):
            raise ConfigError(f"{name}: is {_named(value)}. Expected {expected}.")


@tolerant(False)
def _fits(is_right: Check, value: Any) -> bool:
    return is_right(value)


def _named(value: Any) -> str:
    """Return a wrong argument as the error shows it; no text of it, which may be a key."""
    if isinstance(value, type):
        return f"the class {value.__name__} itself"
    return shown(value) if value is None or type(value) in (bool, int) else type_words(value)
