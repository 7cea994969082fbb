"""What chains tell: graphs, the nodes in them, routers, and the steps of plain chains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from tuner_langchain import langgraph, messages
from tuner_langchain.callbacks.recorder import Recorder
from tuner_langchain.messages.state import without_history
from tuner_langchain.outcome import ask
from tuner_langchain.runs import ChainRun, Pause, Refused, Turn

if TYPE_CHECKING:
    from tuner_langchain.messages.tools import ToolAnswer


class ChainCallbacks(Recorder):
    """Notes which runs are nodes, where they lead, and what they add to the conversation."""

    def on_chain_start(
        self,
        serialized: Any,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        run = self._begin(ChainRun, run_id, parent_run_id, metadata, name)
        if run is None:
            return
        langgraph.mark(run, tags, metadata)
        if run.turn is not None:
            run.turn.incoming = messages.incoming(inputs, self._messages_key)
        if run.is_task:
            self._record.tasks[run.ns] = run  # type: ignore[index]  # a task has a namespace
            run.last_input = messages.last_message(inputs, self._messages_key)
            run.input_id = id(inputs)
            if self._capture.node_inputs:
                run.input_json = self._frozen(without_history(inputs, self._messages_key))
        else:
            run.edges = langgraph.edges_on_stack()
            if run.edges is not None and run.edges.remote:
                self._notices.remote_nodes(run.edges.remote)
            run.given = langgraph.read_given(inputs)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._end(run_id)
        if not isinstance(run, ChainRun):
            return
        if run.is_task:
            self._note_update(run, outputs)
        elif run.seq or run.routes_for is not None:
            run.output = langgraph.read_route(outputs)
        if run.turn is not None:
            self._conclude(run.turn, outputs, kwargs.get("inputs"))
            self._close(run.turn)

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._fail(run_id, error)
        if not isinstance(run, ChainRun):
            return
        if run.is_task and run.failure is not None and run.failure.kind == "handed_over":
            self._note_update(run, error.args[0])
        if run.turn is not None:
            self._hear_late(run.turn, kwargs.get("inputs"))
            self._close(run.turn)

    def _close(self, turn: Turn) -> None:
        turn.over = True
        self._ahead.turn_over()

    def _note_update(self, run: ChainRun, outputs: Any) -> None:
        """Note what a node's execution returned: words, where to go next, tool calls it answered itself."""
        key = self._messages_key
        said = messages.added(outputs, key, run.last_input)
        if said is not None:
            run.said = said
            if said.failed:
                run.refused = self._refused(said.failed)
        if type(outputs) is not dict:  # an ordinary update leads nowhere
            run.output = langgraph.read_returned(outputs)
        if self._capture.node_outputs:
            run.output_json = self._frozen(without_history(outputs, key))

    def _refused(self, answers: tuple[ToolAnswer, ...]) -> tuple[Refused, ...]:
        return tuple(
            Refused(answer.call_id or "", answer.name, self._tool_error(answer)) for answer in answers
        )

    def _conclude(self, turn: Turn, outputs: Any, inputs: Any) -> None:
        """Note what a turn's outcome says was answered."""
        self._hear_late(turn, inputs)
        turn.answers = messages.answers(outputs, self._messages_key)
        if self._agent_text is not None:
            turn.spoken_text = ask(self._agent_text, outputs)

    def _hear_late(self, turn: Turn, inputs: Any) -> None:
        """Take the caller's words from a turn's end where a chain was fed as a stream and began without them."""
        if inputs is not None and not turn.incoming.said:
            turn.incoming = messages.incoming(inputs, self._messages_key)

    def on_interrupt(self, event: Any) -> None:
        """Take note of a graph that waits for a human; the only sign of a breakpoint."""
        self._pause(event.run_id, event.status)

    def on_resume(self, event: Any) -> None:
        """Take note of a graph that goes on from where it had stopped."""
        run = self._open(event.run_id)
        if isinstance(run, ChainRun) and run.given is None:
            run.given = ()

    def _pause(self, run_id: UUID | None, status: str) -> None:
        run = self._open(run_id)
        pauses = self._record.pauses
        if run is not None and not (pauses and pauses[-1].root is run):  # told twice when passed twice
            pauses.append(Pause(run, status, self._clock()))
