"""Rules that are easily broken without anybody noticing, each on its own."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpcore
import pytest

from delivery.conftest import KEY, call_body, make_config
from delivery.server import Reply, Request, ScriptedServer
from delivery.test_recording import AUDIO, Storage
from tuner_langchain.config import TunerConfig
from tuner_langchain.delivery import Delivery, DeliveryEvent, Receipt, Recording
from tuner_langchain.delivery.breaker import Breaker
from tuner_langchain.delivery.client import HttpClient
from tuner_langchain.delivery.fs import FileSystem
from tuner_langchain.delivery.item import Item, ItemName, read_header
from tuner_langchain.delivery.log import INTERVAL_S, Log
from tuner_langchain.delivery.outbox import Outbox
from tuner_langchain.delivery.policy import HOLD_S
from tuner_langchain.delivery.room import Room
from tuner_langchain.delivery.schedule import Entry, Schedule
from tuner_langchain.escaping import printable

FORGED = "call\n1\x1b[31m\u202e"


# One request finds a wrong setting out


@pytest.mark.parametrize("flush", [False, True])
def test_a_slow_start_sends_one_request_with_a_wrong_key(
    server: ScriptedServer, config: TunerConfig, make_delivery: Callable[..., Delivery], flush: bool
) -> None:
    """The time in which the client is made is no slow answer that other threads have to make up for."""
    server.answer = lambda request: Reply(401)

    def make_client(settings: TunerConfig) -> HttpClient:
        time.sleep(0.8)  # as long as importing the HTTP library takes on a busy machine
        return HttpClient(settings)

    delivery = make_delivery(make_client=make_client)
    receipts = [delivery.submit(f"call-{number}", call_body(f"call-{number}")) for number in range(20)]
    if flush:
        delivery.flush(5)
    assert {receipt.wait(10).state for receipt in receipts} == {"held"}
    delivery.close(1)
    assert len(server.requests) <= 1 + flush  # a flush sends on its own thread, beside the sender


def test_answers_that_are_slow_get_more_senders(server: ScriptedServer, delivery: Delivery) -> None:
    """Slow by the average, though none is stuck: requests overlap; and an average needs more than one answer."""
    running, most, lock = 0, 0, threading.Lock()

    def answer(request: Request) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.06)
        with lock:
            running -= 1

    server.answer = answer
    receipts = [delivery.submit(f"call-{number}", call_body(f"call-{number}")) for number in range(40)]
    assert {receipt.wait(20).state for receipt in receipts} == {"delivered"}
    assert most > 2


# Several places that send the same call


@pytest.mark.parametrize("known", [Reply(200, b'{"id": 1, "is_new": false}'), Reply(409)])
@pytest.mark.parametrize(("shared", "state"), [(True, "delivered"), (False, "delivered_duplicate")])
def test_the_same_call_from_two_places(
    server: ScriptedServer,
    outbox_dir: Path,
    make_delivery: Callable[..., Delivery],
    known: Reply,
    shared: bool,
    state: str,
) -> None:
    """Delivered for both when the program says that this happens; otherwise an id that was used twice."""
    server.script = [known]
    delivery = make_delivery(make_config(server.url, outbox_dir, shared_call_ids=shared))
    receipt = delivery.submit("call-1", call_body("call-1")).wait(10)
    assert (receipt.state, receipt.is_new) == (state, False)
    assert len(list((outbox_dir / "v1" / "dead").iterdir())) == (0 if shared else 2)


def test_a_shared_call_is_judged_alike_by_whoever_sends_it(
    server: ScriptedServer, outbox_dir: Path, make_delivery: Callable[..., Delivery]
) -> None:
    """Its file says so; a file of before says nothing, and reads as it did."""
    first = make_delivery(make_config("http://127.0.0.1:9", outbox_dir, shared_call_ids=True))
    first._here().workers.stop()
    name = ItemName.new(
        "call-1", created_ms=1000, destination=first._here().process.destination, nonce="0" * 8
    )
    item = Item(42, "desk & co", 1000, "call-1", call_body("call-1"), shared=True)
    first._here().process.outbox.put("new", str(name), [item.header(), item.body])
    server.script = [Reply(409)]
    later = make_delivery()
    assert later.flush(10).delivered == 1
    assert later.stats().adopted_delivered == 1
    assert b"shared" not in item._replace(shared=False).header()
    old = item._replace(shared=False)
    assert read_header(old.header() + old.body).item(old.body) == old


# What an upload target may hold


@pytest.mark.parametrize(
    "odd", ["audio/wav\r\nX-Injected: 1", "audio/wav\n", "wav", "\x00/\x00", 7, "a/b; x=\r\n"]
)
def test_an_odd_content_type_injects_nothing(server: ScriptedServer, delivery: Delivery, odd: object) -> None:
    """The part's header is ours: what is no media type is not put there."""
    storage = Storage(server, content_type=odd)
    receipt = delivery.submit("call-1", call_body("call-1"), recording=Recording(AUDIO, "wav"))
    delivery.flush(10)
    assert receipt.upload == "uploaded"
    head = storage.uploads[0].body.partition(AUDIO)[0]
    assert b"X-Injected" not in head
    assert head.endswith(b"Content-Type: application/octet-stream\r\n\r\n")


@pytest.mark.parametrize(
    "url",
    [
        "{}/bucket\r\nHost: evil",
        "{}/a b",
        "{}/\x7f",
        "http://[::1",
        "http://h:99999/",
        "http://" + "a" * 300 + ".b/",
    ],
)
def test_an_impossible_target_fails_at_once(
    server: ScriptedServer, make_delivery: Callable[..., Delivery], url: str
) -> None:
    """Trying again for days cannot help; the receipt says why."""
    Storage(server, url=url.format(server.url))
    delivery = make_delivery()
    receipt = delivery.submit("call-1", call_body("call-1"), recording=Recording(AUDIO, "wav"))
    delivery.flush(10)
    assert (receipt.state, receipt.upload) == ("delivered", "failed")
    assert "named" in str(receipt.upload_message)


# What a person reads


def test_what_does_not_print_is_escaped() -> None:
    """Line breaks, terminal sequences, marks that turn text around, halves of characters; all else stays."""
    assert printable(FORGED) == r"call\n1\x1b[31m\u202e"
    assert printable("\ud800\x85\u2028") == r"\ud800\x85\u2028"
    assert printable("Grüße, 電話 🙂") == "Grüße, 電話 🙂"


def test_nothing_from_outside_forges_a_line(
    server: ScriptedServer,
    outbox_dir: Path,
    make_delivery: Callable[..., Delivery],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Call ids and the server's texts in log lines, receipts, events and the file beside a dead call."""
    events: list[DeliveryEvent] = []
    delivery = make_delivery(on_event=events.append)
    detail = b'{"detail": [{"loc": ["body", "x\\u001b[2J"], "msg": "no\\u001b]0;title\\u0007\\u009b"}]}'
    server.script = [Reply(422, detail), Reply(200, b'{"message": "thanks\\u001b[31m\\nERROR forged"}')]
    caplog.set_level(logging.DEBUG)
    refused = delivery.submit(FORGED, call_body(FORGED)).wait(10)
    taken = delivery.submit(FORGED + "2", call_body(FORGED + "2")).wait(10)
    delivery.close(5)
    assert (refused.state, taken.state) == ("dead", "delivered")
    (reason,) = (outbox_dir / "v1" / "dead").glob("*.reason.json")
    shown = [
        *(record.getMessage() for record in caplog.records if record.name.startswith("tuner_langchain")),
        *(str(receipt.message) for receipt in (refused, taken)),
        *(event.message for event in events),
        *reason.read_text().splitlines(),
        repr(refused),
    ]
    assert any(r"x\x1b[2J" in text for text in shown)
    assert [text for text in shown if not text.isprintable()] == []


# The key in tracebacks


class TooLateError(BaseException):
    """What a signal's handler raises in the midst of a request."""


class Ringing(httpcore.SyncBackend):
    """A network where a signal arrives while the request's header lines are written."""

    def connect_tcp(self, *arguments: Any, **more: Any) -> httpcore.NetworkStream:
        stream = super().connect_tcp(*arguments, **more)

        def write(buffer: bytes, timeout: float | None = None) -> None:
            raise TooLateError

        stream.write = write  # type: ignore[method-assign]
        return stream


def test_an_exception_of_a_signal_shows_no_key(config: TunerConfig) -> None:
    """Whatever reports it with the locals of its frames finds no key there."""
    client = HttpClient(config, network=Ringing())
    with pytest.raises(TooLateError) as caught:
        client.post(call_body("call-1"))
    client.close()
    report = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "in post" in report
    assert KEY not in report


# Rules of pauses, turns and room


def test_a_straggler_does_not_end_a_hold() -> None:
    """A request that was under way when a setting was found wrong says nothing about the setting."""
    breaker = Breaker()
    for key in ("refused", "slow"):
        breaker.begin(key, 0)
    breaker.refused("refused", 1, 0.0, at_once=True, message="wrong setting")
    assert breaker.failed("slow", 2, 0.5, at_once=True, retry_after_s=5000.0, message="away")
    assert (breaker.mode, breaker.message, breaker.pause_s(2)) == ("held", "wrong setting", HOLD_S - 1)


def _entry(kind: str, number: int) -> Entry:
    return Entry(ItemName.new(f"{kind}-{number}", created_ms=number, destination="0" * 8, nonce="0" * 8))


def test_every_fourth_turn_is_an_older_calls_and_the_outbox_has_its_share() -> None:
    """Fresh calls come without an end; those that back off and those found in the outbox are sent all the same."""
    schedule = Schedule()
    lanes: dict[str, str] = {}
    for number in range(40):
        for kind in ("fresh", "later", "found"):
            entry = _entry(kind, number)
            lanes[entry.key] = kind
            if kind == "fresh":
                schedule.add(entry)
            elif kind == "found":
                schedule.offer([entry])
            else:
                schedule.entries[entry.key] = entry
                schedule.back_off(entry, 0.0)
    turns = []
    for _ in range(16):
        taken = schedule.take(1.0)
        assert isinstance(taken, Entry)
        turns.append(lanes[taken.key])
    assert turns == [*["fresh"] * 3, "later", *["fresh"] * 3, "found"] * 2


class Sized(FileSystem):
    """A file system with room enough, whatever the machine has."""

    def space(self, path: str) -> tuple[int, int] | None:
        return None


def _room(tmp_path: Path, limit: int) -> Room:
    outbox = Outbox(tmp_path / "o", files=Sized(), wall_s=time.time)
    outbox.prepare()
    config = make_config("http://127.0.0.1:9", tmp_path / "o", outbox_max_bytes=limit)
    return Room(config, outbox, Log(lambda: 0.0), lambda: 0.0)


def test_an_outbox_takes_up_to_twice_its_limit(tmp_path: Path) -> None:
    """To the byte: at twice it is taken, past it not."""
    room = _room(tmp_path, 1000)
    room.measure()
    room.taken(1500)
    assert room.check(500) is not None
    with pytest.raises(OSError, match="twice as large"):
        room.check(501)


def test_what_is_delivered_frees_room(tmp_path: Path) -> None:
    """Between two looks at the disk, too; and never less than nothing is used."""
    room = _room(tmp_path, 1000)
    room.measure()
    room.taken(2000)
    room.freed(1500)
    assert room.check(500) is None
    room.freed(9000)
    room.taken(1000)
    assert room.check(1) is not None


def test_a_line_that_was_held_back_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    """Said once an interval, then with how often it came up; said at once when its trouble had ended."""
    now_s = 0.0
    log = Log(lambda: now_s)
    said = [log.repeated("topic", logging.WARNING, "trouble %d", number) for number in range(4)]
    now_s = INTERVAL_S
    log.repeated("topic", logging.WARNING, "trouble again")
    log.over("topic")
    log.repeated("topic", logging.WARNING, "new trouble")
    assert said == [True, False, False, False]
    assert [record.getMessage() for record in caplog.records] == [
        "trouble 0",
        "trouble again",
        "the above came up 3 times more since it was last logged",
        "new trouble",
    ]


def test_a_receipt_keeps_its_call_id_as_it_was_given() -> None:
    """Escaping is for reading; an id is for finding the call again."""
    assert Receipt(FORGED).call_id == FORGED
