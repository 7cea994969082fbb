"""How long a run of the benchmarks may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """Turns the rounds that a workload deserves into those it gets."""

    quick: bool = False

    def rounds(self, number: int) -> int:
        """Return `number`, or a fifth of it and at least 3 for a quick look."""
        return max(3, number // 5) if self.quick else number
