"""The table of faults: what is injected under which number, and which test holds it.

A test names the rows it holds with `@scenario("A1")`. A row no test holds must give its reason in `NOT_RUN`; the test
of the table fails otherwise, so nothing is skipped in silence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

import pytest

TestFunction = TypeVar("TestFunction", bound=Callable[..., object])

TITLES: dict[str, str] = {
    "A1": "stored, then reset before the answer",
    "A2": "reset in the middle of the request body",
    "A3": "closed without a byte of answer",
    "A4": "a kept-alive connection closed while idle",
    "A5": "201 with its body cut short",
    "A6": "201 is_new=false on the first attempt",
    "A7": "409 on the first attempt, 409 after an unanswered one",
    "A8": "422 with field errors",
    "A9": "422, then retried by hand after a fix",
    "A10": "401 for an hour with 500 calls waiting",
    "A11": "403, 404, 400 for all calls, and for one among successes",
    "A12": "429 with Retry-After: 120",
    "A13": "odd Retry-After values",
    "A14": "429 without Retry-After",
    "A15": "500 five times, then 201",
    "A16": "one call always 500 among 99 good ones",
    "A17": "503 for three hours while calls go on",
    "A18": "redirects, within and across hosts",
    "A19": "200 with a web page instead of the API",
    "A20": "413 before the upload ends",
    "A21": "200 MB of error body; a gzip bomb",
    "A22": "an answer that trickles for ever",
    "A23": "accepted, never answered, stored late",
    "A24": "100, 103, chunked, lower-case headers, HTTP/1.0",
    "A25": "crash between the answer and the recording's upload",
    "A26": "415 to a compressed body",
    "B1": "connection refused",
    "B2": "a name that does not resolve; a resolver that hangs",
    "B3": "packets dropped",
    "B4": "certificate of another host, expired, of an unknown authority",
    "B5": "TLS handshake reset; plain HTTP on the TLS port",
    "B6": "proxy answers 407; proxy drops CONNECT",
    "B7": "NO_PROXY names the host",
    "B8": "keys and addresses that must be refused",
    "B9": "the peer vanished without a FIN",
    "B10": "5 MB over a slow line",
    "C1": "kill -9 at a random moment of submitting",
    "C2": "death before and after every call of submitting",
    "C3": "kill -9 of the sender at a random moment",
    "C4": "death before and after every call of sending",
    "C5": "power loss: what was not synced is gone",
    "C6": "death between the 201 and the unlink",
    "C7": "SIGTERM, SIGKILL, os._exit inside the agent",
    "C8": "segmentation fault in another thread",
    "C9": "restart with 100,000 files waiting",
    "C10": "crash in mid-call with a journal",
    "D1": "the disk fills in the middle of a write",
    "D2": "the disk is full while calls wait",
    "D3": "no inodes, quota, file size limit",
    "D4": "fsync fails",
    "D5": "short writes and interrupts",
    "D6": "read-only, removed and forbidden outbox directories",
    "D7": "outbox is a link, open to all, of another owner",
    "D8": "umask 000 and 777",
    "D9": "broken and foreign files in the outbox",
    "D10": "leftovers of dead writers",
    "D11": "the soft bound and the hard floor",
    "D12": "a call written by a newer version",
    "D13": "an operator deletes a call while it is sent",
    "E1": "8 processes, one outbox, 5,000 calls",
    "E2": "a stopped process holds a claim",
    "E3": "a forked child inherited a claim",
    "E4": "fork under load",
    "E5": "fork while a lock is held",
    "E6": "built before the fork, used in the children",
    "E7": "fork without Python's hooks",
    "E8": "the sender thread dies",
    "E9": "1,000 calls at once from 50 threads",
    "E10": "one call_id finalised twice with different bodies",
    "E11": "two workspaces, one outbox",
    "E12": "no flock on this filesystem",
    "E13": "a child program started while sending",
    "E14": "a gevent-patched process",
    "F1": "cancelled in every await of afinalize",
    "F2": "event loops that end",
    "F3": "submitting beside an audio ticker",
    "F4": "every ordinary way to exit, API up",
    "F5": "every ordinary way to exit, API down",
    "F6": "logging and sockets closed before our exit handler",
    "F7": "submitting from __del__, atexit and a signal handler",
    "F8": "frozen for minutes, thawed on a dead connection",
    "F9": "a serverless sandbox frozen, thawed, destroyed",
    "F10": "flush against everything that could hold it",
    "F11": "wall clock jumps; monotonic clock stands still",
    "F12": "the interpreter refuses new threads",
    "G1": "values JSON does not know",
    "G2": "objects that raise or explode when shown",
    "G3": "a 20 MB document; no segments",
    "G4": "hostile call_ids",
    "G5": "every logger at DEBUG, tracebacks with locals",
    "G6": "a callback that raises, blocks, calls back",
    "G7": "the key changes while calls wait",
    "G8": "a waiting file names another address",
    "G9": "secrets in the answer",
    "H1": "store down, slow, raising",
    "H2": "two machines claim one call",
    "H3": "a store with a short default lifetime",
    "H4": "25 calls waiting in the store",
    "H5": "characters PostgreSQL refuses",
    "H6": "a store that embeds what it holds",
    "H7": "turns from three machines",
    "H8": "death between the outbox and the turns",
    "H9": "an async store on a closed loop",
}

_NO_STORE_OUTBOX = "there is no outbox in a LangGraph store: calls wait in the directory only"

NOT_RUN: dict[str, str] = {
    "A26": "request bodies are never compressed, so no server can refuse a compression",
    "C10": "there is no journal of unfinished calls: the promise begins when a call is finalised",
    **{f"H{number}": _NO_STORE_OUTBOX for number in range(1, 10)},
}

GROUPS = {
    "A": "the server and its answers",
    "B": "network, TLS, proxy",
    "C": "processes that die",
    "D": "disks",
    "E": "processes, threads, forks",
    "F": "event loops, exit, serverless",
    "G": "data and secrets",
    "H": "an outbox in a LangGraph store",
}

HELD_BY: dict[str, list[str]] = defaultdict(list)


def scenario(*ids: str) -> Callable[[TestFunction], TestFunction]:
    """Say which rows of the table a test holds."""
    unknown = [number for number in ids if number not in TITLES]
    assert not unknown, f"no such scenario: {unknown}"

    def mark(test: TestFunction) -> TestFunction:
        for number in ids:
            HELD_BY[number].append(f"{test.__module__}.{test.__qualname__}")
        marked: TestFunction = pytest.mark.scenario(*ids)(test)
        return marked

    return mark


def table() -> list[str]:
    """Return the table as the documentation shows it: one line for each scenario."""
    lines = ["| | injected | |", "|---|---|---|"]
    for number, title in TITLES.items():
        if number == f"{number[0]}1":
            lines.append(f"| **{number[0]}** | **{GROUPS[number[0]]}** | |")
        lines.append(
            f"| {number} | {title} | {'not run: ' + NOT_RUN[number] if number in NOT_RUN else 'ran'} |"
        )
    return lines
