"""Train the plate detector on composed pictures, export and try it: ``python -m models.training.detector``.

Resumable: a run's folder holds ``last.pt`` and ``curve.csv``; SIGTERM and Ctrl-C save and end the run. The learning
rate warms up, stays, and falls over the last ``decay_steps``: until then a run can be prolonged in its file, which is
read anew at every save. Picture ``n`` of a run depends on the seed, the fonts and the backgrounds alone.
"""

from __future__ import annotations

import argparse
import csv
import math
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Final

import numpy as np
import torch
import yaml
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from models.training.detector_export import export
from models.training.detector_network import PlateNetwork, loss, targets
from models.training.detector_trial import try_detector
from models.training.street import Picture
from models.training.street_feed import Scenery, StreetFeed

WEIGHTS: Final = Path("models/weights/plate_detector.onnx")
UNSEEN: Final = 1_000_003
"""Added to a run's seed for the pictures it is tried on."""


class Recipe(BaseModel):
    """What a run is made of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: Path = Field(description="folder of the checkpoint and the curve")
    seed: int = 1
    width: int = Field(default=16, ge=2, description="channels of the network's first layer; all others are multiples")
    size: int = Field(default=320, ge=64, multiple_of=32, description="side of a training picture, px")
    batch: int = Field(default=16, ge=1)
    steps: int = Field(default=6000, ge=1, description="batches in all")
    decay_steps: int = Field(
        default=2500, ge=0, description="last batches over which the learning rate falls to nothing"
    )
    peak_rate: float = Field(default=2e-3, gt=0)
    workers: int = Field(default=1, ge=1, description="composing processes")
    threads: int = Field(default=1, ge=1, description="threads of the network")
    save_every: int = Field(default=200, ge=1)
    average: float = Field(
        default=0.998, ge=0, lt=1, description="decay of the averaged weights, which are the ones exported"
    )
    scenery: Scenery = Scenery()


def read_recipe(path: Path) -> Recipe:
    """A recipe from YAML; ``ValueError`` names what is wrong in it."""
    return Recipe.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


class Trainer:
    """A run: network, averaged weights, optimiser, curve."""

    def __init__(self, recipe: Recipe, source: Path | None = None) -> None:
        self.recipe, self.source = recipe, source
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        torch.set_num_threads(recipe.threads)
        torch.manual_seed(recipe.seed)
        self.network = PlateNetwork(recipe.width).to(self.device, memory_format=torch.channels_last)
        self.mean = torch.optim.swa_utils.AveragedModel(
            self.network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(recipe.average), use_buffers=True
        )
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=recipe.peak_rate, weight_decay=0.02)
        self.step = 0
        self.is_stopped = False

    @property
    def checkpoint(self) -> Path:
        return self.recipe.run / "last.pt"

    def resume(self) -> bool:
        """Take up the last checkpoint; false if there is none."""
        if not self.checkpoint.exists():
            return False
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.mean.load_state_dict(state["mean"])
        self.optimiser.load_state_dict(state["optimizer"])
        self.step = int(state["step"])
        print(f"resumed at step {self.step}", flush=True)
        return True

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        part = self.checkpoint.with_suffix(".part")
        torch.save(
            {
                "network": self.network.state_dict(),
                "mean": self.mean.state_dict(),
                "optimizer": self.optimiser.state_dict(),
                "step": self.step,
            },
            part,
        )
        part.replace(self.checkpoint)

    def rate(self) -> float:
        """Learning rate of the present step."""
        r = self.recipe
        left = r.steps - self.step
        fall = 0.5 - 0.5 * math.cos(math.pi * left / r.decay_steps) if left < r.decay_steps else 1.0
        return r.peak_rate * min(1.0, (self.step + 1) / 300) * max(fall, 0.005)

    def plan(self) -> None:
        """Take up a changed length of the run (``steps``, ``decay_steps``) from its file."""
        if self.source is not None:
            news = read_recipe(self.source)
            self.recipe = self.recipe.model_copy(update={"steps": news.steps, "decay_steps": news.decay_steps})

    def learn(self, pictures: list[Picture]) -> tuple[float, float]:
        """One step; its losses of scores and corners."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        self.network.train()
        images = torch.from_numpy(np.stack([p.image for p in pictures])).permute(0, 3, 1, 2)
        quads: list[Tensor] = [torch.from_numpy(p.quads) for p in pictures]
        unclear: list[Tensor] = [torch.from_numpy(p.unclear) for p in pictures]
        score, places, length = targets(quads, unclear, images.shape[-1] // 8)
        with torch.autocast(self.device, dtype=torch.bfloat16):
            scores, corners = self.network(images.to(self.device))
        focal, shape = loss(scores, corners, (score.to(self.device), places.to(self.device), length.to(self.device)))
        self.optimiser.zero_grad(set_to_none=True)
        (focal + shape).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self.optimiser.step()
        self.mean.update_parameters(self.network)
        self.step += 1
        return float(focal.detach()), float(shape.detach())

    def run(self) -> None:
        """Train to the end, or until told to stop (SIGTERM or Ctrl-C), saving on the way."""

        def stop(number: int, frame: FrameType | None) -> None:
            self.is_stopped = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        recipe = self.recipe
        recipe.run.mkdir(parents=True, exist_ok=True)
        feed = StreetFeed(recipe.scenery, recipe.seed, recipe.size, recipe.batch, self.step, recipe.workers)
        began, sums = time.monotonic(), np.zeros(2)
        with (recipe.run / "curve.csv").open("a", newline="") as file:
            curve = csv.writer(file)
            if file.tell() == 0:
                curve.writerow(["step", "rate", "focal", "corners", "pictures_per_s"])
            try:
                for pictures in feed:
                    if self.step >= self.recipe.steps or self.is_stopped:
                        break
                    sums += self.learn(pictures)
                    if self.step % 50 == 0:
                        focal, shape = sums / 50
                        speed = 50 * recipe.batch / (time.monotonic() - began)
                        news = [self.step, f"{self.rate():.3g}", f"{focal:.5f}", f"{shape:.5f}", f"{speed:.1f}"]
                        print(
                            "step {}/{} rate {} focal {} corners {} {}/s".format(news[0], self.recipe.steps, *news[1:]),
                            flush=True,
                        )
                        curve.writerow(news)
                        file.flush()
                        began, sums = time.monotonic(), np.zeros(2)
                    if self.step % recipe.save_every == 0:
                        self.save()
                        self.plan()
            finally:
                feed.close()
        self.save()


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m models.training.detector", description=__doc__)
    parser.add_argument("what", choices=["train", "export", "try"])
    parser.add_argument("--config", type=Path, default=Path("configs/training/detector.yaml"))
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="export, try: file")
    parser.add_argument("--pictures", type=int, default=600, help="try: composed pictures that were not trained on")
    options = parser.parse_args(arguments)
    recipe = read_recipe(options.config)
    if options.what == "train":
        trainer = Trainer(recipe, options.config)
        trainer.resume()
        trainer.run()
        return 0
    if options.what == "try":
        street = recipe.scenery.street(recipe.seed + UNSEEN, recipe.size)
        print("score  recall  others a picture  F1     corner error in plate lengths")
        for t in try_detector(options.out, street, options.pictures, np.arange(0.2, 0.91, 0.05).round(2).tolist()):
            print(f"{t.score:.2f}   {t.recall:.3f}   {t.others:.3f}             {t.f1:.3f}  {t.corner_error:.4f}")
        return 0
    checkpoint = recipe.run / "last.pt"
    if not checkpoint.exists():
        print(f"no checkpoint {checkpoint}: train first", file=sys.stderr)
        return 1
    step = export(checkpoint, options.out, recipe.width, recipe.size)
    print(f"step {step} -> {options.out} ({options.out.stat().st_size / 1e6:.2f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
