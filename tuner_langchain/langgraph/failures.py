"""How a run ended that LangChain reports as an error: LangGraph uses exceptions for control, too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tuner_langchain.langgraph.returned import Goto, read_command
from tuner_langchain.values import tolerant

if TYPE_CHECKING:
    from tuner_langchain.runs import FailureKind

_KINDS: dict[type[BaseException], FailureKind] = {}


def failure_kind(error: BaseException) -> FailureKind:
    """Return how a run ended; by class name, as LangGraph moved its classes between versions."""
    cls = type(error)
    kind = _KINDS.get(cls)
    if kind is None:
        kind = _kind_of(cls)
        if len(_KINDS) < 256:  # programs may make exception classes as they run
            _KINDS[cls] = kind
    return kind


def _kind_of(cls: type[BaseException]) -> FailureKind:
    for base in cls.__mro__:
        match base.__name__:
            case "ParentCommand":
                return "handed_over"
            case "GraphInterrupt" | "NodeInterrupt" | "GraphDrained":
                return "interrupted"
            case "CancelledError":
                return "cancelled"
            case "GeneratorExit":
                return "abandoned"
    return "error"


@tolerant(())
def handover(error: BaseException) -> tuple[Goto, ...]:
    """Return where the command leads that a ParentCommand carries."""
    return read_command(error.args[0]) if error.args else ()


@tolerant(())
def interrupt_values(error: BaseException) -> Iterable[Any]:
    """Return what an interrupt asks; nothing for a breakpoint inside a subgraph."""
    found = error.args[0] if error.args else ()
    found = found if isinstance(found, list | tuple) else (found,)
    return [item.value if hasattr(item, "value") else item for item in found]
