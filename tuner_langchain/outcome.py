"""What the agent said in a turn, where only the program knows how its outcome says it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal

from tuner_langchain.values import passes_through

AgentText = Callable[[Any], str | None]

log = logging.getLogger("tuner_langchain")


def ask(agent_text: AgentText, outcome: Any) -> str | Literal[False] | None:
    """Return what the program's function makes of a turn's outcome; False when it could not say."""
    try:
        said: object = agent_text(outcome)
    except BaseException as error:
        if passes_through(error):
            raise
        # The user's function may raise anything; the turn must go on.
        # The error's text may hold what was said, so only its type is told.
        log.warning(
            "agent_text raised %s; this turn's answer is read from the messages.", type(error).__name__
        )
        return False
    if said is None or isinstance(said, str):
        return said
    log.warning("agent_text returned a %s, not text or None; it is left out.", type(said).__name__)
    return False
