"""How likely a sighting shows the vehicle of a photo: what the plates and the looks say, as one probability.

Odds multiply: the odds that both readings show one plate, times how much more often one vehicle seen twice looks that
much alike than two vehicles do. Looks alone are never certain: a model in a colour is driven by thousands.
"""

from __future__ import annotations

import math
from typing import Final

_UNREAD: Final = 0.02
"""Probability that a pass is the one sought before its looks are compared, where a photo's plate can't be read."""
_OTHER: Final = 0.005
"""The same where both plates were read and differ: plates are changed, seldom."""
_MIDDLE: Final = 0.79
_SLOPE: Final = 30.0
_MOST: Final = 4.0
"""Nats of evidence: 0 at the middle cosine, so many more for a cosine higher by 1, so many at most. From the cosines of
vehicles drawn by us, seen twice in other light, size and sharpness."""
_OTHER_END: Final = 0.5
"""Share of pairs that show a vehicle's front and its rear: their looks tell nothing."""
_SAME_COLOUR: Final = math.log(3.0)
"""Of a paint's name alone, for what has no appearance: a third of the traffic has it."""


def weigh(plate: float | None, looks: float | None, same_colour: bool | None) -> float:
    """Probability of the sighting; None for what was not compared.

    ``plate``: probability that both readings show one plate; ``looks``: the cosine of the appearances.
    """
    before = _UNREAD if plate is None else min(max(plate, _OTHER), 1 - 1e-9)
    evidence = 0.0
    if looks is not None:
        one_end = math.exp(_MOST * math.tanh(_SLOPE * (looks - _MIDDLE) / _MOST))
        evidence = math.log(_OTHER_END + (1 - _OTHER_END) * one_end)
    elif same_colour is not None:
        evidence = _SAME_COLOUR if same_colour else -_SAME_COLOUR
    return 1 / (1 + math.exp(-(math.log(before / (1 - before)) + evidence)))
