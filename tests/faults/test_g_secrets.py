"""Group G, data and secrets: hostile ids, callbacks, keys that change, files that were tampered with."""

from __future__ import annotations

import json
import logging
import sys
import threading
from typing import Any

import pytest

from faults import script as s
from faults.clock import senders
from faults.documents import KEY, SPOKEN
from faults.scenarios import scenario
from faults.trial import Trial

HOUR_S = 3_600.0

HOSTILE_IDS = [
    "../../../etc/passwd",
    "a/b",
    "nul\0byte",
    "x" * 10_000,
    "📞" * 100,
    "",
    ".",
    "-rf",
    "line\nbreak",
]


@pytest.mark.parametrize("call_id", HOSTILE_IDS, ids=range(len(HOSTILE_IDS)))
@scenario("G4")
def test_hostile_call_ids(trial: Trial, call_id: str) -> None:
    """Whatever an id holds, no file appears outside the outbox and the call is told from others."""
    trial.server.down()
    receipt = trial.submit_body(call_id, json.dumps({"call_id": call_id, "x": 1}).encode())
    trial.clock.settle()
    inside = {path for path in trial.outbox.rglob("*") if path.is_file()}
    everywhere = {path for path in trial.directory.rglob("*") if path.is_file()}
    assert everywhere == inside
    assert receipt.durable
    trial.server.up()
    trial.run(HOUR_S)
    assert receipt.state == "delivered"
    assert call_id in trial.server.seen().calls


@scenario("G5")
def test_nothing_secret_in_frames_and_tracebacks(trial: Trial) -> None:
    """An error tracker that keeps locals gets no key: neither from our failures nor from threads at rest."""
    trial.open()
    trial.server.script(s.rule(s.read(), s.reset()))
    trial.fs.on("unlink", lambda *_: 1 / 0, times=1)
    trial.submit()
    trial.run(HOUR_S)
    assert trial.posts()
    shown = [repr(trial.delivery), repr(vars(trial.delivery)), *_locals_of_all_threads()]
    assert not [text for text in [*shown, *trial.witness.texts] if KEY in text]
    assert not [text for _, name, text in trial.witness.lines if SPOKEN in text and name.startswith("tuner")]


def _locals_of_all_threads() -> list[str]:
    """Return what every frame of the delivery's threads holds, one object deep, while they wait."""
    shown = []
    frames = sys._current_frames()
    for thread in senders():
        frame = frames.get(thread.ident or 0)
        while frame is not None:
            for value in frame.f_locals.values():
                shown += [repr(value), repr(getattr(value, "__dict__", ""))]
            frame = frame.f_back
    assert shown
    return shown


@scenario("G6")
def test_a_callback_that_raises(trial: Trial) -> None:
    """The callback's failure is its own."""

    def fail(event: Any) -> None:
        raise ValueError("the application's own")

    trial.open(on_event=fail)
    receipts = [trial.submit() for _ in range(3)]
    trial.run(10)
    assert {receipt.state for receipt in receipts} == {"delivered"}


@scenario("G6")
def test_a_callback_that_blocks(trial: Trial) -> None:
    """Calls are delivered while a callback sits there."""
    release, entered = threading.Event(), threading.Event()

    def block(event: Any) -> None:
        entered.set()
        release.wait(20)

    sender = trial.open_real(on_event=block)
    receipts = [trial.submit() for _ in range(3)]
    assert entered.wait(10)
    assert {receipt.wait(10).state for receipt in receipts} == {"delivered"}
    assert sender.flush(5).pending == 0
    assert not release.is_set()
    release.set()


@scenario("G7")
def test_the_key_changes_while_calls_wait(trial: Trial) -> None:
    """The key is no part of a waiting call: it is sent with the one that is configured now."""
    trial.server.options(keys={"42": "the-new-key"})
    trial.open(api_key="the-old-key")
    receipts = [trial.submit() for _ in range(100)]
    trial.run(60)
    assert {receipt.state for receipt in receipts} == {"held"}
    trial.reopen(api_key="the-new-key")
    trial.run(HOUR_S)
    assert len(trial.server.seen().calls) == 100
    assert not trial.dead_reasons()


@scenario("G8")
def test_a_file_that_names_another_address(trial: Trial) -> None:
    """Neither an address nor a header is read from the disk."""
    evil = trial.server.listen("evil")
    trial.server.down()
    trial.open()
    trial.submit()
    trial.close()
    [kept] = trial.kept()
    more = {
        "url": f"http://127.0.0.1:{evil}/",
        "base_url": f"http://127.0.0.1:{evil}",
        "headers": {"X-Evil": "1"},
    }
    kept.path.write_bytes(json.dumps({**kept.header, **more}).encode() + b"\n" + kept.body)
    trial.server.up()
    trial.open()
    trial.run(HOUR_S)
    seen = trial.server.seen()
    assert {entry["listener"] for entry in seen.requests} == {"api"}
    assert not seen.sent_header("x-evil")


@scenario("G9")
def test_the_presigned_fields_are_not_shown(trial: Trial) -> None:
    """What the answer gives for the upload is as good as a key: in no log line and no repr."""
    receipt = trial.submit_recorded(b"RIFF" + b"\0" * 5_000)
    trial.run(60)
    assert receipt.upload == "uploaded"
    shown = [*trial.witness.texts, repr(receipt), repr(trial.events), repr(trial.delivery.stats())]
    assert not [text for text in shown if "presigned-policy-secret" in text]


@scenario("A25")
def test_an_upload_that_fails_is_its_own_outcome(trial: Trial) -> None:
    """The call is delivered whatever becomes of its recording."""
    trial.server.script(s.rule(*s.status(403), times=None, path="/upload"))
    receipt = trial.submit_recorded(b"RIFF" + b"\0" * 5_000)
    trial.run(25 * HOUR_S)
    assert receipt.state == "delivered"
    assert receipt.upload == "failed"
    assert trial.warnings(receipt.call_id, logging.WARNING)


@scenario("A25")
def test_the_key_is_not_sent_with_the_recording(trial: Trial) -> None:
    """The storage is somebody else's: fields first, the file last, no key."""
    receipt = trial.submit_recorded(b"RIFF" + b"\0" * 5_000)
    trial.run(60)
    [upload] = trial.server.seen().uploads
    assert upload["authorization"] is None
    assert upload["body"].index("policy") < upload["body"].index('name="file"')
    assert receipt.upload == "uploaded"
