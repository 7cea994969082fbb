"""What a call cost: from a number, the user's function, or a price list that says nothing rather than a wrong sum."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from scripted import ScriptedModel

from conversation.driving import handler

pytest.importorskip("genai_prices", reason="genai-prices is not installed; see the extra `prices`")

from tuner_langchain.prices import list_price

FIGURES = {
    "calls": 1, "errors": 0, "input_tokens": 1_000_000, "output_tokens": 1_000, "cache_read_tokens": 0,
    "reasoning_tokens": 0, "total_ms": 1, "unknown_usage_calls": 0, "provider": "openai",
}  # fmt: skip


def document(call_cost: Any, **facts: Any) -> dict[str, Any]:
    """The document of a call with one model call and this cost."""
    taken = handler(call_cost=call_cost, **facts)
    ScriptedModel("Hello").invoke("Hi", {"callbacks": [taken]})
    taken.finalize()
    found: dict[str, Any] = taken.document
    return found


def test_a_number_is_the_cost() -> None:
    """Cents, as given."""
    assert document(12.5)["call_cost"] == 12.5


def test_a_function_gets_what_was_used() -> None:
    """It sees each model's figures, the sum, and what the voice stack said."""
    seen: list[Any] = []

    def cost(usage: Any) -> float:
        seen.append(usage)
        return float(usage["llm_token"] * 0.1 + usage["stt_duration_seconds"])

    assert document(cost, stt_duration_seconds=2.5, tts_characters_count=40)["call_cost"] == pytest.approx(
        3.5
    )
    assert seen[0]["llm_usage"]["scripted-1"]["input_tokens"] == 7
    assert seen[0]["tts_characters_count"] == 40


@pytest.mark.parametrize("answer", [None, "much", float("nan"), 10**400, -1, True, KeyError("CALLERWORD")])
def test_a_function_that_fails_costs_the_cost_alone(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The call is sent without a cost; what went wrong is logged without the exception's text."""

    def cost(usage: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    with caplog.at_level(logging.WARNING):
        sent = document(cost)

    assert "call_cost" not in sent
    assert len(sent["transcript_with_tool_calls"]) == 2
    assert ("call_cost" in caplog.text) == (answer is not None)
    assert "CALLERWORD" not in caplog.text


def test_list_price_of_a_known_model() -> None:
    """$0.15 a million input tokens and $0.60 a million output tokens are 15.06 cents here."""
    assert list_price({"llm_usage": {"gpt-4o-mini-2024-07-18": FIGURES}}) == pytest.approx(15.06)


def test_list_price_of_cached_tokens() -> None:
    """Tokens read from the provider's cache cost what the list says for them."""
    half = list_price({"llm_usage": {"gpt-4o-mini": {**FIGURES, "cache_read_tokens": 1_000_000}}})
    whole = list_price({"llm_usage": {"gpt-4o-mini": FIGURES}})
    assert half is not None
    assert whole is not None
    assert half < whole


@pytest.mark.parametrize(
    "figures",
    [
        {"gpt-unheard-of": FIGURES},
        {"gpt-4o-mini": {**FIGURES, "provider": "my-own-server"}},
        {"gpt-4o-mini": {name: value for name, value in FIGURES.items() if name != "provider"}},
        {"gpt-4o-mini": {**FIGURES, "unknown_usage_calls": 1}},
        {"gpt-4o-mini": {**FIGURES, "audio_tokens": 5}},
        {"gpt-4o-mini": FIGURES, "claude-unheard-of": {**FIGURES, "provider": "anthropic"}},
        {},
    ],
    ids=["model", "provider", "no provider", "unknown usage", "audio", "one of two", "nothing"],
)
def test_list_price_says_nothing_rather_than_a_wrong_sum(figures: Any) -> None:
    """One thing that is not known, and there is no price."""
    assert list_price({"llm_usage": figures}) is None


def test_list_price_as_the_calls_cost() -> None:
    """Given as the function, it leaves the cost out for a model that is in no list."""
    assert "call_cost" not in document(list_price)
