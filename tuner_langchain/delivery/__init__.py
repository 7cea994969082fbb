"""From the bytes of a finished call to its receipt: the outbox on disk, the sender, and what became of each call.

Importing this imports no HTTP library and starts no thread; the first finished call does.
"""

from __future__ import annotations

from tuner_langchain.delivery.delivery import Delivery
from tuner_langchain.delivery.events import DeliveryEvent
from tuner_langchain.delivery.receipt import Receipt
from tuner_langchain.delivery.recording import Recording
from tuner_langchain.delivery.stats import DeliveryStats, FlushResult

__all__ = ["Delivery", "DeliveryEvent", "DeliveryStats", "FlushResult", "Receipt", "Recording"]
