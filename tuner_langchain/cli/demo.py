"""`tuner-langchain demo`: one phone call through a real graph, from the first callback to the stored document."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner_langchain.config import TunerConfig
    from tuner_langchain.delivery import Receipt
    from tuner_langchain.segments import Segment

MISSING = "The demo needs a few more packages. Install them with: pip install 'tuner-langchain[demo]'"


def add_command(commands: Any) -> None:
    """Add `demo` to the command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "demo",
        help="take one call all the way: a restaurant's voice agent, a local Tuner, the timeline as a table",
        description="A phone call to a restaurant runs through a real LangGraph graph; only the language model is "
        "scripted. The call is posted to a Tuner on this machine and its timeline is printed. No account is needed.",
    )
    parser.add_argument(
        "--live", action="store_true", help="send the call to the account in TUNER_API_KEY etc. instead"
    )
    parser.add_argument(
        "--dir", metavar="DIR", help="where the local Tuner keeps its calls (default: its usual place)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the demonstration; 0 when the call was delivered."""
    try:
        from tuner_langchain.demo.script import CALLER
        from tuner_langchain.handler import TunerCallbackHandler
    except ImportError as missing:
        print(f"{MISSING}\n({missing})", file=sys.stderr)
        return 2
    with _destination(args) as (config, where):
        handler = TunerCallbackHandler(config=config, call_type="phone_call", caller_phone_number="+15550100")
        with handler:
            take_call(handler, CALLER)
            document = handler.timeline.document
            receipt = handler.finalize(disconnection_reason="user_hangup", call_successful=True)
        receipt.wait(timeout=15)
        print_timeline(document["transcript_with_tool_calls"])
        return _print_receipt(receipt, where)


def take_call(handler: Any, caller: tuple[str, ...]) -> None:
    """Play the call: each of the caller's sentences is one turn of the graph, streamed as a voice stack would."""
    from tuner_langchain.demo import restaurant, script

    graph = restaurant.build_graph(script.classifier(), script.booking_model())
    config = {"configurable": {"thread_id": handler.call_id}, "callbacks": [handler]}
    for words in caller:
        for _ in graph.stream({"messages": [("user", words)]}, config, stream_mode="messages"):
            pass  # here a voice stack would speak the tokens


@contextmanager
def _destination(args: argparse.Namespace) -> Iterator[tuple[TunerConfig, str]]:
    """Yield where the call goes, and a sentence that says where to find it there."""
    from tuner_langchain.config import TunerConfig

    if args.live:
        config = TunerConfig()
        yield config, f"It is in workspace {config.workspace_id} of {config.base_url}."
        return
    from tuner_langchain.testing import LocalTuner

    with LocalTuner(directory=args.dir) as tuner:
        yield tuner.config(), f"It is stored in {tuner.directory}."


def print_timeline(rows: list[Segment]) -> None:
    """Print the rows of a call as a table: when, who, what, and why."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title, justify in (
        ("at", "right"),
        ("took", "right"),
        ("who", "left"),
        ("what", "left"),
        ("why", "left"),
    ):
        table.add_column(title, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        at, took = f"{row['start_ms'] / 1000:.3f}", f"{row['duration_ms']} ms" if row["duration_ms"] else ""
        who, what, why, style = _described(row)
        table.add_row(at, took, who, Text(what), Text(why), style=style)
    Console().print(table)


def _described(row: Segment) -> tuple[str, str, str, str]:
    """Return who, what, why and a style for one row."""
    match row["role"]:
        case "user":
            return "caller", row["text"], "", "bold"
        case "agent":
            latency = row["metadata"].get("e2e_latency")
            return (
                "agent",
                row["text"],
                "" if latency is None else f"the caller waited {latency} ms",
                "bold green",
            )
        case "node_transition":
            node = row["node"]
            return (
                "node",
                node["to"],
                f"from {node['from']}" + (f" ({node['reason']})" if node["reason"] else ""),
                "cyan",
            )
        case "agent_function":
            return "tool", f"{row['text']}({_arguments(row['tool'].get('params', {}))})", "", "yellow"
        case _:
            tool = row["tool"]
            answer = tool.get("error") or _arguments(tool.get("result", {}))
            return (
                "result",
                answer,
                "the tool failed" if tool.get("is_error") else "",
                "red" if tool.get("is_error") else "yellow",
            )


def _arguments(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


def _print_receipt(receipt: Receipt, where: str) -> int:
    print()
    print(
        f"Call {receipt.call_id}: {receipt.state}"
        + (f", Tuner's id {receipt.tuner_id}" if receipt.tuner_id else "")
    )
    if receipt.state in ("delivered", "delivered_duplicate"):
        print(f"{where}\nLook at it again:  tuner-langchain show {receipt.call_id}")
        return 0
    print(receipt.message or "It waits on this machine and is sent when Tuner answers.")
    return 1
