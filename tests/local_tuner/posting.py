"""How tests ask a local Tuner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from tuner_langchain.testing import LocalTuner

Poster = Callable[..., httpx.Response]

PATH = "/api/v1/public/call"


def poster(tuner: LocalTuner) -> Poster:
    """Return a function that posts a document; its keywords replace parts of a request that is right."""

    def post(document: Any = None, **changes: Any) -> httpx.Response:
        request: dict[str, Any] = {
            "params": {"workspace_id": tuner.workspace_id, "agent_remote_identifier": tuner.agent_id},
            "headers": {"Authorization": f"Bearer {tuner.api_key}"},
            "timeout": 30,
        }
        if "content" not in changes:
            request["json"] = document
        return httpx.post(tuner.base_url + PATH, **(request | changes))

    return post
