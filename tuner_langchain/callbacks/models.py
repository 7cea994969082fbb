"""What models tell: which was asked, when its first word came, what it said and what it used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tuner_langchain import messages
from tuner_langchain.callbacks.recorder import Recorder
from tuner_langchain.messages.tools import asked
from tuner_langchain.runs import ModelRun
from tuner_langchain.values import freeze_object, name_text

if TYPE_CHECKING:
    from uuid import UUID


class ModelCallbacks(Recorder):
    """Notes the calls of models; a token costs no more than keeping a reference to it."""

    def on_chat_model_start(  # type: ignore[override]  # LangChain names the prompt as we name a module
        self,
        serialized: Any,
        prompt: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        name = messages.requested_model(metadata, kwargs.get("invocation_params"), serialized)
        run = self._begin(ModelRun, run_id, parent_run_id, metadata, name)
        if run is None:
            return
        run.provider = name_text((metadata or {}).get("ls_provider"))
        run.purpose = messages.purpose(metadata, tags, kwargs.get("options"), kwargs.get("invocation_params"))
        if run.turn is not None:
            run.turn.incoming = messages.incoming(prompt[0] if prompt else None, self._messages_key)
        elif run.root.turn is not None and run.root.turn.words is None and run.root.turn.incoming.awaited:
            run.root.turn.words = messages.last_words(prompt)
        if self._capture.system_prompts:
            run.system_prompt = messages.system_prompt(prompt)

    def on_llm_start(self, serialized: Any, prompts: list[str], *, run_id: UUID, **kwargs: Any) -> None:
        self.on_chat_model_start(serialized, prompts, run_id=run_id, **kwargs)

    def on_llm_new_token(self, token: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._open(run_id)
        # A model's thoughts and the pieces of its tool calls are no words.
        spoken = token if type(token) is str else messages.spoken_part(token)
        if not spoken:
            return
        if isinstance(run, ModelRun) and run.root.end_ns is None:
            if run.streamed is None:
                run.first_token_ns = self._clock()
                run.streamed = []
            run.streamed.append(token if type(token) is list else spoken)

    def on_stream_event(self, event: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Take a model's words where it streams protocol events, and no tokens beside them."""
        run = self._open(run_id)
        if not isinstance(run, ModelRun) or (run.streamed is not None and not run.as_events):
            return
        text = messages.event_text(event)
        if text and run.root.end_ns is None:
            if run.streamed is None:
                run.first_token_ns = self._clock()
                run.streamed = []
                run.as_events = True
            run.streamed.append(text)

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._end(run_id)
        if isinstance(run, ModelRun):
            run.reply = messages.reply(response)
            if self._capture.tool_params:
                for call_id, arguments in asked(response):
                    self._record.asked[call_id] = freeze_object(arguments, self._capture.max_value_chars)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._fail(run_id, error)
        response = kwargs.get("response")
        if isinstance(run, ModelRun) and response is not None:
            run.reply = messages.reply(response)
