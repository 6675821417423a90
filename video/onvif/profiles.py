"""What a camera says of itself over ONVIF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from video.connect.source import SourceUrl

_GATE_WIDTH = 480
"""A gate wants no more than this: the smallest profile that is not smaller serves best."""


@dataclass(frozen=True, slots=True)
class OnvifProfile:
    """A media profile: one way in which the camera sends its picture."""

    token: str
    name: str
    codec: str | None
    """As the camera says: ``H264``, ``H265``, ``JPEG``; None where it doesn't."""
    width: int
    height: int
    """0 where the camera doesn't say."""
    fps: float | None
    stream: SourceUrl | None
    """Its address with the login; None where the camera gives none that may be opened."""
    refusal: str = ""
    """Why it has no stream."""

    @property
    def pixels(self) -> int:
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class OnvifCamera:
    """A camera, and its profiles in its own order."""

    address: str
    manufacturer: str
    model: str
    firmware: str
    serial: str
    skew_s: float | None
    """Its clock minus ours, to a second; None where it does not tell."""
    profiles: tuple[OnvifProfile, ...]


def choose(profiles: Sequence[OnvifProfile]) -> tuple[OnvifProfile, OnvifProfile | None] | None:
    """The profile to read from and a smaller one for the gate, if there is one; None where none can be opened.

    The largest picture reads best, of equal ones the one with more frames, H.264 or H.265 rather than JPEG.
    """
    usable = [profile for profile in profiles if profile.stream is not None]
    coded = [profile for profile in usable if profile.codec != "JPEG"] or usable
    if not coded:
        return None
    best = max(coded, key=lambda profile: (profile.pixels, profile.fps or 0.0))
    smaller = [one for one in coded if 0 < one.pixels < best.pixels and one.stream != best.stream]
    large_enough = [one for one in smaller if one.width >= _GATE_WIDTH]
    if large_enough:
        return best, min(large_enough, key=lambda profile: profile.pixels)
    return best, max(smaller, key=lambda profile: profile.pixels, default=None)
