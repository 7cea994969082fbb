"""LangChain's messages and results, read: text, the conversation, usage, model names. Pure."""

from __future__ import annotations

from tuner_langchain.messages.added import NO_IDS, Added, Ids, added, answers, last_message
from tuner_langchain.messages.content import content_text, event_text, is_data, looks_like_data, spoken_part
from tuner_langchain.messages.incoming import NOTHING, Incoming, incoming
from tuner_langchain.messages.prompt import Purpose, last_words, purpose, requested_model, system_prompt
from tuner_langchain.messages.reply import Reply, Usage, reply
from tuner_langchain.messages.said import Said

__all__ = [
    "NOTHING",
    "NO_IDS",
    "Added",
    "Ids",
    "Incoming",
    "Purpose",
    "Reply",
    "Said",
    "Usage",
    "added",
    "answers",
    "content_text",
    "event_text",
    "incoming",
    "is_data",
    "last_message",
    "last_words",
    "looks_like_data",
    "purpose",
    "reply",
    "requested_model",
    "spoken_part",
    "system_prompt",
]
