"""A local Tuner that stops leaves nothing behind, whoever is still knocking."""

from __future__ import annotations

import gc
import socket
import threading

from tuner_langchain.testing import LocalTuner


def test_connections_that_come_as_it_stops_are_closed() -> None:
    """A connection that is accepted in the last moment is closed too: tests that hold warnings as errors stay green.

    What is not closed is found when it is collected, and pytest makes the test fail for it.
    """
    for _ in range(3):
        with LocalTuner() as tuner:
            port = int(tuner.base_url.rpartition(":")[2])
            opened: list[socket.socket] = []
            knocking = threading.Thread(target=_knock, args=(port, opened))
            knocking.start()
        knocking.join()
        for connection in opened:
            connection.close()
        gc.collect()


def _knock(port: int, opened: list[socket.socket]) -> None:
    while len(opened) < 500:
        try:
            opened.append(socket.create_connection(("127.0.0.1", port), timeout=5))
        except OSError:
            return
