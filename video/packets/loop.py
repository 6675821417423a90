"""A video file played in a loop in real time, as a camera that has always been on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event

from video.connect.source import SourceUrl
from video.errors import OpenFailed, Reason
from video.packets.demux import Demuxer, OpenSettings
from video.packets.packet import Packet


def looped(source: SourceUrl, stop: Event, settings: OpenSettings | None = None) -> Iterator[Packet]:
    """Packets of a file, each when its time has come, for ever or until ``stop``.

    Where the file stands follows from the wall clock alone (the epoch's seconds modulo the file's length), so that
    after a restart it is where it would have been. Times are the epoch's seconds and never repeat. Starts with the
    keyframe before the present. Raises OpenFailed.
    """
    loop: int | None = None
    while not stop.is_set():
        with Demuxer(source, settings) as demuxer:
            length_s = demuxer.duration_s or 0.0
            if length_s < 0.2:
                raise OpenFailed(
                    Reason.NOT_VIDEO,
                    source,
                    "is too short to be played in a loop, or does not say its length",
                    "convert it to MP4",
                )
            now = datetime.now(UTC).timestamp()
            if loop is None:
                loop = int(now // length_s)
                demuxer.seek(now - loop * length_s)
            else:
                loop = max(loop + 1, int(now // length_s))
            loop_start = loop * length_s
            for packet in demuxer.packets():
                if packet.t >= length_s:
                    continue
                t = loop_start + packet.t
                due_in_s = loop_start + packet.dts - datetime.now(UTC).timestamp()
                if due_in_s > 0 and stop.wait(due_in_s):
                    return
                yield replace(packet, t=t, dts=loop_start + packet.dts, seen_at=datetime.now(UTC))
            rest_s = loop_start + length_s - datetime.now(UTC).timestamp()
        if rest_s > 0 and stop.wait(rest_s):
            return
