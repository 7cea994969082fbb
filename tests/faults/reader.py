"""The independent reader: decides from files, the server's store and the log alone whether a call was lost.

It shares no code with the delivery. What it knows of the outbox is written here: `tmp/`, `new/` and `dead/` under one
directory per version; a call's file is one header line of JSON followed by the body that is sent.
"""

from __future__ import annotations

import json
import os
import stat
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.control import Seen

_MOVED_AT_MOST = 100
FOLDERS = ("tmp", "new", "upload", "dead")


@dataclass(frozen=True)
class Kept:
    """One call's file."""

    path: Path
    folder: str
    call_id: str | None
    header: dict[str, Any]
    body: bytes

    @property
    def whole(self) -> bool:
        return self.call_id is not None


@dataclass(frozen=True)
class Promise:
    """What the caller was told about one call."""

    call_id: str
    durable: bool
    state: str = "pending"


@dataclass
class Findings:
    """What is wrong; empty is right."""

    problems: list[str] = field(default_factory=list)

    def expect(self, held: bool, problem: str) -> None:
        if not held:
            self.problems.append(problem)

    def verify(self) -> None:
        assert not self.problems, "the invariant is broken:\n  " + "\n  ".join(self.problems[:40])


def kept_calls(outbox: Path) -> list[Kept]:
    """Read every call file below the outbox; begin again when one is moved meanwhile."""
    for _ in range(_MOVED_AT_MOST):
        try:
            return _kept_calls(outbox)
        except FileNotFoundError:
            continue
    raise AssertionError(f"somebody keeps moving the calls in {outbox}")


def _kept_calls(outbox: Path) -> list[Kept]:
    return [
        _kept(path) for path in files_below(outbox) if path.parent.name in FOLDERS and path.suffix == ".call"
    ]


def dead_reasons(outbox: Path) -> dict[str, str]:
    """Return call_id and reason of every dead call: the word in its name and what the file beside it says.

    A dead file is `<ms>-<attempts>-<destination>-<hash>-<nonce>.<reason>.call`; beside it lies
    `<ms>-<destination>-<hash>-<nonce>.reason.json`.
    """
    reasons = {}
    for call in kept_calls(outbox):
        if call.folder != "dead" or call.call_id is None:
            continue
        stem, _, word = call.path.name.removesuffix(".call").partition(".")
        created, _, *rest = stem.split("-")
        beside = call.path.with_name("-".join([created, *rest]) + ".reason.json")
        reasons[call.call_id] = " ".join(
            part for part in (word, beside.read_text() if beside.exists() else "") if part
        )
    return reasons


def files_below(directory: Path) -> list[Path]:
    """Return regular files; one that vanishes meanwhile is left out."""
    found = []
    for folder, _, names in os.walk(directory):
        found += [Path(folder, name) for name in names]
    return [path for path in sorted(found) if path.is_file() and not path.is_symlink()]


def _kept(path: Path) -> Kept:
    raw = path.read_bytes()
    first, _, rest = raw.partition(b"\n")
    try:
        header = json.loads(first)
        # What waits in `upload/` is stored already; its file holds where the recording goes.
        described = header if path.parent.name == "upload" else json.loads(rest)
        call_id = described["call_id"]
    except (ValueError, KeyError, TypeError):
        return Kept(path, path.parent.name, None, {}, raw)
    return Kept(path, path.parent.name, call_id, header, rest)


def check_calls(
    findings: Findings,
    promises: Iterable[Promise],
    outbox: Path,
    seen: Seen,
    lost: Iterable[str] = (),
    *,
    conflicts: Collection[str] = (),
    settled: bool = False,
) -> None:
    """Check that every promised call is in exactly one place, and that no record is doubled.

    Args:
        findings: Takes the problems.
        promises: What the caller was told.
        outbox: The outbox directory.
        seen: What the server stored.
        lost: The call_ids that were reported lost.
        conflicts: call_ids the test used twice: one of the two is stored, the other kept.
        settled: Nothing is under way any more: a stored call may not wait in `new/` as well.
    """
    kept = [call for call in kept_calls(outbox) if call.whole]
    new = Counter(call.call_id for call in kept if call.folder == "new")
    dead = {call.call_id for call in kept if call.folder == "dead"}
    reasons = dead_reasons(outbox)
    for call_id in dead:
        findings.expect(bool(reasons.get(str(call_id))), f"{call_id} is dead without a reason")
    reported = set(lost)
    for promise in promises:
        call_id = promise.call_id
        places = [
            name
            for name, there in (
                ("server", call_id in seen.calls),
                ("new", call_id in new),
                ("dead", call_id in dead),
                ("lost", call_id in reported),
            )
            if there
        ]
        findings.expect(bool(places) or not promise.durable, f"{call_id} was durable and is nowhere")
        # An answer may have been lost: then the call is stored and waits as well, until somebody asks again.
        allowed = {"server", "dead"} if call_id in conflicts else {"server"} if settled else {"server", "new"}
        together = len(places) == 1 or not places or set(places) <= allowed
        findings.expect(together, f"{call_id} is in {' and '.join(places)}")
    _check_records(findings, seen, conflicts)


def _check_records(findings: Findings, seen: Seen, conflicts: Collection[str]) -> None:
    by_nonce = Counter(record["nonce"] for record in seen.calls.values() if record["nonce"])
    doubled = [nonce for nonce, count in by_nonce.items() if count > 1]
    findings.expect(not doubled, f"{len(doubled)} calls are stored under two call_ids")
    changed = [call_id for call_id in seen.changed_bodies if call_id not in conflicts]
    findings.expect(not changed, f"sent again with other bytes: {changed[:5]}")


def check_modes(findings: Findings, outbox: Path) -> None:
    """Check 0600 and 0700 for everything in the outbox."""
    for folder, names, files in os.walk(outbox):
        for name in [".", *names, *files]:
            path = Path(folder, name)
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:
                continue
            allowed = 0o700 if stat.S_ISDIR(mode) else 0o600
            findings.expect(stat.S_IMODE(mode) & ~allowed == 0, f"{path} has mode {stat.S_IMODE(mode):o}")


def check_secrets(findings: Findings, key: str, places: dict[str, Iterable[str]]) -> None:
    """Check that the key is in none of the texts; `places` maps a name for the message to texts."""
    for place, texts in places.items():
        found = sum(1 for text in texts if key in text)
        findings.expect(found == 0, f"the key is in {found} of {place}")


def check_files_for(findings: Findings, directories: Iterable[Path], needle: str, what: str) -> None:
    """Check that no file below the directories holds the needle."""
    for directory in directories:
        for path in files_below(directory):
            findings.expect(needle.encode() not in path.read_bytes(), f"{what} is in {path}")


def check_stats(findings: Findings, stats: Any) -> None:
    """Check finalised = delivered + delivered_duplicate + pending + held + dead + lost."""
    parts = {
        name: getattr(stats, name)
        for name in ("delivered", "delivered_duplicate", "pending", "held", "dead", "lost")
    }
    findings.expect(
        stats.finalised == sum(parts.values()), f"{stats.finalised} finalised is not the sum of {parts}"
    )
    findings.expect(all(count >= 0 for count in parts.values()), f"a count below nothing: {parts}")
