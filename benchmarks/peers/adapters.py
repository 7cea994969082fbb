"""How each handler is made and how its data is sent at the end of a call, as its own documentation says.

Every function is called inside the environment of its own packages, with the address of the sink.
"""

# The packages are installed where these functions run, not where they are checked.
# mypy: disable-error-code="import-not-found, import-untyped"
from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from typing import Any, NamedTuple

from langchain_core.callbacks import BaseCallbackHandler

from benchmarks.handlers import NoOp

_kept: list[object] = []


class Adapter(NamedTuple):
    """Makes a handler for one call, and sends what it recorded."""

    make: Callable[[], BaseCallbackHandler]
    flush: Callable[[Any], object]


def no_op(address: str) -> Adapter:
    """Return the handler that does nothing."""
    return Adapter(NoOp, lambda handler: None)


def tuner_langchain(address: str) -> Adapter:
    """Return this project's handler, with an outbox on the disk; flushing waits for the service's answer."""
    from tuner_langchain import Delivery, TunerCallbackHandler, TunerConfig

    config = TunerConfig(
        api_key="benchmark",
        workspace_id=1,
        agent_id="benchmark",
        base_url=address,
        outbox_dir=tempfile.mkdtemp(),
    )
    delivery = Delivery(config)
    return Adapter(
        lambda: TunerCallbackHandler(delivery=delivery), lambda handler: handler.finalize().wait(timeout=30)
    )


def published(address: str) -> Adapter:
    """Return the handler of the tuner-langchain that the index serves, with tuner-core's session to send it."""
    import tuner_core
    from tuner_langchain.handlers.langgraph import TunerLangGraphHandler

    from tuner_langchain import TunerAccumulator

    config = tuner_core.TunerConfig(
        api_key="benchmark", workspace_id=1, agent_id="benchmark", base_url=address
    )

    def flush(handler: Any) -> None:
        session = tuner_core.TunerSession(config=config, call_id="benchmark")
        session.attach(handler)
        asyncio.run(session.flush())

    return Adapter(lambda: TunerLangGraphHandler(TunerAccumulator()), flush)


def langsmith(address: str) -> Adapter:
    """Return langchain-core's own tracer for LangSmith."""
    from langchain_core.tracers import LangChainTracer
    from langsmith import Client

    client = Client(api_url=address, api_key="benchmark")
    # Its thread counts the references to the client and ends where it finds few, and then a flush never returns.
    _kept.extend([client] * 100)
    return Adapter(lambda: LangChainTracer(client=client), lambda handler: client.flush())


def langfuse(address: str) -> Adapter:
    """Return Langfuse's handler."""
    from langfuse import Langfuse
    from langfuse.langchain import CallbackHandler

    client = Langfuse(public_key="benchmark", secret_key="benchmark", host=address)
    return Adapter(CallbackHandler, lambda handler: client.flush())


def openinference(address: str) -> Adapter:
    """Return OpenInference's tracer, with OpenTelemetry's batches and a queue that drops nothing."""
    from openinference.instrumentation import OITracer, TraceConfig
    from openinference.instrumentation.langchain._tracer import OpenInferenceTracer
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    exporter = OTLPSpanExporter(endpoint=f"{address}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=200_000))
    tracer = OITracer(provider.get_tracer("benchmark"), config=TraceConfig())
    return Adapter(
        lambda: OpenInferenceTracer(tracer, separate_trace_from_runtime_context=False),
        lambda handler: provider.force_flush(),
    )


ADAPTERS: dict[str, Callable[[str], Adapter]] = {
    "no-op": no_op,
    "ours": tuner_langchain,
    "published": published,
    "langsmith": langsmith,
    "langfuse": langfuse,
    "openinference": openinference,
}
