"""The handlers that are measured: ours, and one that does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import BaseCallbackHandler

if TYPE_CHECKING:
    from tuner_langchain import TunerCallbackHandler
    from tuner_langchain.delivery import Receipt


class NoOp(BaseCallbackHandler):
    """What any handler costs at the least: LangChain's own empty methods, called inline."""

    run_inline = True

    def on_chat_model_start(
        self,
        serialized: Any,
        messages: Any,
        *,
        run_id: Any,
        parent_run_id: Any = None,
        tags: Any = None,
        metadata: Any = None,
        **kwargs: Any,
    ) -> None:
        """Do nothing; LangChain's own method raises instead."""


class Discard:
    """An outlet that keeps the last document to look at, and sends none."""

    last: bytes = b"{}"

    def submit(self, call_id: str, body: bytes, **_: Any) -> Receipt:
        from tuner_langchain.delivery import Receipt

        self.last = body
        return Receipt.empty(call_id, "Not sent: this is a benchmark.")


def ours(outlet: Any = None) -> TunerCallbackHandler:
    """Return a new handler as users make it, whose document goes to `outlet` (default: nowhere)."""
    from tuner_langchain import TunerCallbackHandler

    return TunerCallbackHandler(call_type="web_call", delivery=outlet or Discard())
