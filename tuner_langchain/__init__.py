"""Send what happened inside a LangGraph or LangChain call to Tuner."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("tuner-langchain")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
