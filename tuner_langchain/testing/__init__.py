"""What tests of an agent need: the contract of a call, and a local Tuner to send calls to.

Names are imported when they are used: `LocalTuner` needs the extra `serve`, and nothing else here does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tuner_langchain.testing.contract import Violation, validate
    from tuner_langchain.testing.local_tuner import LocalTuner, Refusal

__all__ = ["LocalTuner", "Refusal", "Violation", "validate"]

_HOMES: Final = {
    "LocalTuner": "tuner_langchain.testing.local_tuner",
    "Refusal": "tuner_langchain.testing.local_tuner",
    "Violation": "tuner_langchain.testing.contract",
    "validate": "tuner_langchain.testing.contract",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
