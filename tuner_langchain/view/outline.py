"""A story as lines of text: turns as blocks, their work as an indented waterfall, the sums at the end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tuner_langchain.view.facts import FIRST_TOKEN, status_words
from tuner_langchain.view.figures import count_text, duration_text, moment_text, money_text
from tuner_langchain.view.lines import FULL, Glyphs, Line, Piece, cells, cut, pad, plain, wrap
from tuner_langchain.view.path import PSEUDO
from tuner_langchain.view.story import read_story

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tuner_langchain.view.lines import Meaning
    from tuner_langchain.view.nouns import Bar, Kind, Story, Turn

NARROWEST = 50
_DURATION = 10
# A node's bar is as long as all that lies in it: drawn back, so that what took the time stands out.
_BARS: Final[Mapping[Kind, Meaning]] = {"node": "dim"}


def timeline_text(document: Mapping[str, Any], *, width: int = 80) -> str:
    """Return a call as plain text, for a test's report, a log or a print.

    Args:
        document: The body of a Create Call request, whoever wrote it.
        width: How many cells a line may take; at least 50.
    """
    return plain(Outline(read_story(document), width=width).lines())


class Outline:
    """A story on its way to lines of one width."""

    def __init__(self, story: Story, *, width: int = 80, glyphs: Glyphs = FULL) -> None:
        self._story = story
        self._width = max(width, NARROWEST)
        self._glyphs = glyphs
        self._name_width = min(36, self._width * 2 // 5)
        self._bar_width = self._width - self._name_width - _DURATION - 2

    def lines(self) -> Iterator[Line]:
        """Yield the whole call."""
        yield from self._head()
        for turn in self._story.turns:
            yield []
            yield from self._turn(turn)
        yield []
        yield from self._totals()

    def _head(self) -> Iterator[Line]:
        story = self._story
        yield [Piece(cut(story.call_id, self._width, self._glyphs.ellipsis), "head")]
        about = [story.call_type.replace("_", " "), story.began, story.model, story.outcome]
        for line in wrap(", ".join(part for part in about if part), self._width):
            yield [Piece(line, "dim")]
        if story.totals.slowest is not None:
            bar = story.bars[story.totals.slowest]
            own = " of its own" if bar.self_ms < bar.duration_ms else ""
            took = duration_text(bar.self_ms) + own
            text = f"Slowest: {_named(bar)}, {took} in {_turn_name(bar.turn)}"
            yield [Piece(cut(f"{self._glyphs.diamond} {text}", self._width, self._glyphs.ellipsis), "slow")]

    def _turn(self, turn: Turn) -> Iterator[Line]:
        yield self._rule(
            f"Turn {turn.number}" if turn.number else "Before the first turn", _turn_figures(turn)
        )
        start, end = moment_text(turn.start_ms), moment_text(turn.end_ms)
        room = self._bar_width - len(start) - len(end)
        yield [Piece(f"{'':{self._name_width}} {start}{'':{max(1, room)}}{end}", "dim")]
        for index in turn.bars:
            yield from self._bar(self._story.bars[index], turn)
        slow = [
            self._story.bars[index] for index in (turn.slowest_node, turn.slowest_tool) if index is not None
        ]
        if slow:
            text = ", ".join(f"{bar.kind} {bar.label} {duration_text(bar.duration_ms)}" for bar in slow)
            yield [Piece(cut(f"slowest: {text}", self._width, self._glyphs.ellipsis), "dim")]

    def _rule(self, title: str, more: str = "") -> Line:
        rule = self._glyphs.rule
        more = cut(more, self._width - cells(title) - 9, self._glyphs.ellipsis)
        ending = f" {more} " if more else ""
        middle = self._width - cells(title) - cells(ending) - 6
        return [
            Piece(f"{rule * 2} "), Piece(title, "head"), Piece(f" {rule * max(1, middle)}"),
            Piece(ending, "dim"), Piece(rule * 2),
        ]  # fmt: skip

    def _bar(self, bar: Bar, turn: Turn) -> Iterator[Line]:
        indent = "  " * min(bar.depth, 6)
        mark = f"{self._glyphs.diamond} slowest" if bar.index == self._story.totals.slowest else ""
        name = cut(
            indent + _named(bar), self._name_width - cells(mark) - (1 if mark else 0), self._glyphs.ellipsis
        )
        rest = self._name_width - cells(name) - cells(mark)
        failed = f"{self._glyphs.cross} " if bar.failed else ""
        # What was typed, or said by the graph alone, has a moment but no length.
        silent = bar.kind in ("user", "agent") and not bar.duration_ms
        took = "" if silent else failed + duration_text(bar.duration_ms)
        yield [
            Piece(name, bar.kind), Piece(" "), Piece(mark, "slow"), Piece(" " * rest),
            Piece(self._drawn(bar, turn), "error" if bar.failed else _BARS.get(bar.kind, bar.kind)),
            Piece(f" {took:>{_DURATION}}", "error" if bar.failed else "plain"),
        ]  # fmt: skip
        yield from self._below(bar, indent + "  ")

    def _drawn(self, bar: Bar, turn: Turn) -> str:
        """Draw a bar on the turn's scale; however short it is, it takes a cell."""
        span = max(1, turn.end_ms - turn.start_ms)
        first = min(self._bar_width - 1, (bar.start_ms - turn.start_ms) * self._bar_width // span)
        last = max(first + 1, round((bar.end_ms - turn.start_ms) * self._bar_width / span))
        drawn = self._glyphs.bars[bar.kind] * (min(last, self._bar_width) - first)
        if bar.cut:
            drawn = drawn[:-1] + self._glyphs.scissors[0]
        return pad(" " * first + drawn, self._bar_width)

    def _below(self, bar: Bar, indent: str) -> Iterator[Line]:
        """Yield what is to be said of a bar: words, reason, what went in and out, and what went wrong."""
        room = self._width - cells(indent)
        if bar.kind in ("user", "agent"):
            ending = f" {self._glyphs.scissors} [cut off]" if bar.cut else ""
            for line in wrap(bar.text + ending, room):
                yield [Piece(indent + line)]
        if latency := _value(bar, FIRST_TOKEN):
            yield [Piece(f"{indent}first token after {latency}", "dim")]
        if bar.why:
            yield [Piece(indent + cut(f"because {bar.why}", room, self._glyphs.ellipsis), "dim")]
        for sign, label in (("", "params"), (f"{self._glyphs.arrow} ", "result")):
            if value := _value(bar, label):
                yield [Piece(indent + cut(sign + value, room, self._glyphs.ellipsis), "dim")]
        yield from self._wrong(bar, indent, room)

    def _wrong(self, bar: Bar, indent: str, room: int) -> Iterator[Line]:
        status = "" if bar.cut else status_words(bar.status)
        if bar.error:
            told = bar.error if status in ("error", "") else f"{status}: {bar.error}"
            for line in wrap(f"{self._glyphs.cross} {told}", room):
                yield [Piece(indent + line, "error")]
        elif status:
            yield [
                Piece(
                    f"{indent}[{cut(status, room - 2, self._glyphs.ellipsis)}]",
                    "error" if bar.failed else "dim",
                )
            ]

    def _totals(self) -> Iterator[Line]:
        yield self._rule("Call")
        for label, value, wrong in self._figures():
            lines = wrap(value, self._width - 16)
            yield [Piece(f"{label:<16}", "dim"), Piece(next(lines), "error" if wrong else "plain")]
            yield from ([Piece(" " * 16 + line, "error" if wrong else "plain")] for line in lines)

    def _figures(self) -> Iterator[tuple[str, str, bool]]:
        story, totals = self._story, self._story.totals
        cut_off = f", {count_text(totals.interrupted, 'answer')} cut off" if totals.interrupted else ""
        yield (
            "length",
            f"{duration_text(totals.duration_ms)}, {count_text(totals.turns, 'turn')}{cut_off}",
            False,
        )
        if totals.waited_ms is not None:
            longest = (
                f"longest {duration_text(totals.longest_wait_ms or 0)} (turn {totals.longest_wait_turn})"
            )
            yield "caller waited", f"{duration_text(totals.waited_ms)} in all, {longest}", False
        yield from self._spent()
        for label, index in (
            ("slowest node", totals.slowest_node), ("slowest tool", totals.slowest_tool),
            ("slowest model", totals.slowest_model),
        ):  # fmt: skip
            if index is not None:
                bar = story.bars[index]
                yield label, f"{bar.name}, {duration_text(bar.duration_ms)} ({_turn_name(bar.turn)})", False
        yield from self._path()
        for number, problem in enumerate(story.problems):
            at = "" if problem.at_ms is None else f" at {moment_text(problem.at_ms)}"
            where = f"{_turn_name(problem.turn)}{at}" if problem.turn else at.strip() or "the call"
            yield "" if number else "errors", f"{where}: {problem.kind}: {problem.message}", True

    def _spent(self) -> Iterator[tuple[str, str, bool]]:
        totals = self._story.totals
        if totals.tokens is not None:
            calls = f" in {count_text(totals.models, 'model call')}" if totals.models else ""
            unknown = (
                f", {totals.unknown_usage_calls} of them did not say" if totals.unknown_usage_calls else ""
            )
            yield "tokens", f"{totals.tokens:,}{calls}{unknown}", False
        if totals.cost_cents is not None:
            yield "cost", money_text(totals.cost_cents), False

    def _path(self) -> Iterator[tuple[str, str, bool]]:
        for number, way in enumerate(self._story.transitions):
            times = f" {self._glyphs.times}{way.count}" if way.count > 1 else ""
            reason = f" ({way.reason})" if way.reason else ""
            source = PSEUDO.get(way.source, way.source)
            yield (
                "" if number else "path",
                f"{source} {self._glyphs.arrow} {way.target}{times}{reason}",
                False,
            )


def _named(bar: Bar) -> str:
    prefix = {"tool": "tool ", "model": "model "}.get(bar.kind, "")
    return prefix + bar.label


def _turn_name(number: int) -> str:
    return f"turn {number}" if number else "before the first turn"


def _turn_figures(turn: Turn) -> str:
    parts: Iterable[str] = (
        "" if turn.waited_ms is None else f"waited {duration_text(turn.waited_ms)}",
        "" if turn.tokens is None else count_text(turn.tokens, "token"),
        count_text(turn.errors, "error") if turn.errors else "",
    )
    return ", ".join(part for part in parts if part)


def _value(bar: Bar, label: str) -> str:
    """Return what a bar has under a label, on one line."""
    fact = next((fact for fact in bar.facts if fact.label == label and bar.kind in ("agent", "tool")), None)
    if fact is None:
        return ""
    return json.dumps(json.loads(fact.value), ensure_ascii=False) if fact.code else fact.value
