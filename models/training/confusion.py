"""A reader's confusions, learned from its reads of known plates by maximum likelihood.

What is learned is ``index.confusion.Confusion``, parameter for parameter: the likelihood maximised here is the one that
matching weighs texts with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from index.alphabet import ALPHABET, BLANK, encode
from index.confusion import EXTRA, LEAST_DOUBT, MISSING, RESIDUAL, USUAL_DOUBT, Confusion, log_odds

_SYMBOLS: Final = len(ALPHABET)
_PRIOR_READS: Final = 1.0
"""Made-up slots, a row of the table, that say what ``Confusion.even`` says: rare symbols stay near it."""


def learn(
    posteriors: NDArray[np.floating],
    legibility: NDArray[np.floating],
    truths: Sequence[str],
    *,
    steps: int = 500,
    batch: int = 3000,
    seed: int = 0,
) -> Confusion:
    """The channel of a reader: log-probabilities ``(N, SLOTS, 37)``, the reads' legibilities ``(N,)``, their true
    texts.

    Stochastic gradient ascent (Adam) on the likelihood of the true texts. The same for the same seed and torch.
    """
    if not len(posteriors) == len(legibility) == len(truths) > 0:
        raise ValueError(f"{len(posteriors)} posteriors, {len(legibility)} legibilities, {len(truths)} texts")
    if not np.isfinite(posteriors).all():
        raise ValueError("the posteriors hold values that are no logarithms of probabilities")
    odds = log_odds(np.asarray(legibility, dtype=np.float64))
    usual = float(np.median(odds))
    read = torch.as_tensor(np.asarray(posteriors, dtype=np.float32))
    short = torch.as_tensor((usual - odds).astype(np.float32))
    true = torch.as_tensor(np.stack([encode(text) for text in truths]))
    generator = torch.Generator().manual_seed(seed)
    channel = _Channel()
    optimizer = torch.optim.Adam(channel.parameters(), lr=0.06)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        some = torch.randint(0, len(read), (min(batch, len(read)),), generator=generator)
        loss = -channel(read[some], short[some], true[some]).mean() - channel.prior() / len(read)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return channel.confusion(usual)


class _Channel(nn.Module):
    """``Confusion`` with its parameters free: chances as logits, factors as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong = nn.Parameter(torch.full((_SYMBOLS,), float(np.log(RESIDUAL / (1 - RESIDUAL)))))
        self.instead = nn.Parameter(torch.zeros(_SYMBOLS, _SYMBOLS))
        self.missing = nn.Parameter(torch.tensor(float(np.log(MISSING))))
        self.missed = nn.Parameter(torch.zeros(BLANK))
        self.extra = nn.Parameter(torch.full((_SYMBOLS,), float(np.log(EXTRA))))
        self.warmth = nn.Parameter(torch.zeros(()))
        self.by_slot = nn.Parameter(torch.zeros(()))
        self.by_read = nn.Parameter(torch.zeros(()))
        self.edits_by_read = nn.Parameter(torch.zeros(()))

    def _table(self) -> Tensor:
        """Log-probabilities of what a wrong slot's truth is ``(37, 37)``."""
        return torch.log_softmax(self.instead.masked_fill(torch.eye(_SYMBOLS, dtype=torch.bool), -40.0), 1)

    def prior(self) -> Tensor:
        """Log-density of the table and of the missed ones, as if seen evenly ``_PRIOR_READS`` times."""
        off = ~torch.eye(_SYMBOLS, dtype=torch.bool)
        return _PRIOR_READS * (self._table()[off].mean() * _SYMBOLS + torch.log_softmax(self.missed, 0).mean())

    def forward(self, read: Tensor, short: Tensor, true: Tensor) -> Tensor:
        """Log-likelihood of the true texts: ``(B,)``. As ``Confusion.evidence`` and ``Evidence.text_likelihood``."""
        belief = torch.softmax(read * torch.exp(-self.warmth), 2)
        doubt = (LEAST_DOUBT - torch.log(belief.amax(2))) / USUAL_DOUBT
        factor = self.by_slot * torch.log(doubt) + (self.by_read * short)[:, None]
        wrong = belief * torch.sigmoid(self.wrong + factor[:, :, None])
        slots = (belief - wrong + wrong @ torch.exp(self._table())).clamp_min(1e-12)
        slots = slots / slots.sum(2, keepdim=True)
        edits_factor = torch.exp((self.edits_by_read * short).clamp(-7, 7))[:, None]
        occupied = 1 - slots[:, :, BLANK]
        closed = torch.nn.functional.pad(slots[:, :-1, BLANK] * occupied[:, 1:], (0, 1))
        extra = belief @ torch.exp(self.extra) * edits_factor * occupied + closed
        missing = torch.exp(self.missing) * edits_factor * torch.nn.functional.pad(occupied[:, :-1], (1, 0), value=1.0)
        scale = (0.9 / (extra.sum(1) + missing.sum(1))).clamp(max=1.0)[:, None]
        extra, missing = extra * scale, missing * scale
        same = 1 - extra.sum(1) - missing.sum(1)
        here = slots.gather(2, true[:, :, None])[:, :, 0]
        after = slots[:, 1:].gather(2, true[:, :-1, None])[:, :, 0]
        before = slots[:, :-1].gather(2, true[:, 1:, None])[:, :, 0]
        one = torch.ones_like(here[:, :1])
        ahead = torch.cat([one, here[:, :-1].cumprod(1)], 1)
        pulled = torch.cat([after.flip(1).cumprod(1).flip(1), one], 1)
        pushed = torch.cat([before.flip(1).cumprod(1).flip(1), one], 1)
        unseen = torch.nn.functional.pad(torch.softmax(self.missed, 0), (0, 1))[true]
        ends_blank = (true[:, -1:] == BLANK).float()
        likelihood = same * ahead[:, -1] * here[:, -1]
        likelihood = likelihood + (extra * ahead * pulled * ends_blank).sum(1)
        likelihood = likelihood + (missing * slots[:, -1:, BLANK] * ahead * unseen * pushed).sum(1)
        return torch.log(likelihood.clamp_min(1e-30))

    def confusion(self, usual_legibility: float) -> Confusion:
        """What was learned."""
        with torch.no_grad():
            wrong = torch.sigmoid(self.wrong.double())
            given = torch.exp(self._table().double()) * wrong[:, None]
            given.fill_diagonal_(0.0)
            given[range(_SYMBOLS), range(_SYMBOLS)] = 1 - given.sum(1)
            return Confusion(
                given.numpy(),
                min(float(torch.exp(self.missing)), 0.09),
                torch.softmax(self.missed.double(), 0).numpy(),
                torch.exp(self.extra.double()).clamp(max=0.09).numpy(),
                float(torch.exp(self.warmth)),
                float(self.by_slot),
                float(self.by_read),
                float(self.edits_by_read),
                usual_legibility,
            )
