"""Arguments: a parser that suggests the nearest word, and numbers with bounds."""

from __future__ import annotations

import argparse
import difflib
import math
from typing import Any, NoReturn

from tuner_langchain.escaping import printable

_LONGEST_S = 1_000_000.0  # longer than any person waits, shorter than what the system's clocks can count
_LAST_PORT = 65_535
_LAST_WORKSPACE = 10**18 - 1


class Parser(argparse.ArgumentParser):
    """A parser whose errors suggest the nearest word; its subcommands' parsers are of the same kind."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        words = [] if action.choices is None else [str(choice) for choice in action.choices]
        if action.choices is None or value in action.choices:
            return
        near = difflib.get_close_matches(str(value), words, 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise argparse.ArgumentError(action, f"there is no {value!r} ({hint}choose from {', '.join(words)})")

    def answer_with_help(self, _: argparse.Namespace) -> int:
        """Print what this parser knows: the answer to a command line that names no command."""
        self.print_help()
        return 0

    def error(self, message: str) -> NoReturn:
        """End with status 2 and what is wrong, without obeying control characters in it."""
        super().error(printable(message))


def port(text: str) -> int:
    """Return a port's number."""
    return _bounded(text, 0, _LAST_PORT)


def workspace(text: str) -> int:
    """Return a workspace's number."""
    return _bounded(text, 1, _LAST_WORKSPACE)


def _bounded(text: str, least: int, most: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = -1
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number from {least} to {most}")
    return number


def seconds(text: str) -> float:
    """Return a number of seconds to wait."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= _LONGEST_S:
        problem = f"{text[:40]!r} is not a number of seconds from 0 to {_LONGEST_S:.0f}"
        raise argparse.ArgumentTypeError(problem)
    return number
