"""The vendors' real clients get what the scripted servers were told to say."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import anthropic
import openai
import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool

from wire.anthropic_server import anthropic_server, chat_anthropic
from wire.driving import WAYS, ask
from wire.openai_server import chat_openai, openai_server
from wire.replies import Reply, Tokens, ToolUse
from wire.serving import ModelServer

Vendor = tuple[Callable[..., AbstractContextManager[ModelServer]], Callable[..., Any]]

OPENAI: Vendor = (openai_server, chat_openai)
ANTHROPIC: Vendor = (anthropic_server, chat_anthropic)

VENDORS = pytest.mark.parametrize("vendor", [OPENAI, ANTHROPIC], ids=["openai", "anthropic"])
EVERY_WAY = pytest.mark.parametrize("way", WAYS)


@tool
def find_table(people: int, at: str) -> str:
    """Find a free table."""
    return f"a table for {people} at {at}"


def once(vendor: Vendor, reply: Reply, way: str, **settings: Any) -> AIMessage:
    start, client = vendor
    with start(reply) as server:
        model = client(server, **settings)
        if reply.tools:
            model = model.bind_tools([find_table])
        message = ask(model, "A table?", way)
        (request,) = server.received
    assert bool(request.body.get("stream")) == way.endswith("stream")
    assert isinstance(message, AIMessage)
    return message


@VENDORS
@EVERY_WAY
def test_text_and_usage(vendor: Vendor, way: str) -> None:
    """The text arrives whole, with the tokens and the model's name of the answer."""
    message = once(vendor, Reply(text="A table, of course.", tokens=Tokens(prompt=11, answer=5)), way)

    assert message.text == "A table, of course."
    assert message.usage_metadata is not None
    assert message.usage_metadata["input_tokens"] == 11
    assert message.usage_metadata["output_tokens"] == 5
    assert message.usage_metadata["total_tokens"] == 16
    assert message.response_metadata["model_name"] == "scripted-2026-01-01"


@VENDORS
@EVERY_WAY
def test_tool_calls(vendor: Vendor, way: str) -> None:
    """Several tool calls arrive with their names, arguments and ids, after the text."""
    first = ToolUse("find_table", {"people": 2, "at": "19:30"}, "call_1")
    second = ToolUse("find_table", {"people": 2, "at": "20:00, später"}, "call_2")

    message = once(vendor, Reply(text="Let me look.", tools=(first, second)), way)

    assert message.text == "Let me look."
    assert [(call["name"], call["args"], call["id"]) for call in message.tool_calls] == [
        ("find_table", first.arguments, "call_1"),
        ("find_table", second.arguments, "call_2"),
    ]


@EVERY_WAY
def test_openai_token_details(way: str) -> None:
    """Cached and reasoning tokens are parts of the prompt's and the answer's."""
    tokens = Tokens(prompt=100, answer=50, cached=64, reasoning=32)

    usage = once(OPENAI, Reply(text="Yes.", tokens=tokens), way).usage_metadata

    assert usage is not None
    assert usage["input_tokens"] == 100
    assert usage["input_token_details"]["cache_read"] == 64
    assert usage["output_token_details"]["reasoning"] == 32


@EVERY_WAY
def test_anthropic_token_details(way: str) -> None:
    """Tokens read from the cache and written to it count as parts of the prompt."""
    tokens = Tokens(prompt=100, answer=50, cached=64, cache_written=16)

    usage = once(ANTHROPIC, Reply(text="Yes.", tokens=tokens), way).usage_metadata

    assert usage is not None
    assert (usage["input_tokens"], usage["output_tokens"]) == (100, 50)
    assert usage["input_token_details"]["cache_read"] == 64
    assert usage["input_token_details"]["cache_creation"] == 16


@EVERY_WAY
def test_anthropic_thinks(way: str) -> None:
    """A thought comes as a block of its own, before the text, and is no part of it."""
    settings = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}

    message = once(ANTHROPIC, Reply(thinking="They want a table.", text="For how many?"), way, **settings)

    assert [block["type"] for block in message.content_blocks] == ["reasoning", "text"]
    assert message.content_blocks[0]["reasoning"] == "They want a table."  # type: ignore[typeddict-item]  # of a union
    assert message.text == "For how many?"


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_openai_streams_usage_only_when_asked(way: str) -> None:
    """Without `stream_options.include_usage` no usage comes in a stream."""
    message = once(OPENAI, Reply(text="Yes."), way, stream_usage=False)

    assert message.usage_metadata is None


@EVERY_WAY
@pytest.mark.parametrize("status", [400, 401, 429, 500])
@pytest.mark.parametrize(
    ("vendor", "error"),
    [(OPENAI, openai.APIStatusError), (ANTHROPIC, anthropic.APIStatusError)],
    ids=["openai", "anthropic"],
)
def test_errors(vendor: Vendor, error: type[Exception], status: int, way: str) -> None:
    """An error status is the client's own exception, with the status and the message."""
    with pytest.raises(error, match="no tables today") as caught:
        once(vendor, Reply(status=status, error="no tables today"), way)

    assert caught.value.status_code == status  # type: ignore[attr-defined]  # of both clients' class


@pytest.mark.parametrize("way", ["stream", "astream"])
@VENDORS
def test_a_cut_stream(vendor: Vendor, way: str) -> None:
    """A connection that closes in the middle of an answer is an error of the client's."""
    with pytest.raises(Exception, match=r"(?i)connection|incomplete|peer closed"):
        once(vendor, Reply(text="one two three four five", cut_after=4), way)


@VENDORS
def test_the_first_token_waits_for_the_test(vendor: Vendor) -> None:
    """Nothing of a held answer arrives before the test lets it go."""
    start, client = vendor
    gate = threading.Event()
    with start(Reply(text="At last.", first_token=gate)) as server:
        arrived: list[str] = []
        model = client(server)
        reader = threading.Thread(target=lambda: arrived.append(ask(model, "?", "stream").text))
        reader.start()
        reader.join(0.2)
        before = list(arrived)
        gate.set()
        reader.join()

    assert (before, arrived) == ([], ["At last."])


@VENDORS
def test_tools_are_offered_in_the_vendors_form(vendor: Vendor) -> None:
    """The request that arrives has the bound tool, so the client does speak this wire format."""
    start, client = vendor
    with start(Reply(text="Hello.")) as server:
        client(server).bind_tools([find_table]).invoke("Hi")

    (offered,) = server.received[0].body["tools"]
    assert offered.get("function", offered)["name"] == "find_table"


@VENDORS
def test_a_script_that_is_used_up(vendor: Vendor) -> None:
    """A request nobody scripted is an error that says so."""
    start, client = vendor
    with start(Reply(text="Hello.")) as server:
        model = client(server)
        model.invoke("Hi")

        with pytest.raises(Exception, match="the script has 1 replies, and none for request 2"):
            model.invoke("Hi again")
