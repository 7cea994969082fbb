"""Sending what waits on the calling thread, within a deadline: for functions that are frozen when they return."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuner_langchain.delivery.schedule import Entry
from tuner_langchain.delivery.stats import FlushResult

if TYPE_CHECKING:
    from tuner_langchain.delivery.process import Process
    from tuner_langchain.delivery.search import Search
    from tuner_langchain.delivery.sender import Sender

# Without a timeout a flush tries everything once; it does not sit out an outage, and it ends.
WITHOUT_TIMEOUT_S = 300.0
# A pause this short is the pace after an outage, not the outage.
_PACE_S = 1.0
# What is left of a deadline below this starts no request.
_TOO_LATE_S = 0.005


class Flush:
    """One flush; several may run at once, beside the sending threads."""

    def __init__(self, process: Process, sender: Sender, search: Search, timeout_s: float | None) -> None:
        self._process = process
        self._sender = sender
        self._search = search
        self._patient = timeout_s is not None
        self._end_s = self._now_s() + (WITHOUT_TIMEOUT_S if timeout_s is None else max(timeout_s, 0.0))
        self._delivered_before, self._dead_before = self._counted()

    def run(self) -> FlushResult:
        """Send until nothing is left that can be sent, or until the deadline."""
        schedule = self._process.schedule
        if self._left_s() > 0:
            with self._process.lock:
                schedule.flushes += 1
                schedule.hurry(self._now_s())
                self._search.restart()
            try:
                while self._left_s() > _TOO_LATE_S and self._step():
                    pass
            finally:
                with self._process.lock:
                    schedule.flushes -= 1
        return self._result()

    def _step(self) -> bool:
        """Do one thing; False when there is nothing left to do."""
        process = self._process
        with process.lock:
            now_s = self._now_s()
            if process.board.held is not None and not process.schedule.sending:
                return False
            look = self._search.due(now_s)
            connect = not look and process.should_connect(now_s)
            job: Entry | float = 0.0 if look or connect else process.schedule.take(now_s)
            if not look and not connect and not isinstance(job, Entry):
                return self._wait(job)
        if isinstance(job, Entry):
            self._sender.send(job, timeout_s=self._left_s())
        elif connect:
            self._process.connect()
        else:
            self._search.look()
        return True

    def _wait(self, pause_s: float) -> bool:
        """Wait with the process' lock held for something to do; False when there will be nothing."""
        process = self._process
        if self._search.complete and process.schedule.idle():
            return False
        under_way = process.schedule.sending > 0 or not self._search.complete
        limit_s = self._left_s() if self._patient else _PACE_S
        if not under_way and pause_s > limit_s:  # nothing more can be sent in time
            return False
        process.runtime.wait(process.lock, max(0.0, min(pause_s, self._left_s())))
        return True

    def _result(self) -> FlushResult:
        process = self._process
        delivered, dead = self._counted()
        with process.lock:
            receipts = process.schedule.receipts()
            in_memory = sum(1 for entry in process.schedule.entries.values() if entry.memory is not None)
            held = sum(receipt.state == "held" for receipt in receipts)
        try:
            waiting = process.outbox.count("new", process.destination) + in_memory
        except OSError:
            waiting = len(receipts)
        if process.board.held is not None:
            held = waiting
        pending = max(waiting - held, 0)
        return FlushResult(
            delivered=delivered - self._delivered_before,
            pending=pending,
            held=held,
            dead=dead - self._dead_before,
            timed_out=pending > 0 and self._patient,
        )

    def _counted(self) -> tuple[int, int]:
        """Return the calls that reached Tuner and those refused for good, since the process began."""
        with self._process.lock:
            counters = self._process.counters
            delivered = counters.delivered + counters.delivered_duplicate + counters.adopted_delivered
            return delivered, counters.dead + counters.adopted_dead

    def _now_s(self) -> float:
        return self._process.runtime.monotonic_s()

    def _left_s(self) -> float:
        return self._end_s - self._now_s()
