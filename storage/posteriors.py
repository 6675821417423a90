"""Posteriors as bytes: small for the tables, exact for the spool."""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np

from index.alphabet import ALPHABET
from index.read import Posterior

_STEPS_PER_NAT: Final = 16
_FLOOR: Final = 10 * _STEPS_PER_NAT
_FORMAT: Final = 1


def pack_posterior(posterior: Posterior) -> bytes:
    """About a hundred bytes: log-probabilities in steps of 1/16 nat, everything below -10 as -10.

    A probability comes back within 4% of itself before the rows are normalised again; what was below 4.5e-5 comes back
    as about that: a reader is never surer than so that a symbol is *not* there.
    """
    steps = np.fmin(posterior.log_probs * -_STEPS_PER_NAT, _FLOOR)
    quantised = np.rint(steps).astype(np.uint8)
    return bytes((_FORMAT, len(quantised))) + zlib.compress(quantised.tobytes(), 1)


def unpack_posterior(packed: bytes) -> Posterior:
    """The posterior that ``pack_posterior`` packed, normalised again. Raises ``ValueError`` on other bytes."""
    if len(packed) < 3 or packed[0] != _FORMAT:
        raise ValueError("these bytes are no packed posterior")
    quantised = np.frombuffer(zlib.decompress(packed[2:]), dtype=np.uint8).reshape(packed[1], len(ALPHABET))
    log_probs = quantised.astype(np.float32) / -_STEPS_PER_NAT
    normed = log_probs - np.log(np.exp(log_probs).sum(axis=1, keepdims=True))
    return Posterior(normed.astype(np.float32))
