"""Following a region's event stream from outside, as a console does."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx


def follow_events(address: str, cursor: int, timeout_s: float) -> Iterator[dict[str, Any]]:
    """Events after ``cursor`` as they come, for ``timeout_s`` seconds; takes the stream up again when it breaks off."""
    deadline = time.monotonic() + timeout_s
    while (left_s := deadline - time.monotonic()) > 0:
        try:
            with (
                httpx.Client(timeout=httpx.Timeout(5.0, read=min(left_s, 30.0)), trust_env=False) as client,
                client.stream("GET", f"{address}events", params={"cursor": cursor}) as stream,
            ):
                stream.raise_for_status()
                for line in stream.iter_lines():
                    if line.startswith("data:"):
                        event = json.loads(line[5:])
                        if event.get("cursor") is not None:
                            cursor = max(cursor, event["cursor"])
                        yield event
                    if time.monotonic() > deadline:
                        return
        except (httpx.HTTPError, ValueError):
            time.sleep(min(0.5, max(0.0, deadline - time.monotonic())))


def wait_for_alert(address: str, cursor: int, timeout_s: float) -> dict[str, Any] | None:
    """The first alert after ``cursor`` whose clip is ready; None when none comes in ``timeout_s``."""
    for event in follow_events(address, cursor, timeout_s):
        if event["kind"] in ("alert.raised", "alert.updated"):
            alert: dict[str, Any] = event["data"]
            if alert["clip"]["state"] == "ready":
                return alert
    return None
