"""What a camera looks at: its lasting edges, learned, and whether a picture still shows them where they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH: Final = 160
HEIGHT: Final = 90
_TILE: Final = 10
_AROUND: Final = (21, 21)
_FAINT: Final = 24.0
"""Gradient (Sobel, of the shrunk picture) at which an edge counts by half."""
_STRUCTURE: Final = 0.06
"""Mean strength of a tile's lasting edges from which it has any."""
_LASTING: Final = 0.5
"""Share of a tile's mean strength that must keep its direction, for its edges to count as lasting."""
_ALIKE: Final = 0.35
"""Correlation from which a tile shows what it showed."""
_WELL: Final = 0.8
"""Share of tiles that show what they showed, below which the view is sought elsewhere in the picture."""
_PLAIN: Final = 12.0
"""Spreads by which one displacement must stand out of all, to be believed: still pictures of moved views have 30-100,
pictures of other views below 10."""
_NIGHT: Final = 62.0
"""Mean brightness below which a view counts as seen by night."""

_EXPLAINED: Final = 0.6
"""Share of the other tiles that must show, when displaced, what they showed."""
_LEAST_TILES: Final = 4

Edges = NDArray[np.complex64]
Tiles = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ViewMatch:
    """How a picture agrees with the learned view; shares are of those tiles in which the view has lasting edges."""

    kept: float
    """Tiles that show what they showed."""
    visible: float
    """Tiles that show edges of any kind."""
    structured: int
    """Tiles with lasting edges, of 144: with few of them little can be told."""
    shift: tuple[float, float] | None
    """Where the view has gone, as shares of width and height, if it is found elsewhere in the picture."""


@dataclass(slots=True)
class _Reference:
    """The mean of many pictures' edges: vehicles, which come and go, cancel out of it."""

    edges: Edges
    strength: NDArray[np.float32]
    """Mean strength, whatever the direction: what is strong without a lasting direction is traffic, or a tree."""
    looks: int


def shrink(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``(90, 160) uint8`` of a picture of any size: means over what falls together."""
    step = max(1, min(luma.shape[1] // (4 * WIDTH), luma.shape[0] // (4 * HEIGHT)))
    small = cv2.resize(np.ascontiguousarray(luma[::step, ::step]), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def gradients(small: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Across and down, ``(90, 160) float32`` each."""
    smooth = cv2.GaussianBlur(small.astype(np.float32), (3, 3), 0)
    across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def tiled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means over tiles, ``(9, 16) float32``, of values for each pixel of a shrunk picture."""
    means = values.reshape(HEIGHT // _TILE, _TILE, WIDTH // _TILE, _TILE).mean(axis=(1, 3))
    return np.asarray(means, np.float32)


def edges_of(across: NDArray[np.float32], down: NDArray[np.float32]) -> Edges:
    """Direction and strength of edges, ``(90, 160) complex64``: angles doubled, so that an edge stays the same when
    light and dark change sides (day and night); strength 0-1, of which contrast is only a part."""
    gradient = across + 1j * down
    edges = np.asarray(gradient**2 / (across**2 + down**2 + _FAINT**2), np.complex64)
    # slow gradients (sky, the glow of lamps) and what runs one way all over say nothing of where things are
    edges.real -= cv2.blur(np.ascontiguousarray(edges.real), _AROUND)
    edges.imag -= cv2.blur(np.ascontiguousarray(edges.imag), _AROUND)
    return edges


class View:
    """One camera's lasting view by day and by night. For one thread; ``look`` for each picture in order of time."""

    def __init__(self, learn_looks: int = 12, follow_looks: int = 60) -> None:
        """A view is known after ``learn_looks`` pictures, and follows slow change over about ``follow_looks``."""
        self._learn_looks = learn_looks
        self._follow_looks = follow_looks
        self._references: dict[bool, _Reference] = {}

    def look(self, edges: Edges, brightness: float) -> ViewMatch | None:
        """How the picture agrees with the view by day or by night, whichever fits; None while neither does and the one
        for this light (by ``brightness``, the median of the picture) is still being learned."""
        by_night = brightness < _NIGHT
        known = {light: _match(edges, ref) for light, ref in self._references.items() if self._is_learned(ref)}
        fits = max(known, key=lambda light: known[light].kept, default=by_night)
        match = known.get(fits)
        is_same = match is not None and match.kept >= 0.5 and match.shift is None
        own = self._references.get(by_night)
        if own is None:
            self._references[by_night] = _Reference(edges.copy(), np.abs(edges), 1)
        elif is_same or not self._is_learned(own):
            self._learn(own, edges)
        if is_same or (own is not None and by_night in known):
            return match
        return None

    def forget(self) -> None:
        """Learn anew: another resolution, or a new view that is there to stay."""
        self._references.clear()

    def _is_learned(self, reference: _Reference) -> bool:
        return reference.looks >= self._learn_looks

    def _learn(self, reference: _Reference, edges: Edges) -> None:
        reference.looks += 1
        share = np.float32(1.0 / min(reference.looks, self._follow_looks))
        reference.edges += share * (edges - reference.edges)
        reference.strength += share * (np.abs(edges) - reference.strength)


def _match(edges: Edges, reference: _Reference) -> ViewMatch:
    structured = _structured(reference.edges, reference.strength)
    number = int(structured.sum())
    if number == 0:
        return ViewMatch(1.0, 1.0, 0, None)
    same, visible = _compare(edges, reference.edges)
    kept = float(same[structured].mean())
    shift = _shift(edges, reference, same & structured) if kept < _WELL else None
    return ViewMatch(kept, float(visible[structured].mean()), number, shift)


def _structured(edges: Edges, strength: NDArray[np.float32]) -> Tiles:
    """Tiles with lasting edges."""
    lasting = tiled(np.abs(edges))
    return np.asarray((lasting >= _STRUCTURE) & (lasting >= _LASTING * tiled(strength)), np.bool_)


def _compare(edges: Edges, reference: Edges) -> tuple[Tiles, Tiles]:
    """Tiles that show what the reference shows, and those that show edges of any kind."""
    own = np.sqrt(tiled(np.abs(edges) ** 2))
    theirs = np.sqrt(tiled(np.abs(reference) ** 2))
    together = tiled((edges * reference.conj()).real)
    visible = own >= 0.4 * theirs
    return (together >= _ALIKE * own * theirs) & visible, visible


def _shift(edges: Edges, reference: _Reference, same: Tiles) -> tuple[float, float] | None:
    """Where the reference lies in the picture, by phase correlation; None where nowhere plainly.

    Tiles that are the ``same`` in place are left out of both: a clock or a name that the camera writes into its
    picture stays where it is however it is turned. What is found must explain most of the rest.
    """
    out = np.kron(~same, np.ones((_TILE, _TILE), np.bool_))
    spectrum = np.fft.fft2(edges * out) * np.fft.fft2(reference.edges * out).conj()
    power = np.abs(spectrum)
    surface = np.fft.ifft2(spectrum / (power + 0.1 * power.mean() + 1e-12)).real
    down, across = divmod(int(surface.argmax()), WIDTH)
    peak = float(surface[down, across] - surface.mean())
    down, across = (down + HEIGHT // 2) % HEIGHT - HEIGHT // 2, (across + WIDTH // 2) % WIDTH - WIDTH // 2
    if peak < _PLAIN * float(surface.std()) or (abs(down) <= 1 and abs(across) <= 1):
        return None
    moved = np.roll(reference.edges, (down, across), (0, 1))
    there = np.zeros((HEIGHT, WIDTH), np.float32)
    there[max(down, 0) : HEIGHT + min(down, 0), max(across, 0) : WIDTH + min(across, 0)] = 1.0
    told = _structured(moved, np.roll(reference.strength, (down, across), (0, 1))) & (tiled(there) == 1.0) & ~same
    if int(told.sum()) < _LEAST_TILES or float(_compare(edges, moved)[0][told].mean()) < _EXPLAINED:
        return None
    return across / WIDTH, down / HEIGHT
