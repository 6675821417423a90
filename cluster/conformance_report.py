"""A report of conformance: as a table for people, as JSON lines for programs, as CSV for spreadsheets."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final, TextIO

from rich.console import Console
from rich.table import Table

from cluster.conformance import Conformance, Verdict
from storage.search.export import harmless
from video.health.fault import Finding

_MEASURED: Final = (
    *("codec", "width", "height", "fps", "keyframe_interval_s", "bitrate_bps", "lost_share", "skew_s"),
    *("opened_after_s", "first_frame_after_s"),
)
_COLUMNS: Final = ("camera_id", "source", "verdict", "score", "reasons", "detail", *_MEASURED, "tries")
_COLOURS: Final = {Verdict.CONFORMS: "green", Verdict.FALLS_SHORT: "yellow", Verdict.UNUSABLE: "red"}


def as_document(result: Conformance) -> dict[str, Any]:
    """One camera as JSON: ``ok`` says whether it can be used at all."""
    document: dict[str, Any] = {
        "camera_id": result.target.camera_id,
        "source": result.target.shown,
        "ok": result.probe is not None,
        "verdict": result.verdict.value,
        "score": result.score,
        "tries": result.tries,
    }
    if result.probe is None:
        return document | {"reason": result.reason and result.reason.value, "detail": result.detail}
    measured = asdict(result.probe)
    del measured["picture"], measured["source"]
    return document | measured | {"reasons": [_reason(finding) for finding in result.findings]}


def write_csv(results: Sequence[Conformance], out: TextIO) -> None:
    """A row a camera; texts are written so that no spreadsheet takes them for formulas."""
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for result in results:
        codes = [finding.code.value for finding in result.findings] or ([result.reason.value] if result.reason else [])
        seen = result.probe
        told = [getattr(seen, name) if seen else None for name in _MEASURED]
        row = (
            *(result.target.camera_id, result.target.shown, result.verdict.value, result.score),
            *(" ".join(codes), result.detail),
        )
        writer.writerow(
            [*(harmless(cell) for cell in row), *("" if value is None else value for value in told), result.tries]
        )


def show_table(results: Sequence[Conformance], console: Console) -> None:
    """A row a camera, the worst first."""
    table = Table("camera", "verdict", "score", "stream", "keyframes", "Mbit/s", "clock", "reasons")
    for result in sorted(results, key=lambda result: (result.score, result.number)):
        name = result.target.camera_id or result.target.shown
        verdict = f"[{_COLOURS[result.verdict]}]{result.verdict.value.replace('_', ' ')}[/]"
        seen = result.probe
        if seen is None:
            why = f"{result.reason.value if result.reason else ''}: {result.detail}"
            table.add_row(_plain(name), verdict, "0", "", "", "", "", _plain(why))
            continue
        fps = f" {seen.fps:.3g} fps" if seen.fps else ""
        table.add_row(
            _plain(name),
            verdict,
            str(result.score),
            f"{seen.codec} {seen.width}x{seen.height}{fps}",
            f"{seen.keyframe_interval_s:.3g} s" if seen.keyframe_interval_s else "",
            f"{seen.bitrate_bps / 1e6:.3g}" if seen.bitrate_bps else "",
            f"{seen.skew_s:+.1f} s" if seen.skew_s is not None else "",
            "\n".join(sentence(finding) for finding in result.findings),
        )
    console.print(table)


def show_one(result: Conformance, console: Console) -> None:
    """A single camera that can be used, in sentences."""
    seen = result.probe
    if seen is None:
        return
    facts = [f"{seen.codec} {seen.width}x{seen.height}"]
    if seen.fps:
        facts.append(f"{seen.fps:.4g} fps")
    if seen.keyframe_interval_s:
        facts.append(f"a keyframe every {seen.keyframe_interval_s:.3g} s")
    if seen.bitrate_bps:
        facts.append(f"{seen.bitrate_bps / 1e6:.3g} Mbit/s")
    facts.append(f"first picture after {seen.first_frame_after_s:.2f} s")
    if seen.skew_s is not None:
        facts.append(f"clock off by {seen.skew_s:+.1f} s")
    name = result.target.camera_id or seen.source
    console.print(f"{name}: {', '.join(facts)}", markup=False, highlight=False, soft_wrap=True)
    said = "conforms" if result.verdict is Verdict.CONFORMS else "falls short"
    console.print(f"{said}, {result.score} of 100", markup=False, highlight=False)
    for finding in result.findings:
        line = f"  {sentence(finding)}; {finding.way_out}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def summary(results: Sequence[Conformance], asked: int) -> str:
    """How many there are of each kind and of each reason, and how many were tried twice."""
    verdicts = Counter(result.verdict for result in results)
    reasons = Counter(
        code
        for result in results
        for code in (
            [finding.code.value for finding in result.findings] or [result.reason.value if result.reason else ""]
        )
        if code
    )
    said = ", ".join(f"{verdicts[verdict]} {_SAID[verdict]}" for verdict in Verdict)
    told = f"{len(results)} of {asked} cameras: {said}"
    if reasons:
        told += "; " + ", ".join(f"{code} {count}" for code, count in reasons.most_common())
    if again := [result for result in results if result.tries > 1]:
        answered = sum(result.probe is not None for result in again)
        told += f"; {len(again)} did not answer at first and were tried again, fewer at a time: {answered} did then"
    return told


_SAID: Final = {
    Verdict.CONFORMS: "conform",
    Verdict.FALLS_SHORT: "fall short",
    Verdict.UNUSABLE: "can't be used",
}


def sentence(finding: Finding) -> str:
    """``fps_low -25: 8 fps, required 12``"""
    said = f"{finding.code.value} -{finding.points}"
    if finding.measured is not None:
        said += f": {_shown(finding.measured, finding.unit)}"
    if finding.required is not None:
        said += f", required {_shown(finding.required, finding.unit)}"
    return said


def _reason(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code.value,
        "points": finding.points,
        "measured": finding.measured,
        "required": finding.required,
        "unit": finding.unit,
        "way_out": finding.way_out,
    }


def _shown(value: float | str, unit: str) -> str:
    if isinstance(value, str):
        return value
    if unit == "bit/s":
        return f"{value / 1e6:.3g} Mbit/s"
    if unit == "share":
        return f"{100 * value:.3g} %"
    return f"{value:.4g} {unit}".strip()


def _plain(text: str) -> str:
    """Text with nothing that Rich would take for markup."""
    return text.replace("[", r"\[")
