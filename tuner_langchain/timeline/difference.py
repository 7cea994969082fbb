"""Where two outlines or two paths part ways, said as a person would point at it. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tuner_langchain.timeline.outline import Outline
from tuner_langchain.timeline.path import STEP, TURN, GraphPath

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTEXT_ROWS = 2


def explain(got: Any, expected: Any) -> list[str]:
    """Return lines that say where a call's outline or path leaves the expected one; empty if it does not.

    Empty also when neither is an outline or a path: then there is nothing to say here.
    """
    if isinstance(expected, Outline | GraphPath) and not isinstance(got, Outline | GraphPath):
        got, expected = expected, got  # written the other way round: the call's own is what was got
    if not isinstance(expected, str) or got == expected:
        return []
    if isinstance(got, Outline):
        return _outlines(got.split("\n"), expected.split("\n"))
    return _paths(got, expected) if isinstance(got, GraphPath) else []


def _outlines(got: Sequence[str], expected: Sequence[str]) -> list[str]:
    at = _first_difference(got, expected)
    above = [f"    {line}" for line in got[max(0, at - CONTEXT_ROWS) : at]]
    wanted = [f"  - {line}" for line in expected[at : at + 1]]
    found = [f"  + {line}" for line in got[at : at + 1]]
    return [
        _at_row(got, expected, at),
        *above,
        *wanted,
        *found,
        "",
        "The whole outline of the call:",
        *(f"    {line}" for line in got),
    ]


def _at_row(got: Sequence[str], expected: Sequence[str], at: int) -> str:
    if at >= len(got):
        return f"row {at + 1} is missing: expected {_told(expected[at])}, and the call had no more rows"
    if at >= len(expected):
        return f"row {at + 1} is one too many: got {_told(got[at])} after all that was expected"
    if got[at : at + 2] == expected[at + 1 : at + 3]:
        return f"row {at + 1} is missing: expected {_told(expected[at])} before {_told(got[at])}"
    if got[at + 1 : at + 3] == expected[at : at + 2]:
        return f"row {at + 1} is one too many: got {_told(got[at])} before {_told(expected[at])}"
    return f"row {at + 1}: expected {_told(expected[at])}, got {_told(got[at])}"


def _told(line: str) -> str:
    """Write an outline's line as a part of a sentence."""
    kind, _, rest = line.strip().partition(": ")
    node = re.fullmatch(r"(.+?) from (\S+)(.*)", rest) if kind == "node" else None
    if node is not None:
        return f"node `{node[1]}` from `{node[2]}`{node[3]}"
    return f"{kind} `{rest}`" if rest else f"`{line.strip()}`"


def _paths(got: GraphPath, expected: str) -> list[str]:
    mine, wanted = _steps(got), _steps(expected)
    at = _first_difference(mine, wanted)
    return [_at_step(got, mine, wanted, at), f"  - {expected}", f"  + {got}"]


def _at_step(
    path: GraphPath, got: Sequence[tuple[int, str]], expected: Sequence[tuple[int, str]], at: int
) -> str:
    turn, _ = (expected if at < len(expected) else got)[at]
    first = next(index for index, step in enumerate([*got[:at], (turn, "")]) if step[0] == turn)
    after = f" after `{got[at - 1][1]}`" if at > first else ""
    where = (
        f"turn {turn}, step {at - first + 1}" if got[-1:] and max(got[-1][0], turn) > 1 else f"step {at + 1}"
    )
    wanted = f"`{expected[at][1]}`" if at < len(expected) else "the end"
    return f"{where}: expected {wanted}{after}, got {_got_step(path, got, at, turn)}"


def _got_step(path: GraphPath, got: Sequence[tuple[int, str]], at: int, turn: int) -> str:
    if at >= len(got):
        return "the end"
    if got[at][0] != turn:
        return (
            f"the end of turn {turn}" if got[at][0] > turn else f"`{got[at][1]}` still in turn {got[at][0]}"
        )
    reasons = dict.fromkeys(visit.reason for visit in path.steps[at] if visit.reason)
    return f"`{got[at][1]}`" + (f" ({'; '.join(reasons)})" if reasons else "")


def _steps(path: str) -> list[tuple[int, str]]:
    """Return the steps of a path with the position of their turn, the first being 1."""
    return [
        (number, step)
        for number, turn in enumerate(path.split(TURN), 1)
        for step in (turn.split(STEP) if turn else ())
    ]


def _first_difference(got: Sequence[Any], expected: Sequence[Any]) -> int:
    pairs = zip(got, expected, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(got), len(expected)))
