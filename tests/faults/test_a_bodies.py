"""Group A, what comes with an answer: too much of it, an upload target, an unwanted encoding."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable

import pytest

from faults import documents
from faults import script as s
from faults.clients import adopt_backlog, peak_of_flush, record_and_stay, upload_rest
from faults.processes import Zygote
from faults.scenarios import scenario
from faults.trial import Trial

BOMB = gzip.compress(b"\0" * 200_000_000, compresslevel=1)
FLOODS = {
    "error body": [s.send(b"HTTP/1.1 500 Oh\r\ncontent-length: 200000000\r\n\r\n"), s.flood(200_000_000)],
    "gzip bomb": [s.answer(500, BOMB, [["content-encoding", "gzip"], ["content-type", "application/json"]])],
}


@pytest.mark.parametrize("kind", FLOODS)
@scenario("A21")
def test_answers_without_end(trial: Trial, zygote: Zygote, kind: str) -> None:
    """Reading stops early, whatever an answer promises to unpack to."""
    trial.server.script(s.rule(s.read(), s.honest()), s.rule(s.read(), *FLOODS[kind]))
    zygote.start(peak_of_flush, **trial.client("a"), timeout_s=10).finish(30)
    trial.promise_from(["a"])
    assert int(trial.wait_for_word("a", "peak-kb")) < 5_000
    assert len(trial.server.seen().calls) == 2
    flooded = [entry["flooded"] for entry in trial.server.seen().requests if "flooded" in entry]
    assert not [size for size in flooded if size > 20_000_000]


@scenario("A25")
def test_a_crash_between_the_answer_and_the_upload(trial: Trial, zygote: Zygote) -> None:
    """The upload target came with an answer that does not come twice: it was kept, and the next process uploads."""
    trial.server.script(s.rule(s.read(), s.gate("crashed"), s.close(), path="/upload"))
    crashed = zygote.start(record_and_stay, **trial.client("a"))
    trial.server.wait_calls(1)
    trial.server.wait_requests(2)
    crashed.kill()
    crashed.wait()
    trial.server.open_gate("crashed")
    zygote.start(upload_rest, url=trial.server.url, outbox=str(trial.outbox)).finish(30)
    trial.promise_from(["a"])
    [upload] = trial.server.seen().uploads
    assert upload["bytes"] > 5_000
    assert len(trial.posts()) == 1
    assert not trial.kept()


def _backlog(trial: Trial, count: int) -> None:
    """Write the files of many waiting calls, as an earlier process would have left them."""
    trial.server.down()
    trial.open(fsync=False)
    trial.submit()
    trial.close()
    trial.server.up()
    [kept] = trial.kept()
    created_ms, attempts, destination, *_ = kept.path.name.split("-")
    for number in range(count):
        call_id = f"old-{number}"
        body = documents.body(call_id)
        header = {**kept.header, "call_id": call_id, "length": len(body), "crc32": zlib.crc32(body)}
        call_hash = hashlib.sha256(call_id.encode()).hexdigest()[:32]
        path = kept.path.with_name(f"{created_ms}-{attempts}-{destination}-{call_hash}-{number:08x}.call")
        path.write_bytes(json.dumps(header).encode() + b"\n" + body)
        path.chmod(0o600)


@pytest.mark.parametrize(
    "count", [3_000, pytest.param(100_000, marks=[pytest.mark.soak, pytest.mark.timeout(600)])]
)
@scenario("C9")
def test_a_start_beside_a_large_backlog(
    trial: Trial, zygote: Zygote, record_property: Callable[[str, object], None], count: int
) -> None:
    """The backlog is read in pieces: memory does not grow with it and fresh calls need not wait for it."""
    _backlog(trial, count)
    zygote.start(adopt_backlog, **trial.client("a")).finish(120)
    trial.promise_from(["a"])
    first_s, rss_kb = trial.wait_for_word("a", "first-s"), trial.wait_for_word("a", "rss-kb")
    record_property(
        f"start beside {count} files", f"first call delivered after {first_s} s, RSS +{rss_kb} KB"
    )
    assert int(rss_kb) < 50_000
    assert len(trial.server.seen().calls) >= 2
