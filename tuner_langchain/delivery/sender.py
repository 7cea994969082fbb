"""One attempt to send one call, from the claim to what the answer means for it."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

from tuner_langchain.delivery.answer import Answer, Stored, read_stored, refusal_detail
from tuner_langchain.delivery.claim import Claim, MemoryClaim, Unclaimed
from tuner_langchain.delivery.policy import (
    AGE_LIMIT_S,
    HOLD_S,
    REFUSED_LIMIT_S,
    Verdict,
    item_backoff_s,
    judge,
)
from tuner_langchain.delivery.upload import Uploads

if TYPE_CHECKING:
    from tuner_langchain.delivery.process import Process
    from tuner_langchain.delivery.schedule import Entry

# A call our own code cannot turn into a request is set aside after this many tries.
_INTERNAL_ATTEMPTS = 3
# How long an item is left alone that another process is sending, or that cannot be read just now.
_BUSY_S = 5.0
_UNREADABLE_S = 60.0
_STORING_S = 0.1


class Sender:
    """Sends the calls of one process; any thread may call it, with an entry the schedule gave to that thread."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._uploads = Uploads(process)

    def send(self, entry: Entry, *, timeout_s: float | None = None) -> None:
        """Try once, within `timeout_s` when given; whatever happens, the entry is settled or waits again."""
        process = self._process
        try:
            if entry.folder == "upload":
                self._uploads.send(entry, timeout_s=timeout_s)
            else:
                self._send_call(entry, timeout_s)
        except OSError as error:
            text = "the outbox %s cannot be changed (%s); its calls wait"
            process.log.repeated("outbox", logging.ERROR, text, process.outbox.root, error.strerror or error)
            self._wait_again(entry, _UNREADABLE_S)
        except Exception as error:  # noqa: BLE001 - one call's trouble must not stop the others
            place = _where(error)
            process.log.repeated("internal", logging.ERROR, "sending failed in %s; the call waits", place)
            self._wait_again(entry, _UNREADABLE_S)
        except BaseException:
            self._wait_again(entry, 0.0)
            raise
        finally:
            with process.lock:
                process.schedule.breaker.abandoned(entry.key)

    def _send_call(self, entry: Entry, timeout_s: float | None) -> None:
        claim = self._claim(entry)
        if claim is None:
            return
        try:
            first_attempt = claim.name.attempts == 0
            if not claim.begin_attempt():
                self._moved(entry)
                return
            self._note_attempt(entry, claim)
            answer = self._post(claim, timeout_s)
            verdict = judge(answer, first_attempt=first_attempt, wall_s=self._process.runtime.wall_s())
            self._apply(entry, claim, answer, verdict, cut_short=timeout_s is not None)
        finally:
            claim.release()

    def _note_attempt(self, entry: Entry, claim: Claim | MemoryClaim) -> None:
        entry.file = str(claim.name)
        with self._process.lock:
            self._process.counters.requests += 1
        if entry.receipt is not None:
            entry.receipt.update(attempts=claim.name.attempts)

    def _post(self, claim: Claim | MemoryClaim, timeout_s: float | None) -> Answer:
        try:
            client = self._process.http_client()
        except Exception as error:  # noqa: BLE001 - a proxy or certificate setting it cannot be made with
            return Answer(failure="proxy", detail=f"no client can be made: {type(error).__name__}")
        return client.post(claim.item.body, timeout_s=timeout_s)

    # Claiming

    def _claim(self, entry: Entry) -> Claim | MemoryClaim | None:
        with self._process.lock:
            memory, storing = entry.memory, self._process.schedule.storing == entry.key
        if storing:
            self._wait_again(entry, _STORING_S)
            return None
        if memory is not None:
            return MemoryClaim(self._process.outbox, entry.name, memory)
        claim = self._process.outbox.claim("new", entry.file, due_only=entry.due_only)
        if isinstance(claim, Claim) and self._is_ours(claim):
            return claim
        if isinstance(claim, Unclaimed):
            self._unclaimed(entry, claim)
        else:
            claim.release()
            self._drop(entry)
        return None

    def _is_ours(self, claim: Claim) -> bool:
        config = self._process.parts.config
        return (claim.item.workspace_id, claim.item.agent_id) == (config.workspace_id, config.agent_id)

    def _unclaimed(self, entry: Entry, unclaimed: Unclaimed) -> None:
        process = self._process
        if unclaimed.why == "corrupt":
            call_id = entry.receipt.call_id if entry.receipt is not None else None
            message = f"{unclaimed.message} It is kept in the outbox' dead/ folder: {entry.file}."
            self._report_dead(entry, message, call_id, None)
        elif unclaimed.why in ("foreign", "newer", "unreadable"):
            text = "%s in the outbox %s is left alone: %s"
            topic, root = f"{unclaimed.why} {entry.key}", process.outbox.root
            process.log.once(topic, logging.WARNING, text, entry.file, root, unclaimed.message)
            self._wait_or_drop(entry, _UNREADABLE_S)
        elif unclaimed.why == "gone":
            self._moved(entry)
        else:
            self._wait_or_drop(entry, unclaimed.due_s or _BUSY_S)

    def _moved(self, entry: Entry) -> None:
        """Find out what another process made of an item, when it is this process' own."""
        process = self._process
        found = process.outbox.find(entry.key) if entry.receipt is not None else None
        if entry.receipt is None:
            self._drop(entry)
        elif found is None or found[0] == "upload":
            message = "Another process that shares the outbox has sent it."
            process.settle(entry, "delivered", "delivered", message=message)
        elif found[0] == "dead" and found[1].reason == "conflict":
            process.settle(entry, "delivered_duplicate", "delivered_duplicate")
        elif found[0] == "dead":
            message = f"Another process that shares the outbox moved it to dead/ ({found[1].reason})."
            process.settle(entry, "dead", "dead", message=message)
        else:
            entry.file = str(found[1])
            self._wait_again(entry, _BUSY_S)

    # What an answer means

    def _apply(
        self, entry: Entry, claim: Claim | MemoryClaim, answer: Answer, verdict: Verdict, *, cut_short: bool
    ) -> None:
        if entry.receipt is not None:
            entry.receipt.update(status=answer.status, request_id=answer.request_id)
        if verdict.outcome == "delivered":
            self._delivered(entry, claim, answer)
        elif verdict.outcome == "duplicate":
            self._duplicate(entry, claim, answer, verdict)
        elif verdict.outcome == "dead":
            self._works(entry, accepted=False)
            self._dead(entry, claim, answer, verdict.reason, verdict.message)
        elif verdict.outcome == "hold":
            self._held(entry, claim, answer, verdict)
        elif cut_short and answer.failure == "deadline":
            claim.release()
            self._wait_again(entry, 0.0)
        else:
            self._failed(entry, claim, answer, verdict)

    def _delivered(self, entry: Entry, claim: Claim | MemoryClaim, answer: Answer) -> None:
        process, stored = self._process, read_stored(answer)
        self._works(entry, accepted=True)
        upload = self._uploads.prepare(claim, stored.upload_target, entry.receipt)
        self._remove(entry, claim)
        process.settle(entry, "delivered", "delivered", **_facts(stored, answer), durable=True)
        if upload is not None:
            with process.lock:
                process.schedule.add(upload)
                process.lock.notify()
        process.log.call(logging.DEBUG, "call %s: delivered (%s)", claim.item.call_id, answer.status)
        process.tell("delivered", claim.item.call_id, "Tuner has the call.", answer.status)

    def _remove(self, entry: Entry, claim: Claim | MemoryClaim) -> None:
        try:
            claim.remove()
        except OSError as error:
            with self._process.lock:
                self._process.schedule.finished.add(entry.key)
            text = "a delivered call cannot be deleted from the outbox %s (%s); it may be sent again"
            root = self._process.outbox.root
            self._process.log.repeated("delete", logging.WARNING, text, root, error.strerror)

    def _duplicate(self, entry: Entry, claim: Claim | MemoryClaim, answer: Answer, verdict: Verdict) -> None:
        process, stored = self._process, read_stored(answer)
        self._works(entry, accepted=True)
        claim.bury(verdict.reason, self._reason(claim, answer, verdict.reason, verdict.message))
        facts = _facts(stored, answer) | {"message": verdict.message}
        process.settle(entry, "delivered_duplicate", "delivered_duplicate", **facts)
        process.log.call(logging.WARNING, "call %s: %s", claim.item.call_id, verdict.message)
        process.tell("delivered_duplicate", claim.item.call_id, verdict.message, answer.status)

    def _dead(
        self, entry: Entry, claim: Claim | MemoryClaim, answer: Answer, reason: str, message: str
    ) -> None:
        process, call_id, body = self._process, claim.item.call_id, claim.item.body
        try:
            claim.bury(reason, self._reason(claim, answer, reason, message))
        except OSError as error:
            if entry.memory is None or entry.receipt is None:
                raise
            why = f"Tuner refused it ({reason}) and dead/ cannot take it ({error.strerror})."
            process.lose(entry.receipt, body, why, entry=entry)
            return
        self._report_dead(entry, message, call_id, answer.status)

    def _report_dead(self, entry: Entry, message: str, call_id: str | None, status: int | None) -> None:
        process = self._process
        process.log.call(logging.ERROR, "call %s: %s", call_id or entry.file, message)
        process.settle(entry, "dead", "dead", message=message)
        process.tell("dead", call_id, message, status)

    def _reason(
        self, claim: Claim | MemoryClaim, answer: Answer, reason: str, message: str
    ) -> dict[str, Any]:
        return {
            "call_id": claim.item.call_id,
            "reason": reason,
            "message": message,
            "status": answer.status,
            "request_id": answer.request_id,
            "attempts": claim.name.attempts,
            "answer": refusal_detail(answer),
            "at_ms": int(self._process.runtime.wall_s() * 1000),
        }

    def _held(self, entry: Entry, claim: Claim | MemoryClaim, answer: Answer, verdict: Verdict) -> None:
        process, runtime = self._process, self._process.runtime
        now_s = runtime.monotonic_s()
        entry.refused_s = now_s if entry.refused_s is None else entry.refused_s
        with process.lock:
            breaker = process.schedule.breaker
            contrast = breaker.passed_since(entry.refused_s)
            destination_held = breaker.refused(
                entry.key, now_s, runtime.random(), at_once=verdict.destination, message=verdict.message
            )
        refused_long = now_s - entry.refused_s >= REFUSED_LIMIT_S
        if contrast and refused_long and not destination_held:
            message = f"Refused for a day while others were accepted, so it is set aside in dead/. {verdict.message}"
            self._dead(entry, claim, answer, verdict.reason, message)
            return
        entry.held = not destination_held
        self._keep(claim, HOLD_S)
        if destination_held:
            process.board.hold(verdict.message)
        elif entry.receipt is not None:
            entry.receipt.update(state="held", message=verdict.message)
        self._wait_again(entry, HOLD_S)
        if process.log.repeated("held", logging.ERROR, "call %s: %s", claim.item.call_id, verdict.message):
            process.tell("held", claim.item.call_id, verdict.message, answer.status)

    def _failed(self, entry: Entry, claim: Claim | MemoryClaim, answer: Answer, verdict: Verdict) -> None:
        process, runtime = self._process, self._process.runtime
        now_s, attempts = runtime.monotonic_s(), claim.name.attempts
        age_s = runtime.wall_s() - claim.name.created_ms / 1000
        if verdict.reason == "internal" and attempts >= _INTERNAL_ATTEMPTS:
            self._dead(entry, claim, answer, "internal", verdict.message)
            return
        if age_s > AGE_LIMIT_S:
            message = f"It could not be sent for 30 days. {verdict.message}"
            self._dead(entry, claim, answer, "age", message)
            return
        with process.lock:
            breaker = process.schedule.breaker
            others_pass = entry.failing_s is not None and breaker.passed_since(entry.failing_s)
            breaker.failed(
                entry.key,
                now_s,
                runtime.random(),
                at_once=verdict.destination,
                retry_after_s=verdict.retry_after_s,
                message=verdict.message,
            )
        entry.failing_s = now_s if entry.failing_s is None else entry.failing_s
        entry.held = False
        pause_s = item_backoff_s(attempts, runtime.random(), others_pass=others_pass)
        self._keep(claim, pause_s)
        if entry.receipt is not None:
            entry.receipt.update(state="pending", message=verdict.message)
        self._wait_again(entry, pause_s)
        level = logging.ERROR if verdict.suspicious else logging.WARNING
        if process.log.repeated("retry", level, "call %s: %s", claim.item.call_id, verdict.message):
            process.tell("retrying", claim.item.call_id, verdict.message, answer.status)

    # Between attempts

    def _works(self, entry: Entry, *, accepted: bool) -> None:
        process = self._process
        with process.lock:
            closes = process.schedule.breaker.answered(
                entry.key, process.runtime.monotonic_s(), accepted=accepted
            )
            if closes:
                process.lock.notify_all()
        if closes:
            process.board.hold(None)
            process.log.over("held")
            process.log.over("retry")
            process.log.call(logging.INFO, "Tuner takes calls again; those that wait are sent")

    def _keep(self, claim: Claim | MemoryClaim, pause_s: float) -> None:
        claim.release(self._process.runtime.wall_s() + pause_s)

    def _wait_again(self, entry: Entry, pause_s: float) -> None:
        process = self._process
        with process.lock:
            if entry.key in process.schedule.in_flight:
                process.schedule.back_off(entry, process.runtime.monotonic_s() + pause_s)
                process.lock.notify_all()

    def _wait_or_drop(self, entry: Entry, pause_s: float) -> None:
        if entry.receipt is not None:
            self._wait_again(entry, pause_s)
        else:
            self._drop(entry)

    def _drop(self, entry: Entry) -> None:
        with self._process.lock, contextlib.suppress(KeyError):
            self._process.schedule.drop(entry)
            self._process.lock.notify_all()


def _facts(stored: Stored, answer: Answer) -> dict[str, Any]:
    is_new = False if answer.status == 409 else stored.is_new
    return {"tuner_id": stored.tuner_id, "is_new": is_new, "message": stored.message}


def _where(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}" if trace is not None else "?"
    return f"{place} ({type(error).__name__})"
