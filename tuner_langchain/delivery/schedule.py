"""What is sent next. Every method is called with the process' lock held and none of them waits."""

from __future__ import annotations

import heapq
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Literal

from tuner_langchain.delivery.breaker import Breaker
from tuner_langchain.delivery.item import Item, ItemName
from tuner_langchain.delivery.policy import POISON_ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tuner_langchain.delivery.notes import Note
    from tuner_langchain.delivery.place import Identity
    from tuner_langchain.delivery.receipt import Receipt

# Fresh calls go first, but every so many turns something older does, so that nothing starves.
_BACKLOG_TURN = 4


class Entry:
    """One call that waits: of this process when it has a receipt, else found in the outbox."""

    __slots__ = (
        "conflict",
        "failing_s",
        "file",
        "folder",
        "held",
        "key",
        "memory",
        "missed",
        "note",
        "place",
        "receipt",
        "refused_s",
    )

    def __init__(
        self,
        name: ItemName,
        *,
        folder: Literal["new", "upload"] = "new",
        receipt: Receipt | None = None,
        memory: Item | None = None,
    ) -> None:
        self.key = name.key
        self.file = str(name)
        self.folder: Literal["new", "upload"] = folder
        self.receipt = receipt
        self.memory = memory
        self.held = False
        # Tuner has another call under this id, and the file could not be set aside yet.
        self.conflict = False
        # Its file was not where it should be when last looked for.
        self.missed = False
        # Why it waits, once it failed here, and the directory that its file was written to.
        self.note: Note | None = None
        self.place: Identity = None
        # On the monotonic clock: since when it fails, and since when it is refused for a setting's sake.
        self.failing_s: float | None = None
        self.refused_s: float | None = None

    @property
    def name(self) -> ItemName:
        """What the file's name says."""
        name = ItemName.parse(self.file)
        assert name is not None
        return name


class Schedule:
    """The calls that wait in this process, in three lanes: fresh, backing off, and found in the outbox."""

    def __init__(self) -> None:
        self.breaker = Breaker()
        self.entries: dict[str, Entry] = {}
        self.in_flight: set[str] = set()
        # Threads that have an entry in their hands, until they have also told what became of it.
        self.sending = 0
        # Flushes under way: what is not due yet is tried all the same.
        self.flushes = 0
        # Delivered, but the file could not be deleted: not to be sent again by this process.
        self.finished: set[str] = set()
        # Being written to disk at last, so not to be sent from memory at the same time.
        self.storing: str | None = None
        self._fresh: deque[Entry] = deque()
        self._backlog: deque[Entry] = deque()
        self._later: list[tuple[float, int, Entry]] = []
        self._order = count()
        self._turn = 0

    def add(self, entry: Entry) -> None:
        """Take in a call that has just been finished; one that is only in memory goes first."""
        if entry.memory is not None:
            self._fresh.appendleft(entry)
        else:
            self._fresh.append(entry)
        self.entries[entry.key] = entry  # last: what is known here and in no lane would wait for ever

    def offer(self, found: Iterable[Entry]) -> None:
        """Take in calls found in the outbox."""
        for entry in found:
            if entry.key not in self.entries and entry.key not in self.finished:
                self.entries[entry.key] = entry
                self._backlog.append(entry)

    def known(self) -> set[str]:
        """Return the keys that a look into the outbox need not bring again."""
        return self.finished.union(self.entries)

    def take(self, now_s: float) -> Entry | float:
        """Return the entry to send now, or seconds until there may be one (infinity: not before it is told)."""
        pause_s = self.breaker.pause_s(now_s)
        if pause_s > 0:
            return pause_s
        entry = self._next(now_s)
        if entry is None:
            return max(0.0, self._later[0][0] - now_s) if self._later else float("inf")
        self.in_flight.add(entry.key)
        self.sending += 1
        self.breaker.begin(entry.key, now_s)
        return entry

    def _next(self, now_s: float) -> Entry | None:
        self._turn += 1
        due = bool(self._later) and self._later[0][0] <= now_s
        older_first = self._turn % _BACKLOG_TURN == 0
        if self._fresh and not (older_first and (due or self._backlog)):
            return self._fresh.popleft()
        if due and not (self._turn % (2 * _BACKLOG_TURN) == 0 and self._backlog):
            return heapq.heappop(self._later)[2]
        return self._backlog.popleft() if self._backlog else None

    def due_only(self, entry: Entry) -> bool:
        """Tell whether an entry is to be left alone when its file says that it is not due yet."""
        return entry.receipt is None and (self.flushes == 0 or entry.name.attempts >= POISON_ATTEMPTS)

    def back_off(self, entry: Entry, due_s: float) -> None:
        """Let an entry wait until `due_s` on the monotonic clock."""
        self.in_flight.discard(entry.key)
        heapq.heappush(self._later, (due_s, next(self._order), entry))

    def drop(self, entry: Entry) -> None:
        """Forget an entry: it is settled, or somebody else's to send."""
        self.in_flight.discard(entry.key)
        if self.entries.get(entry.key) is entry:
            del self.entries[entry.key]

    def vanished(self, entry: Entry, here: Identity) -> bool:
        """Tell whether an entry's file was written to another directory than the one that is there now."""
        return None not in (entry.place, here) and entry.place != here

    def take_vanished(self, here: Identity) -> list[Entry]:
        """Take out the calls of this process that wait in another directory than the one there now, and return them."""
        gone = [
            entry
            for entry in self.entries.values()
            if entry.receipt is not None
            and entry.folder == "new"
            and entry.memory is None
            and self.vanished(entry, here)
            and entry.key not in self.in_flight
        ]
        keys = {entry.key for entry in gone}
        if keys:
            self._fresh = deque(entry for entry in self._fresh if entry.key not in keys)
            self._later = [later for later in self._later if later[2].key not in keys]
            heapq.heapify(self._later)
        return gone

    def hurry(self, now_s: float) -> None:
        """Let what backs off be tried now: somebody flushes. Suspected poison keeps its own pace."""
        self.breaker.hurry()
        self._later = [
            (
                due_s if entry.held or entry.name.attempts >= POISON_ATTEMPTS else min(due_s, now_s),
                order,
                entry,
            )
            for due_s, order, entry in self._later
        ]
        heapq.heapify(self._later)

    def ready(self, now_s: float) -> int:
        """Return how many entries could be sent now if the destination takes them."""
        return (
            len(self._fresh) + len(self._backlog) + (1 if self._later and self._later[0][0] <= now_s else 0)
        )

    def backlog_is_empty(self) -> bool:
        """Tell whether more of the outbox should be looked at."""
        return not self._backlog

    def idle(self) -> bool:
        """Tell whether nothing waits that a flush could send: neither fresh nor backing off nor under way."""
        rest = any(not entry.held for _, _, entry in self._later)
        return not (self._fresh or self._backlog or self.sending or rest)

    def receipts(self) -> list[Receipt]:
        """Return the receipts of this process' calls that are not settled."""
        return [entry.receipt for entry in self.entries.values() if entry.receipt and entry.folder == "new"]

    def begin_storing(self) -> Entry | None:
        """Return a call that is only in memory and nobody's to send, and keep it from being sent meanwhile."""
        if self.storing is None:
            for entry in self.entries.values():
                if entry.memory is not None and entry.folder == "new" and entry.key not in self.in_flight:
                    self.storing = entry.key
                    return entry
        return None
