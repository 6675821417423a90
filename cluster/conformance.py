"""Cameras tried and judged against what is required of them, many at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from storage.sealing import shown_url
from video.connect.source import SourceRules, parse_source
from video.errors import Reason, VideoError
from video.health.fault import Finding, score_of
from video.health.requirements import Requirements, judge_clock, judge_stream
from video.packets.demux import OpenSettings
from video.probe import Probe, ProbeStopped, probe

_PERHAPS_OURS: Final = frozenset({Reason.TIMED_OUT, Reason.UNREACHABLE})
"""What healthy cameras seem to be where too many are tried at once."""
_FEW: Final = 4


class Verdict(StrEnum):
    """What a probe found. The values go into reports, so they never change."""

    CONFORMS = "conforms"
    FALLS_SHORT = "falls_short"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Target:
    """A camera to be tried. The address holds its password and stays out of ``repr``."""

    camera_id: str | None
    url: str = field(repr=False)

    @property
    def shown(self) -> str:
        """The address as anyone may see it."""
        return shown_url(self.url)


@dataclass(frozen=True, slots=True)
class Conformance:
    """A camera that was tried: what it sends and what that lacks, or why it can't be used."""

    number: int
    """Its place among those asked for."""
    target: Target
    probe: Probe | None
    findings: tuple[Finding, ...] = ()
    """Worst first."""
    reason: Reason | None = None
    detail: str = ""
    tries: int = 1

    @property
    def verdict(self) -> Verdict:
        if self.probe is None:
            return Verdict.UNUSABLE
        return Verdict.FALLS_SHORT if self.findings else Verdict.CONFORMS

    @property
    def score(self) -> int:
        return 0 if self.probe is None else score_of(self.findings)


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """How cameras are tried."""

    rules: SourceRules
    required: Requirements
    seconds: float = 5.0
    at_once: int = 32
    opening: OpenSettings = field(default_factory=OpenSettings)


def judge(number: int, target: Target, options: ProbeOptions, stop: threading.Event | None = None) -> Conformance:
    """Try one camera. Raises ProbeStopped when ``stop`` was set meanwhile."""
    try:
        source = parse_source(target.url, options.rules)
        seen = probe(source, options.opening, options.seconds, stop=stop)
    except VideoError as error:
        return Conformance(number, target, None, reason=error.reason, detail=str(error))
    findings = [*seen.picture, *judge_stream(seen.measured, options.required)]
    if source.is_live:
        findings += judge_clock(seen.skew_s, options.required)
    findings.sort(key=lambda finding: -finding.points)
    return Conformance(number, target, seen, tuple(findings))


def judge_all(targets: Sequence[Target], options: ProbeOptions, stop: threading.Event) -> Iterator[Conformance]:
    """Try every camera, ``at_once`` at a time, and give each as it is done.

    Those that did not answer are tried once more at the end, few at a time: with many at once it may be this machine
    that was late. ``stop`` (or leaving the loop) ends it: what is under way is given up, what is known is given, and
    threads that hang in a connection end by themselves at its timeout.
    """
    silent: dict[int, Conformance] = {}
    try:
        for result in _side_by_side(list(enumerate(targets)), options, options.at_once, stop):
            if result.reason in _PERHAPS_OURS and len(targets) > 1:
                silent[result.number] = result
            else:
                yield result
        again = [(number, result.target) for number, result in silent.items()]
        few = min(options.at_once, max(_FEW, options.at_once // 8))
        for result in _side_by_side(again, options, few, stop):
            del silent[result.number]
            yield replace(result, tries=2)
        yield from silent.values()
    finally:
        stop.set()


def _side_by_side(
    asked: Sequence[tuple[int, Target]], options: ProbeOptions, at_once: int, stop: threading.Event
) -> Iterator[Conformance]:
    waiting: queue.SimpleQueue[tuple[int, Target]] = queue.SimpleQueue()
    done: queue.SimpleQueue[Conformance | Exception | None] = queue.SimpleQueue()
    for item in asked:
        waiting.put(item)

    def work() -> None:
        while not stop.is_set():
            try:
                number, target = waiting.get_nowait()
            except queue.Empty:
                break
            try:
                done.put(judge(number, target, options, stop))
            except ProbeStopped:
                break
            except Exception as error:  # noqa: BLE001 - the thread's outer edge: the caller raises it
                done.put(error)
                break
        done.put(None)

    workers = min(max(at_once, 1), len(asked))
    for number in range(workers):
        threading.Thread(target=work, name=f"probe-{number}", daemon=True).start()
    while workers and not stop.is_set():
        try:
            result = done.get(timeout=0.2)
        except queue.Empty:
            continue
        if result is None:
            workers -= 1
        elif isinstance(result, Exception):
            raise result
        else:
            yield result
