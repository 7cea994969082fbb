"""What tests of an agent need: a handler that keeps its call, real calls again, the contract, and a local Tuner.

Names are imported when they are used: `LocalTuner` needs the extra `serve`, and nothing else here does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tuner_langchain.testing.clock import ManualClock
    from tuner_langchain.testing.contract import Violation, validate
    from tuner_langchain.testing.event_log import EventLog
    from tuner_langchain.testing.local_tuner import LocalTuner, Refusal
    from tuner_langchain.testing.recording import RecordingHandler, record
    from tuner_langchain.testing.replaying import replay

__all__ = [
    "EventLog",
    "LocalTuner",
    "ManualClock",
    "RecordingHandler",
    "Refusal",
    "Violation",
    "record",
    "replay",
    "validate",
]

_HOMES: Final = {
    "EventLog": "tuner_langchain.testing.event_log",
    "LocalTuner": "tuner_langchain.testing.local_tuner",
    "ManualClock": "tuner_langchain.testing.clock",
    "RecordingHandler": "tuner_langchain.testing.recording",
    "Refusal": "tuner_langchain.testing.local_tuner",
    "Violation": "tuner_langchain.testing.contract",
    "record": "tuner_langchain.testing.recording",
    "replay": "tuner_langchain.testing.replaying",
    "validate": "tuner_langchain.testing.contract",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
