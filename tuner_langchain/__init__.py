"""Send what happened inside a LangGraph or LangChain call to Tuner.

One handler is one call::

    handler = TunerCallbackHandler(call_type="phone_call")
    graph.invoke(inputs, config={"callbacks": [handler]})      # once for each turn of the conversation
    receipt = handler.finalize()                               # written to disk; sent in the background

Importing this package loads neither LangGraph nor an HTTP client and starts no thread: its names are loaded when
they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner_langchain.capture import Capture
    from tuner_langchain.config import TunerConfig
    from tuner_langchain.delivery import (
        Delivery,
        DeliveryEvent,
        DeliveryStats,
        FlushResult,
        Receipt,
        Recording,
    )
    from tuner_langchain.errors import CallFactError, ConfigError, FinalizedError, OutboxError, TunerError
    from tuner_langchain.facts import CallFacts
    from tuner_langchain.handler import TunerCallbackHandler
    from tuner_langchain.segments import Segment
    from tuner_langchain.timeline import Timeline

    __version__: str

_HOMES = {
    "CallFactError": "errors",
    "CallFacts": "facts",
    "Capture": "capture",
    "ConfigError": "errors",
    "Delivery": "delivery",
    "DeliveryEvent": "delivery",
    "DeliveryStats": "delivery",
    "FinalizedError": "errors",
    "FlushResult": "delivery",
    "OutboxError": "errors",
    "Receipt": "delivery",
    "Recording": "delivery",
    "Segment": "segments",
    "Timeline": "timeline",
    "TunerCallbackHandler": "handler",
    "TunerConfig": "config",
    "TunerError": "errors",
}

__all__ = [
    "CallFactError",
    "CallFacts",
    "Capture",
    "ConfigError",
    "Delivery",
    "DeliveryEvent",
    "DeliveryStats",
    "FinalizedError",
    "FlushResult",
    "OutboxError",
    "Receipt",
    "Recording",
    "Segment",
    "Timeline",
    "TunerCallbackHandler",
    "TunerConfig",
    "TunerError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(f"tuner_langchain.{_HOMES[name]}"), name)
    elif name == "redact":  # ready rules, which only some programs switch on
        value = import_module("tuner_langchain.redact")
    elif name == "__version__":
        from importlib.metadata import version

        value = version("tuner-langchain")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
