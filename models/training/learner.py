"""One network that learns: its weights, their running average, its optimiser."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from models.training.losses import losses
from models.training.network import ReaderNetwork, Shape
from models.training.pool import Shown


@dataclass(frozen=True, slots=True)
class LearningSettings:
    """How a network learns: the highest ``rate``, the decay of its weights, and that of their running average."""

    rate: float = 1.5e-3
    weight_decay: float = 0.02
    average: float = 0.999


class Learner:
    """Trained by ``learn``; ``average`` is what is validated and exported."""

    def __init__(self, shape: Shape, settings: LearningSettings, device: str) -> None:
        self._settings, self._device = settings, device
        self.network = ReaderNetwork(shape).to(device, memory_format=torch.channels_last)
        self.average = ReaderNetwork(shape).to(device)
        self.average.load_state_dict(self.network.state_dict())
        self.average.eval()
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        plain = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        self._optimiser = torch.optim.AdamW(groups, lr=settings.rate, betas=(0.9, 0.98), fused=device == "cuda")

    def learn(
        self, batch: Shown, rate: float, step: int, taught: Tensor | None = None
    ) -> tuple[dict[str, Tensor], Tensor]:
        """One step at ``rate`` of the highest learning rate; its figures and its log-probabilities (n, 10, 37)."""
        for group in self._optimiser.param_groups:
            group["lr"] = self._settings.rate * rate
        self.network.train()
        with torch.autocast(self._device, torch.bfloat16):
            reading = self.network(batch.images)
        total, figures = losses(reading, batch, taught)
        self._optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self._optimiser.step()
        keep = min(self._settings.average, (1 + step) / (20 + step))
        with torch.no_grad():
            news, olds = self.network.state_dict(), self.average.state_dict()
            names = [name for name, value in olds.items() if value.is_floating_point()]
            torch._foreach_lerp_([olds[name] for name in names], [news[name] for name in names], 1 - keep)
        return figures, reading.characters.detach()

    def state(self) -> dict[str, Any]:
        return {
            "shape": asdict(self.network.shape),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what ``state`` gave; raises ``RuntimeError`` when it is of a network of another shape."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])
