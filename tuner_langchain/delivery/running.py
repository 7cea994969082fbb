"""Everything of a Delivery that lives in one process: made on first use there, never carried over a fork."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuner_langchain.delivery import forks
from tuner_langchain.delivery.intake import Intake
from tuner_langchain.delivery.process import Parts, Process
from tuner_langchain.delivery.search import Search
from tuner_langchain.delivery.worker import Workers

if TYPE_CHECKING:
    from tuner_langchain.delivery.sender import Sender
    from tuner_langchain.delivery.stats import FlushResult

# Leaving a process takes at most this long.
EXIT_COURTESY_S = 2.0


class Running:
    """The parts of one process and how it leaves."""

    def __init__(self, parts: Parts) -> None:
        self.process = Process(parts)
        self.search = Search(self.process)
        self.workers = Workers(self.process, self.sender, self.search)
        self.intake = Intake(self.process, self.search, self.workers)
        self._sender: Sender | None = None

    def sender(self) -> Sender:
        """Return what sends, made by the first thread that does: finishing a call needs nothing of it."""
        if self._sender is None:
            with forks.held_off():
                from tuner_langchain.delivery.sender import Sender  # noqa: PLC0415 - most of delivery's code is there

            self._sender = Sender(self.process)
        return self._sender

    def flush(self, timeout_s: float | None) -> FlushResult:
        """Send what waits on the calling thread."""
        with forks.held_off():
            from tuner_langchain.delivery.flush import Flush  # noqa: PLC0415 - many programs never flush

        return Flush(self.process, self.sender(), self.search, timeout_s).run()

    def close(self, timeout_s: float) -> FlushResult:
        """Flush, tell the application, stop the threads and close the connections."""
        clock = self.process.runtime
        end_s = clock.monotonic_s() + timeout_s
        result = self.flush(timeout_s)
        self.process.drain_events(max(0.0, end_s - clock.monotonic_s()))
        self.workers.stop()
        self._lose_memory()
        return result

    def leave(self) -> None:
        """Give what has just been finished a short chance at exit; what is left is on disk."""
        process = self.process
        end_s = process.runtime.monotonic_s() + EXIT_COURTESY_S
        try:
            if not process.closed and process.counters.finalised and process.waiting()[0]:
                self._wait_for_senders(end_s)
                if not self.workers.alive():
                    self.flush(max(0.0, end_s - process.runtime.monotonic_s()))
            process.drain_events(max(0.0, end_s - process.runtime.monotonic_s()))
        finally:
            self._lose_memory()

    def _wait_for_senders(self, end_s: float) -> None:
        """Let the sending threads finish: unlike this one they can be left behind in a resolver that hangs."""
        process = self.process
        with process.lock:
            process.schedule.hurry(process.runtime.monotonic_s())
            process.lock.notify_all()
            while self.workers.alive() and (left_s := end_s - process.runtime.monotonic_s()) > 0:
                out_of_order = process.board.held is not None or process.schedule.breaker.mode != "closed"
                if out_of_order or not process.schedule.receipts():
                    return
                process.runtime.wait(process.lock, left_s)

    def _lose_memory(self) -> None:
        """Say of each call that is only in memory that it ends with the process."""
        process = self.process
        with process.lock:
            left = [entry for entry in process.schedule.entries.values() if entry.memory is not None]
        for entry in left:
            if entry.memory is not None and entry.receipt is not None and entry.folder == "new":
                why = "The process ended before the outbox or Tuner could take it."
                process.lose(entry.receipt, entry.memory.body, why, entry=entry)
