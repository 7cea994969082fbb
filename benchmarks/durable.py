"""Where the benchmarks' finished calls go when they are to go all the way: a real outbox, and a sink to send to."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.sink import sink

if TYPE_CHECKING:
    from tuner_langchain import Delivery


@contextmanager
def delivery() -> Iterator[Delivery]:
    """Yield a delivery with an outbox of its own on this machine's disk, forced to it as users have it."""
    from tuner_langchain import Delivery, TunerConfig

    with tempfile.TemporaryDirectory() as directory, sink() as address:
        config = TunerConfig(
            api_key="benchmark", workspace_id=1, agent_id="benchmark", base_url=address, outbox_dir=directory
        )
        made = Delivery(config)
        try:
            yield made
        finally:
            made.close()
