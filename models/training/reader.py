"""Trains the plate reader on rendered plates and exports it: ``python -m models.training.reader --config FILE``.

Resumable: the last checkpoint in the configured folder is taken up again at the next batch. The learning rate warms
up, stays, and falls over the last ``decay_steps``: until then a run can be prolonged or given better pictures.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Self

import numpy as np
import torch
import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.training.crops import CropBatch, CropMaker
from models.training.faces import font_faces
from models.training.feed import Feed
from models.training.learner import Learner, LearningSettings
from models.training.losses import losses
from models.training.network import Shape
from models.training.pool import CropPool, Shown, altered, shown
from models.training.reader_export import export
from models.training.warm_start import load_weights


class Settings(BaseModel):
    """A training run of the reader."""

    model_config = ConfigDict(extra="forbid")

    folder: Path = Field(description="where checkpoints and curves go")
    start: Path | None = Field(None, description="exported weights to begin a new run with; null begins with nothing")
    seed: int = 1
    fonts: list[Path] = Field(
        default=[], description="font files and folders besides the drawn faces, where they exist"
    )
    held_out: list[str] = Field(default=[], description="parts of font file names kept for validation alone")
    left_out: list[str] = Field(default=[], description="parts of font file names that are no faces for plates")
    batch: int = Field(64, ge=2, le=4096)
    steps: int = Field(20000, ge=1, description="batches in all")
    decay_steps: int = Field(4000, ge=0, description="last batches over which the learning rate falls to nothing")
    limit_s: float | None = Field(None, gt=0, description="seconds after which the run ends, its rate fallen by then")
    warmup_steps: int = Field(400, ge=1)
    learning: LearningSettings = LearningSettings()
    networks: dict[str, Shape] = Field(
        default={"reader": Shape()}, min_length=1, description="trained side by side on the same pictures"
    )
    teacher: str | None = Field(None, description="the network whose beliefs the others learn, besides the truth")
    taught_from: float = Field(0.35, ge=0, le=1, description="share of the run after which they do")
    replays: int = Field(1, ge=0, description="batches of crops seen before, shown after each rendered batch")
    is_eager: bool = Field(False, description="replays stop when a rendered batch waits; the order is chance then")
    alters: bool = Field(False, description="crops seen before are shown a little moved, blurred, noisier")
    pool: int = Field(24_576, ge=1, description="crops kept to be shown again; 7 KB of the device's memory each")
    workers: int = Field(1, ge=1, description="rendering processes")
    threads: int = Field(1, ge=1, description="threads of the network")
    save_every: int = Field(250, ge=1)
    validate_every: int = Field(1000, ge=1)
    validation_crops: int = Field(1024, ge=64)
    device: str = Field("cpu", description="cpu or cuda")

    @model_validator(mode="after")
    def _knows_its_teacher(self) -> Self:
        if self.teacher is not None and self.teacher not in self.networks:
            raise ValueError(f"teacher: {self.teacher!r} is none of the networks {', '.join(self.networks)}")
        return self


def load_settings(path: Path) -> Settings:
    """Settings from a YAML file; ``ValueError`` names what is wrong in it."""
    return Settings.model_validate(yaml.safe_load(path.read_text()))


def split_fonts(settings: Settings) -> tuple[list[Path], list[Path]]:
    """Font files for training and for validation."""
    files = sorted(f for p in settings.fonts for f in (p.rglob("*.[ot]tf") if p.is_dir() else [p]) if f.is_file())
    files = [f for f in files if not any(part in f.name for part in settings.left_out)]
    kept = [f for f in files if any(part in f.name for part in settings.held_out)]
    return [f for f in files if f not in kept], kept


class Trainer:
    """A run: networks, their averaged weights and optimisers, curves."""

    def __init__(self, settings: Settings, source: Path | None = None) -> None:
        self.settings, self.source = settings, source
        torch.manual_seed(settings.seed)
        torch.set_num_threads(settings.threads)
        settings.folder.mkdir(parents=True, exist_ok=True)
        self.learners = {
            name: Learner(shape, settings.learning, settings.device) for name, shape in settings.networks.items()
        }
        self.step = 0
        self.is_stopped = False
        self._began = time.monotonic()

    @property
    def checkpoint(self) -> Path:
        return self.settings.folder / "last.pt"

    def resume(self) -> bool:
        """Take up the last checkpoint; false if there is none. Raises ``ValueError`` when it is of other networks."""
        if not self.checkpoint.exists():
            return False
        state = torch.load(self.checkpoint, map_location=self.settings.device, weights_only=True)
        kept = state.get("learners", {})
        if lacks := self.learners.keys() - kept.keys():
            raise ValueError(f"{self.checkpoint} has no network {', '.join(sorted(lacks))}: name another folder")
        for name, learner in self.learners.items():
            learner.restore(kept[name])
        self.step = int(state["step"])
        print(f"resumed at batch {self.step}", flush=True)
        return True

    def begin(self, weights: Path, plates: Shown) -> None:
        """Begin every network with exported weights instead of nothing; ``plates`` are typical crops."""
        for learner in self.learners.values():
            load_weights(learner.network, weights, plates.images)
            learner.average.load_state_dict(learner.network.state_dict())
        print(f"begun with {weights}", flush=True)

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {"learners": {name: one.state() for name, one in self.learners.items()}, "step": self.step}
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.checkpoint)

    def done(self) -> float:
        """Share of the run that is over: by batches, or by time where that is further."""
        by_time = (time.monotonic() - self._began) / self.settings.limit_s if self.settings.limit_s else 0.0
        return max(self.step / self.settings.steps, by_time)

    def rate(self) -> float:
        """The present learning rate, as a share of the highest."""
        s = self.settings
        warm = min(1.0, (self.step + 1) / s.warmup_steps)
        left, decay = 1 - self.done(), s.decay_steps / s.steps
        fall = 0.5 - 0.5 * math.cos(math.pi * max(left, 0) / decay) if left < decay else 1.0
        return warm * max(fall, 0.005)

    def learn(self, batch: Shown) -> dict[str, dict[str, torch.Tensor]]:
        """One step of every network; the figures of its batch by network."""
        s, rate, taught = self.settings, self.rate(), None
        figures = {}
        for name in sorted(self.learners, key=lambda name: name != s.teacher):
            figures[name], beliefs = self.learners[name].learn(batch, rate, self.step, taught)
            if name == s.teacher and self.done() >= s.taught_from:
                taught = beliefs
        self.step += 1
        return figures

    def validate(self, batches: list[CropBatch]) -> dict[str, dict[str, float]]:
        """Figures of the averaged networks on ``batches``."""
        seen = [shown(batch, self.settings.device) for batch in batches]
        with torch.inference_mode():
            return {
                name: _mean([losses(one.average(each.images), each)[1] for each in seen])
                for name, one in self.learners.items()
            }

    def log(self, kind: str, figures: dict[str, dict[str, float]]) -> None:
        """Add a row for each network to the curves and print it."""
        path = self.settings.folder / f"{kind}.csv"
        for name, values in figures.items():
            row = {"network": name, "step": self.step, "rate": f"{self.rate():.6g}"}
            row |= {key: f"{value:.6g}" for key, value in values.items()}
            is_new = not path.exists()
            with path.open("a", newline="") as file:
                writer = csv.DictWriter(file, list(row))
                if is_new:
                    writer.writeheader()
                writer.writerow(row)
            print(kind, " ".join(f"{key} {value}" for key, value in row.items()), flush=True)

    def shown(self, feed: Feed) -> Iterator[Shown]:
        """The batches of ``feed``, each followed by crops of earlier ones: rendering costs as much as learning."""
        s = self.settings
        pool = CropPool(s.pool, s.device)
        rng = np.random.default_rng([s.seed, self.step])
        chance = torch.Generator(s.device).manual_seed(s.seed + self.step)
        for batch in feed:
            yield shown(batch, s.device)
            pool.add(batch)
            for _ in range(s.replays):
                if s.is_eager and feed.is_ready():
                    break
                again = pool.pick(rng, len(batch.images))
                yield altered(again, chance) if s.alters else again

    def plan(self) -> None:
        """Take up a changed length of the run (``steps``, ``decay_steps``) from its configuration file."""
        if self.source is not None:
            news = load_settings(self.source)
            self.settings = self.settings.model_copy(update={"steps": news.steps, "decay_steps": news.decay_steps})

    def run(self) -> None:
        """Train to the end, or until told to stop (SIGTERM or Ctrl-C), saving on the way."""
        s = self.settings

        def stop(number: int, frame: FrameType | None) -> None:
            self.is_stopped = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        fonts, kept = split_fonts(s)
        print(f"{len(fonts)} font files, {len(kept)} held out for validation", flush=True)
        validation = CropMaker(s.seed + 1_000_003, font_faces(kept), font_share=1.0)
        checks = [validation.batch(i, 64) for i in range(s.validation_crops // 64)]
        feed = Feed(s.seed, fonts, s.batch, self.step // (1 + s.replays), s.workers)
        figures: list[dict[str, dict[str, torch.Tensor]]] = []
        since, is_first = time.monotonic(), True
        try:
            for batch in self.shown(feed):
                if is_first:
                    since, is_first = time.monotonic(), False
                    self._began = since
                if self.done() >= 1 or self.is_stopped:
                    break
                figures.append(self.learn(batch))
                if self.step % 100 == 0:
                    now = time.monotonic()
                    speed = {"crops_per_s": len(figures) * s.batch / (now - since), "rendered": float(feed.given)}
                    self.log("training", {n: {**_mean([f[n] for f in figures]), **speed} for n in self.learners})
                    figures, since = [], now
                if self.step % s.save_every == 0:
                    self.save()
                    self.plan()
                if self.step % s.validate_every == 0:
                    self.log("validation", self.validate(checks))
        finally:
            feed.close()
        self.save()
        self.log("validation", self.validate(checks))


def _mean(rows: list[dict[str, torch.Tensor]]) -> dict[str, float]:
    return {name: float(torch.stack([row[name] for row in rows]).mean()) for name in rows[0]}


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m models.training.reader", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["train", "export"], default="train")
    parser.add_argument("--config", type=Path, default=Path("configs/training/reader.yaml"))
    parser.add_argument("--steps", type=int, help="batches in all, instead of the configured number")
    parser.add_argument("--network", default="reader", help="export: which of the run's networks")
    parser.add_argument("--looks", type=int, default=3, choices=[1, 2, 3], help="export: framings each crop is read in")
    parser.add_argument("--checkpoint", type=Path, help="export: the checkpoint, instead of the folder's last")
    parser.add_argument("--out", type=Path, default=Path("models/weights/reader.onnx"), help="export: file to write")
    options = parser.parse_args(arguments)
    settings = load_settings(options.config)
    if options.steps:
        settings = settings.model_copy(update={"steps": options.steps})
    if options.what == "export":
        source = options.checkpoint or settings.folder / "last.pt"
        if not source.exists():
            print(f"no checkpoint {source}: train first, or name one with --checkpoint", file=sys.stderr)
            return 1
        _, kept = split_fonts(settings)
        maker = CropMaker(settings.seed + 2_000_003, font_faces(kept), font_share=1.0)
        try:
            export(source, options.out, maker, network=options.network, looks=options.looks)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 1
        return 0
    os.environ.setdefault("OMP_NUM_THREADS", str(settings.threads))
    trainer = Trainer(settings, None if options.steps else options.config)
    if not trainer.resume() and settings.start is not None:
        fonts, _ = split_fonts(settings)
        plates = CropMaker(settings.seed, font_faces(fonts)).batch(0, 512)
        trainer.begin(settings.start, shown(plates, settings.device))
    trainer.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
