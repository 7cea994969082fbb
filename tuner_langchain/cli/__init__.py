"""The command line: one module a command, imported when the command line is, run when it is named."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from tuner_langchain.cli.outcome import finish
from tuner_langchain.cli.parsing import Parser

COMMANDS = ("demo", "serve", "show", "validate", "outbox")


def build_parser() -> Parser:
    """Return the parser of the whole command line; each command's module adds its own part."""
    from tuner_langchain import __version__

    parser = Parser(
        prog="tuner-langchain",
        description="Look at calls of LangGraph and LangChain voice agents, and see them safely to Tuner.",
    )
    parser.add_argument("--version", action="version", version=f"tuner-langchain {__version__}")
    parser.set_defaults(run=parser.answer_with_help)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name in COMMANDS:
        import_module(f"tuner_langchain.cli.{name}").add_command(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 a no or a failure, 2 wrong use."""

    def run() -> int:
        args = build_parser().parse_args(argv)
        return int(args.run(args))

    return finish(run)
