"""The daemon thread that sends, and the few that help it when answers are slow."""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING, Literal

from tuner_langchain.delivery.schedule import Entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuner_langchain.delivery.process import Process
    from tuner_langchain.delivery.search import Search
    from tuner_langchain.delivery.sender import Sender

MAX_SENDERS = 8
# More threads are worth it when a thread waits for the network, not for the interpreter.
_SLOW_ANSWER_S = 0.02
_HELPER_IDLE_S = 5.0
# A request that takes longer says nothing about the next one, which another thread sends.
_STUCK_S = 0.25

Chore = Literal["look", "connect"]


class Workers:
    """The sending threads of one process: one while there is anything to do, up to eight when answers are slow."""

    def __init__(self, process: Process, sender: Callable[[], Sender], search: Search) -> None:
        self._process = process
        self._sender = sender
        self._search = search
        self._threads: set[threading.Thread] = set()
        # Who is sending, and since when on the monotonic clock.
        self._sending: dict[threading.Thread, float] = {}
        self._answer_s = 0.0

    def ensure(self) -> None:
        """Start the first thread, or another when every one is sending: the next call shall not wait for an answer."""
        with self._process.lock:
            self._process.closed = False
            self._process.lock.notify()
            self._threads = {thread for thread in self._threads if thread.is_alive()}
            needed = self._spare_is_wanted()
        if needed:
            self._start()

    def alive(self) -> bool:
        """Tell whether a thread is there to send."""
        with self._process.lock:
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
            sender = self._sender()
            while (job := self._next_job()) is not None:
                self._do(job, sender)
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
                self._sending.pop(threading.current_thread(), None)
                last = process.closed and not self._threads
                process.lock.notify_all()
            if last:
                process.close_client()

    def _do(self, job: Entry | Chore, sender: Sender) -> None:
        runtime = self._process.runtime
        if isinstance(job, Entry):
            began_s = runtime.monotonic_s()
            sender.send(job)
            self._answer_s += (runtime.monotonic_s() - began_s - self._answer_s) / 8
        elif job == "connect":
            self._process.connect()
        else:
            self._search.look()

    def _next_job(self) -> Entry | Chore | None:
        process, me = self._process, threading.current_thread()
        idle_since_s = process.runtime.monotonic_s()
        with process.lock:
            self._sending.pop(me, None)
            while not process.closed:
                now_s = process.runtime.monotonic_s()
                if self._search.due(now_s):
                    return "look"
                if self._process.should_connect(now_s):
                    return "connect"
                job = process.schedule.take(now_s) if self._may_send(now_s) else _STUCK_S
                if isinstance(job, Entry):
                    break
                if self._idle() > 1 and now_s - idle_since_s >= _HELPER_IDLE_S:
                    return None
                wait_s = min(job, self._search.next_s - now_s)
                process.runtime.wait(process.lock, max(wait_s, 0.001))
            else:
                return None
            self._sending[me] = now_s
            more = process.schedule.ready(now_s) > 0 and self._spare_is_wanted()
        if more:
            self._start()
        return job

    def _idle(self) -> int:
        return len(self._threads) - len(self._sending)

    def _may_send(self, now_s: float) -> bool:
        """Tell whether one more thread is worth it: answers are slow, or every request under way is stuck."""
        if self._answer_s > _SLOW_ANSWER_S:
            return True
        return all(now_s - began_s >= _STUCK_S for began_s in self._sending.values())

    def _spare_is_wanted(self) -> bool:
        """Tell whether nobody is left to send while the others wait for their answers."""
        if self._process.schedule.breaker.mode != "closed":
            return not self._threads
        return self._idle() <= 0 and len(self._threads) < MAX_SENDERS
