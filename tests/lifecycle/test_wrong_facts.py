"""Whatever is given as a fact, the call ends, and without it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hostile.objects import SAID, Cancels, HalfMade, Leaves, Raises

from lifecycle.calls import Outlet, in_time, take_turn
from tuner_langchain import CallFactError, Recording, TunerCallbackHandler


class Fails(Mapping[str, Any]):
    """A mapping of which nothing can be read."""

    def __getitem__(self, key: str) -> Any:
        raise RuntimeError(SAID)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError(SAID)

    def __len__(self) -> int:
        raise RuntimeError(SAID)


class NoExtension:
    """A recording that does not say of what kind it is."""

    audio = b"RIFF"

    @property
    def file_extension(self) -> str:
        raise RuntimeError(SAID)


WRONG: dict[str, Callable[[], dict[str, Any]]] = {
    "array": lambda: {"user_sentiment": np.array(["a", "b"])},
    "NA": lambda: {"user_sentiment": pd.NA},
    "unequal": lambda: {"user_sentiment": Raises()},
    "leaves": lambda: {"call_type": Leaves()},
    "cancels": lambda: {"duration_ms": Cancels()},
    "headers": lambda: {"sip_headers": Fails()},
    "frame": lambda: {"call_cost": pd.DataFrame({"a": [1]})},
    "recording": lambda: {"recording": NoExtension()},
    "timestamp": lambda: {"end_timestamp": pd.NaT},
    "unknown": lambda: {"call_typ": "x"},
    "first fact": lambda: {"call_id": "another"},
}
ODD: dict[str, Callable[[], Any]] = {
    "array": lambda: np.array(["a", "b"]),
    "NA": lambda: pd.NA,
    "raises": Raises,
    "leaves": Leaves,
    "half made": lambda: HalfMade("t7"),
}


def _ended(outlet: Outlet, handler: TunerCallbackHandler) -> None:
    assert in_time(handler.finalize) is handler.receipt is not None
    assert outlet.document["call_id"] == handler.call_id
    assert not {"user_sentiment", "sip_headers", "call_cost", "call_typ"} & outlet.document.keys()
    assert SAID not in outlet.bodies[0].decode()


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("way", ["finalize", "afinalize", "update", "constructor"])
def test_a_fact_that_cannot_be_read_costs_that_fact(name: str, way: str) -> None:
    """A CallFactError says which, without what it holds; the call is sent without it, and asking again returns."""
    outlet = Outlet()
    handler = TunerCallbackHandler(delivery=outlet)
    take_turn(handler)
    facts = WRONG[name]()

    def give() -> Any:
        if way == "finalize":
            return handler.finalize(**facts)
        if way == "afinalize":
            return asyncio.run(handler.afinalize(**facts))
        return handler.update(**facts) if way == "update" else TunerCallbackHandler(delivery=outlet, **facts)

    if way == "constructor" and name == "first fact":
        pytest.skip("a call id is given there")
    with pytest.raises(CallFactError, match=next(iter(facts))) as wrong:
        in_time(give)

    assert SAID not in str(wrong.value)
    _ended(outlet, handler)


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("fact", ["metadata", "collected_dynamic_variables", "call_analysis"])
def test_an_odd_value_inside_a_fact_costs_that_value(name: str, fact: str) -> None:
    """The object of which it is a part stays one, with the rest of its keys."""
    outlet = Outlet()
    handler = TunerCallbackHandler(delivery=outlet)
    take_turn(handler)
    in_time(lambda: handler.finalize(**{fact: {"odd": ODD[name](), "room": "r1"}}))  # type: ignore[arg-type]

    assert outlet.document[fact]["room"] == "r1"


@pytest.mark.parametrize("name", ["array", "raises", "leaves", "NA"])
@pytest.mark.parametrize("field", ["text", "start_ms", "end_ms", "words", "confidence", "stt_node_ttfb"])
def test_an_odd_value_of_a_spoken_turn_is_an_error(name: str, field: str) -> None:
    """Nothing is added, and the call ends as ever."""
    outlet = Outlet()
    handler = TunerCallbackHandler(delivery=outlet)
    take_turn(handler)
    given: dict[str, Any] = {"text": "Hello there", field: ODD[name]()}
    with pytest.raises(CallFactError):
        in_time(lambda: handler.add_user_turn(**given))

    _ended(outlet, handler)
    assert "Hello there" not in outlet.bodies[0].decode()


@pytest.mark.parametrize("name", ["raises", "leaves"])
def test_a_with_block_ends_a_call_with_an_odd_error(name: str) -> None:
    """An exception whose text cannot be had marks the call as failed and goes on."""

    class OddError(Exception):
        def __str__(self) -> str:
            return str(ODD[name]())

    outlet = Outlet()

    def call() -> None:
        with TunerCallbackHandler(delivery=outlet) as handler:
            take_turn(handler)
            raise OddError

    with pytest.raises(OddError):
        in_time(call)
    assert outlet.document["call_successful"] is False


@pytest.mark.parametrize("error", [OSError(SAID), ValueError(SAID)], ids=["OSError", "ValueError"])
def test_an_outlet_that_raises_loses_the_call_and_says_so(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """The receipt says `lost` and why; asking again returns it."""

    class Broken(Outlet):
        def submit(self, call_id: str, body: bytes, *, recording: Any = None) -> Any:
            raise error

    handler = TunerCallbackHandler(delivery=Broken())
    take_turn(handler)
    receipt = in_time(handler.finalize)

    assert receipt.state == "lost"
    assert f"Broken raised {type(error).__name__}" in str(receipt.message)
    assert handler.finalize() is receipt
    assert SAID not in caplog.text


def test_a_numpy_confidence_is_a_plain_number() -> None:
    """A share of a numeric library's class is sent as any other."""
    outlet = Outlet()
    handler = TunerCallbackHandler(delivery=outlet)
    handler.add_user_turn("Hello there", confidence=np.float64(0.5))
    handler.finalize()

    (row,) = outlet.document["transcript_with_tool_calls"]
    assert row["metadata"]["transcript_confidence"] == 0.5


def test_a_cost_that_ends_the_program_costs_the_cost() -> None:
    """A function for the cost may raise anything."""
    outlet = Outlet()

    def cost(usage: Any) -> float:
        raise SystemExit(SAID)

    handler = TunerCallbackHandler(delivery=outlet, call_cost=cost)
    take_turn(handler)

    assert in_time(handler.finalize).state == "delivered"
    assert "call_cost" not in outlet.document


@pytest.mark.parametrize("way", ["finalize", "afinalize"])
def test_both_ways_of_ending_a_call_can_be_awaited(way: str) -> None:
    """`await handler.finalize()` is the receipt too."""
    outlet = Outlet()
    handler = TunerCallbackHandler(delivery=outlet)
    take_turn(handler)

    async def end() -> Any:
        return await getattr(handler, way)()

    assert asyncio.run(end()) is handler.receipt is not None


def test_a_recording_is_kept_without_its_odd_extension() -> None:
    """`Recording` itself is taken as ever."""
    outlet = Outlet()
    handler = TunerCallbackHandler(delivery=outlet)
    take_turn(handler)
    handler.finalize(recording=Recording(b"RIFF", "wav"))

    assert outlet.document["recording_file_extension"] == "wav"
