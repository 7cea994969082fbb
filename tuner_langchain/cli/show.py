"""`tuner-langchain show CALL`: one call in the terminal, as JSON, or as a page."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner_langchain.cli.outcome import NO, complain, note, reason

if TYPE_CHECKING:
    import argparse

    from tuner_langchain.cli.parsing import Parser

MISSING = "Without rich there is no colour; install it with: pip install 'tuner-langchain[cli]'"

OTHERS = 20  # as many ids are named


def add_command(commands: argparse._SubParsersAction[Parser]) -> None:
    """Register `show`."""
    parser = commands.add_parser(
        "show",
        help="look at one call: its turns, nodes, tools, latencies and errors",
        description="Show a call in the terminal: what was said; which nodes and tools ran, when and why.",
    )
    call = (
        "a document's file, - for standard input, a call's address at the local Tuner, a directory for the newest "
        "call in it, or a call's id"
    )
    parser.add_argument("call", metavar="CALL", help=call)
    places = (
        "where to look for an id: an outbox, a local Tuner's directory or address (default: the usual ones)"
    )
    parser.add_argument("--from", dest="places", action="append", metavar="PLACE", help=places)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print what is shown as JSON, for pipes")
    form.add_argument("--html", metavar="FILE", help="write a page that needs nothing else; - prints it")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show the call; 1 when there is none."""
    from tuner_langchain.errors import TunerError
    from tuner_langchain.view.source import find_document

    try:
        document = find_document(args.call, args.places or _usual_places())
    except TunerError as error:
        return complain(f"tuner-langchain show: {error}", NO)
    _name_others(args.call)
    if args.html:
        return _write_page(document, args.html)
    if args.json:
        from tuner_langchain.view.story import members, read_story

        print(json.dumps(read_story(document), indent=2, default=members))
        return 0
    _print(document)
    return 0


def _name_others(place: str) -> None:
    """Say which calls of a directory are not shown."""
    from tuner_langchain.view.source import ids_in

    others = ids_in(place)[1:]
    if others:
        named = ", ".join(others[:OTHERS]) + (", ..." if others[OTHERS:] else "")
        note(f"The newest of {len(others) + 1} calls; the others are shown with --from {place}: {named}")


def _write_page(document: dict[str, Any], name: str) -> int:
    from tuner_langchain.view.html import page

    if name == "-":
        print(page(document))
        return 0
    try:
        Path(name).write_text(page(document), encoding="utf-8")
    except OSError as error:
        return complain(f"tuner-langchain show: {reason(error)}", NO)
    print(f"Open {Path(name).resolve().as_uri()}")
    return 0


def _print(document: dict[str, Any]) -> None:
    try:
        from rich.console import Console

        from tuner_langchain.view.terminal import show
    except ModuleNotFoundError:
        from tuner_langchain.view.outline import timeline_text

        print(timeline_text(document))
        print(MISSING, file=sys.stderr)
        return
    from tuner_langchain.view.story import read_story

    show(read_story(document), Console(highlight=False))


def _usual_places() -> list[str]:
    """Return where calls usually are: in this user's outbox, and at the address that `serve` takes."""
    from tuner_langchain.config import find_outbox_dir
    from tuner_langchain.errors import ConfigError
    from tuner_langchain.view.source import LOCAL_TUNER_URL

    try:
        return [str(find_outbox_dir()), LOCAL_TUNER_URL]
    except ConfigError:  # what can be looked at is shown all the same
        return [LOCAL_TUNER_URL]
