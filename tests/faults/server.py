"""The server: run as a process of its own, told over its standard input what to do.

`python server.py STORE_FILE`; each line on stdin is `{"command": NAME, ...}`, each answer one line of JSON. It knows
no code of the project.
"""

from __future__ import annotations

import base64
import json
import random
import socket
import ssl
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from faults.listener import Listener, copy_bytes
from faults.store import Store
from faults.wire import PeerGone, Request, Wire, answer_bytes

_PAUSE = threading.Event()  # never set: a wait on it is a pause


class EndOfConnection(Exception):
    """A step ended the connection on purpose."""


class Server:
    """Listeners, rules and gates."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._listeners: dict[str, Listener] = {}
        self._rules: list[dict[str, Any]] = []
        self._gates: dict[str, threading.Event] = {}
        self._wires: set[Wire] = set()
        self._lock = threading.Lock()
        self._random = random.Random(20_260)
        self.is_new_for_known = False  # answer a known call with 201 is_new=false instead of 409
        self.latency_s = 0.0
        self.keys: dict[str, str] = {}

    # Commands, one method each; the names are the commands of the control line.

    def listen(
        self, name: str, port: int = 0, tls: str | None = None, proxy: bool = False, on_accept: str = ""
    ) -> int:
        listener = Listener(self, name, port, tls=tls, proxy=proxy, on_accept=on_accept)
        self._listeners[name] = listener
        return listener.port

    def unlisten(self, name: str) -> None:
        self._listeners.pop(name).close()
        self.drop()

    def black_hole(self) -> int:
        """Open a port whose queue is full: every further SYN is dropped."""
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listening.getsockname())
        self._held = (listening, fillers)
        return int(listening.getsockname()[1])

    def rules(self, rules: list[dict[str, Any]]) -> None:
        with self._lock:
            self._rules = rules

    def options(self, **options: Any) -> None:
        for name, value in options.items():
            setattr(self, name, value)

    def open_gate(self, name: str) -> None:
        self._gate(name).set()

    def drop(self) -> None:
        """Cut every open connection."""
        with self._lock:
            for wire in self._wires:
                wire.cut()

    def clear(self) -> None:
        """Forget everything but the listener called `api`; connections are cut."""
        self.rules([])
        for name in [name for name in self._listeners if name != "api"]:
            self._listeners.pop(name).close()
        with self._lock:
            gates, self._gates = self._gates, {}
        for held in gates.values():
            held.set()
        self.drop()
        self.options(is_new_for_known=False, latency_s=0.0, keys={})
        self.store.clear()

    def summary(self) -> dict[str, Any]:
        store = self.store
        return {
            "calls": store.calls,
            "changed_bodies": store.changed_bodies,
            "requests": store.requests,
            "uploads": store.uploads,
        }

    def count(self) -> dict[str, int]:
        return {"calls": len(self.store.calls), "requests": len(self.store.requests)}

    def body(self, call_id: str) -> str | None:
        return self.store.bodies.get(call_id)

    def wait(self, what: str, count: int, timeout_s: float) -> bool:
        return bool(getattr(self.store, f"wait_{what}")(count, timeout_s))

    # The connections.

    def serve(self, wire: Wire, listener: Listener) -> None:
        """Answer requests on one connection until it ends."""
        with self._lock:
            self._wires.add(wire)
        try:
            index = 0
            while self._one(wire, listener, index):
                index += 1
        except (PeerGone, EndOfConnection, ssl.SSLError, OSError, ValueError):
            pass  # how a connection ends is what this server is for
        finally:
            with self._lock:
                self._wires.discard(wire)
            wire.close()

    def _one(self, wire: Wire, listener: Listener, index: int) -> bool:
        request = wire.head()
        entry = self.store.note(
            {
                "listener": listener.name,
                "connection": id(wire),
                "index": index,
                "method": request.method,
                "target": request.target,
                "headers": request.headers,
                "status": None,
            }
        )
        steps = self._steps_for(wire, request)
        if steps is None:
            if request.method == "CONNECT":
                return self._tunnel(wire, request)
            steps = [{"do": "read"}, {"do": "honest"}]
        try:
            for step in steps:
                self._do(step, wire, request, entry)
        finally:
            entry["call_id"] = request.document().get("call_id")
        return (request.header("connection") or "").lower() != "close" and entry.get("version") != "HTTP/1.0"

    def _steps_for(self, wire: Wire, request: Request) -> list[dict[str, Any]] | None:
        with self._lock:
            rules = list(self._rules)
        for rule in rules:
            when = rule["when"]
            if "call_id" in when:
                wire.body(request)
            if self._fits(when, request) and self._take_turn(rule):
                return list(rule["steps"])
        return None

    @staticmethod
    def _fits(when: dict[str, str], request: Request) -> bool:
        if "path" in when and not request.path.startswith(when["path"]):
            return False
        if "method" in when and request.method != when["method"]:
            return False
        return "call_id" not in when or request.document().get("call_id") == when["call_id"]

    def _take_turn(self, rule: dict[str, Any]) -> bool:
        with self._lock:
            if rule["times"] == 0 or self._random.random() >= rule["chance"]:
                return False
            if rule["times"] is not None:
                rule["times"] -= 1
            return True

    def _gate(self, name: str) -> threading.Event:
        with self._lock:
            return self._gates.setdefault(name, threading.Event())

    def _do(self, step: dict[str, Any], wire: Wire, request: Request, entry: dict[str, Any]) -> None:
        getattr(self, "_do_" + step["do"])(step, wire, request, entry)

    def _do_read(self, step: dict[str, Any], wire: Wire, request: Request, _: dict[str, Any]) -> None:
        upto, rate = step.get("upto"), step.get("bytes_per_s")
        if rate is None:
            wire.body(request, upto)
            return
        while len(request.body) < request.length:
            wire.body(request, len(request.body) + rate // 10)
            _PAUSE.wait(0.1)

    def _do_store(self, _: dict[str, Any], wire: Wire, request: Request, entry: dict[str, Any]) -> None:
        wire.body(request)
        entry["call_id"], entry["stored"] = self.store.keep(request)

    def _do_honest(self, _: dict[str, Any], wire: Wire, request: Request, entry: dict[str, Any]) -> None:
        wire.body(request)
        if self.latency_s:
            _PAUSE.wait(self.latency_s)
        status, body = self._tuner(request, entry)
        answer = json.dumps(body).encode()
        entry["status"] = status
        wire.send(answer_bytes(status, answer, [["content-type", "application/json"]]))

    def _tuner(self, request: Request, entry: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if request.path.startswith("/upload"):
            self.store.keep_upload(request)
            return 204, {}
        key = self.keys.get(request.query.get("workspace_id", ""))
        if key is not None and request.header("authorization") != f"Bearer {key}":
            return 401, {"detail": "unknown key"}
        call_id, is_new = self.store.keep(request)
        entry["call_id"], entry["stored"] = call_id, is_new
        if not is_new and not self.is_new_for_known:
            return 409, {"detail": "this call_id exists"}
        answer: dict[str, Any] = {"id": len(self.store.calls), "provider_call_id": call_id, "is_new": is_new}
        if request.document().get("recording_file_extension"):
            answer["recording_upload"] = {
                "url": f"http://{request.header('host')}/upload/{call_id}",
                "key": f"recordings/{call_id}",
                "fields": {"key": f"recordings/{call_id}", "policy": "presigned-policy-secret"},
                "content_type": "audio/wav",
                "max_bytes": 10_000_000,
            }
        return 201, answer

    def _do_answer(self, step: dict[str, Any], wire: Wire, _: Request, entry: dict[str, Any]) -> None:
        entry["status"] = step["status"]
        entry["version"] = step["version"]
        wire.send(
            answer_bytes(
                step["status"],
                base64.b64decode(step["body"]),
                step["headers"],
                version=step["version"],
                length=step["length"],
                chunked=step["chunked"],
            )
        )

    def _do_send(self, step: dict[str, Any], wire: Wire, _r: Request, _e: dict[str, Any]) -> None:
        wire.send(base64.b64decode(step["data"]))

    def _do_trickle(self, step: dict[str, Any], wire: Wire, _r: Request, _e: dict[str, Any]) -> None:
        while True:
            for byte in base64.b64decode(step["data"]):
                wire.send(bytes([byte]))
                _PAUSE.wait(step["interval_s"])

    def _do_flood(self, step: dict[str, Any], wire: Wire, _r: Request, entry: dict[str, Any]) -> None:
        block = b"x" * 65_536
        for _ in range(step["bytes"] // len(block)):
            wire.send(block)
            entry["flooded"] = entry.get("flooded", 0) + len(block)

    def _do_gate(self, step: dict[str, Any], _w: Wire, _r: Request, entry: dict[str, Any]) -> None:
        entry["gate"] = step["name"]
        self._gate(step["name"]).wait()

    def _do_hang(self, _s: dict[str, Any], wire: Wire, _r: Request, _e: dict[str, Any]) -> None:
        wire.wait_for_peer()

    def _do_close(self, _s: dict[str, Any], wire: Wire, _r: Request, _e: dict[str, Any]) -> None:
        raise EndOfConnection

    def _do_reset(self, _s: dict[str, Any], wire: Wire, _r: Request, _e: dict[str, Any]) -> None:
        wire.reset()
        raise EndOfConnection

    def _tunnel(self, wire: Wire, request: Request) -> bool:
        """Be a proxy: join the client to the port it asks for, always on loopback."""
        port = int(request.target.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as far:
            wire.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=copy_bytes, args=(far, wire.sock), daemon=True)
            back.start()
            copy_bytes(wire.sock, far)
            back.join(5)
        return False


def main(store_file: str) -> None:
    """Obey the control line until it closes."""
    server = Server(Store(Path(store_file)))
    for line in sys.stdin:
        arguments = json.loads(line)
        started = time.monotonic()
        try:
            answer = {"answer": getattr(server, arguments.pop("command"))(**arguments)}
        except Exception as error:  # noqa: BLE001  # the test that asked shall see it
            answer = {"error": repr(error)}
        answer["took_s"] = time.monotonic() - started
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
