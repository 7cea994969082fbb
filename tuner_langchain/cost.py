"""What a call cost, asked of the user's own function. Its failure costs the cost, not the call."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from tuner_langchain.values import as_number, is_number, passes_through, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuner_langchain.facts import CallUsage, CostFunction

log = logging.getLogger("tuner_langchain")


def asked_cost(function: CostFunction, metadata: Mapping[str, Any]) -> dict[str, float]:
    """Return `{"call_cost": cents}`, or nothing when the function failed, did not know, or gave no amount."""
    try:
        cents: object = function(usage_of(metadata))
    except BaseException as error:
        if passes_through(error):
            raise
        # The user's function may raise anything; the call is worth more.
        log.warning("call_cost raised %s; the call is sent without its cost.", type(error).__name__)
        return {}
    if cents is None:
        return {}
    if not is_number(cents) or cents < 0:
        log.warning("call_cost returned %s; the call is sent without its cost. Expected cents, 0 or more, or None.",
                    shown(cents) if isinstance(cents, int | float) else type(cents).__name__)  # fmt: skip
        return {}
    return {"call_cost": as_number(cents)}


def usage_of(metadata: Mapping[str, Any]) -> CallUsage:
    """Return what a call used, from its metadata."""
    used = {"llm_usage": metadata.get("llm_usage", {}), **metadata.get("usage_token", {})}
    return cast("CallUsage", used)
