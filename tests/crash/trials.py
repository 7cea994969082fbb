"""kill -9 at random moments: the trials, and what they count."""

from __future__ import annotations

import json
import os
import random
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from faults import clients
from faults import script as s
from faults.control import ServerProcess
from faults.documents import KEY
from faults.processes import Client, Zygote
from faults.reader import Findings, Promise, check_calls, check_files_for, check_modes, kept_calls

NOBODY_URL = "http://127.0.0.1:9"
"""The writers' trials need no server; port 9 refuses."""

_WRITERS_AT_ONCE = 2
_SENDERS_AT_ONCE = 2
_CALLS_PER_SENDER = 40


@dataclass
class Count:
    """The result of trials."""

    trials: int = 0
    killed: int = 0
    acknowledged: int = 0
    stored: int = 0
    partial_files: int = 0
    posts: int = 0
    lost: int = 0
    doubled: int = 0

    def show(self) -> str:
        return json.dumps(asdict(self))


def kill_writers(zygote: Zygote, server: ServerProcess, directory: Path, trials: int, seed: int) -> Count:
    """Kill writers in the midst of finalising, then send what they left and compare.

    Args:
        zygote: Forks the writers.
        server: Receives what survived.
        directory: Takes the outbox and the acknowledgements.
        trials: How many writers die.
        seed: Chooses the moments.
    """
    chance = random.Random(seed)
    outbox = directory / "outbox"
    count = Count(trials=trials)
    acks = [directory / f"acks-{number}" for number in range(trials)]
    for begin in range(0, trials, _WRITERS_AT_ONCE):
        batch = acks[begin : begin + _WRITERS_AT_ONCE]
        writers = [
            zygote.start(clients.writer, url=NOBODY_URL, outbox=str(outbox), acks=str(path), count=100_000)
            for path in batch
        ]
        for client in writers:
            time.sleep(chance.uniform(0.0, 0.05))  # the moment of death is what is random
            client.kill()
        count.killed += sum(client.wait() == -9 for client in writers)
    promised = [Promise(*ack) for ack in clients.read_acks(acks)]
    count.acknowledged = sum(promise.durable for promise in promised)
    count.partial_files = sum(not call.whole for call in kept_calls(outbox) if call.folder == "tmp")
    assert not [call.path for call in kept_calls(outbox) if not call.whole and call.folder != "tmp"]
    drain_all(zygote, server, outbox)
    return _compare(count, promised, server, outbox)


def kill_senders(zygote: Zygote, server: ServerProcess, directory: Path, trials: int, seed: int) -> Count:
    """Kill senders against a server that stores and then resets, or refuses for now, then compare."""
    chance = random.Random(seed)
    outbox, acks = directory / "outbox", directory / "acks"
    count = Count(trials=trials)
    trouble = [
        s.rule(s.read(), s.store(), s.reset(), times=None, chance=0.25),
        s.rule(*s.status(503), times=None, chance=0.10),
        s.rule(*s.status(429, retry_after="0"), times=None, chance=0.05),
    ]
    server.script(*trouble)
    calls = 0
    running: list[Client] = []
    for _ in range(trials):
        if calls - server.order("count")["calls"] < _CALLS_PER_SENDER:
            zygote.start(
                clients.writer, url=NOBODY_URL, outbox=str(outbox), acks=str(acks), count=100
            ).finish()
            calls += 100
        running.append(zygote.start(clients.drain_for_ever, url=server.url, outbox=str(outbox)))
        time.sleep(chance.uniform(0.0, 0.3))  # the moment of death is what is random
        if len(running) == _SENDERS_AT_ONCE:
            victim = running.pop(chance.randrange(len(running)))
            victim.kill()
            count.killed += victim.wait() == -9
    for client in running:
        client.kill()
        count.killed += client.wait() == -9
    server.script()
    drain_all(zygote, server, outbox)
    promised = [Promise(*ack) for ack in clients.read_acks([acks])]
    count.acknowledged = sum(promise.durable for promise in promised)
    return _compare(count, promised, server, outbox)


def drain_all(zygote: Zygote, server: ServerProcess, outbox: Path, rounds: int = 60) -> None:
    """Send until nothing waits; a round without progress is no reason to stop, an unending backlog is."""
    for _ in range(rounds):
        left = waiting(outbox)
        if not left:
            return
        for path in left:  # a file's time says when it is due again: let that moment have come
            os.utime(path)
        zygote.start(clients.drain, url=server.url, outbox=str(outbox), timeout_s=30).finish(120)
    raise AssertionError(f"{len(waiting(outbox))} calls still wait")


def waiting(outbox: Path) -> list[Path]:
    """Return the files that still want something from a sender: calls, and recordings' uploads."""
    return [path for path in outbox.rglob("*.call") if path.parent.name in ("new", "upload")]


def _compare(count: Count, promised: list[Promise], server: ServerProcess, outbox: Path) -> Count:
    findings = Findings()
    seen = server.seen()
    check_calls(findings, promised, outbox, seen, settled=True)
    check_modes(findings, outbox)
    check_files_for(findings, [outbox.parent], KEY, "the key")
    count.stored, count.posts = len(seen.calls), len(seen.posts)
    count.lost = sum(promise.durable and promise.call_id not in seen.calls for promise in promised)
    nonces = [record["nonce"] for record in seen.calls.values()]
    count.doubled = len(nonces) - len(set(nonces)) + len(seen.changed_bodies)
    findings.verify()
    return count
