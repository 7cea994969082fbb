"""The command line: one module a command, imported when the command line is, run when it is named."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

COMMANDS = ("demo", "serve", "show", "validate", "outbox")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line; each command's module adds its own part."""
    from tuner_langchain import __version__

    parser = argparse.ArgumentParser(
        prog="tuner-langchain",
        description="Look at calls of LangGraph and LangChain voice agents, and see them safely to Tuner.",
    )
    parser.add_argument("--version", action="version", version=f"tuner-langchain {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        import_module(f"tuner_langchain.cli.{name}").add_command(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 the command's own no, 2 wrong use."""
    args = build_parser().parse_args(argv)
    try:
        return int(args.run(args))
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130
