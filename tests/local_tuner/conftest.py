"""A running local Tuner and a client that knows how to ask it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local_tuner.posting import Poster, poster
from tuner_langchain.testing import LocalTuner


@pytest.fixture(name="tuner")
def _tuner() -> Iterator[LocalTuner]:
    with LocalTuner() as tuner:
        yield tuner


@pytest.fixture(name="post")
def _post(tuner: LocalTuner) -> Poster:
    return poster(tuner)
