"""What the reader is taught by: the truth of each crop, where its characters stand, and a larger network's beliefs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.training.crops import NONE
from models.training.network import Hints, Reading
from models.training.pool import Shown


def losses(reading: Reading, shown: Shown, taught: Tensor | None = None) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss to be minimised and the figures to be logged, still where they were computed.

    ``taught`` (n, 10, 37) are another network's log-probabilities; half of what the characters learn comes from them.
    """
    target, is_text = shown.characters, shown.is_text
    weight = is_text.float() / is_text.sum().clamp(min=1)

    def text_loss(scores: Tensor) -> Tensor:
        per_slot = nn.functional.nll_loss(scores.transpose(1, 2), target, reduction="none")
        return (per_slot.mean(dim=1) * weight).sum()

    characters = text_loss(reading.characters)
    is_right = (reading.characters.argmax(dim=-1) == target).all(dim=-1) & is_text
    legibility = nn.functional.binary_cross_entropy_with_logits(reading.legibility, is_right.float())
    format_loss = nn.functional.nll_loss(reading.format, shown.formats)
    is_plate = (shown.formats != NONE).float()
    line_loss = (nn.functional.nll_loss(reading.lines, shown.lines, reduction="none") * is_plate).sum()
    learned = characters
    if taught is not None:
        apart = nn.functional.kl_div(reading.characters, taught, reduction="none", log_target=True)
        learned = 0.5 * (characters + (apart.sum(dim=-1).mean(dim=1) * weight).sum())
    total = learned + 0.05 * (format_loss + line_loss / is_plate.sum().clamp(min=1) + legibility)
    if reading.hints is not None:
        total = total + 0.4 * text_loss(reading.hints.early) + _hint_loss(reading.hints, shown, weight)
    return total, {
        "loss": characters.detach(),
        "exact": is_right.sum() / is_text.sum().clamp(min=1),
        "format": (reading.format.argmax(dim=-1) == shown.formats).float().mean(),
        "legibility": legibility.detach(),
    }


def _hint_loss(hints: Hints, shown: Shown, weight: Tensor) -> Tensor:
    """Teaches the cells under a character to name it, and the character's slot to look there."""
    rows, columns = hints.grid
    places = shown.places
    x, y = places[..., 0] * columns - 0.5, places[..., 1] * rows - 0.5
    is_there = (places[..., 0] > 0) & (places[..., 0] < 1) & (places[..., 1] > 0) & (places[..., 1] < 1)
    share = is_there.float() * weight[:, None] / is_there.sum(dim=1, keepdim=True).clamp(min=1)
    cell = y.round().clamp(0, rows - 1) * columns + x.round().clamp(0, columns - 1)
    named = hints.cells.gather(1, cell.long()[..., None].expand(-1, -1, hints.cells.shape[-1]))
    named = named.gather(2, shown.characters[..., None]).squeeze(-1)
    reach = 1.1 * columns / 18
    near_x = (torch.arange(columns, device=weight.device) - x[..., None]).abs() < reach
    near_y = (torch.arange(rows, device=weight.device) - y[..., None]).abs() < 0.8
    window = (near_y[..., :, None] & near_x[..., None, :]).flatten(2)
    looked = (hints.looks * window[:, None]).sum(dim=-1).clamp(min=1e-4).log().mean(dim=1)
    return -((0.5 * named + 0.1 * looked) * share).sum()
