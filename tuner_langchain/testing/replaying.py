"""A real call again, in a test: from its document, or from the callbacks that an `EventLog` wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from tuner_langchain.testing.clock import ManualClock
from tuner_langchain.testing.decoding import Decoder
from tuner_langchain.testing.recording import RecordingHandler
from tuner_langchain.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

# The arguments that each callback takes by place, under the names a log has them.
PLACES: Final[dict[str, tuple[str, ...]]] = {
    "on_chain_start": ("serialized", "inputs"),
    "on_chain_end": ("outputs",),
    "on_chat_model_start": ("serialized", "prompt"),
    "on_llm_start": ("serialized", "prompt"),
    "on_llm_new_token": ("data",),
    "on_stream_event": ("event",),
    "on_llm_end": ("response",),
    "on_tool_start": ("serialized", "input_str"),
    "on_tool_end": ("outputs",),
    "on_retriever_start": ("serialized", "query"),
    "on_retriever_end": ("outputs",),
    "on_custom_event": ("event_name", "data"),
    "on_interrupt": ("event",),
    "on_resume": ("event",),
} | {f"on_{kind}_error": ("error",) for kind in ("chain", "llm", "tool", "retriever")}


def replay(source: Mapping[str, Any] | bytes | str | PathLike[str], **options: Any) -> Timeline:
    """Return the timeline of a call that happened elsewhere.

    A document is read as it is. The lines of an `EventLog` are played to the real handler, with a clock that stands
    where the log says: what the handler makes of them is the timeline, so a log holds a fault until it is mended.

    Args:
        source: A document; the bytes or text of a document or a log; or the path of a file with one of them.
        **options: For a log, what `record` takes (`capture`, `messages_key`, facts, ...), except the clock.

    Raises:
        ValueError: It is neither a document nor a log.
    """
    if isinstance(source, Mapping):
        return Timeline(source)
    told = _read(source)
    try:
        if told.startswith(b'{"event_log":'):
            return _play(map(orjson.loads, told.splitlines()[1:]), options)
        document = orjson.loads(told)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"source: is neither a document nor an event log ({error})") from None
    if isinstance(document, dict):
        return Timeline(document)
    raise ValueError(f"source: is neither a document nor an event log, but a {type(document).__name__}")


def _read(source: bytes | str | PathLike[str]) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, str) and source.lstrip()[:1] in ("{", "["):
        return source.encode()
    return Path(source).read_bytes()


class ReplayingHandler(RecordingHandler):
    """A recording handler that is told a graph's edges: in a replay no graph is on the stack to read them from."""

    def take_edges(self, run_id: Any, edges: Any) -> None:
        """Give the run of a graph the edges that the log found for it."""
        run: Any = self._open(run_id)
        if run is not None and not run.is_task:
            run.edges = edges


def _play(events: Iterable[dict[str, Any]], options: dict[str, Any]) -> Timeline:
    clock, decoder = ManualClock(), Decoder()
    handler = ReplayingHandler(clock=clock, **options)
    for event in events:
        clock.tick(max(0, event.pop("at_ns") - clock()) / 1_000_000)
        _tell(handler, event, decoder)
    handler.finalize()
    return handler.timeline


def _tell(handler: ReplayingHandler, event: dict[str, Any], decoder: Decoder) -> None:
    """Play one line of a log to the handler."""
    callback, edges = event.pop("on"), decoder.value(event.pop("edges", None))
    number = event.pop("inputs_are", None)
    given = {name: decoder.value(value) for name, value in event.items()}
    if number is not None:
        given["inputs"] = decoder.same(number, given["inputs"])
    by_place = [given.pop(name, None) for name in PLACES[callback]]
    run_id = given.get("run_id")
    getattr(handler, callback)(*by_place, **given)
    if edges is not None:
        handler.take_edges(run_id, edges)
