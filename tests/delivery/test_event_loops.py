"""On an event loop that forbids blocking calls, as `langgraph dev` runs one: nothing raises and nothing is lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockingError, blockbuster_ctx

from delivery.conftest import call_body, make_config
from delivery.server import ScriptedServer
from tuner_langchain.delivery import Delivery, Recording
from tuner_langchain.delivery.fs import FileSystem
from tuner_langchain.delivery.off_loop import off_loop

NOWHERE = "http://127.0.0.1:9"


def on_a_strict_loop(do: Callable[[], Any]) -> Any:
    """Run a function on an event loop where blocking calls raise."""

    async def main() -> Any:
        with blockbuster_ctx():
            return do()

    return asyncio.run(main())


def test_the_loop_is_strict(tmp_path: Path) -> None:
    """The check of the next tests can fail: a file that is opened there raises."""
    with pytest.raises(BlockingError):
        on_a_strict_loop((tmp_path / "x").mkdir)


@pytest.mark.parametrize("shared", [False, True])
def test_a_call_finished_on_a_strict_loop_is_kept_and_delivered(
    server: ScriptedServer, outbox_dir: Path, shared: bool
) -> None:
    """Making a Delivery there, submitting, asking and leaving."""
    config = make_config(server.url, outbox_dir, outbox_max_bytes=10**7 + shared)

    def finish() -> tuple[Any, ...]:
        delivery = Delivery.shared(config) if shared else Delivery(config, on_event=lambda event: None)
        receipt = delivery.submit("call-1", call_body("call-1"), recording=Recording(b"RIFF", "wav"))
        durable = receipt.durable
        state = receipt.wait(10).state
        return (
            durable,
            state,
            delivery.flush(5).pending,
            delivery.stats().delivered,
            delivery.close(1).pending,
        )

    assert on_a_strict_loop(finish) == (True, "delivered", 0, 1, 0)


@pytest.mark.parametrize("error", [RuntimeError("forbidden"), BlockingError("os.open"), MemoryError()])
def test_whatever_keeps_a_call_from_the_disk_it_is_sent(
    server: ScriptedServer, make_delivery: Callable[..., Delivery], error: Exception
) -> None:
    """Not only the errors of an operating system: the call waits in memory and is sent from there."""

    class Forbidden(FileSystem):
        def create(self, path: str) -> int:
            raise error

    receipt = make_delivery(files=Forbidden()).submit("call-1", call_body("call-1"))
    assert (receipt.durable, receipt.wait(10).state) == (False, "delivered")
    assert list(server.stored) == ["call-1"]


def test_work_is_done_elsewhere_only_on_a_loop() -> None:
    """Everybody else pays for no thread; what the work raises is raised to who asked."""
    here = threading.get_ident()
    assert off_loop(threading.get_ident) == here

    async def main() -> int:
        with pytest.raises(ZeroDivisionError):
            off_loop(lambda: 1 // 0)
        return off_loop(threading.get_ident)

    assert asyncio.run(main()) != here


def test_a_wait_on_a_strict_loop_ends_in_time(
    outbox_dir: Path, make_delivery: Callable[..., Delivery]
) -> None:
    """A time-out is no error there either."""
    delivery = make_delivery(make_config(NOWHERE, outbox_dir))
    receipt = delivery.submit("call-1", call_body("call-1"))
    assert on_a_strict_loop(lambda: receipt.wait(0.05).state) == "pending"
