"""Plays the steps of a random call to a handler."""

from __future__ import annotations

import random
import sys
import threading
import uuid
from asyncio import CancelledError
from contextlib import contextmanager, suppress
from linecache import getline
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, Generation, LLMResult
from langgraph.errors import GraphInterrupt, ParentCommand
from langgraph.types import Command, Interrupt

import tuner_langchain
from search.hooks import HOOKS
from search.steps import Step, facts, steps
from search.values import ODD, chunk, made
from tuner_langchain import Capture
from tuner_langchain.errors import CallFactError
from tuner_langchain.testing import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGE = str(Path(tuner_langchain.__file__).parent)
IDS = [uuid.UUID(int=number + 1) for number in range(9)]


class NoText(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


ERRORS: dict[str, Callable[[], BaseException]] = {
    "value": lambda: ValueError("no table"),
    "cancelled": CancelledError,
    "interrupt": lambda: GraphInterrupt((Interrupt(value={"ask": "sure?"}),)),
    "closed": GeneratorExit,
    "no text": NoText,
    "parent command": lambda: ParentCommand(Command(goto="b", graph=Command.PARENT)),
}
WORDS = {
    "right": [{"word": "Hello", "start_ms": 10, "end_ms": 300}, {"word": "there", "start_ms": 310, "end_ms": 600}],
    "backwards": [{"word": "Hello", "start_ms": 900, "end_ms": 100, "confidence": 0.5}],
    "late": [{"word": "Hello", "start_ms": 10**8, "end_ms": 10**8 + 5}],
    "wrong": [{"word": 3}],
}  # fmt: skip


class Clock:
    """Stands still, goes on and jumps back, as the steps say."""

    def __init__(self) -> None:
        self.now_ns = 10**12

    def __call__(self) -> int:
        return self.now_ns


class Case:
    """One random call: all that its seed decides."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self.seed = seed
        switches = ("words", "tool_params", "tool_results", "error_messages", "interrupt_values", "events")
        off = ("node_inputs", "node_outputs", "system_prompts")
        self.capture: dict[str, Any] = {name: rng.random() < 0.8 for name in switches}
        self.capture |= {name: rng.random() < 0.3 for name in off}
        self.capture["max_value_chars"] = rng.choice((20, 300, 20_000))
        self.capture["max_document_bytes"] = rng.choice((10_000, 5_000_000))
        self.hook: str = rng.choice((*("none",) * len(HOOKS), *HOOKS))
        self.first = facts(rng) if rng.random() < 0.2 else {}
        self.last = facts(rng) if rng.random() < 0.4 else {}
        self.steps: list[Step] = steps(rng)
        self.late: list[Step] = steps(rng)[:3]
        self.threads = rng.random() < 0.05
        self.interrupts: dict[int, int] = {
            rng.randrange(len(self.steps)): rng.randrange(1, 60) for _ in range(rng.choice((0, 0, 0, 1, 2)))
        }
        # Where `finalize` is interrupted: any line of it, or one of the few lines that decide what is kept and sent.
        self.end: int | None = int(10 ** rng.uniform(0, 4)) if rng.random() < 0.2 else None
        self.end_within = ""
        if self.end is None and rng.random() < 0.2:
            self.end, self.end_within = rng.randrange(1, 60), "finalizer.py"

    def __repr__(self) -> str:
        lines = [f"  {step!r}" for step in self.steps]
        told = (
            f"Case({self.seed})", f"capture={self.capture}", f"hook={self.hook}", f"first={self.first}",
            f"last={self.last}", f"threads={self.threads}", f"interrupts={self.interrupts}",
            f"end={self.end} {self.end_within}",
        )  # fmt: skip
        return "\n".join((*told, *lines))


class Played:
    """A case that was played: the handler, and how many tools and spoken turns it took in."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.clock = Clock()
        self.tools: set[uuid.UUID] = set()
        self.error: Exception | None = None
        options = Capture(**case.capture, redact=HOOKS.get(case.hook))
        try:
            self.call: Any = record(capture=options, clock=self.clock, **_facts(case.first))
        except CallFactError:
            self.call = record(capture=options, clock=self.clock)

    def run(self) -> bytes | None:
        """Play all, finalise, and return the document."""
        if self.case.threads:
            half = len(self.case.steps) // 2
            other = threading.Thread(target=self._elsewhere, args=(self.case.steps[:half],))
            other.start()
            self._all(self.case.steps[half:])
            other.join()
            if self.error is not None:
                raise self.error
        else:
            self._all(self.case.steps, self.case.interrupts)
        with interrupted_at(self.case.end, self.case.end_within), suppress(CallFactError):
            self.call.finalize(**_facts(self.case.last))
        receipt = self.call.finalize()
        assert receipt.state == ("empty" if self.call.body is None else "delivered"), receipt
        self._all(self.case.late)
        body: bytes | None = self.call.body
        return body

    def _elsewhere(self, told: list[Step]) -> None:
        try:
            self._all(told)
        except Exception as error:  # noqa: BLE001 - told by the thread that searches
            self.error = error

    def _all(self, told: list[Step], interrupts: dict[int, int] | None = None) -> None:
        for number, (kind, how) in enumerate(told):
            with interrupted_at((interrupts or {}).get(number)):
                getattr(self, f"_{kind}", self._end_of(kind))(how)

    # ------------------------------------------------------------------ callbacks

    def _ids(self, how: dict[str, Any]) -> dict[str, Any]:
        parent = how["parent"]
        return {"run_id": IDS[how["run"]], "parent_run_id": None if parent is None else IDS[parent]}

    def _chain_start(self, how: dict[str, Any]) -> None:
        metadata: dict[str, Any] = {"thread_id": ODD[how["thread"]]()}
        tags = ["langsmith:hidden"] if how["hidden"] else []
        if how["as_node"]:
            ns: Any = [how["name"]] if how["ns"] == "list" else f"{how['name']}:{how['run']}"
            metadata |= {
                "langgraph_node": how["name"], "langgraph_step": how["step"], "langgraph_checkpoint_ns": ns,
                "langgraph_path": ("__pregel_pull", how["name"]),
            }  # fmt: skip
            tags.append(f"graph:step:{how['step']}")
        if how["seq"]:
            tags.append("seq:step:2")
        messages = made(how["messages"])
        inputs = self._state(how["inputs"], messages)
        ids = self._ids(how)
        self.call.on_chain_start(None, inputs, **ids, name=how["name"], tags=tags, metadata=metadata)

    def _state(self, what: str, messages: list[Any]) -> Any:
        return {"state": {"messages": messages, "n": 1}, "messages": messages}.get(what) or ODD.get(
            what, lambda: None
        )()

    def _chain_end(self, how: dict[str, Any]) -> None:
        self.call.on_chain_end(self._state(how["outputs"], made(how["messages"])), run_id=IDS[how["run"]])

    def _chat_model_start(self, how: dict[str, Any]) -> None:
        metadata = {"ls_model_name": ODD[how["odd"]](), "ls_provider": "p", "thread_id": ODD[how["thread"]]()}
        self.call.on_chat_model_start(
            {"name": how["name"]}, [made(how["messages"])], **self._ids(how), metadata=metadata
        )

    def _llm_start(self, how: dict[str, Any]) -> None:
        self.call.on_llm_start({"name": how["name"]}, ["Human: hello"], **self._ids(how))

    def _llm_new_token(self, how: dict[str, Any]) -> None:
        self.call.on_llm_new_token("Right", chunk=chunk("Right"), run_id=IDS[how["run"]])

    def _stream_event(self, how: dict[str, Any]) -> None:
        self.call.on_stream_event(ODD[how["value"]](), run_id=IDS[how["run"]])

    def _llm_end(self, how: dict[str, Any]) -> None:
        said = [message for message in made(how["messages"]) if isinstance(message, AIMessage)]
        found: list[Any] = [ChatGeneration.model_construct(message=message, text="") for message in said]
        self.call.on_llm_end(
            LLMResult(generations=[found or [Generation(text="Plain")]]), run_id=IDS[how["run"]]
        )

    def _tool_start(self, how: dict[str, Any]) -> None:
        name = ODD[how["odd"]]() if how["odd_name"] else how["name"]
        call_id: dict[str, Any] = {} if how["call_id"] == "absent" else {"tool_call_id": how["call_id"]}
        if how["call_id"] == "list":
            call_id = {"tool_call_id": ["c1"]}
        known = IDS[how["run"]] in self.tools or IDS[how["run"]].int in self.call._record.open
        self.call.on_tool_start(
            {"name": name}, "input", **self._ids(how), inputs=ODD[how["inputs"]](), **call_id
        )
        if not known and not self.call.finalized:
            self.tools.add(IDS[how["run"]])

    def _retriever_start(self, how: dict[str, Any]) -> None:
        self.call.on_retriever_start(None, "query", **self._ids(how), name=how["name"])

    def _custom_event(self, how: dict[str, Any]) -> None:
        self.call.on_custom_event(how["name"], ODD[how["value"]](), run_id=IDS[how["run"]])

    def _interrupt(self, how: dict[str, Any]) -> None:
        self.call.on_interrupt(SimpleNamespace(run_id=IDS[how["run"]], status=how["status"]))

    def _resume(self, how: dict[str, Any]) -> None:
        self.call.on_resume(SimpleNamespace(run_id=IDS[how["run"]], status=how["status"]))

    def _end_of(self, kind: str) -> Callable[[dict[str, Any]], None]:
        def end(how: dict[str, Any]) -> None:
            value = ERRORS[how["error"]]() if kind.endswith("error") else ODD[how["value"]]()
            getattr(self.call, f"on_{kind}")(value, run_id=IDS[how["run"]])

        return end

    # ------------------------------------------------------------------ what the program says itself

    def _user_turn(self, how: dict[str, Any]) -> None:
        self._say(self.call.add_user_turn, how, {})

    def _agent_turn(self, how: dict[str, Any]) -> None:
        self._say(self.call.add_agent_turn, how, {"spoken_text": how["heard"]})

    def _say(self, add: Callable[..., None], how: dict[str, Any], more: dict[str, Any]) -> None:
        with suppress(CallFactError):
            add(
                how["text"],
                start_ms=how["start_ms"],
                end_ms=how["end_ms"],
                words=WORDS.get(how["words"]),
                **more,
            )

    def _update(self, how: dict[str, Any]) -> None:
        with suppress(CallFactError):
            self.call.update(**_facts(how["facts"]))

    def _look(self, how: dict[str, Any]) -> None:
        if not self.case.threads:
            assert len(self.call.timeline) >= 0

    def _tick(self, how: dict[str, Any]) -> None:
        self.clock.now_ns += int(how["ms"] * 1_000_000)


def _facts(told: dict[str, tuple[str, Any]]) -> dict[str, Any]:
    return {name: ODD[value]() if kind == "odd" else value for name, (kind, value) in told.items()}


@contextmanager
def interrupted_at(line: int | None, within: str = "") -> Iterator[None]:
    """Raise KeyboardInterrupt at the given line of the package's code, as Ctrl-C does, and let it be."""
    place = str(Path(PACKAGE, within))
    if line is None:
        yield
        return
    left = line

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.startswith(place):
            return None
        # Python delivers no signal between a block and the release of what its `with` holds, where a trace may raise.
        if event == "line" and not getline(frame.f_code.co_filename, frame.f_lineno).lstrip().startswith(
            "with "
        ):
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
