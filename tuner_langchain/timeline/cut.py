"""What the caller had heard when a turn was cut: the words streamed by then. Pure.

Only the model that speaks to the caller counts. A model inside a tool, one that fills a form or works for a
middleware, one tagged "nostream" and one whose words begin as JSON do not speak; nor does a model in a node
where, elsewhere in the call, a finished answer did not join the conversation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuner_langchain.messages import looks_like_data, spoken_part
from tuner_langchain.timeline.lines import Line
from tuner_langchain.timeline.turns import TurnRuns, is_done, node_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tuner_langchain.runs import ModelRun
    from tuner_langchain.timeline.clock import Span


def learn_speakers(turns: Iterable[TurnRuns]) -> dict[str, bool]:
    """Return, for each node whose models finished an answer, whether such an answer joined the conversation."""
    speakers: dict[str, bool] = {}
    for turn in turns:
        for model in turn.models:
            place = turn.places[model]
            if (
                place.node is not None
                and place.outermost is not None
                and is_done(place.outermost)
                and _text(model)
            ):
                path = node_path(place.node)
                speakers[path] = speakers.get(path, False) or model in turn.used
    return speakers


def cut_lines(turn: TurnRuns, speakers: dict[str, bool], span: Span) -> list[Line]:
    """Return the lines of a turn that did not end by itself, for what its models had streamed."""
    if turn.root.end_ns is not None and turn.root.failure is None:
        return []
    return [_line(turn, model, span) for model in turn.models if _was_heard(turn, model, speakers)]


def _was_heard(turn: TurnRuns, model: ModelRun, speakers: dict[str, bool]) -> bool:
    place = turn.places[model]
    if model in turn.used or model.streamed is None or model.purpose != "speech" or place.in_tool:
        return False
    if place.outermost is not None and is_done(place.outermost):
        return False
    if place.node is not None and not speakers.get(node_path(place.node), True):
        return False
    text = _text(model)
    return bool(text.strip()) and not looks_like_data(text)


def _line(turn: TurnRuns, model: ModelRun, span: Span) -> Line:
    place = turn.places[model]
    complete = model.end_ns is not None and model.failure is None
    joined = complete and place.node is not None and is_done(place.node)
    end_ns = span.end_of(model if joined or not complete else place.node or turn.root)
    line = Line(
        "agent", _text(model), span.ms(model.first_token_ns or model.start_ns), span.ms(end_ns), turn.number
    )
    line.model = model
    line.node = node_path(place.node) if place.node is not None else None
    line.interrupted = not joined
    return line


def _text(model: ModelRun) -> str:
    if model.reply is not None and model.failure is None:
        return str(model.reply.text)
    return "".join(map(spoken_part, model.streamed or ()))
