"""What can go wrong between beket and its stores; each says whether waiting helps."""

from __future__ import annotations


class StorageError(Exception):
    """A store could not do what was asked. ``recoverable`` when the same call may succeed later, unchanged."""

    recoverable = False


class DatabaseAway(StorageError, ConnectionError):
    """Postgres can't be reached, refuses the login, is starting or stopping, or broke off in the middle."""

    recoverable = True


class DatabaseRefused(StorageError, ValueError):
    """Postgres is there and says no to this very statement: the data is at fault, not the time."""


class AuditUnwritten(StorageError, ConnectionError):
    """The audit log can't be written, so what was asked for must not be answered."""

    recoverable = True


class ArchiveAway(StorageError, ConnectionError):
    """S3 can't be reached, or answers with a fault of its own."""

    recoverable = True


class ArchiveRefused(StorageError, ValueError):
    """S3 is there and says no: wrong keys, no such object, a file that did not arrive whole."""


class SpoolFull(StorageError, OSError):
    """The spool's bound, or the disk under it, is reached; nothing of the item was kept."""

    recoverable = True


class EmbeddedServiceError(StorageError, RuntimeError):
    """An embedded Postgres or S3 server did not start; the message holds the end of its log."""
