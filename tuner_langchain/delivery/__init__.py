"""From the bytes of a finished call to its receipt: the outbox on disk, the sender, and what became of each call.

The way of a call: `delivery` is what a program holds, `running` what one process has of it. `intake` writes a finished
call to the `outbox` (an `item` by name and bytes, `room` to be had, `place` still the same) and adds it to the
`schedule`. A thread of `worker`, or a `flush`, takes what is due and gives it to the `sender`, which makes a `claim`,
asks the `client` (`network` below it) and reads the `answer`; `verdict` says what that means, and `consequence` does
it: the file goes, waits with one of the `notes`, or dies. `breaker` and `policy` say when the next request may go out,
`search` finds what other processes left, `sweep` clears up after crashes, and `upload` follows with the recording. The
`receipt`, `events` and `stats` say what became of it; `upkeep` is for a person who looks at the files.

Importing this imports no HTTP library and starts no thread; the first finished call does. What only some programs
name is loaded when it is named.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tuner_langchain.delivery.delivery import Delivery
from tuner_langchain.delivery.receipt import Receipt

if TYPE_CHECKING:
    from tuner_langchain.delivery.events import DeliveryEvent
    from tuner_langchain.delivery.recording import Recording
    from tuner_langchain.delivery.stats import DeliveryStats, FlushResult

__all__ = ["Delivery", "DeliveryEvent", "DeliveryStats", "FlushResult", "Receipt", "Recording"]

_HOMES = {
    "DeliveryEvent": "events",
    "DeliveryStats": "stats",
    "FlushResult": "stats",
    "Recording": "recording",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"tuner_langchain.delivery.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
