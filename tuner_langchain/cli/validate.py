"""`tuner-langchain validate FILE`: everything the Create Call API would refuse, one line each."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tuner_langchain.cli.outcome import WRONG_USE, complain, reason
from tuner_langchain.escaping import printable

if TYPE_CHECKING:
    import argparse

    from tuner_langchain.cli.parsing import Parser
    from tuner_langchain.testing.contract import Violation


def add_command(commands: argparse._SubParsersAction[Parser]) -> None:
    """Register `validate`."""
    parser = commands.add_parser(
        "validate",
        help="check a call's document against the Create Call contract",
        description="Check a call's JSON document. Exit status: 0 the API would take it, 1 it would not.",
    )
    parser.add_argument("file", metavar="FILE", help="the document's file; - reads standard input")
    parser.add_argument("--json", action="store_true", help="print the violations as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the violations, one a line with its path; say so when there are none."""
    from tuner_langchain.testing.contract import validate

    try:
        body = standard_input() if args.file == "-" else Path(args.file).read_bytes()
    except OSError as error:  # not 1: that is the answer for a document that was read
        return complain(f"tuner-langchain validate: {reason(error)}", WRONG_USE)
    except ValueError:  # a null character
        return complain(f"tuner-langchain validate: {args.file!r} is not a file's name", WRONG_USE)
    violations = validate(body)
    print(_as_json(violations) if args.json else _as_text(args.file, violations))
    return 1 if violations else 0


def standard_input() -> bytes:
    """Return what is piped in; nothing where standard input is closed."""
    return b"" if sys.stdin is None else sys.stdin.buffer.read()


def _as_json(violations: list[Violation]) -> str:
    return json.dumps([{"path": v.path, "problem": v.problem, "rule": v.rule} for v in violations], indent=2)


def _as_text(name: str, violations: list[Violation]) -> str:
    if not violations:
        return f"{printable(name)}: the Create Call API would take it"
    return "\n".join(str(violation) for violation in violations)
