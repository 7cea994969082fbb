"""The numbers that have to add up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeliveryStats:
    """What became of the calls of this process: every finished call is in exactly one of the six states.

    `finalised == delivered + delivered_duplicate + pending + held + dead + lost`.

    Args:
        finalised: Calls this process finished.
        delivered: Tuner has them.
        delivered_duplicate: Tuner has another call's record under their id; kept in `dead/`.
        pending: They wait and are sent by themselves.
        held: They wait for a setting.
        dead: Refused for good; kept in `dead/` with the reason.
        lost: Neither stored nor sent, or their outbox was removed while they waited.
        requests: Requests for calls, each counted when it left.
        adopted_delivered: Calls of earlier or other processes that this one sent.
        adopted_dead: Calls of earlier or other processes that were refused for good here.
        uploaded: Recordings uploaded.
        uploads_failed: Recordings that could not be uploaded.
    """

    finalised: int
    delivered: int
    delivered_duplicate: int
    pending: int
    held: int
    dead: int
    lost: int
    requests: int = 0
    adopted_delivered: int = 0
    adopted_dead: int = 0
    uploaded: int = 0
    uploads_failed: int = 0


@dataclass(frozen=True, slots=True)
class FlushResult:
    """What a flush did, and what it left.

    Args:
        delivered: Calls that reached Tuner meanwhile, duplicates included.
        pending: Calls of this destination that still wait, in this process' memory or in the outbox.
        held: Calls that wait for a setting.
        dead: Calls refused for good meanwhile.
        timed_out: More time would have helped: calls are pending that the timeout left no room for.
    """

    delivered: int
    pending: int
    held: int
    dead: int
    timed_out: bool
