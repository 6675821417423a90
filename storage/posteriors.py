"""Posteriors as bytes: small for the tables, exact for the spool."""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np

from index.alphabet import ALPHABET
from index.read import Posterior

_STEPS_PER_NAT: Final = 16
_FORMAT: Final = 1


def pack_posterior(posterior: Posterior) -> bytes:
    """About a hundred bytes: log-probabilities in steps of 1/16 nat, everything below -15.9 as one.

    A probability comes back within 4% of itself; what was below 1e-7 comes back as 1e-7.
    """
    steps = np.rint(posterior.log_probs * -_STEPS_PER_NAT)
    quantised = np.nan_to_num(steps, nan=255.0, posinf=255.0).clip(0, 255).astype(np.uint8)
    return bytes((_FORMAT, len(quantised))) + zlib.compress(quantised.tobytes(), 1)


def unpack_posterior(packed: bytes) -> Posterior:
    """The posterior that ``pack_posterior`` packed, normalised again. Raises ``ValueError`` on other bytes."""
    if len(packed) < 3 or packed[0] != _FORMAT:
        raise ValueError("these bytes are no packed posterior")
    quantised = np.frombuffer(zlib.decompress(packed[2:]), dtype=np.uint8).reshape(packed[1], len(ALPHABET))
    log_probs = quantised.astype(np.float32) / -_STEPS_PER_NAT
    normed = log_probs - np.log(np.exp(log_probs).sum(axis=1, keepdims=True))
    return Posterior(normed.astype(np.float32))
