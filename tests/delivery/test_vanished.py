"""An outbox that somebody removes, moves or sweeps while calls wait in it."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from delivery.conftest import call_body, make_config
from delivery.server import ScriptedServer
from delivery.test_outbox import open_outbox, put
from tuner_langchain.delivery import Delivery, DeliveryEvent
from tuner_langchain.delivery.fs import FileSystem
from tuner_langchain.delivery.outbox import Outbox
from tuner_langchain.delivery.place import NOWHERE, Place
from tuner_langchain.delivery.sweep import all_items, sweep

AWAY = "http://127.0.0.1:9"


@pytest.mark.parametrize("how", ["removed", "replaced", "renamed"])
def test_calls_whose_outbox_vanished_are_not_delivered(
    how: str,
    server: ScriptedServer,
    outbox_dir: Path,
    make_delivery: Callable[..., Delivery],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They are lost as far as anybody here knows: one warning names them and the way out, and the numbers add up."""
    events: list[DeliveryEvent] = []
    delivery = make_delivery(make_config(AWAY, outbox_dir), on_event=events.append)
    receipts = [delivery.submit(f"call-{number}", call_body(f"call-{number}")) for number in range(12)]
    delivery.flush(0.3)
    if how == "renamed":
        outbox_dir.rename(outbox_dir.with_name("elsewhere"))
    else:
        shutil.rmtree(outbox_dir)
    if how == "replaced":  # by a call that makes the directory anew
        assert delivery.submit("fresh", call_body("fresh")).durable
    delivery._here().search.look()
    assert {receipt.state for receipt in receipts} == {"lost"}
    assert "Put the directory's files back" in str(receipts[0].message)
    stats = delivery.stats()
    assert (stats.lost, stats.delivered, stats.pending) == (12, 0, how == "replaced")
    warnings = [record.getMessage() for record in caplog.records if "removed or replaced" in record.message]
    assert len(warnings) == 1
    assert "call-0, call-1" in warnings[0]
    assert "and 2 more" in warnings[0]
    delivery.close(1)
    lost = [event for event in events if event.kind == "lost"]
    assert [(event.call_id, event.body) for event in lost] == [(f"call-{n}", None) for n in range(12)]


def test_calls_whose_files_are_put_back_are_sent(
    server: ScriptedServer, outbox_dir: Path, make_delivery: Callable[..., Delivery]
) -> None:
    """What the message advises works."""
    delivery = make_delivery(make_config(AWAY, outbox_dir))
    receipt = delivery.submit("call-1", call_body("call-1"))
    delivery.flush(0.2)
    outbox_dir.rename(outbox_dir.with_name("elsewhere"))
    delivery._here().search.look()
    assert receipt.state == "lost"
    outbox_dir.with_name("elsewhere").rename(outbox_dir)
    assert make_delivery().flush(10).delivered == 1
    assert list(server.stored) == ["call-1"]


def test_a_call_that_another_process_sent_is_still_delivered(
    server: ScriptedServer, outbox_dir: Path, make_delivery: Callable[..., Delivery]
) -> None:
    """The outbox is the same, and only the file has left."""
    delivery = make_delivery(make_config(AWAY, outbox_dir))
    receipt = delivery.submit("call-1", call_body("call-1"))
    delivery.flush(0.2)
    make_delivery().flush(10)
    delivery.flush(5)
    assert (receipt.state, list(server.stored)) == ("delivered", ["call-1"])


def test_a_directory_is_told_from_its_successor(tmp_path: Path) -> None:
    """Also when the file system gives the new one the number of the old one; a closed place opens what is there."""
    path = tmp_path / "new"
    path.mkdir()
    place = Place(FileSystem(), str(path))
    assert (place.number(), place.number()) == (0, 0)
    path.rmdir()
    assert place.number() == NOWHERE
    path.mkdir()
    assert (place.number(), place.number()) == (1, 1)
    path.rename(tmp_path / "moved")
    path.mkdir()
    assert place.number() == 2
    place.close()
    assert place.number() == 2


class RenamedMeanwhile(FileSystem):
    """A file system where another process renames an item while its directory is read, so that it is missed."""

    def __init__(self) -> None:
        self.rename_now: Callable[[], None] | None = None

    def names(self, path: str):  # type: ignore[no-untyped-def]
        found = list(super().names(path))
        if self.rename_now is not None and path.endswith("new"):
            self.rename_now()
            found = []
        yield from found


def test_a_recording_whose_call_was_renamed_meanwhile_is_kept(tmp_path: Path) -> None:
    """A reading that may have missed a file decides nothing; the next quiet one does."""
    files = RenamedMeanwhile()
    outbox = open_outbox(tmp_path / "o", files, ahead_s=2 * 3600.0)
    name = put(outbox)
    outbox.put_audio(name.key, [b"RIFF"])
    waiting = Path(outbox.path("new", str(name)))
    files.rename_now = lambda: os.rename(
        waiting, waiting.with_name(str(name.tried_once_more()))
    )  # as an attempt does
    assert sweep(outbox) is None
    assert os.listdir(outbox.path("audio")) == [name.key]
    files.rename_now = None
    assert sweep(outbox) == 0
    os.unlink(outbox.path("new", str(name.tried_once_more())))
    assert sweep(outbox) == 1


def test_no_sweep_beside_a_sender_takes_a_recording(tmp_path: Path) -> None:
    """Two thousand calls with recordings, renamed without an end: every recording stays."""
    senders, keeper = open_outbox(tmp_path / "o"), open_outbox(tmp_path / "o", ahead_s=2 * 3600.0)
    names = [put(senders, f"call-{number}", created_ms=number) for number in range(2000)]
    for name in names:
        Path(senders.path("audio", name.key)).write_bytes(b"RIFF")
    ended = threading.Event()

    def rename() -> None:
        for count in range(1, 1000):
            for place, name in enumerate(names):
                if ended.is_set():
                    return
                names[place] = name._replace(attempts=count)
                os.rename(senders.path("new", str(name)), senders.path("new", str(names[place])))

    thread = threading.Thread(target=rename)
    thread.start()
    for _ in range(10):
        sweep(keeper)
    ended.set()
    thread.join()
    assert len(os.listdir(keeper.path("audio"))) == 2000


def test_a_reading_of_a_directory_that_just_changed_is_not_trusted(tmp_path: Path) -> None:
    """Its time is as coarse as a tick of the kernel's clock."""
    now = open_outbox(tmp_path / "o")
    name = put(now)
    assert all_items(now) is None
    later: Outbox = open_outbox(tmp_path / "o", ahead_s=2.0)
    assert all_items(later) == [name]
