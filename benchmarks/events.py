"""The events of a program, recorded with all their arguments, and played again straight into a handler."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from langchain_core.callbacks import BaseCallbackHandler

CALLBACKS = (
    *("on_chain_start", "on_chain_end", "on_chain_error"),
    *("on_chat_model_start", "on_llm_start", "on_llm_new_token", "on_llm_end", "on_llm_error"),
    *("on_tool_start", "on_tool_end", "on_tool_error"),
)


class Event(NamedTuple):
    """One call of one of a handler's methods."""

    method: str
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]


class Recorder(BaseCallbackHandler):
    """Keeps every event with its arguments, as references."""

    run_inline = True

    def __init__(self) -> None:
        self.events: list[Event] = []


def _recording(method: str) -> Callable[..., None]:
    def record(self: Recorder, *arguments: Any, **keywords: Any) -> None:
        self.events.append(Event(method, arguments, keywords))

    return record


for _method in CALLBACKS:
    setattr(Recorder, _method, _recording(_method))


def record(run: Callable[[dict[str, Any]], object]) -> list[Event]:
    """Return the events of `run`, which is given a config with the recorder in it."""
    recorder = Recorder()
    run({"callbacks": [recorder]})
    return recorder.events


def fresh(events: Iterable[Event]) -> list[Event]:
    """Return the same events under run ids that no handler has seen."""
    ids: dict[uuid.UUID, uuid.UUID] = {}
    return [event._replace(keywords=_renamed(event.keywords, ids)) for event in events]


def _renamed(keywords: dict[str, Any], ids: dict[uuid.UUID, uuid.UUID]) -> dict[str, Any]:
    renamed = dict(keywords)
    for key in ("run_id", "parent_run_id"):
        known = renamed.get(key)
        if known is not None:
            renamed[key] = ids.setdefault(known, uuid.uuid4())
    return renamed


def play(events: Sequence[Event], handler: BaseCallbackHandler) -> None:
    """Call the handler's methods, looked up by name as LangChain does."""
    for method, arguments, keywords in events:
        getattr(handler, method)(*arguments, **keywords)
