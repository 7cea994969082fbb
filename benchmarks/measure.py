"""Clocks, rounds, and the two figures that are kept of them: the smallest and the median.

Every variant of a workload runs once in each round, in random order, in one process: other load on the
machine then hits all of them alike, and a ratio is taken within a round.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Self


class Sample(NamedTuple):
    """Seconds that one run of a workload took, by three clocks."""

    wall_s: float
    thread_s: float  # CPU of the calling thread: what the agent waits for
    process_s: float  # CPU of all threads: what the machine pays


class Figure(NamedTuple):
    """The smallest and the median of many rounds."""

    least: float
    median: float


Workload = Callable[[], Sample]


class Stopwatch:
    """Times its `with` block by all three clocks; read `sample` after it."""

    sample: Sample

    def __enter__(self) -> Self:
        self._wall, self._process, self._thread = time.perf_counter(), time.process_time(), time.thread_time()
        return self

    def __exit__(self, *_: object) -> None:
        thread, process, wall = time.thread_time(), time.process_time(), time.perf_counter()
        self.sample = Sample(wall - self._wall, thread - self._thread, process - self._process)


def interleave(variants: Mapping[str, Workload], rounds: int, *, seed: int = 0) -> dict[str, list[Sample]]:
    """Run every variant once a round in random order, after one round that is not counted.

    Each sample begins with a full collection, so that no variant pays for another's garbage; the collector
    stays on during the sample, because what a handler keeps is part of what it costs.
    """
    order = random.Random(seed)
    names = list(variants)
    samples: dict[str, list[Sample]] = {name: [] for name in names}
    for counted in range(-1, rounds):
        order.shuffle(names)
        for name in names:
            gc.collect()
            sample = variants[name]()
            if counted >= 0:
                samples[name].append(sample)
    return samples


def figure(values: Sequence[float]) -> Figure:
    """Return the smallest and the median of `values`."""
    return Figure(min(values), statistics.median(values))


def ratio(ours: Sequence[float], base: Sequence[float]) -> Figure:
    """Return ours over base: of the smallest values, and the median of the ratios within each round."""
    return Figure(min(ours) / min(base), statistics.median(a / b for a, b in zip(ours, base, strict=True)))


def difference(ours: Sequence[float], base: Sequence[float]) -> Figure:
    """Return ours less base: of the smallest values, and the median of the differences within each round."""
    return Figure(min(ours) - min(base), statistics.median(a - b for a, b in zip(ours, base, strict=True)))
