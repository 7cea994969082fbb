"""Calls that nobody finalised: their handler is gone, or the program ends. They are reported, and sent all the same.

A handler is let go wherever the garbage collector runs, in any thread and at any line; nothing may be done there but
put a note on a queue. A thread that waits for such notes is started by the first turn that a process records.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import logging
import os
import threading
import weakref
from queue import SimpleQueue
from typing import TYPE_CHECKING

from tuner_langchain import delivery as _delivery  # noqa: F401 - at exit, calls are finalised before it leaves
from tuner_langchain.notices import FORGOTTEN, FORGOTTEN_AND_NOT_SENT

if TYPE_CHECKING:
    from tuner_langchain.finalizer import Finalizer

log = logging.getLogger("tuner_langchain")


class Watch:
    """The calls of one process that have begun and are not finalised."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[weakref.ref[object], Finalizer, bool]] = {}
        self._let_go: SimpleQueue[int] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def begin(self, handler: object, finalizer: Finalizer, *, send: bool) -> int:
        """Watch a handler that records its first turn; return the number to end that with."""
        number = next(_numbers)
        let_go = self._let_go
        self._open[number] = (weakref.ref(handler, lambda _: let_go.put(number)), finalizer, send)
        self._start()
        return number

    def end(self, number: int) -> None:
        """Stop watching a call: it is finalised."""
        self._open.pop(number, None)

    def finish_all(self) -> None:
        """End every call that is left, when the program ends."""
        for number in list(self._open):
            self._finish(number, "is still there at the program's end")

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="tuner-unfinished", daemon=True)
            with contextlib.suppress(RuntimeError):  # no more threads: what is left is ended with the program
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._finish(self._let_go.get(), "was dropped")

    def _finish(self, number: int, why: str) -> None:
        found = self._open.pop(number, None)
        if found is None or found[1].receipt is not None:
            return
        _, finalizer, send = found
        asked = finalizer.closed  # its `finalize` was interrupted, or is just under way
        if not asked:
            log.warning(FORGOTTEN if send else FORGOTTEN_AND_NOT_SENT, finalizer.call_id, why)
        if send or asked:
            try:
                finalizer.finish() if asked else finalizer.finish_forgotten()
            except Exception as error:  # noqa: BLE001 - the calls of others are to be ended too
                log.error("Call %s could not be finalised (%s).", finalizer.call_id, type(error).__name__)  # noqa: TRY400


# Never used twice, by a forked child neither: a handler that it inherits ends its own watch and no other.
_numbers = itertools.count()
_of_process = Watch()


def watch() -> Watch:
    """Return the one of this process."""
    return _of_process


def _after_fork_in_child() -> None:
    global _of_process  # noqa: PLW0603 - what the parent began is the parent's to end
    _of_process = Watch()


@atexit.register
def _at_exit() -> None:
    _of_process.finish_all()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
