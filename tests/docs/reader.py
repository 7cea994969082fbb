"""What a reader of the pages has at hand: an account, finished calls, and one that was refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from tuner_langchain import TunerCallbackHandler
from tuner_langchain.demo import restaurant, script
from tuner_langchain.testing import LocalTuner, record

CALL_ID = "call-7f3a"
Handler = TypeVar("Handler", bound=TunerCallbackHandler)
# What the README's reader has: a graph, and the caller's words.
READMES_OWN = """
from tuner_langchain.demo import restaurant, script
graph = restaurant.build_graph(script.classifier(), script.booking_model()).with_config(
    configurable={"thread_id": "readme"}
)
caller = script.CALLER
"""
REFUSAL = {"detail": [{"loc": ["body", "call_type"], "msg": "Field required", "type": "missing"}]}


def settle(directory: Path, tuner: LocalTuner, outbox: Path) -> None:
    """Put a reader's things into their directory: all of them made by the product itself.

    `call.json` and `calls/` (a local Tuner's) hold the call that the pages name; in the outbox the same call lies
    refused.
    """
    (directory / "call.json").write_text(json.dumps(_spoken(record(call_id=CALL_ID)).document))
    with LocalTuner(directory / "calls") as kept:
        config = kept.config(outbox_dir=outbox)
        _spoken(TunerCallbackHandler(config=config, call_id=CALL_ID)).finalize().wait(timeout=10)
    tuner.answer_next(422, body=REFUSAL)
    config = tuner.config(outbox_dir=outbox)
    receipt = _spoken(TunerCallbackHandler(config=config, call_id=CALL_ID)).finalize().wait(timeout=10)
    assert receipt.state == "dead", receipt


def _spoken(handler: Handler) -> Handler:
    config = {"callbacks": [handler], "configurable": {"thread_id": handler.call_id}}
    graph = restaurant.build_graph(script.classifier(), script.booking_model())
    graph.invoke({"messages": [("user", script.CALLER[0])]}, config)
    return handler
