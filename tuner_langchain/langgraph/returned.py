"""What nodes, routers and callers return for routing: commands, Sends and labels."""

from __future__ import annotations

import enum
from typing import Any, Final, NamedTuple

from langgraph.types import Command, Send

from tuner_langchain.values import tolerant

MAX_LABEL_CHARS: Final = 256
MAX_ITEMS: Final = 4096
_LISTS: Final = (list, tuple)


class Goto(NamedTuple):
    """One destination: a node's name or a router's label, or a Send with the identity of its argument."""

    to: Any
    arg_id: int | None


@tolerant(())
def read_route(value: Any) -> tuple[Goto, ...]:
    """Return where a router's answer or a command's `goto` leads: labels and Sends, alone or in a list.

    Steps of an LCEL sequence come here too, with any value; what is no label gives nothing.
    """
    if isinstance(value, Send):
        return (Goto(value.node, id(value.arg)),)
    if _is_label(value):
        return (Goto(value, None),)
    if isinstance(value, list | tuple) and value and len(value) <= MAX_ITEMS:
        first = value[0]
        if isinstance(first, Send) or _is_label(first):
            return tuple(
                goto for item in value for goto in (read_route(item) if not isinstance(item, list) else ())
            )
    return ()


@tolerant(())
def read_returned(outputs: Any) -> tuple[Goto, ...]:
    """Return where the commands in a node's output lead; an ordinary update leads nowhere."""
    if isinstance(outputs, Command):
        return read_command(outputs)
    found: list[Goto] = []
    if isinstance(outputs, _LISTS) and len(outputs) <= MAX_ITEMS:
        for item in outputs:
            if isinstance(item, Command) and item.goto:
                found += read_route(item.goto)
    return tuple(found)


@tolerant(())
def read_command(command: Any) -> tuple[Goto, ...]:
    """Return where a command leads, whichever graph it is for; anything else leads nowhere."""
    return read_route(command.goto) if isinstance(command, Command) else ()


@tolerant(False)
def hands_over(value: Any) -> bool:
    """Return whether a tool returned a command that leads somewhere, alone or in a list."""
    if isinstance(value, list):
        return any(isinstance(item, Command) and hands_over(item) for item in value[:MAX_ITEMS])
    return isinstance(value, Command) and bool(value.goto or value.graph is not None)


@tolerant(None)
def read_given(inputs: Any) -> tuple[Goto, ...] | None:
    """Return where the input of a graph's run leads when it continues a paused run, None for ordinary input."""
    if inputs is None:
        return ()
    return read_command(inputs) if isinstance(inputs, Command) else None


def _is_label(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_LABEL_CHARS
    return value is None or isinstance(value, bool | int | enum.Enum)
