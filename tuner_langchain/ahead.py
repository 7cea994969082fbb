"""The rows of turns that are over, made ready while the call goes on, so that its end is quick.

A long call's rows take tens of milliseconds to be worked out, at the very moment when somebody hangs up and others
may still be talking in the same process. So when enough of a call has passed, a background thread makes its rows
ready, a moment after a turn ended: then the agent speaks, and nobody waits for the processor. Short calls never come
to that. The rows are the same either way, and whatever stands in the way of it costs time at the end, nothing else.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections import deque
from typing import TYPE_CHECKING, ClassVar, Final

from tuner_langchain.release import ready
from tuner_langchain.timeline.clock import Span
from tuner_langchain.timeline.fold import Fold, Folded, ReadyRows, fold, in_order

if TYPE_CHECKING:
    from tuner_langchain.capture import Capture
    from tuner_langchain.runs import CallRecord

log = logging.getLogger("tuner_langchain")

# What a turn's end leaves to be done later: about a hundred rows, one to two milliseconds.
ENOUGH_RUNS: Final = 128
# How long after the end of a turn: its last callbacks have returned, and its answer is on the way.
PAUSE_S: Final = 0.25


class Ahead:
    """The rows of one call that are ready, and the reading that goes on behind them.

    Only what no later turn can change is made ready. With a `redact` hook, which is to see each segment last, and
    where words are withheld, which asks for all nodes of the call, nothing is.
    """

    def __init__(self, record: CallRecord, capture: Capture, started_ns: int) -> None:
        self._record = record
        self._capture = capture
        self._started_ns = started_ns
        self._lock = threading.RLock()  # a signal handler may finalise while this is held
        self._process = os.getpid()
        self._possible = capture.words and capture.redact is None
        self._asked = False
        self._fold: Fold | None = None
        self._rows = ReadyRows()
        self.runs_ready = 0

    def turn_over(self) -> None:
        """Take note, on the agent's thread, that a turn is over; when there is enough to do, it will be done."""
        if len(self._record.runs) - self.runs_ready >= ENOUGH_RUNS and not self._asked and self._can_go_on():
            self._asked = True
            Pauses.ask(self)

    def work(self) -> None:
        """Make the rows ready of all turns that are over, if none is going on just now."""
        self._asked = False
        with self._lock:
            upto = len(self._record.runs)
            if not self._can_go_on() or not self._is_quiet(upto):
                return
            try:
                self._make_ready(upto)
            except Exception as error:  # noqa: BLE001 - a fault of ours costs time at the call's end, nothing else
                self._possible = False
                log.debug("The rows of a call could not be made ready ahead: %s.", type(error).__name__)

    def finish(self, span: Span) -> Folded:
        """Return the whole call: the rows that are ready, and the rest worked out now."""
        if self._can_go_on():
            with self._lock:
                # Taken once: whoever comes after an interruption here reads the whole call anew.
                reading, self._fold, self._possible = self._fold, None, False
            if reading is not None:
                rows = reading.read(span)
                return in_order(rows, reading.end(span), self._rows)
        return fold(self._record, span)

    def clear(self) -> None:
        """Forget the call."""
        self._possible = False
        self._fold = None
        self._rows = ReadyRows()

    def _can_go_on(self) -> bool:
        # A forked child has this object, but not the thread that may have held its lock.
        return self._possible and self._process == os.getpid()

    def _is_quiet(self, upto: int) -> bool:
        """Return whether no run is open, and all was noted that the last callback of each turn told."""
        record = self._record
        return not (record.sealed or record.open) and all(
            run.turn is None or run.turn.over or run.kind != "chain"
            for run in record.runs[self.runs_ready : upto]
        )

    def _make_ready(self, upto: int) -> None:
        if self._fold is None:
            self._fold = Fold(self._record)
        rows = self._fold.read(Span(self._started_ns, 2**63), upto=upto)
        self._fold.forget()
        self._rows.orders += [order for order, _ in rows]
        self._rows.rows += [ready(row, self._capture) for _, row in rows]
        self.runs_ready = upto


class Pauses:
    """The thread that works for all calls of a process, when their turns have been over for a moment."""

    _of_process: ClassVar[Pauses | None] = None

    def __init__(self) -> None:
        self._process = os.getpid()
        self._calls: deque[weakref.ref[Ahead]] = deque()
        self._asked = threading.Event()

    @classmethod
    def ask(cls, call: Ahead) -> None:
        """Have a call's rows made ready after a pause; where no thread can be had, they are made at its end."""
        pauses = cls._of_process
        if pauses is None or pauses._process != os.getpid():
            pauses = cls()
            try:
                threading.Thread(target=pauses._run, name="tuner-ahead", daemon=True).start()
            except RuntimeError:
                return
            cls._of_process = pauses
        pauses._calls.append(weakref.ref(call))
        pauses._asked.set()

    def _run(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            time.sleep(PAUSE_S)
            while self._calls:
                call = self._calls.popleft()()
                if call is not None:
                    call.work()
                del call  # while the thread waits, it keeps no call alive
                time.sleep(0)  # whoever waits for the interpreter goes first
