"""What holds of every document, whatever the program was."""

from __future__ import annotations

from typing import Any

KINDS = {
    "entry", "edge", "join", "router", "send", "command", "parent_command", "error_handler", "resume", "retry", "call",
    "unknown",
}  # fmt: skip
STATUSES = {"ok", "error", "interrupted", "handed_over", "cancelled", "unfinished"}


def check(document: dict[str, Any]) -> None:
    """Hold a document against what must be true of every call."""
    rows = document["transcript_with_tool_calls"]
    starts = [row["start_ms"] for row in rows]
    assert starts == sorted(starts)
    for row in rows:
        assert 0 <= row["start_ms"] <= row["end_ms"] <= document["duration_ms"]
        assert row["duration_ms"] == row["end_ms"] - row["start_ms"]
        assert isinstance(row["metadata"], dict)
        assert row["metadata"]["turn"] >= 1
        if row["role"] == "node_transition":
            _check_node(row)
    _check_nesting(rows)
    _check_tools(rows)


def _check_node(row: dict[str, Any]) -> None:
    node, metadata = row["node"], row["metadata"]
    assert node["from"]
    assert node["to"] == row["text"]
    assert metadata["status"] in STATUSES
    assert metadata["attempt"] >= 1
    assert metadata["sources"]
    assert {source["kind"] for source in metadata["sources"]} <= KINDS
    assert node["from"] == "+".join(sorted({source["from"] for source in metadata["sources"]}))
    if metadata["graph"]:
        assert row["text"].startswith(metadata["graph"] + ":")


def _check_nesting(rows: list[dict[str, Any]]) -> None:
    """Every node of a subgraph lies within an execution of the node around it."""
    nodes = [row for row in rows if row["role"] == "node_transition"]
    for row in nodes:
        around = row["metadata"]["graph"]
        if around and not around.endswith("__start__"):  # the entry has no row of its own
            assert any(
                outer["text"] == around
                and outer["metadata"]["turn"] == row["metadata"]["turn"]
                and outer["start_ms"] <= row["start_ms"]
                and row["end_ms"] <= outer["end_ms"]
                for outer in nodes
            ), f"{row['text']} lies outside of {around}"


def _check_tools(rows: list[dict[str, Any]]) -> None:
    """Every tool call has its result, but a paused one; no result is without its call."""
    calls = [row for row in rows if row["role"] == "agent_function"]
    results = [row for row in rows if row["role"] == "agent_result"]
    paused = sum(row["metadata"]["status"] == "interrupted" for row in calls)
    assert len(calls) - paused == len(results)
    assert {row["tool"]["request_id"] for row in results} <= {row["tool"]["request_id"] for row in calls}
    for row in calls:
        assert isinstance(row["tool"]["params"], dict)
    for row in results:
        assert isinstance(row["tool"].get("result", {}), dict)
        assert ("error" in row["tool"]) == row["tool"]["is_error"]
