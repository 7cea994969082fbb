"""What the caller had heard when a turn was cut: the words streamed by then. Pure.

Only the model that speaks to the caller counts. A model inside a tool, one that fills a form or works for a
middleware, one tagged "nostream" and one whose words begin as JSON do not speak. Of the rest, a call that
elsewhere in the conversation, in the same place of the same node, finished an answer is judged by it: did the
answer join the conversation? Where nothing is known yet, it is the last model of the node that speaks, for what
comes before it prepares its answer.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tuner_langchain.messages import looks_like_data, spoken_part
from tuner_langchain.runs import ChainRun, ModelRun, Run
from tuner_langchain.timeline.lines import Line
from tuner_langchain.timeline.turns import TurnRuns, is_done, node_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tuner_langchain.timeline.clock import Span

# Whether a model call speaks, by the path of its node and its number among the node's calls.
Speakers = dict[tuple[str, int], bool]


def was_cut(turn: TurnRuns) -> bool:
    """Return whether a turn did not come to its end."""
    return turn.root.end_ns is None or turn.root.failure is not None


def learn_speakers(turns: Iterable[TurnRuns]) -> Speakers:
    """Return, for each place where a model finished an answer, whether such an answer joined the conversation."""
    speakers: Speakers = {}
    for turn in turns:
        for around, models in _calls_by_node(turn).items():
            outermost = turn.places[models[0]].outermost
            if not is_done(turn.root if outermost is None else outermost):
                continue
            for number, model in enumerate(models):
                if _text(model):
                    place = (_path(around), number)
                    speakers[place] = speakers.get(place, False) or model in turn.used
    return speakers


def cut_lines(turn: TurnRuns, speakers: Speakers, span: Span) -> list[Line]:
    """Return the lines of a turn that did not end by itself, for what its models had streamed."""
    if not was_cut(turn):
        return []
    heard: list[ModelRun] = []
    for around, models in _calls_by_node(turn).items():
        outermost = turn.places[models[0]].outermost
        if outermost is None or not is_done(outermost):
            heard += _heard_in(turn, around, models, speakers)
    return [_line(turn, model, span) for model in heard]


def _heard_in(turn: TurnRuns, around: Run, models: list[ModelRun], speakers: Speakers) -> list[ModelRun]:
    """Return the model calls of a node, or of a chain without nodes, that the caller heard."""
    path = _path(around)
    speaking = {
        number: model for number, model in enumerate(models) if _may_speak(model) and model not in turn.used
    }
    if around is not turn.root and is_done(around):
        return [model for model in speaking.values() if _joined(around, model)]
    known = [model for number, model in speaking.items() if speakers.get((path, number))]
    unknown = [model for number, model in speaking.items() if (path, number) not in speakers]
    return known or unknown[-1:]


def _may_speak(model: ModelRun) -> bool:
    if model.streamed is None or model.purpose != "speech":
        return False
    text = _text(model)
    return bool(text.strip()) and not looks_like_data(text)


def _joined(task: Run, model: ModelRun) -> bool:
    """Return whether a node that came to its end added a model's answer to its graph's conversation."""
    added, reply = getattr(task, "said", None), model.reply
    return reply is not None and any(
        said.message_id == reply.message_id or said.text == reply.text
        for said in (added.said if added else ())
    )


def _calls_by_node(turn: TurnRuns) -> dict[Run, list[ModelRun]]:
    """Return the model calls of each node in order, and of the turn itself where they are in none."""
    found: dict[Run, list[ModelRun]] = defaultdict(list)
    for model in turn.models:
        place = turn.places[model]
        if not place.in_tool:
            found[place.node or turn.root].append(model)
    return found


def _path(around: Run) -> str:
    return node_path(around) if isinstance(around, ChainRun) and around.is_task else ""


def _line(turn: TurnRuns, model: ModelRun, span: Span) -> Line:
    node = turn.places[model].node
    complete = model.end_ns is not None and model.failure is None
    joined = complete and node is not None and is_done(node)
    end_ns = span.end_of(model if joined or not complete else node or turn.root)
    start_ns = model.first_token_ns or model.start_ns
    line = Line("agent", _text(model), span.ms(start_ns), span.ms(end_ns), turn.number)
    line.start_ns = start_ns
    line.model = model
    line.node = node_path(node) if node is not None else None
    line.interrupted = not joined
    return line


def _text(model: ModelRun) -> str:
    if model.reply is not None and model.failure is None:
        return str(model.reply.text)
    return "".join(map(spoken_part, model.streamed or ()))
