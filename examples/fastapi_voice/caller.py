"""A caller on the websocket: says its lines, cuts the agent off once, and prints what it hears."""

from __future__ import annotations

import json
import sys
import time

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

LINES = ("When are you open?", "A table for two, please.", "Half past seven!", "Goodbye.")
CUT_OFF = "A table for two, please."  # the caller hears five words of the answer to this, and goes on talking
SPEAKING_S = 0.3


def call(address: str) -> None:
    with connect(address) as socket:
        for line in LINES:
            print(f"\ncaller: {line}\nagent:  ", end="")
            started = time.time()
            time.sleep(SPEAKING_S)
            turn = {"heard": line, "started": started, "ended": time.time(), "confidence": 0.97}
            socket.send(json.dumps(turn))
            listen(socket, words=5 if line == CUT_OFF else None)
    print()


def listen(socket: ClientConnection, words: int | None) -> None:
    """Print the answer until it is complete, or until so many words were heard."""
    try:
        while words is None or words > 0:
            message = json.loads(socket.recv())
            if "done" in message:
                return
            print(message["speak"], end="", flush=True)
            words = None if words is None else words - 1
    except ConnectionClosed:
        return


if __name__ == "__main__":
    call(sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8000/calls/call-1")
