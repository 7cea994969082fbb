"""A call's timeline as people and tests look at it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, overload

from tuner_langchain.segments import Segment
from tuner_langchain.timeline.one_turn import one_turn
from tuner_langchain.timeline.outline import Outline, outline
from tuner_langchain.timeline.parts import (
    NodeVisit,
    Problem,
    ToolUse,
    Utterance,
    node_visits,
    problems,
    tool_uses,
    utterances,
)
from tuner_langchain.timeline.path import GraphPath, graph_path
from tuner_langchain.timeline.reading import mapping, times, turn_numbers, whole

ROWS = "transcript_with_tool_calls"


class Timeline(Sequence[Segment]):
    """The rows of a call in order, and plain ways to ask about them.

    It reads any Create Call document, also one that another SDK wrote::

        timeline = handler.timeline
        assert timeline.path() == "triage -> booking"
        assert timeline.tool("find_table").params == {"people": 2}
        assert "19:30" in timeline.said_by_agent[-1]

    Args:
        document: A Create Call document.

    Attributes:
        document: The whole document, as the service would read it.
        segments: Its rows: `timeline[0]`, `len(timeline)` and loops give these.
    """

    def __init__(self, document: Mapping[str, Any], *, _turn: int | None = None) -> None:
        self.document: dict[str, Any] = dict(document)
        rows: list[Any] = [row for row in document.get(ROWS) or () if isinstance(row, dict)]
        numbers = turn_numbers(rows)
        if _turn is not None:
            rows = [row for row, number in zip(rows, numbers, strict=True) if number == _turn]
            numbers = [_turn] * len(rows)
        self.segments: list[Segment] = rows
        self._numbers = numbers
        self._turn = _turn

    # ------------------------------------------------------------------ the rows themselves

    @overload
    def __getitem__(self, index: int) -> Segment: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Segment]: ...
    def __getitem__(self, index: int | slice) -> Segment | Sequence[Segment]:
        return self.segments[index]

    def __len__(self) -> int:
        return len(self.segments)

    def __iter__(self) -> Iterator[Segment]:
        return iter(self.segments)

    @property
    def call_id(self) -> str:
        """The call's id."""
        return str(self.document.get("call_id"))

    # ------------------------------------------------------------------ turns

    @property
    def turns(self) -> list[Timeline]:
        """Each turn as a timeline of its own, in order."""
        return [Timeline(self.document, _turn=number) for number in dict.fromkeys(sorted(self._numbers))]

    def turn(self, number: int) -> Timeline:
        """Return one turn as a timeline of its own; the first is 1.

        Raises:
            LookupError: The call has no such turn.
        """
        if number not in self._numbers:
            known = ", ".join(map(str, dict.fromkeys(sorted(self._numbers)))) or "none"
            raise LookupError(f"The call has no turn {number}. Its turns: {known}.")
        return Timeline(self.document, _turn=number)

    # ------------------------------------------------------------------ nodes

    @cached_property
    def nodes(self) -> list[NodeVisit]:
        """Every execution of a node in order of start, those in nested graphs included."""
        return node_visits(self.segments, self._numbers)

    def path(self, graph: str = "") -> GraphPath:
        """Return the way through a graph, like `triage -> booking | triage -> goodbye`.

        `->` is the next step, `+` joins nodes of one step in name order, `|` begins the next turn, and a node
        that was retried is written once.

        Args:
            graph: The path of a nested graph, like `booking` or `booking:payment`; "" is the outermost.
        """
        return graph_path(self.nodes, graph)

    # ------------------------------------------------------------------ tools

    @cached_property
    def tools(self) -> list[ToolUse]:
        """Every call of a tool or retriever with its result, in order of start."""
        return tool_uses(self.segments, self._numbers)

    def tool_calls(self, name: str) -> list[ToolUse]:
        """Return the calls of one tool, in order; none is an empty list."""
        return [use for use in self.tools if use.name == name]

    def tool(self, name: str) -> ToolUse:
        """Return the only call of a tool.

        Raises:
            LookupError: It was not called, or more than once.
        """
        found = self.tool_calls(name)
        if len(found) != 1:
            others = ", ".join(dict.fromkeys(use.name for use in self.tools)) or "none"
            if found:
                raise LookupError(f"{name} was called {len(found)} times: ask for tool_calls({name!r}).")
            raise LookupError(f"{name} was not called. Tools that were called: {others}.")
        return found[0]

    # ------------------------------------------------------------------ what was said, and how long it took

    @cached_property
    def said(self) -> list[Utterance]:
        """What the caller and the agent said, in order."""
        return utterances(self.segments, self._numbers)

    @property
    def said_by_user(self) -> list[str]:
        """The caller's words, one text for each time they spoke."""
        return [said.text for said in self.said if said.role == "user"]

    @property
    def said_by_agent(self) -> list[str]:
        """The agent's words, one text for each answer."""
        return [said.text for said in self.said if said.role == "agent"]

    @property
    def e2e_latencies(self) -> list[int]:
        """Milliseconds from the end of the caller's turn to the start of the answer, where measured."""
        return [said.e2e_latency for said in self.said if said.e2e_latency is not None]

    @property
    def llm_node_ttfts(self) -> list[int]:
        """Milliseconds to the first token of each answer that was streamed."""
        return [said.llm_node_ttft for said in self.said if said.llm_node_ttft is not None]

    @property
    def duration_ms(self) -> int:
        """How long the call took, as the document says; for a turn, from its first row to its last."""
        spans = [times(row) for row in self.segments]
        last = max((end for _, end in spans), default=0)
        if self._turn is not None:
            return last - min((start for start, _ in spans), default=0)
        return max(last, whole(self.document.get("duration_ms")) or 0)

    # ------------------------------------------------------------------ cost and errors

    @property
    def tokens(self) -> int | None:
        """Tokens the models reported, for the call or in this turn's nodes; None when none did."""
        if self._turn is None:
            return whole(mapping(self._metadata.get("usage_token")).get("llm_token"))
        counts = [
            _tokens(call)
            for visit in self.nodes
            for call in mapping(visit.row.get("metadata")).get("llm") or ()
        ]
        known = [count for count in counts if count is not None]
        return sum(known) if known else None

    @property
    def models(self) -> dict[str, str]:
        """The models the document names: `llm_model`, `asr_model`, `tts_model`."""
        return dict(mapping(self._metadata.get("ai_models")))

    @property
    def errors(self) -> list[Problem]:
        """Everything that went wrong: what nodes raised, tools that failed, and errors that have no node."""
        found = problems(self.nodes, self.tools, self._metadata)
        return found if self._turn is None else [problem for problem in found if problem.turn == self._turn]

    @property
    def _metadata(self) -> Mapping[str, Any]:
        return mapping(self.document.get("metadata"))

    # ------------------------------------------------------------------ for the eye

    def outline(self) -> Outline:
        """Return one line for each row, without times and ids: the same for two runs that did the same."""
        return outline(self.segments, self._numbers)

    def to_html(self) -> str:
        """Return the call as one self-contained HTML page: no network, no other file."""
        from tuner_langchain.view.html import page  # noqa: PLC0415 - views read timelines, not the reverse

        return page(self._shown)

    def _repr_html_(self) -> str:
        from tuner_langchain.view.notebook import repr_html  # noqa: PLC0415 - as above

        return repr_html(self._shown)

    def __str__(self) -> str:
        from tuner_langchain.view.outline import timeline_text  # noqa: PLC0415 - as above

        return timeline_text(self._shown)

    @property
    def _shown(self) -> dict[str, Any]:
        return self.document if self._turn is None else one_turn(self.document, self.segments, self._turn)

    def __repr__(self) -> str:
        told = f"{len(self)} rows, {self.duration_ms} ms, {self.path() or 'no nodes'}"
        return f"<Timeline of call {self.call_id}: {told}>"


def _tokens(call: Any) -> int | None:
    """Return what one model call used, in and out."""
    told = mapping(call)
    total = whole(told.get("total_tokens"))
    parts = [whole(told.get(name)) for name in ("input_tokens", "output_tokens")]
    return (
        total
        if total is not None
        else (sum(filter(None, parts)) if any(p is not None for p in parts) else None)
    )
