"""A thread that empties a spool: what it can't deliver now waits, what it never can is set aside."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from storage.errors import StorageError
from storage.spool import Spool, SpoolItem

log = logging.getLogger(__name__)


class Delivery:
    """Takes items from a spool and hands them to ``deliver`` until closed; one thread of its own.

    ``deliver`` raises a ``StorageError``: a recoverable one means later, any other never. ``abandoned`` hears of items
    that were set aside, with the reason.
    """

    def __init__(
        self,
        name: str,
        spool: Spool,
        deliver: Callable[[SpoolItem], None],
        *,
        abandoned: Callable[[SpoolItem, str], None] | None = None,
    ) -> None:
        self._name = name
        self._spool = spool
        self._deliver = deliver
        self._abandoned = abandoned
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"delivery-{name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self, timeout_s: float = 10.0) -> None:
        """Finish the item under way and end; the spool is closed too."""
        self._closed.set()
        self._spool.close()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._closed.is_set():
            item = self._spool.take(timeout_s=60.0)
            if item is not None:
                self._try(item)

    def _try(self, item: SpoolItem) -> None:
        try:
            self._deliver(item)
        except StorageError as error:
            if error.recoverable:
                pause_s = self._spool.retry(item, str(error))
                log.warning("%s: %s; %s waits, next try in %.1f s", self._name, error, item.key, pause_s)
            else:
                self._abandon(item, str(error))
        except Exception as error:
            log.exception("%s: delivering %s failed unexpectedly", self._name, item.key)
            self._abandon(item, f"{type(error).__name__}: {error}")
        else:
            self._spool.done(item)

    def _abandon(self, item: SpoolItem, reason: str) -> None:
        log.error("%s: %s can't be delivered and is set aside: %s", self._name, item.key, reason)
        self._spool.set_aside(item, reason)
        if self._abandoned is not None:
            try:
                self._abandoned(item, reason)
            except StorageError as error:
                log.error("%s: that %s was set aside can't be told: %s", self._name, item.key, error)
