"""Large values are searched for secrets in parts: what lies where two parts meet is found too."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.tools import tool

from tuner_langchain import Capture
from tuner_langchain.release import _SEARCHED_BYTES
from tuner_langchain.testing import record


@pytest.mark.parametrize("before", range(_SEARCHED_BYTES - 140, _SEARCHED_BYTES + 5))
def test_a_secret_where_two_parts_meet(before: int) -> None:
    """A secret's name that begins in one part of a value and ends in the next is masked, in a row and in a fact."""

    @tool
    def read(page: int) -> dict[str, Any]:
        """Read a page."""
        return {"page": "x" * before, "password": "hunter2", "rest": "x" * _SEARCHED_BYTES}

    call: Any = record(capture=Capture(max_value_chars=10 * _SEARCHED_BYTES))
    read.invoke({"page": 7}, {"callbacks": [call]})
    call.finalize(call_analysis={"page": "x" * before, "password": "hunter2"})

    assert b"hunter2" not in call.body
    assert call.body.count(b"[masked]") == 2
