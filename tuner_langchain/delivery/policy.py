"""How long to wait, and when to give up. Pure: time and chance come in as arguments."""

from __future__ import annotations

BACKOFF_BASE_S = 1.0
# Long enough to leave a server in trouble alone, short enough to be there soon after it recovers.
BACKOFF_CAP_S = 300.0
# A call that fails ten times while others pass is probably its own trouble; it keeps trying, out of the way.
POISON_ATTEMPTS = 10
POISON_CAP_S = 6 * 3600.0
# A wrong setting is found out once in this time, not once per waiting call.
HOLD_S = 300.0
# A call refused with a setting's status for this long while others were accepted is refused for good.
REFUSED_LIMIT_S = 24 * 3600.0
# A sender without kernel locks is given this long before another takes its item over.
LEASE_S = 300.0
# Nothing transient is given up before it failed on more different days than this. Days of failing are counted, not
# time that has passed by the clock on the wall: a call that was written under a wrong one is not old.
AGE_LIMIT_DAYS = 30
# A presigned target expires long before.
UPLOAD_LIMIT_DAYS = 2


def backoff_s(attempt: int, random: float, *, cap_s: float = BACKOFF_CAP_S) -> float:
    """Return the pause after the `attempt`-th failure in a row, counted from 1, with full jitter.

    A chance that is uniform from zero spreads the senders that failed together over the whole window.
    """
    window_s = min(cap_s, BACKOFF_BASE_S * 2.0 ** min(max(attempt - 1, 0), 32))
    return random * window_s


def item_backoff_s(attempts: int, random: float, *, others_pass: bool) -> float:
    """Return the pause of one call after `attempts` tries, longer for one that fails alone."""
    suspected = others_pass and attempts >= POISON_ATTEMPTS
    return backoff_s(attempts, random, cap_s=POISON_CAP_S if suspected else BACKOFF_CAP_S)


def after_retry_after_s(pause_s: float, random: float) -> float:
    """Return the pause with jitter on top: never earlier than asked, not all at the same moment."""
    return pause_s + random * min(30.0, 1.0 + pause_s / 5)


def longest_pause_s(attempts: int) -> float:
    """Return the longest pause of ours; a due time further away was written under another clock."""
    if attempts == 0:
        return 0.0
    return POISON_CAP_S if attempts >= POISON_ATTEMPTS else max(BACKOFF_CAP_S, LEASE_S, HOLD_S)
