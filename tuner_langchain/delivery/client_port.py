"""What a sender needs from the network, without naming a library."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from tuner_langchain.delivery.answer import Answer
    from tuner_langchain.delivery.upload import UploadTarget


class Client(Protocol):
    """One request in, one answer out; nothing is raised, every trouble is an answer."""

    def post(self, body: bytes, *, timeout_s: float | None = None) -> Answer:
        """Post a call's bytes, within `timeout_s` when that is less than usual."""

    def upload(
        self,
        target: UploadTarget,
        audio: BinaryIO,
        size: int,
        extension: str,
        *,
        timeout_s: float | None = None,
    ) -> Answer:
        """Upload a recording of `size` bytes to a presigned target."""

    def close_inherited(self) -> None:
        """Close a forked child's copies of its parent's sockets; nothing is sent on them."""

    def close(self) -> None:
        """Close every connection."""
