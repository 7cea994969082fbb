"""List prices of language models, from the `genai-prices` package: `pip install "tuner-langchain[prices]"`.

    handler = TunerCallbackHandler(call_cost=list_price)

The prices are those that the installed package knows; nothing is fetched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from genai_prices import Usage, calc_price

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuner_langchain.facts import CallUsage

# LangChain's names of providers, and the price list's.
_PROVIDERS: Final = {
    "amazon_bedrock": "aws",
    "anthropic": "anthropic",
    "azure": "azure",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "google_genai": "google",
    "google_vertexai": "google",
    "groq": "groq",
    "mistral": "mistral",
    "mistralai": "mistral",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together": "together",
    "xai": "x-ai",
}


def list_price(usage: CallUsage) -> float | None:
    """Return what a call's language models cost in cents, or None rather than a wrong sum.

    None when a model or its provider is not in the price list, when a call reported no tokens, and when audio
    tokens were used, which have prices of their own. Speech-to-text and text-to-speech are not included.
    """
    prices = [_price(name, figures) for name, figures in usage.get("llm_usage", {}).items()]
    known = [price for price in prices if price is not None]
    return round(sum(known) * 100, 6) if known and len(known) == len(prices) else None


def _price(model: str, figures: Mapping[str, Any]) -> float | None:
    """Return one model's price in dollars."""
    if figures.get("unknown_usage_calls") or figures.get("audio_tokens"):
        return None
    provider = _PROVIDERS.get(figures.get("provider", ""))
    if provider is None:
        return None
    used = Usage(
        input_tokens=figures["input_tokens"],
        output_tokens=figures["output_tokens"],
        cache_read_tokens=figures["cache_read_tokens"],
        cache_write_tokens=figures.get("cache_write_tokens", 0),
    )
    try:
        return float(calc_price(used, model, provider_id=provider).total_price)
    except (LookupError, ValueError):
        return None
