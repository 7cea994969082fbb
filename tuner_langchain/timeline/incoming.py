"""What the caller said, turn by turn, whether the program passes new messages or the whole history. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tuner_langchain.messages import NOTHING, Said
from tuner_langchain.timeline.lines import Line
from tuner_langchain.timeline.threads import Thread, thread_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tuner_langchain.timeline.clock import Span
    from tuner_langchain.timeline.turns import TurnRuns


_END: Final = " .,!?…"


class Arrivals:
    """The caller's lines of each turn, and the turns whose words were provisional.

    The last message of a turn's input is always what this turn brought, even when it repeats earlier words:
    only a message with an id that was seen before is the same one again. Messages in front of it, behind the
    agent's last answer, are those of earlier turns that were never answered, or came together with it.
    """

    def __init__(self, turns: Sequence[TurnRuns], span: Span) -> None:
        self._seen: set[str] = set()
        self._unanswered: dict[Thread, list[Said]] = {}
        self.superseded = _superseded(turns)
        self.lines: dict[int, list[Line]] = {}
        for turn in turns:
            self.lines[turn.number] = self._lines(turn, span)

    def _lines(self, turn: TurnRuns, span: Span) -> list[Line]:
        if turn.number in self.superseded:
            return []
        at = span.ms(turn.root.start_ns)
        lines = []
        for said in self._new(turn):
            line = Line("user", said.text, at, at, turn.number)
            line.message_id = said.message_id
            lines.append(line)
            if said.message_id is not None:
                self._seen.add(said.message_id)
        return lines

    def _new(self, turn: TurnRuns) -> list[Said]:
        brought = _brought(turn)
        if not brought:
            return []
        thread = thread_of(turn.root)
        *earlier, last = brought
        new = _unmatched(earlier, self._unanswered.get(thread, ()))
        if last.message_id is None or last.message_id not in self._seen:
            new.append(last)
        # Until the agent answers, the program may pass these again in front of the next ones.
        self._unanswered[thread] = [] if turn.lines else list(brought)
        return [said for said in new if said is last or said.message_id not in self._seen]


def _brought(turn: TurnRuns) -> tuple[Said, ...]:
    """Return the caller's messages in a turn's input; a lone string counts only where no graph runs."""
    facts = turn.root.turn
    if facts is None:
        return ()
    incoming = facts.incoming
    if incoming.guessed and any(task.parent is turn.root for task in turn.tasks):
        return ()
    if incoming.awaited and facts.words:
        return (Said(facts.words, None, 0),)
    if incoming.resumed:
        return tuple(_resumed(turn, incoming.resumed))
    return incoming.said


def _resumed(turn: TurnRuns, words: Sequence[str]) -> Iterator[Said]:
    """Yield what a paused graph went on with, where a node took it into the conversation as the caller's."""
    for task in turn.outermost():
        for said in task.said.heard if task.said is not None else ():
            if said.text in words:
                yield said


def _unmatched(messages: Sequence[Said], known: Sequence[Said]) -> list[Said]:
    """Return the messages that do not stand, in the same order, among the known ones."""
    at = 0
    new = []
    for message in messages:
        found = next((i for i in range(at, len(known)) if _is_same(message, known[i])), None)
        if found is None:
            new.append(message)
        else:
            at = found + 1
    return new


def _is_same(one: Said, other: Said) -> bool:
    return one.text == other.text or (one.message_id is not None and one.message_id == other.message_id)


def _superseded(turns: Sequence[TurnRuns]) -> frozenset[int]:
    """Return the turns that ran on a provisional transcript: the next turn's context lacks their message."""
    found = set()
    users: set[str] = set()
    for turn, following in _with_following(turns):
        last = _brought(turn)[-1:]
        if not last or last[0].message_id is None:
            continue
        if following is not None and _is_dropped(turn, last[0], following, users):
            found.add(turn.number)
        else:
            users.add(last[0].message_id)
    return frozenset(found)


def _with_following(turns: Sequence[TurnRuns]) -> list[tuple[TurnRuns, TurnRuns | None]]:
    """Return each turn with the next one on its thread that brought words."""
    following: dict[Thread, TurnRuns] = {}
    pairs: list[tuple[TurnRuns, TurnRuns | None]] = []
    for turn in reversed(turns):
        thread = thread_of(turn.root)
        pairs.append((turn, following.get(thread)))
        if turn.root.turn is not None and turn.root.turn.incoming.said:
            following[thread] = turn
    return pairs[::-1]


def _is_dropped(turn: TurnRuns, last: Said, following: TurnRuns, users: set[str]) -> bool:
    context = following.root.turn.incoming if following.root.turn is not None else NOTHING
    ids = {said.message_id for said in context.said} | {context.before_id}
    if not context.said or last.message_id in ids:
        return False
    failure = turn.root.failure
    was_cut = turn.root.end_ns is None or (failure is not None and failure.kind in ("cancelled", "abandoned"))
    if not context.whole:
        # Nothing stands in front of the words, so that they may be all that the program passes. What begins with the
        # same words and goes on is what they became; the same words are said again.
        before, after = (said.text.rstrip(_END) for said in (last, context.said[-1]))
        return was_cut and after.startswith(before) and after != before
    # A run that came to its end was dropped only if the context reaches behind it.
    return was_cut or (context.before_id is not None and context.before_id in users)
