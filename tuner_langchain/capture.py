"""What may leave the process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tuner_langchain.segments import Segment

Redact = Callable[[Segment], Segment | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Capture:
    """Switches for what is sent, a cap per value, and one hook that sees each segment last.

    Args:
        words: What the caller and the agent said.
        tool_params: The arguments of tool calls.
        tool_results: What tools answered.
        error_messages: The text of exceptions; their types are always sent.
        interrupt_values: What an interrupt asked of a human.
        node_inputs: The state a node was given, without the message history.
        node_outputs: The update a node returned, without the message history.
        system_prompts: What the models were told before the conversation.
        max_value_chars: The length a single value may have as JSON, in characters; longer ones are cut and say so.
        redact: Called with each segment before it is sent; returns the segment to send, or None to withhold it.
    """

    words: bool = True
    tool_params: bool = True
    tool_results: bool = True
    error_messages: bool = True
    interrupt_values: bool = True
    node_inputs: bool = False
    node_outputs: bool = False
    system_prompts: bool = False
    max_value_chars: int = 20_000
    redact: Redact | None = None
