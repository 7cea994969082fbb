"""The report: which scenarios ran, which did not and why."""

from __future__ import annotations

from collections import defaultdict

import pytest

from faults.scenarios import NOT_RUN, TITLES

PASSED, FAILED, SKIPPED = "passed", "FAILED", "skipped"


class Report:
    """A pytest plugin that collects the outcome of every scenario's tests."""

    def __init__(self) -> None:
        self._ids: dict[str, tuple[str, ...]] = {}
        self._outcomes: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.numbers: list[tuple[str, str]] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note which scenarios each test holds."""
        for item in items:
            self._ids[item.nodeid] = tuple(
                str(number) for mark in item.iter_markers("scenario") for number in mark.args
            )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a test went: the call, or whatever stopped it before or after."""
        if report.when != "call" and report.passed:
            return
        reason = ""
        if report.skipped and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
        word = FAILED if report.failed else SKIPPED if report.skipped else PASSED
        for number in self._ids.get(report.nodeid, ()):
            self._outcomes[number].append((word, reason))
        self.numbers += [
            (str(name), str(value)) for name, value in report.user_properties if report.when == "call"
        ]

    def outcome(self, number: str) -> tuple[str, str]:
        """Return the word and the reason for one scenario."""
        outcomes = self._outcomes.get(number, [])
        if number in NOT_RUN:
            return "not run", NOT_RUN[number]
        words = [word for word, _ in outcomes]
        if FAILED in words:
            return FAILED, f"{words.count(FAILED)} of {len(words)} tests"
        if PASSED in words:
            left_out = sorted({reason for word, reason in outcomes if word == SKIPPED})
            return PASSED, "; ".join([f"{words.count(PASSED)} tests", *left_out])
        if SKIPPED in words:
            return "not run", "; ".join(sorted({reason for _, reason in outcomes}))
        return "not run", "its tests were not selected"

    def lines(self) -> list[str]:
        """Return the table, one scenario a line, and the sums."""
        outcomes = {number: self.outcome(number) for number in TITLES}
        lines = [
            f"{number:4} {word:8} {TITLES[number]} ({reason})" for number, (word, reason) in outcomes.items()
        ]
        words = [word for word, _ in outcomes.values()]
        sums = ", ".join(f"{words.count(word)} {word}" for word in (PASSED, FAILED, "not run"))
        return [
            *lines,
            f"{len(words)} scenarios: {sums}",
            *(f"{name}: {value}" for name, value in self.numbers),
        ]
