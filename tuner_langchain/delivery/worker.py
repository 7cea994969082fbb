"""The daemon thread that sends, and the few that help it when answers are slow."""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING, Literal

from tuner_langchain.delivery.schedule import Entry

if TYPE_CHECKING:
    from tuner_langchain.delivery.process import Process
    from tuner_langchain.delivery.search import Search
    from tuner_langchain.delivery.sender import Sender

MAX_SENDERS = 8
# More threads are worth it when a thread waits for the network, not for the interpreter.
_SLOW_ANSWER_S = 0.02
_HELPER_IDLE_S = 5.0

Chore = Literal["look"]


class Workers:
    """The sending threads of one process: one while there is anything to do, up to eight when answers are slow."""

    def __init__(self, process: Process, sender: Sender, search: Search) -> None:
        self._process = process
        self._sender = sender
        self._search = search
        self._threads: set[threading.Thread] = set()
        self._answer_s = 0.0

    def ensure(self) -> None:
        """Start the first thread, or another in the place of one that died."""
        with self._process.lock:
            self._process.closed = False
            self._process.lock.notify()
            self._threads = {thread for thread in self._threads if thread.is_alive()}
            needed = not self._threads
        if needed:
            self._start()

    def alive(self) -> bool:
        """Tell whether a thread is there to send."""
        return any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """End the threads; one that is sending ends after its answer, and the last one closes the connections."""
        process = self._process
        with process.lock:
            process.closed = True
            process.lock.notify_all()
            nobody = not self._threads
        if nobody:
            process.close_client()

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="tuner-sender", daemon=True)
        with self._process.lock:
            if len(self._threads) >= MAX_SENDERS:
                return
            self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:  # no more threads; a flush sends on its own
            with self._process.lock:
                self._threads.discard(thread)

    def _run(self) -> None:
        process = self._process
        try:
            while (job := self._next_job()) is not None:
                self._do(job)
        except BaseException as error:
            text = "a sending thread ended with %s; the next finished call starts another"
            with contextlib.suppress(Exception):
                process.log.call(logging.ERROR, text, type(error).__name__)
                process.tell("worker_restarted", None, text % type(error).__name__)
            if isinstance(error, Exception):
                return
            raise
        finally:
            with process.lock:
                self._threads.discard(threading.current_thread())
                last = process.closed and not self._threads
                process.lock.notify_all()
            if last:
                process.close_client()

    def _do(self, job: Entry | Chore) -> None:
        runtime = self._process.runtime
        if isinstance(job, Entry):
            began_s = runtime.monotonic_s()
            self._sender.send(job)
            self._answer_s += (runtime.monotonic_s() - began_s - self._answer_s) / 8
        else:
            self._search.look()

    def _next_job(self) -> Entry | Chore | None:
        process = self._process
        idle_since_s = process.runtime.monotonic_s()
        with process.lock:
            while not process.closed:
                now_s = process.runtime.monotonic_s()
                if self._search.due(now_s):
                    return "look"
                job = process.schedule.take(now_s)
                if isinstance(job, Entry):
                    break
                if len(self._threads) > 1 and now_s - idle_since_s >= _HELPER_IDLE_S:
                    return None
                wait_s = min(job, self._search.next_s - now_s)
                process.runtime.wait(process.lock, max(wait_s, 0.001))
            else:
                return None
            more = self._help_wanted(now_s)
        if more:
            self._start()
        return job

    def _help_wanted(self, now_s: float) -> bool:
        schedule, threads = self._process.schedule, len(self._threads)
        if schedule.breaker.mode != "closed" or threads >= MAX_SENDERS:
            return False
        return self._answer_s > _SLOW_ANSWER_S and schedule.ready(now_s) > threads
