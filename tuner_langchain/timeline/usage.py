"""Which models answered, and what they used. Pure.

All figures are of model calls as LangChain's callbacks told them, each call counted once. A call whose model
reported no tokens counts as unknown, not as zero; an answer from LangChain's cache was not spent again.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tuner_langchain.runs import ModelRun
from tuner_langchain.timeline.lines import Line, model_name, ttft_ms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tuner_langchain.messages import Usage
    from tuner_langchain.runs import Run
    from tuner_langchain.timeline.clock import Span

UNNAMED = "unknown"


class ModelSums:
    """What each model used, summed up as its calls are read."""

    def __init__(self) -> None:
        self.by_name: dict[str | None, _Sum] = {}

    def read(self, runs: Iterable[Run]) -> None:
        """Take in the model calls among these runs."""
        for run in runs:
            if isinstance(run, ModelRun):
                name = model_name(run)
                found = self.by_name.get(name)
                if found is None:
                    found = self.by_name[name] = _Sum()
                found.add(run)


def usage_metadata(models: ModelSums, lines: Iterable[Line] = ()) -> dict[str, Any]:
    """Return `ai_models`, `usage_token` and `llm_usage` of a call's metadata."""
    found: dict[str, Any] = {}
    speaker = speaking_model(models, lines)
    if speaker is not None:
        found["ai_models"] = {"llm_model": speaker}
    sums = models.by_name
    if any(sum_.spent for sum_ in sums.values()):
        found["usage_token"] = {"llm_token": sum(sum_.total_tokens for sum_ in sums.values())}
    if sums:
        found["llm_usage"] = {name or UNNAMED: sum_.figures() for name, sum_ in sums.items()}
    return found


def speaking_model(models: ModelSums, lines: Iterable[Line]) -> str | None:
    """Return the model that spoke to the caller: the one with the most lines, then with the most tokens."""
    spoken = Counter(model_name(line.model) for line in lines if line.model is not None)
    tokens = {name: sum_.total_tokens for name, sum_ in models.by_name.items() if name}
    return max(tokens, key=lambda name: (spoken[name], tokens[name]), default=None)


class _Sum:
    """The figures of one model's calls."""

    def __init__(self) -> None:
        self.calls = self.errors = self.unknown = self.cached = self.spent = 0
        self.lasted_ns = self.total_tokens = 0
        self.input = self.output = self.cache_read = self.reasoning = self.cache_write = self.audio = 0
        self.providers: set[str | None] = set()

    def add(self, model: ModelRun) -> None:
        self.calls += 1
        self.errors += _failed(model)
        self.unknown += _is_unknown(model)
        self.cached += model.reply is not None and model.reply.reported == "cached"
        self.lasted_ns += 0 if model.end_ns is None else max(0, model.end_ns - model.start_ns)
        self.providers.add(model.provider)
        usage = _spent(model)
        if usage is None:
            return
        self.spent += 1
        self.total_tokens += usage.total_tokens
        self.input += usage.input_tokens
        self.output += usage.output_tokens
        self.cache_read += usage.cache_read_tokens
        self.reasoning += usage.reasoning_tokens
        self.cache_write += usage.cache_write_tokens
        self.audio += usage.audio_tokens

    def figures(self) -> dict[str, Any]:
        figures = {
            "calls": self.calls,
            "errors": self.errors,
            "input_tokens": self.input,
            "output_tokens": self.output,
            "cache_read_tokens": self.cache_read,
            "reasoning_tokens": self.reasoning,
            "total_ms": self.lasted_ns // 1_000_000,
            "unknown_usage_calls": self.unknown,
        }
        seldom = {
            "cache_write_tokens": self.cache_write,
            "audio_tokens": self.audio,
            "cached_calls": self.cached,
        }
        known = next(iter(self.providers)) if len(self.providers) == 1 else None
        named = {"provider": known} if known is not None else {}
        return {**figures, **{name: number for name, number in seldom.items() if number}, **named}


def model_calls(task: Run, models: Iterable[ModelRun], span: Span) -> list[dict[str, Any]]:
    """Return the model calls made in a node, for its row; `models` are those whose closest node it is."""
    return [_call(model, task, span) for model in models]


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
