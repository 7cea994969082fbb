"""What the voice stack says about the turns: who spoke when, in which words. The graph cannot know it."""

from __future__ import annotations

import datetime as dt
import functools
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec

from tuner_langchain.errors import CallFactError
from tuner_langchain.runs import SpokenTurn
from tuner_langchain.values import LATEST_MS, as_number, is_number, passes_through, shown, type_words
from tuner_langchain.values import text as clean

if TYPE_CHECKING:
    from tuner_langchain.call import Call
    from tuner_langchain.runs import CallRecord
    from tuner_langchain.segments import Word

Moment = int | float | dt.datetime

log = logging.getLogger("tuner_langchain")

# The largest offset: more than 11 days into a call. Larger numbers are Unix time, as the Create Call API reads it.
_MAX_OFFSET_MS: Final = 10**9
_SECONDS_BELOW: Final = 10**10
_WORD: Final = "dictionaries with word, start_ms and end_ms"
_MOMENT: Final = "milliseconds from the call's start, Unix time, or a datetime with a time zone"


_MAX_WORDS: Final = 1_000_000

P = ParamSpec("P")


def _readable(add: Callable[P, None]) -> Callable[P, None]:
    """Let what a value's own code raises be the error of a value that cannot be read."""

    @functools.wraps(add)
    def adding(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            add(*args, **kwargs)
        except CallFactError:
            raise
        except BaseException as error:
            if passes_through(error):
                raise
            # Nothing of the error is shown: it may hold what was said.
            raise CallFactError(
                f"{add.__name__}: a value raises {type(error).__name__} when it is read; nothing was added. "
                "Expected plain values."
            ) from None

    return adding


class SpokenTurns:
    """The part of the handler that a voice stack talks to. Cheap, and safe from any thread."""

    _call: Call
    _record: CallRecord
    _clock: Callable[[], int]

    def _begin_watch(self) -> None:
        """Take note that there is something to send."""

    @_readable
    def add_user_turn(
        self,
        text: str,
        *,
        start_ms: Moment | None = None,
        end_ms: Moment | None = None,
        words: Sequence[Mapping[str, Any]] | None = None,
        confidence: float | None = None,
        stt_node_ttfb: float | None = None,
    ) -> None:
        """Say what the caller said, and when; the graph's row for the same words becomes this row.

        Times are milliseconds from the call's start, Unix time, or datetimes with a time zone.

        Args:
            text: The words as they were transcribed.
            start_ms: When the caller began to speak; by default the first word's start, else the end.
            end_ms: When the caller ended; by default the last word's end, else now.
            words: Each word as `{"word", "start_ms", "end_ms", "confidence"}`, the last one optional.
            confidence: How sure the transcription is, 0 to 1.
            stt_node_ttfb: Milliseconds from audio to the first transcript.

        Raises:
            CallFactError: A value is none of these; nothing was added.
        """
        extra = {
            "transcript_confidence": _share(confidence),
            "stt_node_ttfb": _amount("stt_node_ttfb", stt_node_ttfb),
        }
        self._add("user", text, start=start_ms, end=end_ms, words=words, extra=extra)

    @_readable
    def add_agent_turn(
        self,
        text: str,
        *,
        start_ms: Moment | None = None,
        end_ms: Moment | None = None,
        words: Sequence[Mapping[str, Any]] | None = None,
        tts_node_ttfb: float | None = None,
        interrupted: bool | None = None,
        spoken_text: str | None = None,
    ) -> None:
        """Say what the agent's voice said, and when; the graph's row for the same words becomes this row.

        Args:
            text: What was to be said.
            start_ms: When the first audio was played; by default the first word's start, else the end.
            end_ms: When the audio ended; by default the last word's end, else now.
            words: Each word as `{"word", "start_ms", "end_ms", "confidence"}`, the last one optional.
            tts_node_ttfb: Milliseconds from text to the first audio.
            interrupted: Whether the caller cut it off; by default what the graph knows.
            spoken_text: The part that was heard, where that is not all of it.

        Raises:
            CallFactError: A value is none of these; nothing was added.
        """
        if interrupted is not None and not isinstance(interrupted, bool):
            raise CallFactError(f"interrupted: is {shown(interrupted)}. Expected True or False.")
        heard = None if spoken_text is None else _words_of("spoken_text", spoken_text)
        extra = {"tts_node_ttfb": _amount("tts_node_ttfb", tts_node_ttfb)}
        self._add(
            "agent",
            text,
            start=start_ms,
            end=end_ms,
            words=words,
            extra=extra,
            interrupted=interrupted,
            heard=heard,
        )

    def _add(
        self,
        role: Literal["user", "agent"],
        text: str,
        *,
        start: Moment | None,
        end: Moment | None,
        words: Sequence[Mapping[str, Any]] | None,
        extra: dict[str, Any],
        interrupted: bool | None = None,
        heard: str | None = None,
    ) -> None:
        said = _words_of("text", text)
        timed = self._words(words)
        now_ms = max(0, self._clock() - self._call.started_ns) // 1_000_000
        ended = self._offset("end_ms", end, timed[-1]["end_ms"] if timed else now_ms)
        started = self._offset("start_ms", start, timed[0]["start_ms"] if timed else ended)
        if ended < started:
            if end is not None:
                raise CallFactError(f"end_ms: is {ended - started:,} ms after start_ms. Expected 0 or more.")
            ended = started
        if self._record.sealed:
            log.warning("Call %s is finalised already; too late for a spoken turn.", self._call.call_id)
            return
        told = {name: value for name, value in extra.items() if value is not None}
        turn = SpokenTurn(
            role,
            said,
            start_ms=started,
            end_ms=ended,
            words=timed,
            extra=told,
            interrupted=interrupted,
            heard=heard,
        )
        self._record.spoken.append(turn)
        self._begin_watch()

    def _words(self, words: Any) -> list[Word]:
        if words is None:
            return []
        if isinstance(words, str) or not isinstance(words, Iterable):
            raise CallFactError(f"words: is {type_words(words)}. Expected a list of {_WORD}.")
        timed = [
            self._word(word, f"words[{index}]") for index, word in enumerate(islice(words, _MAX_WORDS + 1))
        ]
        if len(timed) > _MAX_WORDS:
            raise CallFactError(f"words: are more than {_MAX_WORDS:,}. Expected the words of one turn.")
        return timed

    def _word(self, word: Mapping[str, Any], where: str) -> Word:
        if not isinstance(word, Mapping) or not isinstance(word.get("word"), str):
            raise CallFactError(f"{where}: is not a word. Expected {_WORD}.")
        start = self._offset(f"{where}['start_ms']", word.get("start_ms"), None)
        timed: Word = {
            "word": clean(str.__str__(word["word"])),
            "start_ms": start,
            "end_ms": max(start, self._offset(f"{where}['end_ms']", word.get("end_ms"), None)),
        }
        if word.get("confidence") is not None:
            timed["confidence"] = _amount(f"{where}['confidence']", word["confidence"])
        return timed

    def _offset(self, name: str, moment: Moment | None, default: int | None) -> int:
        """Return a moment as whole milliseconds from the call's start."""
        if moment is None:
            if default is None:
                raise CallFactError(f"{name}: is missing. Expected {_MOMENT}.")
            return default
        if isinstance(moment, dt.datetime):
            if moment.tzinfo is None:
                raise CallFactError(f"{name}: is a datetime without a time zone. Expected {_MOMENT}.")
            moment = moment.timestamp() * 1000
        elif not is_number(moment) or not 0 <= moment < LATEST_MS:
            raise CallFactError(f"{name}: is {shown(moment)[:60]}. Expected {_MOMENT}.")
        elif moment < _MAX_OFFSET_MS:
            return round(moment)
        elif moment < _SECONDS_BELOW:
            moment *= 1000
        return max(0, round(moment) - self._call.start_timestamp)


def _words_of(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise CallFactError(f"{name}: is {type_words(value)}, not a string. Expected what was said.")
    return clean(str.__str__(value))


def _amount(name: str, value: Any) -> Any:
    if value is None:
        return None
    if not is_number(value) or value < 0:
        raise CallFactError(f"{name}: is {shown(value)[:60]}. Expected a number, 0 or more.")
    return as_number(value)


def _share(value: Any) -> Any:
    share = _amount("confidence", value)
    if share is not None and share > 1:
        raise CallFactError(f"confidence: is {shown(value)}. Expected 0 to 1.")
    return share
