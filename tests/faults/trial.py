"""One scenario: a server, an outbox, a delivery under a clock of the test's own, and the check at the end."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx

from faults import clients, documents, reader
from faults.clock import FakeRuntime, senders
from faults.control import ServerProcess
from faults.disk import ScriptedFileSystem
from faults.documents import KEY, SPOKEN
from faults.reader import Findings, Kept, Promise
from faults.witness import Witness
from tuner_langchain import cli
from tuner_langchain.delivery import Delivery, Receipt, Recording
from tuner_langchain.delivery.client import HttpClient, Timeouts
from tuner_langchain.delivery.fs import FileSystem

_EXITS = Path(__file__).with_name("exits.py")
_PATIENCE_S = 20.0


class Trial:
    """What a scenario's test works with; `finish` judges it by the invariant."""

    def __init__(self, server: ServerProcess, directory: Path, witness: Witness) -> None:
        self.server = server
        self.directory = directory
        self.witness = witness
        self.outbox = directory / "outbox"
        self.clock = FakeRuntime()
        self.fs = ScriptedFileSystem()
        self.files: FileSystem = self.fs
        self.events: list[Any] = []
        self.bodies: dict[str, bytes] = {}
        self.promises: list[Promise] = []
        self._deliveries: list[Delivery] = []
        self._receipts: list[tuple[Receipt, str]] = []
        self._conflicts: set[str] = set()
        self._broken: set[str] = set()
        self._texts: list[str] = []
        self._finished = False
        self._strangers = senders()  # other tests' senders live on in this process
        self._more: dict[str, Any] = {}

    # The delivery under test

    def open(self, **settings: Any) -> Delivery:
        """Build a delivery whose clock only the test moves."""
        return self._open(self.clock, settings)

    def open_real(self, **settings: Any) -> Delivery:
        """Build a delivery with the real clock."""
        return self._open(None, settings)

    def _open(self, runtime: FakeRuntime | None, settings: dict[str, Any]) -> Delivery:
        self.outbox = Path(settings.pop("outbox_dir", self.outbox))
        on_event = settings.pop("on_event", None)
        config = clients.config(settings.pop("base_url", self.server.url), str(self.outbox), **settings)
        more = dict(self._more) if runtime is None else {**self._more, "runtime": runtime}
        opened = Delivery(config, on_event=on_event or self.events.append, files=self.files, **more)
        self._deliveries.append(opened)
        return opened

    @property
    def delivery(self) -> Delivery:
        """The delivery opened last; opened now when there is none."""
        return self._deliveries[-1] if self._deliveries else self.open()

    def timeouts(self, **seconds: float) -> None:
        """Let requests time out sooner; for deliveries opened afterwards."""
        timeouts = Timeouts(**seconds)
        self._more["make_client"] = lambda config: HttpClient(config, timeouts=timeouts)

    def close(self) -> None:
        """Close every delivery without waiting for what is pending."""
        for opened in self._deliveries:
            self._look_at(opened)
            opened.close(timeout=0)
        self._deliveries.clear()

    def reopen(self, **settings: Any) -> Delivery:
        """Close, and begin as a new process would."""
        self.close()
        return self.open(**settings)

    def new_call_id(self) -> str:
        return documents.new_call_id()

    def submit(
        self, call_id: str | None = None, *, on: Delivery | None = None, size_bytes: int = 0, **fields: Any
    ) -> Receipt:
        """Finalise one call."""
        call_id = call_id or self.new_call_id()
        body = documents.body(call_id, size_bytes=size_bytes, **fields)
        return self.submit_body(call_id, body, on=on)

    def submit_body(self, call_id: str, body: bytes, *, on: Delivery | None = None, **more: Any) -> Receipt:
        """Finalise one call with these bytes."""
        self.bodies[call_id] = body
        receipt = (on or self.delivery).submit(call_id, body, **more)
        self._receipts.append((receipt, call_id))
        return receipt

    def submit_and_run(self, seconds: float) -> Receipt:
        """Finalise one call and let time pass."""
        receipt = self.submit()
        self.run(seconds)
        return receipt

    def submit_recorded(self, audio: bytes) -> Receipt:
        """Finalise one call whose recording is to be uploaded."""
        call_id = self.new_call_id()
        body = documents.body(call_id, recording_file_extension="wav")
        return self.submit_body(call_id, body, recording=Recording(audio, "wav"))

    def run(self, seconds: float) -> None:
        """Let time pass; everything that becomes due is done, also what an earlier process left."""
        _ = self.delivery
        for opened in self._deliveries:
            opened.flush(0)  # sends nothing; from now on the background looks after the outbox
        self.clock.run_for(seconds)

    def posts_each_second(self, *, until: int, seconds: int) -> list[int]:
        """Wait for the request number `until`; return how many there are in each of the next seconds."""
        while self.server.order("count")["requests"] < until:
            self.run(1)
        counts = []
        for _ in range(seconds):
            before = self.server.order("count")["requests"]
            self.run(1)
            counts.append(self.server.order("count")["requests"] - before)
        return counts

    # What the test asks

    def posts(self) -> list[dict[str, Any]]:
        return self.server.seen().posts

    def warnings(self, needle: str, level: int = logging.WARNING) -> list[str]:
        """Return the project's log lines at a level or above that hold the needle."""
        return self.witness.about(needle, level)

    def kept(self) -> list[Kept]:
        """Return the calls' files that somebody might send or look at, when nobody is moving them."""
        self.clock.settle()
        return [kept for kept in reader.kept_calls(self.outbox) if kept.folder != "tmp"]

    def folder(self, name: str) -> Path:
        [found] = [path for path in self.outbox.rglob(name) if path.is_dir()]
        return found

    def remove_foreign(self) -> None:
        """Take away what the test itself put among the calls, before the outbox is judged."""
        for path in self.folder("new").iterdir():
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()

    def dead_reasons(self) -> dict[str, str]:
        """Return call_id and the text that says why, for everything in `dead/`."""
        return reader.dead_reasons(self.outbox)

    def state_of(self, receipt: Receipt) -> str:
        """Return what the receipt says now."""
        return receipt.state

    def retry_dead(self, call_id: str) -> None:
        """Put a refused call back with the command that users have."""
        assert cli.main(["outbox", "retry", call_id, "--dir", str(self.outbox)]) == 0

    def store_elsewhere(self) -> str:
        """Let somebody else store a call; return its call_id."""
        call_id = self.new_call_id()
        target = f"{self.server.url}/api/v1/public/call?workspace_id=42&agent_remote_identifier=other"
        httpx.post(
            target, content=documents.body(call_id, caller_phone_number="somebody else"), trust_env=False
        )
        return call_id

    def http_date(self, seconds_ahead: float) -> str:
        return formatdate(self.clock.wall_s() + seconds_ahead, usegmt=True)

    # Processes

    def client(self, acks: str | Path) -> dict[str, str]:
        """Return the arguments every client process takes."""
        return {"url": self.server.url, "outbox": str(self.outbox), "acks": str(self.directory / acks)}

    def pipe(self, name: str) -> Path:
        """Make a named pipe: a client waits on it until the test writes."""
        path = self.directory / name
        os.mkfifo(path)
        return path

    def promise_from(self, acks: Iterable[str | Path]) -> None:
        """Take over what client processes were promised."""
        paths = [self.directory / path for path in acks]
        self.promises += [Promise(*ack) for ack in clients.read_acks(paths)]

    def wait_for_word(self, acks: str, word: str) -> str:
        """Wait until a client process says a word and return what follows it."""
        path = self.directory / acks
        until_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until_s:
            for line in path.read_text().splitlines() if path.exists() else []:
                if line.startswith(f"# {word}"):
                    return line.removeprefix(f"# {word}").strip()
            time.sleep(0.005)  # a file cannot be waited for; the end of the patience is the failure
        raise AssertionError(f"the client did not say {word!r}")

    def script_process(
        self,
        program: str,
        *,
        acks: str,
        status: Collection[int] = (0,),
        timeout_s: float = 30,
        more: Collection[str] = (),
    ) -> str:
        """Run a whole program of `exits.py` and return what it said on standard error."""
        arguments = self.client(acks)
        done = subprocess.run(
            [sys.executable, "-W", "error", str(_EXITS), program, *arguments.values(), *more],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        self._texts += [done.stdout, done.stderr]
        assert done.returncode in status, f"{program} ended with {done.returncode}: {done.stderr}"
        return done.stderr

    # The judgement

    def expect_conflict(self, call_id: str) -> None:
        """Two calls share this id on purpose: the server has one, `dead/` the other."""
        self._conflicts.add(call_id)

    def broken(self, call_id: str) -> None:
        """The test destroyed this call's file itself."""
        self._broken.add(call_id)

    def _look_at(self, opened: Delivery) -> None:
        stats = opened.stats()
        self._texts += [repr(opened), repr(stats), repr(vars(opened)) if hasattr(opened, "__dict__") else ""]
        findings = Findings()
        reader.check_stats(findings, stats)
        findings.verify()

    def finish(self) -> None:
        """Close everything and check the invariant."""
        if self._finished:
            return
        self._finished = True
        self.close()
        for thread in senders():
            if thread not in self._strangers:  # one that is sending ends after its answer
                thread.join(2)
        for receipt, call_id in self._receipts:
            self.promises.append(Promise(call_id, receipt.durable, receipt.state))
            self._texts.append(repr(receipt) + str(receipt.message))
        findings = Findings()
        self._check(findings)
        findings.verify()
        self.server.clear()
        self._deliveries.clear()
        gc.collect()

    def _check(self, findings: Findings) -> None:
        seen = self.server.seen()
        lost = [promise.call_id for promise in self.promises if promise.state == "lost"]
        promises = [promise for promise in self.promises if promise.call_id not in self._broken]
        reader.check_calls(findings, promises, self.outbox, seen, lost, conflicts=self._conflicts)
        for promise in promises:
            if promise.state == "delivered":
                findings.expect(
                    promise.call_id in seen.calls, f"{promise.call_id} is called delivered and is not stored"
                )
        if self.outbox.exists():
            reader.check_modes(findings, self.outbox)
        reader.check_files_for(findings, [self.directory], KEY, "the key")
        self._texts += [repr(event) for event in self.events]
        reader.check_secrets(
            findings, KEY, {"log lines": self.witness.texts, "reprs and messages": self._texts}
        )
        ours = [text for _, name, text in self.witness.lines if name.startswith("tuner_langchain")]
        reader.check_secrets(findings, SPOKEN, {"our log lines": ours, "reprs and messages ": self._texts})
