"""How rows are written in the table.

b <- a [router] route: b                a node: where it came from, the kinds of its sources, the reason
b <- b [retry] #2 = error ValueError: x the second attempt, and how it ended when it was not ok
call f {"x":1} @tools = interrupted     a tool call, the node it was made in, how it ended when it was not ok
answer f {"value":2}                    a tool's result, or `answer f ! the error`
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson


def written(rows: Iterable[Any]) -> dict[int, list[str]]:
    """Return the rows of nodes and tools as lines, by turn."""
    turns: dict[int, list[str]] = {}
    for row in rows:
        line = _LINES.get(row["role"], lambda _: None)(row)
        if line is not None:
            turns.setdefault(row["metadata"]["turn"], []).append(line)
    return turns


def expected(lines: Iterable[str]) -> dict[int, list[str]]:
    """Return a case's rows by turn."""
    turns: dict[int, list[str]] = {}
    turn = 1
    for line in lines:
        if line.startswith("turn "):
            turn = int(line[5:])
        else:
            turns.setdefault(turn, []).append(line)
    return turns


def shortened(got: dict[int, list[str]], wanted: dict[int, list[str]]) -> dict[int, list[str]]:
    """Return the lines that a program gave, cut where the expected ones are."""
    return {
        turn: [_cut_like(line, wanted.get(turn, []), place) for place, line in enumerate(lines)]
        for turn, lines in got.items()
    }


def _cut_like(line: str, wanted: list[str], place: int) -> str:
    pattern = wanted[place] if place < len(wanted) else ""
    return pattern if pattern.endswith("…") and line.startswith(pattern[:-1]) else line


def written_errors(metadata: Any) -> list[str]:
    """Return the errors that have no node as lines."""
    return [
        f"turn {error['turn']}: {error['type']}: {_first_line(error['message'])}".rstrip()
        for error in metadata.get("errors", ())
    ]


def _node(row: Any) -> str:
    node, metadata = row["node"], row["metadata"]
    kinds = "+".join(sorted({source["kind"] for source in metadata["sources"]}))
    attempt = f" #{metadata['attempt']}" if metadata["attempt"] > 1 else ""
    reason = f" {node['reason']}" if node["reason"] not in (None, kinds.replace("_", " ")) else ""
    return f"{node['to']} <- {node['from']} [{kinds}]{reason}{attempt}{_ending(metadata)}"


def _ending(metadata: Any) -> str:
    told = metadata["status"]
    if "error" in metadata:
        told += f" {metadata['error']['type']}: {_first_line(metadata['error']['message'])}".rstrip(": ")
    if "interrupt" in metadata:
        told += f" {_json(metadata['interrupt'])}"
    return "" if told == "ok" else f" = {told}"


def _call(row: Any) -> str:
    metadata = row["metadata"]
    kind = metadata.get("kind", "call")
    told = "" if metadata["status"] == "ok" else f" = {metadata['status']}"
    return f"{kind} {row['text']} {_json(row['tool']['params'])} @{metadata['node']}{told}"


def _answer(row: Any) -> str:
    tool = row["tool"]
    return f"answer {row['text']} " + (
        f"! {_first_line(tool['error'])}" if tool["is_error"] else _json(tool["result"])
    )


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


_LINES = {"node_transition": _node, "agent_function": _call, "agent_result": _answer}
