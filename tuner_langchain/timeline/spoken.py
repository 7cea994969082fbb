"""Turns that the voice stack told and the graph's lines for the same words, joined. Pure.

Words are compared without case and punctuation. The same words are one line, the nearest in time first; then what
was said in pieces, cut short or transcribed a little differently. The spoken times and words win, the model and the
latencies of the graph's line stay. What was only said (a greeting, a filler) or only generated stays as it is.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from tuner_langchain.timeline.lines import Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tuner_langchain.runs import SpokenTurn

_TOKEN: Final = re.compile(r"\w+")
# A spoken turn and the graph's line for it are rarely further apart: the caller does not wait longer.
_NEAR_MS: Final = 60_000
# How much of two texts must agree, of all their words, for them to be the same in other words.
_ALIKE: Final = 0.7

# Of longer texts the beginning is compared: comparing takes time that grows with the product of the two lengths.
_MOST_COMPARED: Final = 300

Tokens = tuple[str, ...]


def with_spoken(
    lines: Sequence[Line], spoken: Iterable[SpokenTurn], turn_starts: Sequence[int]
) -> list[Line]:
    """Return the lines of a call with what the voice stack told, in order of time.

    Args:
        lines: What the graph alone tells.
        spoken: The turns that the voice stack told.
        turn_starts: When each turn of the graph began, in milliseconds.
    """
    joined: list[Line] = []
    turns = sorted(spoken, key=lambda turn: turn.start_ms)
    for role in ("user", "agent"):
        told = [turn for turn in turns if turn.role == role]
        joined += _join([line for line in lines if line.role == role], told, turn_starts)
    return sorted(joined, key=lambda line: (line.start_ms, line.role == "agent"))


class _Pair:
    """A line of the graph and the spoken turns that are its words, or the other way round."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.turns: list[SpokenTurn] = []
        self.tokens = _tokens(line.text)
        self.rest = self.tokens  # what of a line said in pieces is still to be said


def _join(lines: Sequence[Line], turns: Sequence[SpokenTurn], turn_starts: Sequence[int]) -> list[Line]:
    pairs = [_Pair(line) for line in lines]
    left = _match_parts(pairs, _match_same(pairs, turns))
    absorbed = [pair for pair in pairs if pair.line.spoken and not pair.turns]
    made = [_spoken_line(pair) if pair.turns else pair.line for pair in pairs if pair not in absorbed]
    return made + [_lone(turn, turn_starts) for turn in left]


def _match_same(pairs: Sequence[_Pair], turns: Sequence[SpokenTurn]) -> list[SpokenTurn]:
    """Match the turns with just the words of a line, the nearest in time; return those that are left."""
    by_words: dict[Tokens, list[_Pair]] = defaultdict(list)
    for pair in pairs:
        by_words[pair.tokens].append(pair)
    left = []
    for turn in turns:
        candidates = by_words.get(_tokens(turn.text)) or ()
        nearest = min(candidates, key=lambda pair: abs(pair.line.start_ms - turn.start_ms), default=None)
        if nearest is None:
            left.append(turn)
        else:
            by_words[nearest.tokens].remove(nearest)
            nearest.turns.append(turn)
            nearest.rest = ()
    return left


def _match_parts(pairs: Sequence[_Pair], turns: Sequence[SpokenTurn]) -> list[SpokenTurn]:
    """Match pieces, several lines said as one, and near-equal words; return the turns that are left."""
    left = []
    for turn in turns:
        near = [
            pair for pair in pairs
            if pair.rest and not pair.line.spoken
            and turn.start_ms - _NEAR_MS <= pair.line.start_ms <= turn.end_ms + _NEAR_MS
        ]  # fmt: skip
        if not (_is_piece(turn, near) or _is_several(turn, near) or _is_alike(turn, near)):
            left.append(turn)
    return left


def _is_piece(turn: SpokenTurn, near: Sequence[_Pair]) -> bool:
    """Match a turn that says the next part of a line."""
    for tokens in _versions(turn):
        for pair in near:
            if tokens and pair.rest[: len(tokens)] == tokens:
                pair.turns.append(turn)
                pair.rest = pair.rest[len(tokens) :]
                return True
    return False


def _is_several(turn: SpokenTurn, near: Sequence[_Pair]) -> bool:
    """Match a turn that says several lines in a row."""
    tokens = _tokens(turn.text)
    for first in range(len(near)):
        at = 0
        for last in range(first, len(near)):
            rest = near[last].rest
            if tokens[at : at + len(rest)] != rest:
                break
            at += len(rest)
            if at == len(tokens):
                _absorb(turn, near[first : last + 1])
                return True
    return False


def _absorb(turn: SpokenTurn, pairs: Sequence[_Pair]) -> None:
    pairs[0].turns.append(turn)
    for pair in pairs:
        pair.rest = ()
        pair.line.spoken = True


def _is_alike(turn: SpokenTurn, near: Sequence[_Pair]) -> bool:
    """Match a turn whose words are nearly those of a line: transcribed or pronounced a little differently."""
    tokens = _tokens(turn.text)
    alike = [(_share(tokens, pair.rest), pair) for pair in near if not pair.turns]
    share, best = max(alike, key=lambda found: found[0], default=(0.0, None))
    if best is None or share < _ALIKE:
        return False
    best.turns.append(turn)
    best.rest = ()
    return True


def _share(one: Tokens, other: Tokens) -> float:
    """Return how much of two texts agrees, of all their words; of long ones, of their beginnings."""
    shorter, longer = sorted((len(one), len(other)))
    if 2 * shorter < _ALIKE * (shorter + longer):
        return 0.0
    matcher = SequenceMatcher(None, one[:_MOST_COMPARED], other[:_MOST_COMPARED], autojunk=False)
    return matcher.ratio()


def _versions(turn: SpokenTurn) -> list[Tokens]:
    """Return what was to be said and what was heard of it, as words to look for."""
    return [_tokens(turn.text), *([_tokens(turn.heard)] if turn.heard is not None else ())]


def _tokens(text: str) -> Tokens:
    return tuple(_TOKEN.findall(text.casefold()))


def _spoken_line(pair: _Pair) -> Line:
    """Return the line with the spoken times and words."""
    line, turns = pair.line, pair.turns
    line.text = " ".join(_said(turn) for turn in turns)
    line.start_ms = turns[0].start_ms
    line.end_ms = max(turn.end_ms for turn in turns)
    line.words = [word for turn in turns for word in turn.words] or None
    for turn in reversed(turns):  # the first audio is what the caller waited for
        line.extra |= turn.extra
    told = [turn.interrupted for turn in turns if turn.interrupted is not None]
    line.interrupted = told[-1] if told else line.interrupted
    line.spoken = True
    return line


def _said(turn: SpokenTurn) -> str:
    if turn.heard is not None:
        return turn.heard
    return turn.text if turn.text.strip() else " ".join(word["word"] for word in turn.words)


def _lone(turn: SpokenTurn, turn_starts: Sequence[int]) -> Line:
    """Return a line for what was only said; it belongs to the turn that had begun, 0 before the first."""
    at = turn.end_ms if turn.role == "user" else turn.start_ms
    line = Line(turn.role, _said(turn), turn.start_ms, turn.end_ms, bisect_right(turn_starts, at))
    line.words = turn.words or None
    line.extra = dict(turn.extra)
    line.interrupted = bool(turn.interrupted)
    line.spoken, line.generated = True, False
    return line
