"""What was said, turn by turn, as the graph alone tells it. Pure.

The caller's lines are the messages that a turn brought. The agent's lines are the messages that the outermost
nodes added to the conversation; a chain without nodes answers with its output. A message is tied to the model
call that made it by its id. Where a turn was cut, what a model had streamed to the caller by then is a line
too (`cut`).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from tuner_langchain.messages import Added, Said, is_data
from tuner_langchain.runs import ChainRun, ModelRun, Run
from tuner_langchain.timeline.cut import cut_lines, learn_speakers, was_cut
from tuner_langchain.timeline.incoming import Arrivals
from tuner_langchain.timeline.lines import Line
from tuner_langchain.timeline.turns import NEVER, TurnRuns, is_inside, node_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tuner_langchain.timeline.clock import Span


# What a model is asked for that is no answer to the caller, also when a node keeps it among the messages.
_NOT_SAID: Final = ("structured", "middleware")


class Told(NamedTuple):
    """The lines of a call in the order of its turns, and the turns that were repeated with other words."""

    lines: list[Line]
    superseded: frozenset[int]


class Conversation:
    """What was said in a call, read turn by turn; what one turn says of another is worked out at the end."""

    def __init__(self) -> None:
        self._turns: list[TurnRuns] = []
        self._answers = _Answers()

    def read(self, turns: Iterable[TurnRuns], span: Span) -> None:
        """Read the agent's lines of turns that are over, or cut by the call's end."""
        for turn in turns:
            self._answers.read(turn, span)
            self._turns.append(turn)

    def end(self, span: Span) -> Told:
        """Return what was said; nothing may be read after it."""
        told = self._turns
        arrivals = Arrivals(told, span)
        speakers = learn_speakers(told) if any(map(was_cut, told)) else {}
        lines: list[Line] = []
        for turn in told:
            if turn.number in arrivals.superseded:
                continue
            lines += arrivals.lines[turn.number]
            lines += sorted(turn.lines + cut_lines(turn, speakers, span), key=lambda line: line.start_ms)
        return Told(lines, arrivals.superseded)


class _Answers:
    """Reads the agent's lines of one turn after another, each message once."""

    def __init__(self) -> None:
        self._shown: dict[str, Line] = {}  # by message id, over the whole call
        self._heard_as: dict[str, list[Line]] = {}  # this turn's lines without an id, by their text

    def read(self, turn: TurnRuns, span: Span) -> None:
        self._span = span
        self._heard_as = {}
        self._sayings = _Sayings(turn)
        outcome = turn.root.turn
        if outcome is None:
            return
        if outcome.spoken_text is not False:
            if outcome.spoken_text:
                said = Said(outcome.spoken_text, None, 0)
                self._show(turn, said, turn.root, self._sayings.maker(said, turn.root))
            return
        if isinstance(turn.root, ModelRun):
            self._take_bare(turn, turn.root)
            return
        models = _by_message(turn.models)
        outermost = list(turn.outermost())
        for task in outermost:
            if task.said is not None:
                self._take_all(turn, task.said, task, models)
        answered = outcome.answers
        if answered is not None and (not outermost or _says_more(turn, answered)):
            if _stands_behind(turn, answered):
                self._forget(answered, turn)
            self._take_all(turn, answered, turn.root, models)
        _mark_abandoned(turn)

    def _take_bare(self, turn: TurnRuns, model: ModelRun) -> None:
        if (
            model.reply is not None
            and model.reply.text
            and model.failure is None
            and model.purpose == "speech"
            and not is_data(model.reply.text)
        ):
            self._show(turn, Said(model.reply.text, model.reply.message_id, 0), model.root, model)

    def _take_all(self, turn: TurnRuns, added: Added, by: Run, models: dict[str, list[ModelRun]]) -> None:
        last = turn.lines[-1] if turn.lines else None
        # Only an answer that was withdrawn before anyone heard it is taken back; trimmed history was heard.
        if last is not None and last.message_id in added.removed and not _was_streamed(last):
            turn.lines.pop()
        for said in added.said:
            self._take(turn, said, by, models)

    def _take(self, turn: TurnRuns, said: Said, by: Run, models: dict[str, list[ModelRun]]) -> None:
        model = _maker(said, models.get(said.message_id or "", ()))
        if model is None and self._is_known(turn, said):
            return
        model = model or self._sayings.maker(said, by)
        if model is not None and model in turn.used:
            self._edit(model, turn, said)
        elif not (model is not None and model.purpose in _NOT_SAID) and not is_data(said.text):
            self._show(turn, said, by, model)

    def _is_known(self, turn: TurnRuns, said: Said) -> bool:
        """Return whether a message is one that a line shows already; ids are set after the first sight."""
        if said.message_id is None:
            return any(line.object_id == said.object_id != 0 for line in self._without_id(said.text))
        if said.message_id in self._shown:
            line = self._shown[said.message_id]
            if line.turn == turn.number and not _was_streamed(line):
                line.text = said.text
            return True
        for line in self._without_id(said.text):
            line.message_id = said.message_id
            self._shown[said.message_id] = line
            return True
        return False

    def _without_id(self, text: str) -> Iterable[Line]:
        """Return this turn's lines of these words whose message has no id yet."""
        return (
            line for line in self._heard_as.get(text, ()) if line.message_id is None and line.text == text
        )

    def _forget(self, answered: Added, turn: TurnRuns) -> None:
        """Let messages that stand behind this turn's words be new, though they have the ids of earlier ones."""
        for said in answered.said:
            line = self._shown.get(said.message_id or "")
            if line is not None and line.turn != turn.number:
                del self._shown[line.message_id or ""]

    def _edit(self, model: ModelRun, turn: TurnRuns, said: Said) -> None:
        """Take over the final wording of an answer that nobody can have heard yet."""
        for line in turn.lines:
            if line.model is model and not _was_streamed(line):
                line.text = said.text
                self._heard_as.setdefault(said.text, []).append(line)

    def _show(self, turn: TurnRuns, said: Said, by: Run, model: ModelRun | None) -> None:
        span = self._span
        made_by = model or self._sayings.first_to_say(said, by)
        start_ns = model.first_token_ns or model.start_ns if model is not None else made_by.start_ns
        line = Line("agent", said.text, span.ms(start_ns), span.ms(span.end_of(made_by)), turn.number)
        line.start_ns = start_ns
        line.message_id, line.object_id, line.model = said.message_id, said.object_id, model
        node = turn.places[model].node if model is not None else made_by
        line.node = node_path(node) if isinstance(node, ChainRun) and node.is_task else None
        turn.lines.append(line)
        if model is not None:
            turn.used.add(model)
        if said.message_id is not None:
            self._shown[said.message_id] = line
        else:
            self._heard_as.setdefault(said.text, []).append(line)


def _by_message(models: Iterable[ModelRun]) -> dict[str, list[ModelRun]]:
    found: dict[str, list[ModelRun]] = defaultdict(list)
    for model in models:
        if model.reply is not None and model.reply.message_id is not None:
            found[model.reply.message_id].append(model)
    return found


def _maker(said: Said, candidates: Iterable[ModelRun]) -> ModelRun | None:
    """Return the model call that made a message: the one with its id, and its words where several share an id."""
    several = list(candidates)
    same = (model for model in several if model.reply is not None and model.reply.text == said.text)
    return next(same, several[0] if several else None)


class _Sayings:
    """Who said what in one turn: its model calls and nodes by their words, so that a long turn costs no more a line."""

    def __init__(self, turn: TurnRuns) -> None:
        self._turn = turn
        self._models: dict[str, list[ModelRun]] | None = None
        self._tasks: dict[str, list[ChainRun]] | None = None

    def maker(self, said: Said, by: Run) -> ModelRun | None:
        """Return the model call inside `by` whose words a new message repeats, as a parser's text does."""
        if self._models is None:
            self._models = defaultdict(list)
            for model in self._turn.models:
                if model.reply is not None:
                    self._models[model.reply.text.strip()].append(model)
        used = self._turn.used
        same = self._models.get(said.text.strip(), ())
        return next((model for model in same if model not in used and is_inside(model, by)), None)

    def first_to_say(self, said: Said, by: Run) -> Run:
        """Return the node that said a fixed sentence first: the deepest, as it ended before those around it."""
        if not (isinstance(by, ChainRun) and by.is_task):
            return by
        if self._tasks is None:
            self._tasks = defaultdict(list)
            for task in self._turn.tasks:
                for text in {other.text for other in task.said.said} if task.said is not None else ():
                    self._tasks[text].append(task)
        inner = [task for task in self._tasks.get(said.text, ()) if is_inside(task, by)]
        return min(inner, key=lambda task: task.end_ns or NEVER, default=by)


def _says_more(turn: TurnRuns, answered: Added) -> bool:
    """Return whether a graph's outcome may say more than its nodes did.

    It does when a node answered from LangGraph's cache, and when the outcome is no state with messages.
    """
    return (answered.plain and not turn.lines) or _stands_behind(turn, answered)


def _stands_behind(turn: TurnRuns, answered: Added) -> bool:
    """Return whether the messages of an outcome are those after what the caller said in this turn."""
    brought = turn.root.turn.incoming.said if turn.root.turn is not None else ()
    if not brought or answered.heard or answered.after is None:
        return False
    return answered.after.text == brought[-1].text


def _was_streamed(line: Line) -> bool:
    return line.model is not None and line.model.first_token_ns is not None


def _mark_abandoned(turn: TurnRuns) -> None:
    """Mark the last line of a stream that was not read to its end: a closed generator lets its nodes finish."""
    failure = turn.root.failure
    if failure is not None and failure.kind == "abandoned" and turn.lines and _was_streamed(turn.lines[-1]):
        turn.lines[-1].interrupted = True
