"""For any conversation, passed whole or turn by turn, answered or cut: each word is one row, in its turn."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from stretches import same_in_stretches

from conversation.driving import handler, said

WORDS = st.sampled_from(["yes", "no", "hello"])
TURN = st.fixed_dictionaries({
    "words": st.lists(WORDS, min_size=1, max_size=2),
    "answer": st.sampled_from(["Yes?", "No.", None]),  # None: the turn is cancelled before its first word
})  # fmt: skip
IDS = st.sampled_from(["none", "kept", "new every time"])


class Program:
    """A program that keeps the conversation, as seen by its callbacks."""

    def __init__(self, *, whole: bool, ids: str, system: bool) -> None:
        self.call = handler()
        self._whole = whole
        self._ids = ids
        self._history: list[Any] = [SystemMessage("Be kind.")] if system else []
        self._expected: list[str] = []
        self._turns = 0

    def turn(self, words: list[str], answer: str | None) -> None:
        """Run one turn."""
        self._turns += 1
        brought = [
            HumanMessage(text, id=str(uuid.uuid4()) if self._ids == "kept" else None) for text in words
        ]
        given = [*self._copies(), *brought] if self._whole else brought
        run_id = uuid.uuid4()
        self.call.on_chain_start(None, {"messages": given}, run_id=run_id, name="graph")
        self._history += brought
        self._expected += [f"{self._turns} user: {text}" for text in words]
        if answer is None:
            self.call.on_chain_error(asyncio.CancelledError(), run_id=run_id)
            return
        reply = AIMessage(answer, id=str(uuid.uuid4()))
        self._history.append(reply)
        self.call.on_chain_end({"messages": [*given, reply]}, run_id=run_id)
        self._expected.append(f"{self._turns} agent: {answer}")

    def _copies(self) -> list[Any]:
        if self._ids != "new every time":
            return self._history
        return [type(message)(message.content, id=str(uuid.uuid4())) for message in self._history]

    def check(self) -> None:
        """Compare the rows with what was said."""
        assert said(self.call) == self._expected
        assert same_in_stretches(self.call)


@given(st.lists(TURN, max_size=8), st.booleans(), IDS, st.booleans())
def test_each_word_is_one_row(turns: list[dict[str, Any]], whole: bool, ids: str, system: bool) -> None:
    """The same words again, several at once, cut turns, ids that stay, change or are missing."""
    program = Program(whole=whole, ids=ids, system=system)
    cut = False
    for turn in turns:
        # What a cut turn brought may come again in front of the next words, or be said again: without the history
        # nobody can tell, so such a turn brings one message here.
        words = turn["words"][:1] if cut and not whole else turn["words"]
        program.turn(words, turn["answer"])
        cut = turn["answer"] is None

    program.check()
