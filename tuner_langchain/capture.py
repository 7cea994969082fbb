"""What may leave the process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuner_langchain.errors import ConfigError
from tuner_langchain.values import type_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuner_langchain.segments import Segment

    Redact = Callable[[Segment], Segment | None]


@dataclass(frozen=True, kw_only=True)
class Capture:
    """Switches for what is sent, a cap per value and per document, and one hook that sees each segment last.

    Values under keys that look like secrets (`api_key`, `password`, `authorization`, `token`, ...) are masked
    whatever is switched on.

    Args:
        words: What the caller and the agent said.
        tool_params: The arguments of tool calls.
        tool_results: What tools answered.
        error_messages: The text of exceptions; their types are always sent.
        interrupt_values: What an interrupt asked of a human.
        events: The data of custom events; their names are always sent.
        node_inputs: The state a node was given, without the message history.
        node_outputs: The update a node returned, without the message history.
        system_prompts: What the models were given before the conversation.
        max_value_chars: The length that a value, or an object among the call facts, may have, in characters; a longer
            one is cut and says so.
        max_document_bytes: The size a call's document may have; the largest values of a larger one are cut.
        redact: Called last, with each segment and each text among the call facts; returns the segment to send, or
            None to withhold it. When it raises, the free text of that segment is withheld. What the API needs and
            the hook dropped is put back empty, and named in `metadata.withheld`.

    Raises:
        ConfigError: A limit is too small to be kept, or `redact` is not a function.
    """

    words: bool = True
    tool_params: bool = True
    tool_results: bool = True
    error_messages: bool = True
    interrupt_values: bool = True
    events: bool = True
    node_inputs: bool = False
    node_outputs: bool = False
    system_prompts: bool = False
    max_value_chars: int = 20_000
    max_document_bytes: int = 5_000_000
    redact: Redact | None = None

    def __post_init__(self) -> None:
        for name, least in (("max_value_chars", 20), ("max_document_bytes", 10_000)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ConfigError(f"{name}: is {value!r}. Expected a whole number, {least:,} or more.")
        if self.redact is not None and not callable(self.redact):
            raise ConfigError(f"redact: is {type_words(self.redact)}. Expected a function of a segment.")

    @classmethod
    def nothing(cls) -> Capture:
        """Return a capture with every switch off: what ran, when and how it ended, without content."""
        return cls(
            words=False,
            tool_params=False,
            tool_results=False,
            error_messages=False,
            interrupt_values=False,
            events=False,
        )
