"""`tuner-langchain outbox`: what waits, why, and what can be done about it; also while senders run."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from tuner_langchain.delivery.upkeep import KeptCall, Upkeep

_CALL = "a call's id, or the beginning of its file's name"


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register `outbox` and its own commands."""
    parser = commands.add_parser(
        "outbox",
        help="look after finished calls that wait on this machine",
        description="See which finished calls wait to be sent, send them, and look at those that were refused.",
    )
    own = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listing = _add(own, "ls", _list, "list the calls that wait and those that were refused")
    listing.add_argument("--state", choices=("waiting", "upload", "dead"), help="only these")
    show = _add(own, "show", _show, "show one call: why it is there and when it is tried again")
    show.add_argument("call", metavar="CALL", help=_CALL)
    show.add_argument("--body", action="store_true", help="print the request body, which holds what was said")
    retry = _add(own, "retry", _retry, "let refused calls wait to be sent again, after a fix")
    which = retry.add_mutually_exclusive_group(required=True)
    which.add_argument("call", metavar="CALL", nargs="?", help=_CALL)
    which.add_argument("--all", action="store_true", help="every refused call")
    drain = _add(own, "drain", _drain, "send what waits now, with the settings of the environment")
    drain.add_argument(
        "--timeout", type=float, default=60.0, metavar="S", help="seconds (default %(default)g)"
    )
    export = _add(own, "export", _export, "write calls' request bodies as JSON files")
    export.add_argument("to", metavar="DIRECTORY", type=Path)
    export.add_argument("call", metavar="CALL", nargs="?", help=f"{_CALL} (default: all)")


def _add(
    own: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    about: str,
) -> argparse.ArgumentParser:
    parser = own.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
    where = "the outbox (default: TUNER_OUTBOX_DIR, or the user's state directory)"
    parser.add_argument("--dir", metavar="DIRECTORY", help=where)
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.set_defaults(run=_or_explain(run))
    return parser


def _or_explain(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Say what is wrong with a setting or a directory in a line instead of a traceback."""

    def explained(args: argparse.Namespace) -> int:
        from tuner_langchain.errors import TunerError

        try:
            return run(args)
        except TunerError as error:
            print(error, file=sys.stderr)
            return 2

    return explained


def _upkeep(args: argparse.Namespace) -> Upkeep:
    from tuner_langchain.config import find_outbox_dir
    from tuner_langchain.delivery.upkeep import Upkeep

    return Upkeep(find_outbox_dir(args.dir))


def _list(args: argparse.Namespace) -> int:
    calls = [kept for kept in _upkeep(args).calls() if args.state in (None, kept.state)]
    if args.json:
        _print_json([kept.as_dict() for kept in calls])
        return 0
    for kept in calls:
        print(_line(kept))
    waiting = sum(kept.state == "waiting" for kept in calls)
    dead = sum(kept.state == "dead" for kept in calls)
    print(f"{waiting} waiting, {dead} dead, {sum(kept.bytes for kept in calls):,} bytes")
    return 0


def _show(args: argparse.Namespace) -> int:
    upkeep = _upkeep(args)
    calls = upkeep.calls(args.call)
    if not calls:
        return _none(args.call)
    if args.json:
        _print_json([kept.as_dict() | {"explanation": upkeep.explanation(kept)} for kept in calls])
        return 0
    for kept in calls:
        if args.body:
            sys.stdout.write((upkeep.body(kept) or b"").decode("utf-8", "replace") + "\n")
            continue
        for name, value in (kept.as_dict() | upkeep.explanation(kept)).items():
            if value not in (None, ""):
                print(f"{name.removesuffix('_ms'):>14}  {_readable(name, value)}")
        print()
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
            print(
                f"{kept.call_id or kept.file}: {'waits to be sent again' if why is None else f'left: {why}'}"
            )
        print("A running sender takes them within a minute; `tuner-langchain outbox drain` does it now.")
    return 0 if all(why is None for _, why in results) else 1


def _drain(args: argparse.Namespace) -> int:
    from tuner_langchain.config import TunerConfig
    from tuner_langchain.delivery import Delivery

    with_dir: dict[str, Any] = {} if args.dir is None else {"outbox_dir": args.dir}
    delivery = Delivery(TunerConfig(**with_dir))
    result = delivery.flush(args.timeout)
    delivery.close(0)
    if args.json:
        names = ("delivered", "pending", "held", "dead", "timed_out")
        _print_json({name: getattr(result, name) for name in names})
    else:
        print(
            f"{result.delivered} delivered, {result.pending} pending, {result.held} held, {result.dead} dead"
            + (", out of time" if result.timed_out else "")
        )
    return 0 if not (result.pending or result.held or result.dead) else 1


def _export(args: argparse.Namespace) -> int:
    upkeep = _upkeep(args)
    calls = upkeep.calls(args.call)
    if args.call and not calls:
        return _none(args.call)
    written = [(kept, upkeep.export(kept, args.to)) for kept in calls if kept.state != "upload"]
    if args.json:
        _print_json(
            [{"call_id": kept.call_id, "file": None if file is None else str(file)} for kept, file in written]
        )
    else:
        for kept, file in written:
            print(f"{kept.call_id or kept.file}: {file or 'gone meanwhile, or damaged'}")
    return 0


def _none(call: str) -> int:
    print(
        f"There is no call {call!r} in the outbox; `tuner-langchain outbox ls` lists them.", file=sys.stderr
    )
    return 1


def _line(kept: KeptCall) -> str:
    age = _duration(time.time() - kept.created_ms / 1000)
    facts = [
        f"{age:>5} old",
        f"{kept.attempts} {'try' if kept.attempts == 1 else 'tries'}",
        f"{kept.bytes:,} bytes",
    ]
    if kept.due_ms is not None:
        facts.append(f"tried again in {_duration(kept.due_ms / 1000 - time.time())}")
    if kept.reason is not None:
        facts.append(kept.reason)
    return f"{kept.state:<8} {kept.call_id or '(unreadable) ' + kept.file}  {', '.join(facts)}"


def _readable(name: str, value: object) -> str:
    if name.endswith("_ms") and isinstance(value, int):
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(value / 1000))
    return str(value)


def _duration(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{max(seconds, 0):.0f}s"


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))
