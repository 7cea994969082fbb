"""A call's callbacks as JSON lines, one for each: what `replay` needs to work a real call out again in a test."""

from __future__ import annotations

import threading
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self

import orjson
from langchain_core.callbacks import BaseCallbackHandler

from tuner_langchain.langgraph import edges_on_stack
from tuner_langchain.masking import mask
from tuner_langchain.messages.tools import started_tool
from tuner_langchain.testing.encoding import Encoder, Sort

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike
    from types import TracebackType

    from tuner_langchain.testing.encoding import Redact

    _Base = BaseCallbackHandler
else:
    try:
        # Breakpoints and resumes are told to handlers of this class only; LangGraph before 1.1.8 has none.
        from langgraph.callbacks import GraphCallbackHandler as _Base
    except ImportError:
        _Base = BaseCallbackHandler

FORMAT: Final = 1
PACKAGES: Final = ("tuner-langchain", "langgraph", "langchain-core")
# Arguments that hold what people or programs wrote; all others are marks of the runs.
CONTENT: Final = frozenset(
    {"inputs", "outputs", "prompt", "response", "error", "data", "event", "query", "input_str"}
)
# LangChain's handler of streamed tokens is given each chunk twice; the text is enough.
LEFT_OUT: Final = frozenset({"chunk", "color"})


class EventLog(_Base):
    """Writes every callback of a call to a file, beside the handler or without it.

        log = EventLog("call.jsonl")
        graph.invoke(inputs, {"callbacks": [handler, log]})

    One log is one call. Each line is written at once, so a crash leaves what came before it. Secrets (values under
    keys like `api_key`, `authorization`, `password`) are masked. It is a tool for finding faults, not for every call
    of a busy service: inputs of nodes hold the whole conversation each time.

    Args:
        path: The file to write; one that exists is written anew.
        redact: Called with every text that people or programs wrote; returns what to write in its place. Names of
            nodes, tools and models and the answers of routers stay, because the timeline is made of them.
        clock: Nanoseconds that never go back.
    """

    run_inline = True

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        redact: Redact | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        super().__init__()
        self._encoder = Encoder(redact)
        self._clock = clock
        self._started_ns = clock()
        self._lock = threading.Lock()
        self._file: IO[bytes] = Path(path).open("wb")  # noqa: SIM115 - it stays open for the call
        self._append({"event_log": FORMAT, "packages": {name: _version(name) for name in PACKAGES}})

    def close(self) -> None:
        """Close the file; callbacks that come later are not written."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------ one method for each callback

    def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
        self._write("on_chain_start", inputs=inputs, **kwargs, edges=edges_on_stack())

    def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        self._write("on_chain_end", outputs=outputs, **kwargs)

    def on_chain_error(self, error: BaseException, **kwargs: Any) -> None:
        self._write("on_chain_error", error=error, **kwargs)

    def on_chat_model_start(self, serialized: Any, prompt: Any, **kwargs: Any) -> None:  # type: ignore[override]
        self._write("on_chat_model_start", serialized=_named(serialized), prompt=prompt, **kwargs)

    def on_llm_start(self, serialized: Any, prompts: Any, **kwargs: Any) -> None:
        self._write("on_llm_start", serialized=_named(serialized), prompt=prompts, **kwargs)

    def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
        self._write("on_llm_new_token", data=token, **kwargs)

    def on_stream_event(self, event: Any, **kwargs: Any) -> None:
        self._write("on_stream_event", event=event, **kwargs)

    def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        self._write("on_llm_end", response=response, **kwargs)

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        self._write("on_llm_error", error=error, **kwargs)

    def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> None:
        if "tool_call_id" not in kwargs and (started := started_tool()) is not None:
            # LangChain before 1.1.3 tells no id, and mixes the graph's state into the arguments.
            kwargs["tool_call_id"] = started.call_id
            if isinstance(inputs := kwargs.get("inputs"), dict):
                kwargs["inputs"] = {name: inputs[name] for name in inputs if name in started.arguments}
        self._write("on_tool_start", serialized=_named(serialized), input_str=input_str, **kwargs)

    def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        self._write("on_tool_end", outputs=output, **kwargs)

    def on_tool_error(self, error: BaseException, **kwargs: Any) -> None:
        self._write("on_tool_error", error=error, **kwargs)

    def on_retriever_start(self, serialized: Any, query: str, **kwargs: Any) -> None:
        self._write("on_retriever_start", serialized=_named(serialized), query=query, **kwargs)

    def on_retriever_end(self, documents: Any, **kwargs: Any) -> None:
        self._write("on_retriever_end", outputs=documents, **kwargs)

    def on_retriever_error(self, error: BaseException, **kwargs: Any) -> None:
        self._write("on_retriever_error", error=error, **kwargs)

    def on_custom_event(self, name: str, data: Any, **kwargs: Any) -> None:
        self._write("on_custom_event", event_name=name, data=data, **kwargs)

    def on_interrupt(self, event: Any) -> None:
        """Write that a graph waits for a human."""
        self._write("on_interrupt", event=event)

    def on_resume(self, event: Any) -> None:
        """Write that a graph goes on from where it had stopped."""
        self._write("on_resume", event=event)

    # ------------------------------------------------------------------ writing

    def _write(self, callback: str, /, **given: Any) -> None:
        at_ns = self._clock() - self._started_ns
        with self._lock:
            if self._file.closed:
                return
            told = {
                name: self._encoder.value(value, self._sort(name, given))
                for name, value in given.items()
                if name not in LEFT_OUT and (value is not None or name != "edges")
            }
            if "inputs" in given and callback == "on_chain_start":
                told["inputs_are"] = self._encoder.identity(given["inputs"])
            self._append({"on": callback, "at_ns": at_ns, **mask(told)})

    @staticmethod
    def _sort(name: str, given: Mapping[str, Any]) -> Sort:
        if name not in CONTENT:
            return "mark"
        # A bare string that a nested run answers with may be a router's; at the root it is what was said.
        return "answer" if name == "outputs" and given.get("parent_run_id") else "text"

    def _append(self, line: dict[str, Any]) -> None:
        self._file.write(orjson.dumps(line) + b"\n")
        self._file.flush()


def _named(serialized: Any) -> dict[str, Any]:
    """Return what is used of a serialized object: its names; the rest may hold anything, keys too."""
    found = serialized if isinstance(serialized, dict) else {}
    return {name: found[name] for name in ("name", "id") if name in found}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
