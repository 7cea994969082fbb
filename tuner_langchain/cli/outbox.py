"""`tuner-langchain outbox`: what waits, why, and what can be done about it; also while senders run."""

from __future__ import annotations

import contextlib
import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner_langchain.cli.outcome import NO, complain
from tuner_langchain.cli.parsing import Parser, seconds
from tuner_langchain.escaping import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from tuner_langchain.config import TunerConfig
    from tuner_langchain.delivery.upkeep import KeptCall, Upkeep

STATES = ("waiting", "held", "upload", "dead")
_OBEYED = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_CALL = "a call's id, or the beginning of its file's name"


def add_command(commands: argparse._SubParsersAction[Parser]) -> None:
    """Register `outbox` and its own commands."""
    parser = commands.add_parser(
        "outbox",
        help="look after finished calls that wait on this machine",
        description="See which finished calls wait to be sent, send them, and look at those that were refused.",
    )
    parser.set_defaults(run=parser.answer_with_help)
    own = parser.add_subparsers(title="commands", metavar="COMMAND")
    listing = _add(own, "ls", _list, "list the calls that wait and those that were refused")
    listing.add_argument("--state", choices=STATES, help="only these")
    show = _add(own, "show", _show, "show one call: why it is there and when it is tried again")
    show.add_argument("call", metavar="CALL", help=_CALL)
    show.add_argument("--body", action="store_true", help="print the request body, which holds what was said")
    retry = _add(own, "retry", _retry, "let refused calls wait to be sent again, after a fix")
    which = retry.add_mutually_exclusive_group(required=True)
    which.add_argument("call", metavar="CALL", nargs="?", help=_CALL)
    which.add_argument("--all", action="store_true", help="every refused call")
    drain = _add(own, "drain", _drain, "send what waits now, with the settings of the environment")
    drain.add_argument(
        "--timeout", type=seconds, default=60.0, metavar="S", help="seconds (default %(default)g)"
    )
    export = _add(own, "export", _export, "write calls' request bodies as JSON files")
    export.add_argument("to", metavar="DIRECTORY", type=Path)
    export.add_argument("call", metavar="CALL", nargs="?", help=f"{_CALL} (default: all)")


def _add(
    own: argparse._SubParsersAction[Parser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    about: str,
) -> Parser:
    parser = own.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
    where = "the outbox (default: TUNER_OUTBOX_DIR, or the user's state directory)"
    parser.add_argument("--dir", metavar="DIRECTORY", help=where)
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.set_defaults(run=run)
    return parser


def _upkeep(args: argparse.Namespace) -> Upkeep:
    from tuner_langchain.config import find_outbox_dir
    from tuner_langchain.delivery.upkeep import Upkeep

    return Upkeep(find_outbox_dir(args.dir))


def _list(args: argparse.Namespace) -> int:
    calls = [kept for kept in _upkeep(args).calls() if args.state in (None, kept.state)]
    if args.json:
        _print_json([kept.as_dict() for kept in calls])
        return 0
    own = _own()
    for kept in calls:
        print(line(kept, time.time(), own))
    print(f"{_counted(calls)}, {sum(kept.bytes for kept in calls):,} bytes")
    others = sum(_is_elsewhere(kept, own) for kept in calls)
    if others:
        print(
            f"{_plural(others)} to other workspaces or agents than TUNER_WORKSPACE_ID and TUNER_AGENT_ID name."
        )
    return 0


def _counted(calls: list[KeptCall]) -> str:
    """Count the calls by state; those of rare states only when there are some."""
    counts = {state: sum(kept.state == state for kept in calls) for state in STATES}
    rare = ("held", "upload")
    return ", ".join(f"{count} {state}" for state, count in counts.items() if count or state not in rare)


def _show(args: argparse.Namespace) -> int:
    upkeep = _upkeep(args)
    calls = upkeep.calls(args.call)
    if not calls:
        return _none(args.call)
    if args.body:
        return max([_print_body(upkeep, kept) for kept in calls])
    if args.json:
        _print_json([kept.as_dict() | {"explanation": upkeep.explanation(kept)} for kept in calls])
        return 0
    for kept in calls:
        for name, value in (kept.as_dict() | upkeep.explanation(kept)).items():
            if value not in (None, ""):
                print(f"{name.removesuffix('_ms'):>14}  {_readable(name, value)}")
        print()
    return 0


def _print_body(upkeep: Upkeep, kept: KeptCall) -> int:
    """Print a call's request body as it is sent; the place of an upload is as good as a key, and is not printed."""
    from tuner_langchain.view.outbox import NOT_SHOWN, holds_call

    name = kept.call_id or kept.file
    if not holds_call(kept):
        return complain(f"{name}: {NOT_SHOWN}.", NO)
    body = upkeep.body(kept)
    if body is None:
        return complain(f"{name}: its file cannot be read; it was sent meanwhile, or is damaged.", NO)
    # What a terminal would obey is written as JSON writes it, so that the document stays what it is.
    print(_OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", body.decode("utf-8", "replace")))
    return 0


def _retry(args: argparse.Namespace) -> int:
    upkeep = _upkeep(args)
    calls = [kept for kept in upkeep.calls(args.call) if args.call or kept.state == "dead"]
    if args.call and not calls:
        return _none(args.call)
    results = [(kept, upkeep.retry(kept)) for kept in calls]
    if args.json:
        _print_json([{"call_id": kept.call_id, "file": kept.file, "refused": why} for kept, why in results])
    elif not results:
        print("No refused call is in the outbox.")
    else:
        for kept, why in results:
            outcome = "waits to be sent again" if why is None else f"left: {why}"
            print(printable(f"{kept.call_id or kept.file}: {outcome}"))
        print("A running sender takes them within a minute; `tuner-langchain outbox drain` does it now.")
    return 0 if all(why is None for _, why in results) else 1


def _drain(args: argparse.Namespace) -> int:
    from tuner_langchain.config import TunerConfig
    from tuner_langchain.delivery import Delivery
    from tuner_langchain.delivery.upkeep import Upkeep

    with_dir: dict[str, Any] = {} if args.dir is None else {"outbox_dir": args.dir}
    config = TunerConfig(**with_dir)
    delivery = Delivery(config)
    result = delivery.flush(args.timeout)
    delivery.close(0)
    left = Upkeep(config.outbox_dir).calls()
    others = sum(_is_elsewhere(kept, _whose(config)) for kept in left if kept.state != "dead")
    if args.json:
        names = ("delivered", "pending", "held", "dead", "timed_out")
        _print_json({name: getattr(result, name) for name in names} | {"of_others": others})
    else:
        print(
            f"{result.delivered} delivered, {result.pending} pending, {result.held} held, {result.dead} dead"
            + (", out of time" if result.timed_out else "")
        )
        own = [kept for kept in left if not _is_elsewhere(kept, _whose(config))]
        for reason in sorted({f"{kept.state}: {_why(kept)}" for kept in own if _why(kept)}):
            print(printable(reason))
        if others:
            print(f"{_plural(others)} to other workspaces or agents: drain them with their settings.")
    return 0 if not (result.pending or result.held or result.dead) else 1


def _export(args: argparse.Namespace) -> int:
    from tuner_langchain.view.outbox import NOT_SHOWN, holds_call

    upkeep = _upkeep(args)
    found = upkeep.calls(args.call)
    if args.call and not found:
        return _none(args.call)
    calls = [kept for kept in found if holds_call(kept)]
    if args.call and not calls:
        return complain(f"{args.call}: {NOT_SHOWN}.", NO)
    written = [(kept, upkeep.export(kept, args.to)) for kept in calls]
    if args.json:
        _print_json(
            [{"call_id": kept.call_id, "file": None if file is None else str(file)} for kept, file in written]
        )
    else:
        for kept, file in written:
            print(printable(f"{kept.call_id or kept.file}: {file or 'gone meanwhile, or damaged'}"))
    return 0


def _none(call: str) -> int:
    return complain(f"There is no call {call!r} in the outbox; `tuner-langchain outbox ls` lists them.", NO)


def line(kept: KeptCall, now_s: float, own: Destination | None = None) -> str:
    """Write a call on one line: how long it is here, how often it was tried, when again, and why it is here."""
    facts = [
        f"{_duration(now_s - kept.created_ms / 1000):>5} old",
        f"{kept.attempts} {'try' if kept.attempts == 1 else 'tries'}",
        f"{kept.bytes:,} bytes",
    ]
    if kept.due_ms is not None:
        facts.append(f"tried again in {_duration(kept.due_ms / 1000 - now_s)}")
    if _is_elsewhere(kept, own):
        facts.append(f"to workspace {kept.workspace_id}, agent {kept.agent_id!r}")
    if why := _why(kept, now_s):
        facts.append(why)
    return printable(f"{kept.state:<8} {kept.call_id or '(unreadable) ' + kept.file}  {', '.join(facts)}")


def _why(kept: KeptCall, now_s: float | None = None) -> str:
    """Write why a call is where it is: the reason's word, since when, and its first sentence; `show` has them all."""
    word = kept.reason or ""
    if now_s is not None and kept.since_ms is not None:
        word += f" for {_duration(now_s - kept.since_ms / 1000)}"
    sentence = (kept.message or "").partition(". ")[0].removesuffix(".")
    return ": ".join(part for part in (word.strip(), sentence) if part)


Destination = tuple[int, str]


def _whose(config: TunerConfig) -> Destination:
    return config.workspace_id, config.agent_id


def _own() -> Destination | None:
    """Return whose calls the environment's settings send; None where they are not set."""
    from tuner_langchain.config import TunerConfig
    from tuner_langchain.errors import ConfigError

    try:
        return _whose(
            TunerConfig(api_key="unused", base_url="http://localhost", agent_version=0, debug=False)
        )
    except ConfigError:
        return None


def _is_elsewhere(kept: KeptCall, own: Destination | None) -> bool:
    """Say whether a call goes to another workspace or agent than these settings name."""
    known = kept.workspace_id is not None and kept.agent_id is not None
    return own is not None and known and (kept.workspace_id, kept.agent_id) != own


def _plural(others: int) -> str:
    return "1 call goes" if others == 1 else f"{others} calls go"


def _readable(name: str, value: object) -> str:
    if name.endswith("_ms") and isinstance(value, int):
        with contextlib.suppress(OverflowError, OSError, ValueError):  # a number that no calendar holds
            return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(value / 1000))
    return printable(str(value))


def _duration(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{max(seconds, 0):.0f}s"


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2))
