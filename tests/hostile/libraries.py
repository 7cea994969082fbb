"""Hostile values of other libraries, where those are installed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from hostile.objects import Raises


def _of_numpy() -> dict[str, Callable[[], Any]]:
    import numpy as np

    return {
        "numpy scalars": lambda: [
            np.int64(7),
            np.float32(1.5),
            np.bool_(True),
            np.str_("x"),
            np.float64("nan"),
        ],
        "numpy moments": lambda: [np.datetime64("2026-01-01"), np.datetime64("NaT"), np.timedelta64(1, "D")],
        "numpy wide numbers": lambda: [np.longdouble(1.5), np.complex128(1j), np.uint64(2**64 - 1)],
        "numpy array": lambda: np.arange(10),
        "numpy array of objects": lambda: np.array([{"a": 1}, None], dtype=object),
        "numpy array of ten million": lambda: np.zeros(10_000_000),
        "numpy array without dimensions": lambda: np.array(7),
        "numpy record": lambda: np.zeros(2, dtype=[("a", "i4"), ("b", "f8")]),
        "numpy array of text": lambda: np.array(["a", "b"]),
    }


def _of_pandas() -> dict[str, Callable[[], Any]]:
    import pandas as pd

    return {
        "data frame": lambda: pd.DataFrame({"a": range(100_000), "b": "x"}),
        "series": lambda: pd.Series([1, 2, None]),
        "pandas' nothings": lambda: [pd.NA, pd.NaT],
        "pandas' moments": lambda: [
            pd.Timestamp("2026-01-01", tz="UTC"),
            pd.Timedelta("1D"),
            pd.Interval(0, 1),
        ],
        "pandas' NA": lambda: pd.NA,
    }


def _of_sqlalchemy() -> dict[str, Callable[[], Any]]:
    from hostile.rows import row

    return {"ORM row": lambda: row(detached=False), "detached ORM row": lambda: row(detached=True)}


def _of_attrs() -> dict[str, Callable[[], Any]]:
    import attrs

    made: Any = attrs.make_class(
        "Booking", {"table": attrs.field(default="t7"), "guest": attrs.field(factory=Raises)}
    )
    return {"attrs object": made, "attrs object never initialised": lambda: made.__new__(made)}


def values() -> dict[str, Callable[[], Any]]:
    """Return the values of the libraries that are installed."""
    found: dict[str, Callable[[], Any]] = {}
    for of_library in (_of_numpy, _of_pandas, _of_sqlalchemy, _of_attrs):
        with contextlib.suppress(ImportError):
            found |= of_library()
    return found
