"""What an ingest needs of the other actors, as ports: Ray stands behind them in a region, plain objects in tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from actors.report import PassReport
from index.entry import Match
from index.read import PlateRead
from models.ports import PlateReader
from storage.camera_health import HealthRecord


class PeerAway(ConnectionError):
    """Another actor can't be reached now (restarting, its node away): the same call will do later."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the matcher must know of a read."""

    log_probs: NDArray[np.float32]
    seen_at: datetime
    legibility: float | None = None
    """The reader's own, 0-1: what is hard to read is doubted more."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What publishing did with a report that met entries. It lasts from now on, whatever dies."""

    wants_clip: bool
    raised: int = 0


@dataclass(frozen=True, slots=True)
class ClipDelivery:
    """A clip that was cut: a file that the archive takes over by path, on the same node."""

    camera_id: str
    pass_id: str
    path: Path
    sha256: str
    duration_s: float
    codec: str
    mime: str
    seen_at: datetime


class MatchPeer(Protocol):
    def match(self, sightings: Sequence[Sighting]) -> list[list[Match]]:
        """Entries met by each read. Raises ``PeerAway``."""


class PublishPeer(Protocol):
    def record(self, report: PassReport, matches: Sequence[Match]) -> Recorded:
        """Make hits of ``report`` durable and alert, each once. Raises ``PeerAway`` when that could not be done."""

    def write_reads(self, reads: Sequence[PlateRead]) -> None:
        """Keep reads that matched nothing for their hours. Raises ``PeerAway``."""

    def camera_state(self, camera_id: str, state: str, reason: str | None, since: datetime) -> None:
        """Say how a camera is. Raises ``PeerAway``."""

    def camera_health(self, records: Sequence[HealthRecord]) -> None:
        """Say how well cameras see and send. Raises ``PeerAway``."""


class ArchivePeer(Protocol):
    def take(self, clip: ClipDelivery) -> None:
        """Take a clip's file over, durably. Raises ``PeerAway``; taking it again changes nothing."""

    def give_up(self, camera_id: str, pass_id: str, reason: str) -> None:
        """No clip of this pass will come. Raises ``PeerAway``."""


@dataclass(frozen=True, slots=True)
class Peers:
    """Everyone an ingest talks to."""

    reader: PlateReader
    matcher: MatchPeer
    publisher: PublishPeer
    archive: ArchivePeer
