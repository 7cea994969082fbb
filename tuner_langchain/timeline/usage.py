"""Which models answered and how many tokens they reported. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tuner_langchain.runs import ModelRun


def usage_metadata(models: list[ModelRun]) -> dict[str, Any]:
    """Return `ai_models` and `usage_token` of a call's metadata, from what the models reported."""
    names = Counter(model.reply.model or model.model for model in models if model.reply is not None)
    tokens = [model.reply.usage.total_tokens for model in models if model.reply is not None and model.reply.usage]
    found: dict[str, Any] = {}
    common = [name for name, _ in names.most_common() if name]
    if common:
        found["ai_models"] = {"llm_model": common[0]}
    if tokens:
        found["usage_token"] = {"llm_token": sum(tokens)}
    return found
