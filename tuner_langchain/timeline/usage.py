"""Which models answered, and what they used. Pure.

All figures are of model calls as LangChain's callbacks told them, each call counted once. A call whose model
reported no tokens counts as unknown, not as zero; an answer from LangChain's cache was not spent again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from tuner_langchain.timeline.lines import Line, model_name, ttft_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tuner_langchain.messages import Usage
    from tuner_langchain.runs import ModelRun, Run
    from tuner_langchain.timeline.clock import Span

UNNAMED = "unknown"


def usage_metadata(models: Sequence[ModelRun], lines: Iterable[Line] = ()) -> dict[str, Any]:
    """Return `ai_models`, `usage_token` and `llm_usage` of a call's metadata."""
    found: dict[str, Any] = {}
    speaker = speaking_model(models, lines)
    if speaker is not None:
        found["ai_models"] = {"llm_model": speaker}
    spent = [usage for model in models if (usage := _spent(model)) is not None]
    if spent:
        found["usage_token"] = {"llm_token": sum(usage.total_tokens for usage in spent)}
    if models:
        found["llm_usage"] = llm_usage(models)
    return found


def speaking_model(models: Sequence[ModelRun], lines: Iterable[Line]) -> str | None:
    """Return the model that spoke to the caller: the one with the most lines, then with the most tokens."""
    spoken = Counter(model_name(line.model) for line in lines if line.model is not None)
    tokens: Counter[str | None] = Counter()
    for model in models:
        usage = _spent(model)
        tokens[model_name(model)] += usage.total_tokens if usage is not None else 0
    named = [name for name in tokens if name]
    return max(named, key=lambda name: (spoken[name], tokens[name]), default=None)


def llm_usage(models: Iterable[ModelRun]) -> dict[str, dict[str, Any]]:
    """Return the figures of each model by its name."""
    by_name: dict[str, list[ModelRun]] = defaultdict(list)
    for model in models:
        by_name[model_name(model) or UNNAMED].append(model)
    return {name: _figures(calls) for name, calls in by_name.items()}


def model_calls(task: Run, models: Iterable[ModelRun], span: Span) -> list[dict[str, Any]]:
    """Return the model calls made in a node, for its row; `models` are those whose closest node it is."""
    return [_call(model, task, span) for model in models]


def _figures(models: Sequence[ModelRun]) -> dict[str, Any]:
    spent = [usage for model in models if (usage := _spent(model)) is not None]
    figures = {
        "calls": len(models),
        "errors": sum(_failed(model) for model in models),
        "input_tokens": sum(usage.input_tokens for usage in spent),
        "output_tokens": sum(usage.output_tokens for usage in spent),
        "cache_read_tokens": sum(usage.cache_read_tokens for usage in spent),
        "reasoning_tokens": sum(usage.reasoning_tokens for usage in spent),
        "total_ms": sum(_lasted_ns(model) for model in models) // 1_000_000,
        "unknown_usage_calls": sum(_is_unknown(model) for model in models),
    }
    seldom = {
        "cache_write_tokens": sum(usage.cache_write_tokens for usage in spent),
        "audio_tokens": sum(usage.audio_tokens for usage in spent),
        "cached_calls": sum(model.reply is not None and model.reply.reported == "cached" for model in models),
    }
    providers = {model.provider for model in models}
    named = {"provider": providers.pop()} if len(providers) == 1 and None not in providers else {}
    return {**figures, **{name: number for name, number in seldom.items() if number}, **named}


def _call(model: ModelRun, task: Run, span: Span) -> dict[str, Any]:
    told: dict[str, Any] = {
        "model": model_name(model),
        "start_ms": span.ms(model.start_ns),
        "end_ms": span.ms(span.end_of(model)),
    }
    ttft = ttft_ms(model)
    if ttft is not None:
        told["ttft_ms"] = ttft
    usage = _spent(model)
    if usage is not None:
        told |= {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
        told |= {"cache_read_tokens": usage.cache_read_tokens} if usage.cache_read_tokens else {}
        told |= {"reasoning_tokens": usage.reasoning_tokens} if usage.reasoning_tokens else {}
    elif model.reply is not None and model.reply.reported == "cached":
        told["cached"] = True
    if model.failure is not None:
        told["error"] = {"type": model.failure.type}
        # The exception's text is told once: by the node, when it went on to that.
        if model.failure is not task.failure and model.failure.message is not None:
            told["error"]["message"] = model.failure.message
    if model.system_prompt is not None:
        told["system_prompt"] = model.system_prompt
    return told


def _spent(model: ModelRun) -> Usage | None:
    return model.reply.usage if model.reply is not None else None


def _failed(model: ModelRun) -> bool:
    return model.failure is not None and model.failure.kind == "error"


def _is_unknown(model: ModelRun) -> bool:
    """Return whether a call may have used tokens that nobody reported.

    A call that failed before it gave a word was refused; one that was cut has used what it had streamed.
    """
    if _failed(model) and model.streamed is None and (model.reply is None or model.reply.usage is None):
        return False
    return model.reply is None or model.reply.reported == "unknown"


def _lasted_ns(model: ModelRun) -> int:
    return 0 if model.end_ns is None else model.end_ns - model.start_ns
