"""The recording follows its call: to the place the answer names, once, without the key."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from delivery.conftest import call_body
from delivery.server import Reply, Request, ScriptedServer
from tuner_langchain.delivery import Delivery, DeliveryEvent, Recording
from tuner_langchain.delivery.upload import UploadTarget

AUDIO = b"RIFF" + bytes(range(256)) * 40


class Storage:
    """Tuner and its storage at one address: the first names the second's place."""

    def __init__(self, server: ScriptedServer, **target: Any) -> None:
        self.server = server
        self.uploads: list[Request] = []
        self.replies: list[Reply] = []
        self.target = {
            "url": f"{server.url}/bucket",
            "key": "k",
            "fields": {"key": "k", "policy": "signed"},
            "content_type": "audio/wav",
            "max_bytes": 10**6,
            **target,
        }
        server.answer = self.answer

    def answer(self, request: Request) -> Reply | None:
        if request.path == "/bucket":
            self.uploads.append(request)
            return self.replies.pop(0) if self.replies else Reply(204, b"")
        is_new = request.call_id not in self.server.stored
        self.server.stored[request.call_id] = request.body
        fields: dict[str, Any] = {"id": 1, "is_new": is_new}
        if is_new:
            fields["recording_upload"] = self.target
        return Reply(201, json.dumps(fields).encode())


@pytest.fixture
def storage(server: ScriptedServer) -> Storage:
    return Storage(server)


@pytest.mark.parametrize("form", ["bytes", "path", "file"])
def test_the_recording_is_uploaded_fields_first(
    form: str, storage: Storage, delivery: Delivery, tmp_path: Path, outbox_dir: Path
) -> None:
    """Bytes, a path or a file object; nothing is left in the outbox, and the user's file stays."""
    path = tmp_path / "call.wav"
    path.write_bytes(AUDIO)
    audio: Any = {"bytes": AUDIO, "path": path, "file": io.BytesIO(AUDIO)}[form]
    receipt = delivery.submit("call-1", call_body("call-1"), recording=Recording(audio, "wav"))
    assert receipt.upload == "pending"
    delivery.flush(10)
    assert (receipt.state, receipt.upload, delivery.stats().uploaded) == ("delivered", "uploaded", 1)
    (upload,) = storage.uploads
    assert "authorization" not in upload.headers
    assert upload.body.index(b"policy") < upload.body.index(b'name="file"') < upload.body.index(AUDIO)
    assert b"audio/wav" in upload.body
    assert [path for path in (outbox_dir / "v1").rglob("*") if path.is_file()] == []
    assert path.exists()


def test_a_passing_trouble_of_the_storage_is_retried(storage: Storage, delivery: Delivery) -> None:
    """The call is delivered already; its recording follows later."""
    storage.replies = [Reply(503), Reply(cut=True)]
    receipt = delivery.submit("call-1", call_body("call-1"), recording=Recording(AUDIO, "wav"))
    delivery.flush(20)
    assert (receipt.upload, len(storage.uploads)) == ("uploaded", 3)
    assert len(storage.server.stored) == 1


@pytest.mark.parametrize(
    ("target", "reply", "reason"),
    [
        ({}, Reply(403), "status 403"),
        ({"max_bytes": 10}, None, "10"),
        ({"url": "ftp://elsewhere/"}, None, "no place"),
        ({"url": 7}, None, "no place"),
    ],
)
def test_a_failed_upload_is_its_own_outcome(
    target: dict[str, Any],
    reply: Reply | None,
    reason: str,
    server: ScriptedServer,
    make_delivery: Callable[..., Delivery],
    outbox_dir: Path,
) -> None:
    """The call stays delivered; the receipt, an event and a counter say that the recording is not there."""
    storage = Storage(server, **target)
    storage.replies = [reply] if reply else []
    events: list[DeliveryEvent] = []
    delivery = make_delivery(on_event=events.append)
    receipt = delivery.submit("call-1", call_body("call-1"), recording=Recording(AUDIO, "wav"))
    delivery.flush(10)
    delivery.close(5)
    assert (receipt.state, receipt.upload) == ("delivered", "failed")
    assert reason in str(receipt.upload_message)
    assert "upload_failed" in [event.kind for event in events]
    assert delivery.stats().uploads_failed == 1
    assert len(list((outbox_dir / "v1" / "audio").iterdir())) == 1  # the audio is not thrown away


def test_an_upload_survives_the_process(
    storage: Storage, make_delivery: Callable[..., Delivery], outbox_dir: Path
) -> None:
    """The place was noted before the call's file was deleted, so the next process goes on."""
    storage.replies = [Reply(503)] * 50
    first = make_delivery()
    first.submit("call-1", call_body("call-1"), recording=Recording(AUDIO, "wav")).wait(10)
    first.close(0)
    while first._here().workers.alive():  # it may be in the midst of an upload
        pass
    assert len(list((outbox_dir / "v1" / "upload").iterdir())) == 1
    storage.replies = []
    second = make_delivery()
    second.flush(10)
    assert (second.stats().uploaded, len(storage.server.stored)) == (1, 1)
    assert AUDIO in storage.uploads[-1].body


def test_audio_that_cannot_be_read_costs_the_recording_not_the_call(
    storage: Storage, delivery: Delivery, tmp_path: Path
) -> None:
    """A file that is gone, and a file object that raises."""

    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise ValueError("closed")

    gone = delivery.submit("call-1", call_body("call-1"), recording=Recording(tmp_path / "gone.wav", "wav"))
    broken = delivery.submit("call-2", call_body("call-2"), recording=Recording(Broken(), "wav"))  # type: ignore[arg-type]
    delivery.flush(10)
    assert (gone.state, gone.upload) == ("delivered", "failed")
    assert (broken.state, broken.upload) == ("delivered", "failed")


def test_no_place_in_the_answer_is_said(server: ScriptedServer, delivery: Delivery) -> None:
    """The recording was wanted; the answer did not name where to."""
    receipt = delivery.submit("call-1", call_body("call-1"), recording=Recording(AUDIO, "wav"))
    delivery.flush(10)
    assert (receipt.state, receipt.upload) == ("delivered", "failed")


def test_targets_and_recordings_do_not_show_themselves() -> None:
    """Presigned fields are as good as a key, and audio is content."""
    target = UploadTarget.read({"url": "https://s/", "fields": {"policy": "signed"}}, allow_http=False)
    assert target is not None
    assert "signed" not in repr(target)
    assert "RIFF" not in repr(Recording(AUDIO, "wav"))
    assert UploadTarget.read({"url": "http://s/", "fields": {}}, allow_http=False) is None
    assert os.path.isabs(str(Recording("call.wav", "wav").path()))
