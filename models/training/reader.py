"""Trains the plate reader on rendered plates and exports it: ``python -m models.training.reader --config FILE``.

Resumable: the last checkpoint in the configured folder is taken up again at the next batch. The learning rate warms
up, stays, and falls over the last ``decay_steps``: until then a run can be prolonged or given better pictures.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import math
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from models.training.crops import NONE, CropBatch, CropMaker
from models.training.faces import font_faces
from models.training.feed import Feed
from models.training.network import CELLS, Hints, ReaderNetwork, Reading
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
    warmup_steps: int = Field(400, ge=1)
    learning_rate: float = Field(1.5e-3, gt=0)
    weight_decay: float = Field(0.02, ge=0)
    average: float = Field(0.999, ge=0, lt=1, description="decay of the averaged weights, which are the ones exported")
    replays: int = Field(1, ge=0, description="times each rendered batch is shown again, later and in another order")
    workers: int = Field(1, ge=1, description="rendering processes")
    threads: int = Field(1, ge=1, description="threads of the network")
    save_every: int = Field(250, ge=1)
    validate_every: int = Field(1000, ge=1)
    validation_crops: int = Field(1024, ge=64)
    device: str = Field("cpu", description="cpu or cuda")


def load_settings(path: Path) -> Settings:
    """Settings from a YAML file; ``ValueError`` names what is wrong in it."""
    return Settings.model_validate(yaml.safe_load(path.read_text()))


def split_fonts(settings: Settings) -> tuple[list[Path], list[Path]]:
    """Font files for training and for validation."""
    files = sorted(f for p in settings.fonts for f in (p.rglob("*.[ot]tf") if p.is_dir() else [p]) if f.is_file())
    files = [f for f in files if not any(part in f.name for part in settings.left_out)]
    kept = [f for f in files if any(part in f.name for part in settings.held_out)]
    return [f for f in files if f not in kept], kept


def losses(reading: Reading, batch: CropBatch, device: str) -> tuple[Tensor, dict[str, float]]:
    """The loss to be minimised and the figures to be logged."""
    target = torch.from_numpy(batch.characters).to(device)
    formats = torch.from_numpy(batch.formats).to(device)
    lines = torch.from_numpy(batch.lines).to(device)
    is_text = torch.from_numpy(batch.is_text).to(device)
    weight = is_text.float() / is_text.sum().clamp(min=1)

    def text_loss(scores: Tensor) -> Tensor:
        per_slot = nn.functional.nll_loss(scores.transpose(1, 2), target, reduction="none")
        return (per_slot.mean(dim=1) * weight).sum()

    characters = text_loss(reading.characters)
    is_right = (reading.characters.argmax(dim=-1) == target).all(dim=-1) & is_text
    legibility = nn.functional.binary_cross_entropy_with_logits(reading.legibility, is_right.float())
    format_loss = nn.functional.nll_loss(reading.format, formats)
    is_plate = (formats != NONE).float()
    line_loss = (
        nn.functional.nll_loss(reading.lines, lines, reduction="none") * is_plate
    ).sum() / is_plate.sum().clamp(min=1)
    total = characters + 0.05 * format_loss + 0.05 * line_loss + 0.05 * legibility
    if reading.hints is not None:
        total = total + 0.4 * text_loss(reading.hints.early) + hint_loss(reading.hints, batch, weight)
    exact = float(is_right.sum()) / max(1.0, float(is_text.sum()))
    return total, {
        "loss": float(characters.detach()),
        "exact": exact,
        "format": float((reading.format.argmax(dim=-1) == formats).float().mean()),
        "legibility": float(legibility.detach()),
    }


def hint_loss(hints: Hints, batch: CropBatch, weight: Tensor) -> Tensor:
    """Teaches the cells under a character to name it, and the character's slot to look there."""
    rows, columns = CELLS
    places = torch.from_numpy(batch.places).to(weight.device)
    x, y = places[..., 0] * columns - 0.5, places[..., 1] * rows - 0.5
    is_there = (places[..., 0] > 0) & (places[..., 0] < 1) & (places[..., 1] > 0) & (places[..., 1] < 1)
    share = is_there.float() * weight[:, None] / is_there.sum(dim=1, keepdim=True).clamp(min=1)
    cell = y.round().clamp(0, rows - 1) * columns + x.round().clamp(0, columns - 1)
    target = torch.from_numpy(batch.characters).to(weight.device)
    shown = hints.cells.gather(1, cell.long()[..., None].expand(-1, -1, hints.cells.shape[-1]))
    named = shown.gather(2, target[..., None]).squeeze(-1)
    near_x = (torch.arange(columns, device=weight.device) - x[..., None]).abs() < 1.1
    near_y = (torch.arange(rows, device=weight.device) - y[..., None]).abs() < 0.8
    window = (near_y[..., :, None] & near_x[..., None, :]).flatten(2)
    looked = (hints.looks * window[:, None]).sum(dim=-1).clamp(min=1e-4).log().mean(dim=1)
    return -((0.5 * named + 0.1 * looked) * share).sum()


def _mixed(rng: np.random.Generator, past: Sequence[CropBatch], size: int) -> CropBatch:
    """A batch of crops picked from past batches."""
    parts = [(past[int(rng.integers(len(past)))], rng.integers(size, size=size // 4)) for _ in range(4)]
    fields = {
        field.name: np.concatenate([getattr(batch, field.name)[rows] for batch, rows in parts])
        for field in dataclasses.fields(CropBatch)
    }
    return CropBatch(**fields)


class Trainer:
    """A run: network, averaged weights, optimiser, curves."""

    def __init__(self, settings: Settings, source: Path | None = None) -> None:
        self.settings, self.source = settings, source
        torch.manual_seed(settings.seed)
        torch.set_num_threads(settings.threads)
        settings.folder.mkdir(parents=True, exist_ok=True)
        self.network = ReaderNetwork().to(settings.device, memory_format=torch.channels_last)
        self.average = ReaderNetwork().to(settings.device)
        self.average.load_state_dict(self.network.state_dict())
        self.average.eval()
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        plain = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.98))
        self.step = 0
        self.is_stopped = False

    @property
    def checkpoint(self) -> Path:
        return self.settings.folder / "last.pt"

    def resume(self) -> bool:
        """Take up the last checkpoint; false if there is none."""
        if not self.checkpoint.exists():
            return False
        state = torch.load(self.checkpoint, map_location=self.settings.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = int(state["step"])
        print(f"resumed at batch {self.step}", flush=True)
        return True

    def begin(self, weights: Path, plates: NDArray[np.uint8]) -> None:
        """Begin with exported weights instead of nothing; ``plates`` (n, 48, 144) are typical crops."""
        load_weights(self.network, weights, torch.from_numpy(plates).to(self.settings.device))
        self.average.load_state_dict(self.network.state_dict())
        print(f"begun with {weights}", flush=True)

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
        }
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.checkpoint)

    def rate(self) -> float:
        """Learning rate of the present step."""
        s = self.settings
        warm = min(1.0, (self.step + 1) / s.warmup_steps)
        left = s.steps - self.step
        fall = 0.5 - 0.5 * math.cos(math.pi * left / s.decay_steps) if left < s.decay_steps else 1.0
        return s.learning_rate * warm * max(fall, 0.005)

    def learn(self, batch: CropBatch) -> dict[str, float]:
        """One step; the figures of its batch."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        self.network.train()
        device = self.settings.device
        with torch.autocast(device, torch.bfloat16):
            reading = self.network(torch.from_numpy(batch.images).to(device))
        total, figures = losses(reading, batch, device)
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimiser.step()
        keep = min(self.settings.average, (1 + self.step) / (20 + self.step))
        with torch.no_grad():
            news = self.network.state_dict()
            for name, value in self.average.state_dict().items():
                if value.is_floating_point():
                    value.lerp_(news[name], 1 - keep)
                else:
                    value.copy_(news[name])
        self.step += 1
        return figures

    def validate(self, batches: list[CropBatch]) -> dict[str, float]:
        """Figures of the averaged network on ``batches``."""
        with torch.inference_mode():
            rows = [
                losses(self.average(torch.from_numpy(b.images).to(self.settings.device)), b, self.settings.device)[1]
                for b in batches
            ]
        return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}

    def log(self, name: str, figures: dict[str, float]) -> None:
        """Add a row to the curves and print it."""
        path = self.settings.folder / f"{name}.csv"
        row = {"step": float(self.step), "rate": self.rate(), **figures}
        is_new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, list(row))
            if is_new:
                writer.writeheader()
            writer.writerow({key: f"{value:.6g}" for key, value in row.items()})
        print(name, " ".join(f"{key} {value:.5g}" for key, value in row.items()), flush=True)

    def shown(self, feed: Feed) -> Iterator[CropBatch]:
        """The batches of ``feed``, each followed by earlier ones shown again: rendering costs as much as learning."""
        past: deque[CropBatch] = deque(maxlen=256)
        rng = np.random.default_rng([self.settings.seed, self.step])
        for batch in feed:
            yield batch
            past.append(batch)
            for _ in range(self.settings.replays):
                yield _mixed(rng, past, len(batch.images))

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
        figures: list[dict[str, float]] = []
        since = time.monotonic()
        try:
            for batch in self.shown(feed):
                if self.step >= self.settings.steps or self.is_stopped:
                    break
                figures.append(self.learn(batch))
                if self.step % 100 == 0:
                    now = time.monotonic()
                    mean = {name: float(np.mean([f[name] for f in figures])) for name in figures[0]}
                    self.log("training", {**mean, "crops_per_s": len(figures) * s.batch / (now - since)})
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


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m models.training.reader", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["train", "export"], default="train")
    parser.add_argument("--config", type=Path, default=Path("configs/training/reader.yaml"))
    parser.add_argument("--steps", type=int, help="batches in all, instead of the configured number")
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
        export(source, options.out, CropMaker(settings.seed + 2_000_003, font_faces(kept), font_share=1.0))
        return 0
    os.environ.setdefault("OMP_NUM_THREADS", str(settings.threads))
    trainer = Trainer(settings, None if options.steps else options.config)
    if not trainer.resume() and settings.start is not None:
        fonts, _ = split_fonts(settings)
        trainer.begin(settings.start, CropMaker(settings.seed, font_faces(fonts)).batch(0, 512).images)
    trainer.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
