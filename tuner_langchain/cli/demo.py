"""`tuner-langchain demo`: one phone call through a real graph, from the first callback to the stored document."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner_langchain.escaping import printable

if TYPE_CHECKING:
    from tuner_langchain.cli.parsing import Parser
    from tuner_langchain.config import TunerConfig
    from tuner_langchain.delivery import Receipt
    from tuner_langchain.handler import TunerCallbackHandler
    from tuner_langchain.segments import Segment

MISSING = "The demo needs a few more packages: pip install 'tuner-langchain[demo]'"
DELIVERED = ("delivered", "delivered_duplicate")
ANSWER_TIMEOUT_S = 15


def add_command(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add `demo` to the command line."""
    parser = commands.add_parser(
        "demo",
        help="take one call all the way: a restaurant's voice agent, a local Tuner, its timeline as a table",
        description="A phone call to a restaurant runs through a real LangGraph graph; only the language model is "
        "scripted. The call is posted to a Tuner on this machine, and its timeline is printed. No account is needed.",
    )
    parser.add_argument(
        "--live", action="store_true", help="send the call to the account of TUNER_API_KEY instead"
    )
    parser.add_argument(
        "--dir",
        type=Path,
        default=Path("tuner-calls"),
        help="where the local Tuner keeps the call (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the demonstration; 0 when the call was delivered."""
    try:
        from tuner_langchain.demo.phone import take_call
        from tuner_langchain.handler import TunerCallbackHandler
    except ImportError as missing:
        print(f"{MISSING}\n({missing})", file=sys.stderr)
        return 2
    with _destination(args) as config:
        handler = TunerCallbackHandler(config=config, call_type="phone_call", caller_phone_number="+15550100")
        take_call(handler)
        return _finish(handler, None if args.live else args.dir)


@contextmanager
def _destination(args: argparse.Namespace) -> Iterator[TunerConfig]:
    """Yield where the call goes: the configured account, or a Tuner on this machine."""
    from tuner_langchain.config import TunerConfig

    if args.live:
        yield TunerConfig()
        return
    from tuner_langchain.testing import LocalTuner

    with LocalTuner(args.dir) as tuner:
        yield tuner.config()


def _finish(handler: TunerCallbackHandler, directory: Path | None) -> int:
    """Finalise the call, wait for Tuner's answer, and print the timeline, the receipt and where to look next."""
    rows = handler.timeline.segments
    receipt = handler.finalize(disconnection_reason="user_hangup", call_successful=True)
    receipt.wait(timeout=ANSWER_TIMEOUT_S)
    print_timeline(rows)
    print_receipt(receipt, directory)
    return 0 if receipt.state in DELIVERED else 1


def print_timeline(rows: list[Segment]) -> None:
    """Print the rows of a call as a table: when, who, what, and why."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    for title in ("seconds", "took"):
        table.add_column(title, justify="right", no_wrap=True)
    for title in ("who", "what", "why"):
        table.add_column(title, overflow="fold", no_wrap=title == "who")
    for row in rows:
        took = f"{row['duration_ms']} ms" if row["duration_ms"] else ""
        who, what, why, style = _described(row)
        table.add_row(
            f"{row['start_ms'] / 1000:.3f}",
            took,
            who,
            Text(printable(what)),
            Text(printable(why)),
            style=style,
        )
    Console().print(table)


def _described(row: Segment) -> tuple[str, str, str, str]:
    """Return who, what, why and a style for one row."""
    match row["role"]:
        case "user":
            return "caller", row["text"], "", "bold"
        case "agent":
            waited = row["metadata"].get("e2e_latency")
            return (
                "agent",
                row["text"],
                f"after {waited} ms of silence" if waited is not None else "",
                "bold green",
            )
        case "node_transition":
            return "node", _indented(row), _reason(row), "cyan"
        case "agent_function":
            return "tool", f"{row['text']}({_named(row['tool'].get('params', {}))})", "", "yellow"
        case _:
            return _described_result(row)


def _described_result(row: Segment) -> tuple[str, str, str, str]:
    tool = row["tool"]
    answer = _named(tool.get("result", {}))
    if tool.get("is_error"):
        return "result", tool.get("error") or answer, "the tool failed", "red"
    return "result", answer, "", "yellow"


def _indented(row: Segment) -> str:
    *around, name = row["node"]["to"].split(":")
    return "  " * len(around) + name


def _reason(row: Segment) -> str:
    node = row["node"]
    came_from = node["from"].rsplit(":", 1)[-1]
    return f"from {came_from}" + (f", {node['reason']}" if node["reason"] else "")


def _named(values: dict[str, Any]) -> str:
    if list(values) == ["value"]:
        return str(values["value"])
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


def print_receipt(receipt: Receipt, directory: Path | None) -> None:
    """Print what became of the call, and how to look at it again."""
    known_as = f" as {receipt.tuner_id}" if receipt.tuner_id is not None else ""
    print(f"\nCall {printable(receipt.call_id)}: {receipt.state}{printable(known_as)}")
    if receipt.message:
        print(printable(receipt.message))
    if receipt.state not in DELIVERED or directory is None:
        return
    stored = next((directory / "calls").glob(f"*{receipt.call_id}*.json"), directory)
    command = _this_command()
    print(f"It is stored in {stored}.\nLook at it again:\n")
    print(f"  {command} show {directory}")
    print(f"  {command} show {directory} --html call.html")
    print(f"  {command} serve --dir {directory}    # and open the address it prints")


def _this_command() -> str:
    """Return how this command line was reached, so that what is printed can be copied into the same shell."""
    reached = Path(sys.argv[0])
    if reached.name == "__main__.py":
        return "python -m tuner_langchain"
    if shutil.which(reached.name):
        return reached.name
    return os.path.relpath(reached)
