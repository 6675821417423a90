"""Watches the sources of configured lists and takes what is new, each file once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cluster.camera_rules import in_home, source_rules
from cluster.errors import SettingsError
from cluster.home import Home
from cluster.hotlists import FileIntake, digest, tell
from cluster.list_sources import AddressSource, Arrival, FolderSource, ListSource, PrefixSource, SourceFailed
from cluster.settings import HotlistSettings, RegionSettings
from cluster.settings.secrets import read_secret
from index.hotlist_table import HotlistFileError
from storage.archive import Archive
from storage.database import Database
from storage.errors import ArchiveAway, DatabaseAway, DatabaseRefused
from storage.hotlists.errors import HotlistRefused
from storage.hotlists.import_records import ImportRefused
from storage.hotlists.ledger import SourceLedger
from video.connect.source import parse_source, resolve
from video.errors import VideoError

_log = logging.getLogger("beket.lists")

_REASON_PROBLEMS = 5


@dataclass
class _Watched:
    settings: HotlistSettings
    source: ListSource
    due: float = 0.0
    trouble: str = field(default="", init=False)


class ListWatch:
    """Looks at each source every ``every_s`` in a thread of its own; ``say`` gets lines for a person.

    What was taken lies in the database with its hash, so a restart takes nothing twice. An import that was cut off in
    the middle left nothing behind and is begun again. Trouble with a source is told once, not at every look.
    """

    def __init__(
        self,
        database: Database,
        archive: Archive,
        settings: RegionSettings,
        home: Home,
        say: Callable[[str], None],
    ) -> None:
        self._intake = FileIntake(database)
        self._ledger = SourceLedger(database)
        self._say = say
        self._watched = [
            _Watched(hotlist, source)
            for hotlist in settings.hotlists
            if (source := self._source(hotlist, settings, archive, home)) is not None
        ]
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lists", daemon=True)

    def start(self) -> None:
        if self._watched:
            self._thread.start()

    def close(self) -> None:
        """End the thread; an import that is under way is finished first, for at most 60 s."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(60.0)

    def look(self, *, due_only: bool = False) -> None:
        """Look at every source, or at those that are due."""
        for watched in self._watched:
            if self._closed.is_set() or (due_only and time.monotonic() < watched.due):
                continue
            watched.due = time.monotonic() + watched.settings.every_s
            try:
                for arrival in watched.source.look():
                    self._take(watched, arrival)
                    if self._closed.is_set():
                        return
            except (SourceFailed, ArchiveAway, DatabaseAway, VideoError) as error:
                if str(error) != watched.trouble:
                    _log.warning("hotlist %s: %s", watched.settings.id, error)
                    self._say(f"hotlist {watched.settings.id}: its source can't be used now: {error}")
                watched.trouble = str(error)
            else:
                watched.trouble = ""

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self.look(due_only=True)
            except Exception:  # noqa: BLE001 - the thread's outer edge: the next look tries again
                _log.exception("looking at the lists' sources failed")
            self._closed.wait(1.0)

    def _take(self, watched: _Watched, arrival: Arrival) -> None:
        hotlist = watched.settings
        sha256 = digest(arrival.data, hotlist)
        known = self._ledger.find(hotlist.id, arrival.name, sha256)
        if known is not None and (known.etag == arrival.etag or arrival.etag is None):
            watched.source.settle(arrival)
            return
        if known is not None:  # sent again under a new ETag
            self._note(hotlist, arrival, sha256, known.import_id, known.reason)
            watched.source.settle(arrival)
            return
        import_id, reason = None, ""
        try:
            done = self._intake.take(hotlist, arrival.name, arrival.data, sha256)
            import_id, lines = done.stored.import_id, tell(done, self._intake.problems)
        except ImportRefused as error:
            reason = "; ".join([str(error), *map(str, error.problems[:_REASON_PROBLEMS])])
            lines = [f"hotlist {hotlist.id}: {error.count} rows of {arrival.name} can't be taken, so nothing was"]
        except (HotlistFileError, HotlistRefused, DatabaseRefused) as error:
            reason = str(error)
            lines = [f"hotlist {hotlist.id}: {arrival.name} is no list that can be taken"]
        if reason:
            lines.append(f"hotlist {hotlist.id}: beket hotlist sources {hotlist.id} says why")
        self._note(hotlist, arrival, sha256, import_id, reason)
        watched.source.settle(arrival)
        for line in lines:
            _log.info("%s", line)
            self._say(line)

    def _note(
        self, hotlist: HotlistSettings, arrival: Arrival, sha256: str, import_id: int | None, reason: str
    ) -> None:
        self._ledger.put(
            hotlist.id,
            arrival.name,
            sha256,
            size_bytes=len(arrival.data),
            etag=arrival.etag,
            import_id=import_id,
            reason=reason,
        )

    def _source(
        self, hotlist: HotlistSettings, settings: RegionSettings, archive: Archive, home: Home
    ) -> ListSource | None:
        largest = hotlist.largest_mb << 20
        if hotlist.folder is not None:
            return FolderSource(Path(in_home(str(hotlist.folder), home)), largest_bytes=largest)
        if hotlist.prefix is not None:
            return PrefixSource(archive, hotlist.prefix, largest_bytes=largest)
        if hotlist.url is None:
            return None
        url = hotlist.url
        rules = source_rules(settings)

        def check() -> None:
            if url.startswith("https:"):
                resolve(parse_source(url, rules))

        def known_etag(name: str) -> str | None:
            last = self._ledger.last(hotlist.id, name)
            return None if last is None else last.etag

        return AddressSource(
            url,
            largest_bytes=largest,
            authorization=_authorization(hotlist),
            known_etag=known_etag,
            check=check,
        )


def _authorization(hotlist: HotlistSettings) -> str | None:
    """The header that enters the address. Raises ``SettingsError``."""
    if hotlist.authorization_env is None and hotlist.authorization_file is None:
        return None
    secret = read_secret(
        f"hotlists.{hotlist.id}", "authorization", hotlist.authorization_env, hotlist.authorization_file
    )
    if not secret.isprintable() or not secret.isascii():
        raise SettingsError(f"hotlists.{hotlist.id}.authorization: holds characters that no header may; mend it")
    return secret
