"""What an answer means for the call, its file, its receipt and the destination."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

from tuner_langchain.delivery.answer import Answer, Stored, read_stored, refusal_detail
from tuner_langchain.delivery.notes import failed
from tuner_langchain.delivery.policy import AGE_LIMIT_DAYS, HOLD_S, REFUSED_LIMIT_S, item_backoff_s

if TYPE_CHECKING:
    from tuner_langchain.delivery.claim import Claim, MemoryClaim
    from tuner_langchain.delivery.notes import Note, Notes
    from tuner_langchain.delivery.process import Process
    from tuner_langchain.delivery.schedule import Entry
    from tuner_langchain.delivery.upload import Uploads
    from tuner_langchain.delivery.verdict import Verdict

# A call our own code cannot turn into a request is set aside after this many tries.
_INTERNAL_ATTEMPTS = 3


class Consequences:
    """Applies verdicts to the calls of one process."""

    def __init__(self, process: Process, uploads: Uploads, notes: Notes) -> None:
        self._process = process
        self._notes = notes
        self._uploads = uploads

    def apply(
        self, entry: Entry, claim: Claim | MemoryClaim, answer: Answer, verdict: Verdict, *, cut_short: bool
    ) -> None:
        """Do what a verdict says.

        Args:
            entry: The call that was tried.
            claim: Its file, in this thread's hands.
            answer: How the request ended.
            verdict: What that means.
            cut_short: The request had less time than usual, so running out of it says nothing about Tuner.
        """
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
            self._process.wait_again(entry, 0.0)
        else:
            self._failed(entry, claim, answer, verdict)

    def _delivered(self, entry: Entry, claim: Claim | MemoryClaim, answer: Answer) -> None:
        process, stored = self._process, read_stored(answer)
        self._works(entry, accepted=True)
        upload = self._uploads.prepare(claim, stored.upload_target, entry.receipt)
        self._remove(entry, claim)
        process.settle(entry, "delivered", "delivered", **_facts(stored, answer))
        if upload is not None:
            with process.lock:
                process.schedule.add(upload)
                process.lock.notify()
        process.log.call(logging.DEBUG, "call %s: delivered (%s)", claim.item.call_id, answer.status)
        process.tell("delivered", claim.item.call_id, "Tuner has the call.", answer.status)

    def _remove(self, entry: Entry, claim: Claim | MemoryClaim) -> None:
        try:
            claim.remove()
            self._process.room.freed(len(claim.item.body))
            self._forget(claim)
        except OSError as error:
            with self._process.lock:
                self._process.schedule.finished.add(entry.key)
            text = "a delivered call cannot be deleted from the outbox %s (%s); it may be sent again"
            root = self._process.outbox.root
            self._process.log.repeated("delete", logging.WARNING, text, root, error.strerror)

    def _duplicate(self, entry: Entry, claim: Claim | MemoryClaim, answer: Answer, verdict: Verdict) -> None:
        process, stored = self._process, read_stored(answer)
        self._works(entry, accepted=True)
        entry.conflict = True
        if not self._bury(entry, claim, answer, verdict.reason, verdict.message):
            return
        facts = _facts(stored, answer) | {"message": verdict.message}
        process.settle(entry, "delivered_duplicate", "delivered_duplicate", **facts)
        process.log.call(logging.WARNING, "call %s: %s", claim.item.call_id, verdict.message)
        process.tell("delivered_duplicate", claim.item.call_id, verdict.message, answer.status)

    def _dead(
        self, entry: Entry, claim: Claim | MemoryClaim, answer: Answer, reason: str, message: str
    ) -> None:
        call_id = claim.item.call_id
        if self._bury(entry, claim, answer, reason, message):
            self._process.report_dead(entry, message, call_id, answer.status)

    def _bury(
        self, entry: Entry, claim: Claim | MemoryClaim, answer: Answer, reason: str, message: str
    ) -> bool:
        """Set a call aside with its reason; False when it was in memory only and there is no room for it."""
        try:
            claim.bury(reason, self._reason(claim, answer, reason, message))
            self._forget(claim)
        except OSError as error:
            if entry.memory is None or entry.receipt is None:
                raise
            why = f"{message} And dead/ cannot take it ({error.strerror})."
            self._process.lose(entry.receipt, entry.memory.body, why, entry=entry)
            return False
        return True

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
        self._explain(entry, self._note(entry, claim, answer, verdict, "held"), for_all=destination_held)
        self._keep(claim, HOLD_S)
        if destination_held:
            process.board.hold(verdict.message)
        elif entry.receipt is not None:
            entry.receipt.update(state="held", message=verdict.message)
        process.wait_again(entry, HOLD_S)
        if process.log.repeated("held", logging.ERROR, "call %s: %s", claim.item.call_id, verdict.message):
            process.tell("held", claim.item.call_id, verdict.message, answer.status)

    def _failed(self, entry: Entry, claim: Claim | MemoryClaim, answer: Answer, verdict: Verdict) -> None:
        process, runtime = self._process, self._process.runtime
        now_s, attempts = runtime.monotonic_s(), claim.name.attempts
        if verdict.reason == "internal" and attempts >= _INTERNAL_ATTEMPTS:
            self._dead(entry, claim, answer, "internal", verdict.message)
            return
        note = self._note(entry, claim, answer, verdict, "waiting")
        if note.days > AGE_LIMIT_DAYS:
            happened = (
                f"answered {answer.status}" if answer.status else f"could not be reached ({answer.detail})"
            )
            message = (
                f"It failed on more than {AGE_LIMIT_DAYS} different days, so it is set aside in the outbox's dead/ "
                f"folder. The last time Tuner {happened}. Send it again with `tuner-langchain outbox retry`."
            )
            self._dead(entry, claim, answer, "age", message)
            return
        with process.lock:
            breaker = process.schedule.breaker
            others_pass = entry.failing_s is not None and breaker.passed_since(entry.failing_s)
            destination_waits = breaker.failed(
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
        self._explain(entry, note, for_all=destination_waits)
        self._keep(claim, pause_s)
        if entry.receipt is not None:
            entry.receipt.update(state="pending", message=verdict.message)
        process.wait_again(entry, pause_s)
        level = logging.ERROR if verdict.suspicious else logging.WARNING
        if process.log.repeated("retry", level, "call %s: %s", claim.item.call_id, verdict.message):
            process.tell("retrying", claim.item.call_id, verdict.message, answer.status)

    def _note(
        self,
        entry: Entry,
        claim: Claim | MemoryClaim,
        answer: Answer,
        verdict: Verdict,
        state: Literal["waiting", "held"],
    ) -> Note:
        before = entry.note
        if before is None and claim.name.attempts > 1:  # an earlier process may have noted something
            before = self._notes.read(entry.key)
        return failed(
            before,
            state=state,
            reason=verdict.reason,
            message=verdict.message,
            status=answer.status,
            now_ms=int(self._process.runtime.wall_s() * 1000),
        )

    def _explain(self, entry: Entry, note: Note, *, for_all: bool) -> None:
        """Note why a call waits, and why every call of its destination does."""
        process = self._process
        entry.note = note
        if entry.memory is None:
            self._notes.write(entry.key, note)
        if for_all:
            before = self._notes.read(process.destination)
            if before is not None and before.reason == note.reason:
                note = note._replace(since_ms=min(note.since_ms, before.since_ms))
            self._notes.write(process.destination, note)

    def _forget(self, claim: Claim | MemoryClaim) -> None:
        if claim.name.attempts > 1:
            self._notes.drop(claim.name.key)

    def _works(self, entry: Entry, *, accepted: bool) -> None:
        process = self._process
        with process.lock:
            closes = process.schedule.breaker.answered(
                entry.key, process.runtime.monotonic_s(), accepted=accepted
            )
            if closes:
                process.lock.notify_all()
        self._notes.works(process.destination)
        if closes:
            process.board.hold(None)
            process.log.over("held")
            process.log.over("retry")
            process.log.call(logging.INFO, "Tuner takes calls again; those that wait are sent")

    def _keep(self, claim: Claim | MemoryClaim, pause_s: float) -> None:
        claim.release(self._process.runtime.wall_s() + pause_s)


def _facts(stored: Stored, answer: Answer) -> dict[str, Any]:
    is_new = False if answer.status == 409 else stored.is_new
    return {"tuner_id": stored.tuner_id, "is_new": is_new, "message": stored.message}
