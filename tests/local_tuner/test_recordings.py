"""The upload target of a recording: a presigned POST, fields first, the file last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from contract.example import example, minimal

from local_tuner.posting import poster
from tuner_langchain.testing import LocalTuner

if TYPE_CHECKING:
    from local_tuner.posting import Poster

AUDIO = b"RIFF\x00\r\n--\xff audio"


@pytest.fixture(name="target")
def _target(post: Poster) -> dict[str, Any]:
    return dict(post(example()).json()["recording_upload"])


def upload(target: dict[str, Any], fields: dict[str, str], *, audio: bytes = AUDIO) -> httpx.Response:
    return httpx.post(target["url"], data=fields, files={"file": ("call.wav", audio, "audio/wav")})


def test_a_target_is_given_when_it_is_asked_for(tuner: LocalTuner, post: Poster) -> None:
    """Only a call with `recording_file_extension` is answered with a target, and it says all an upload needs."""
    target = post(example()).json()["recording_upload"]

    assert set(target) == {"url", "key", "fields", "content_type", "max_bytes"}
    assert target["url"].startswith(tuner.base_url)
    assert target["key"].endswith(".wav")
    assert target["content_type"].startswith("audio/")
    assert "recording_upload" not in post(minimal()).json()


def test_a_recording_arrives(tuner: LocalTuner, target: dict[str, Any]) -> None:
    """With every field given out, and the file last, the upload is a 204 and the bytes are there."""
    assert upload(target, target["fields"]).status_code == 204
    assert tuner.recording(target["key"]) == AUDIO


def test_a_repeated_call_gets_the_same_target(post: Poster, target: dict[str, Any]) -> None:
    """A retry whose first answer was lost may still upload."""
    assert post(example()).json()["recording_upload"] == target


@pytest.mark.parametrize("field", ["key", "Content-Type", "policy", "x-amz-signature"])
def test_every_field_is_needed_as_it_was_given(target: dict[str, Any], field: str) -> None:
    """A field that is missing or different is a 403 that names it."""
    left_out = {name: value for name, value in target["fields"].items() if name != field}

    for fields in (left_out, target["fields"] | {field: "other"}):
        answer = upload(target, fields)
        assert (answer.status_code, f"field {field} " in answer.text) == (403, True)


def test_fields_after_the_file_are_too_late(target: dict[str, Any]) -> None:
    """Object storage reads no field after the file, so a form in the wrong order is refused."""
    fields: list[tuple[str, Any]] = [(name, (None, value)) for name, value in target["fields"].items()]
    file: tuple[str, Any] = ("file", ("call.wav", AUDIO, "audio/wav"))

    answers = [
        httpx.post(target["url"], files=parts)
        for parts in ([file, *fields], [*fields[:2], file, *fields[2:]])
    ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert "The last part should be the one named file." in answers[0].text


def test_the_part_is_named_file(target: dict[str, Any]) -> None:
    """A file under another name is refused."""
    answer = httpx.post(target["url"], data=target["fields"], files={"audio": ("call.wav", AUDIO)})

    assert (answer.status_code, "InvalidArgument" in answer.text) == (400, True)


def test_a_recording_has_its_bound() -> None:
    """More than `max_bytes` is refused with storage's code for it."""
    with LocalTuner(max_recording_bytes=10) as tuner:
        target = poster(tuner)(example()).json()["recording_upload"]

        assert target["max_bytes"] == 10
        assert upload(target, target["fields"], audio=b"0123456789").status_code == 204
        for too_large in (b"0123456789a", b"0" * 1_000_000):
            answer = upload(target, target["fields"], audio=too_large)
            assert (answer.status_code, "EntityTooLarge" in answer.text) == (400, True)


def test_a_refused_upload_is_listed(tuner: LocalTuner, target: dict[str, Any]) -> None:
    """What storage refused stands among the refusals, so that an integrator need not read XML."""
    upload(target, {})

    (refusal,) = tuner.refusals()
    assert (refusal.status, refusal.call_id) == (403, None)
    assert refusal.reason == "Recording: The field key names no upload that was given out."


def test_a_body_of_unknown_length(target: dict[str, Any]) -> None:
    """Object storage wants to know the length beforehand."""
    answer = httpx.post(target["url"], content=iter([b"chunk"]))

    assert (answer.status_code, "MissingContentLength" in answer.text) == (411, True)


@pytest.mark.parametrize(
    "content_type", ["application/json", "multipart/form-data", "multipart/form-data; boundary=x"]
)
def test_a_body_that_is_no_form(target: dict[str, Any], content_type: str) -> None:
    """Anything but a form is refused, not a server's error."""
    answer = httpx.post(target["url"], content=b"{}", headers={"Content-Type": content_type})

    assert answer.status_code in (400, 403)


def test_an_extension_leads_nowhere_else(tuner: LocalTuner, post: Poster) -> None:
    """An extension with slashes names a file in the directory of recordings, and no other."""
    target = post(example(recording_file_extension="/etc/cron")).json()["recording_upload"]

    assert upload(target, target["fields"]).status_code == 204
    assert [path.name for path in (tuner.directory / "recordings").iterdir()] == [target["key"]]
