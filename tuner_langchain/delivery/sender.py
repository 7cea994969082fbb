"""One attempt to send one call, from the claim to what the answer means for it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tuner_langchain.delivery.answer import Answer
from tuner_langchain.delivery.claim import Claim, MemoryClaim, Unclaimed
from tuner_langchain.delivery.consequence import Consequences
from tuner_langchain.delivery.notes import Notes
from tuner_langchain.delivery.upload import Uploads
from tuner_langchain.delivery.verdict import judge

if TYPE_CHECKING:
    from tuner_langchain.delivery.process import Process
    from tuner_langchain.delivery.schedule import Entry
    from tuner_langchain.delivery.verdict import Verdict

# How long an item is left alone that another process is sending, or that cannot be read just now.
_BUSY_S = 1.0
_UNREADABLE_S = 60.0
_STORING_S = 0.1
# A request that had this long and got no answer has shown something.
_FULL_TIME_S = 60.0


class Sender:
    """Sends the calls of one process; any thread may call it, with an entry the schedule gave to that thread."""

    def __init__(self, process: Process) -> None:
        self._process = process
        notes = Notes(process.outbox)
        self._uploads = Uploads(process, notes)
        self._consequences = Consequences(process, self._uploads, notes)

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
            self._process.wait_again(entry, _UNREADABLE_S)
        except Exception as error:  # noqa: BLE001 - one call's trouble must not stop the others
            place = _where(error)
            process.log.repeated("internal", logging.ERROR, "sending failed in %s; the call waits", place)
            self._process.wait_again(entry, _UNREADABLE_S)
        except BaseException:
            self._process.wait_again(entry, 0.0)
            raise
        finally:
            with process.lock:
                process.schedule.breaker.abandoned(entry.key)
                process.schedule.sending -= 1
                process.lock.notify_all()

    def _send_call(self, entry: Entry, timeout_s: float | None) -> None:
        claim = self._claim(entry)
        if claim is None:
            return
        try:
            unsent = not claim.item.shared and (claim.name.attempts == 0 or entry.conflict)
            if not claim.begin_attempt():
                self._moved(entry)
                return
            self._note_attempt(entry, claim)
            answer = self._post(claim, timeout_s)
            verdict = judge(answer, unsent=unsent, wall_s=self._process.runtime.wall_s())
            self._say(claim, answer, verdict)
            cut_short = timeout_s is not None and timeout_s < _FULL_TIME_S
            self._consequences.apply(entry, claim, answer, verdict, cut_short=cut_short)
        finally:
            claim.release()

    def _note_attempt(self, entry: Entry, claim: Claim | MemoryClaim) -> None:
        entry.file = str(claim.name)
        with self._process.lock:
            self._process.counters.requests += 1
        if entry.receipt is not None:
            entry.receipt.update(attempts=claim.name.attempts)

    def _say(self, claim: Claim | MemoryClaim, answer: Answer, verdict: Verdict) -> None:
        """Log one step of delivery for who asked for it; the call's id and figures, nothing of the call."""
        text, got = "call %s: attempt %d, %d bytes: %s, %s", answer.status or answer.failure
        item = claim.item
        self._process.log.call(
            logging.DEBUG, text, item.call_id, claim.name.attempts, len(item.body), got, verdict.outcome
        )

    def _post(self, claim: Claim | MemoryClaim, timeout_s: float | None) -> Answer:
        try:
            client = self._process.http_client()
        except Exception as error:  # noqa: BLE001 - a proxy or certificate setting it cannot be made with
            return Answer(failure="proxy", detail=f"no client can be made: {type(error).__name__}")
        return client.post(claim.item.body, timeout_s=timeout_s)

    # Claiming

    def _claim(self, entry: Entry) -> Claim | MemoryClaim | None:
        with self._process.lock:
            schedule = self._process.schedule
            memory, storing = entry.memory, schedule.storing == entry.key
            due_only = schedule.due_only(entry)
        if storing:
            self._process.wait_again(entry, _STORING_S)
            return None
        if memory is not None:
            return MemoryClaim(self._process.outbox, entry.name, memory)
        claim = self._process.outbox.claim("new", entry.file, due_only=due_only)
        if isinstance(claim, Claim) and self._is_ours(claim):
            return claim
        if isinstance(claim, Unclaimed):
            self._unclaimed(entry, claim)
        else:
            claim.release()
            self._process.drop(entry)
        return None

    def _is_ours(self, claim: Claim) -> bool:
        config = self._process.parts.config
        return (claim.item.workspace_id, claim.item.agent_id) == (config.workspace_id, config.agent_id)

    def _unclaimed(self, entry: Entry, unclaimed: Unclaimed) -> None:
        process = self._process
        if unclaimed.why == "corrupt":
            call_id = entry.receipt.call_id if entry.receipt is not None else None
            message = f"{unclaimed.message} It is kept in the outbox's dead/ folder: {entry.file}."
            process.report_dead(entry, message, call_id, None)
        elif unclaimed.why in ("foreign", "newer", "unreadable"):
            text = "%s in the outbox %s is left alone: %s"
            topic, root = f"{unclaimed.why} {entry.key}", process.outbox.root
            process.log.once(topic, logging.WARNING, text, entry.file, root, unclaimed.message)
            if entry.receipt is not None:
                process.wait_again(entry, _UNREADABLE_S)
            else:
                process.drop(entry)
        elif unclaimed.why == "gone":
            self._moved(entry)
        else:
            process.wait_or_drop(entry, unclaimed.due_s or _BUSY_S)

    def _moved(self, entry: Entry) -> None:
        """Find out what another process made of an item, when it is this process' own."""
        process = self._process
        found = process.outbox.find(entry.key) if entry.receipt is not None else None
        if entry.receipt is None:
            process.drop(entry)
        elif found is None and process.outbox.place.number() != entry.place:
            process.wait_again(entry, 0.0)
            process.report_vanished()
        elif found is None and not entry.missed:
            # A file that is renamed while its directory is read can be missed; twice in a row it is not there.
            entry.missed = True
            process.wait_again(entry, _BUSY_S)
        elif found is None or found[0] == "upload":
            message = "Its file left the outbox: another process that shares it has sent it, or somebody deleted it."
            process.settle(entry, "delivered", "delivered", message=message)
        elif found[0] == "dead" and found[1].reason == "conflict":
            process.settle(entry, "delivered_duplicate", "delivered_duplicate")
        elif found[0] == "dead":
            message = f"Another process that shares the outbox moved it to dead/ ({found[1].reason})."
            process.settle(entry, "dead", "dead", message=message)
        else:
            entry.file, entry.missed = str(found[1]), False
            process.wait_again(entry, _BUSY_S)


def _where(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}" if trace is not None else "?"
    return f"{place} ({type(error).__name__})"
