"""Train the plate detector on composed pictures, and export it: ``python -m models.training.detector train|export``.

Resumable: a run's folder holds ``last.pt`` and ``curve.csv``. The data depend on the seed and
on the step at which a run was begun or taken up again.
"""

from __future__ import annotations

import argparse
import csv
import math
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import yaml
from torch import Tensor, nn

from models.training.detector_network import REACH, PlateNetwork, loss, targets
from models.training.faces import font_faces
from models.training.street import Picture, Street, read_backgrounds


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run is made of; read from YAML."""

    run: Path
    seed: int = 1
    width: int = 16
    size: int = 320
    batch: int = 16
    steps: int = 8000
    peak_rate: float = 2e-3
    workers: int = 1
    threads: int = 1
    backgrounds: tuple[Path, ...] = ()
    most_backgrounds: int = 160
    fonts: tuple[Path, ...] = ()
    average: float = 0.998
    """Decay of the moving average of the weights, which is what is exported."""


def read_recipe(path: Path) -> Recipe:
    """A recipe from YAML. Raises ``TypeError`` for a key it doesn't have."""
    values = yaml.safe_load(path.read_text())
    for key in ("backgrounds", "fonts"):
        values[key] = tuple(Path(p) for p in values.get(key, ()))
    return Recipe(**{**values, "run": Path(values["run"])})


def _draw(recipe: Recipe, worker: int, first: int, queue: multiprocessing.Queue[list[Picture]]) -> None:
    faces = [face for folder in recipe.fonts if folder.exists() for face in font_faces(sorted(folder.rglob("*.?tf")))]
    grounds = read_backgrounds(recipe.backgrounds, recipe.most_backgrounds)
    street = Street(recipe.seed * 1_000_003 + first * 97 + worker, recipe.size, grounds, faces)
    while True:
        queue.put([street() for _ in range(recipe.batch)])


def _batches(recipe: Recipe, first: int) -> Iterator[list[Picture]]:
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[list[Picture]] = context.Queue(maxsize=6)
    workers = [
        context.Process(target=_draw, args=(recipe, k, first, queue), daemon=True)
        for k in range(max(recipe.workers, 1))
    ]
    for worker in workers:
        worker.start()
    try:
        while True:
            yield queue.get()
    finally:
        for worker in workers:
            worker.terminate()


def _rate(step: int, recipe: Recipe) -> float:
    warm = min(1.0, (step + 1) / 300)
    cosine = 0.5 * (1 + math.cos(math.pi * min(step / recipe.steps, 1.0)))
    return recipe.peak_rate * warm * (0.02 + 0.98 * cosine)


def train(recipe: Recipe) -> None:
    """Run, or go on with, a recipe until its steps are done."""
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = PlateNetwork(recipe.width).to(device, memory_format=torch.channels_last)
    mean = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(recipe.average), use_buffers=True
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.peak_rate, weight_decay=0.02)
    recipe.run.mkdir(parents=True, exist_ok=True)
    last, step = recipe.run / "last.pt", 0
    if last.exists():
        state = torch.load(last, map_location=device, weights_only=True)
        network.load_state_dict(state["network"])
        mean.load_state_dict(state["mean"])
        optimizer.load_state_dict(state["optimizer"])
        step = int(state["step"])
        print(f"going on from step {step}", flush=True)

    def keep() -> None:
        part = last.with_suffix(".part")
        torch.save(
            {
                "network": network.state_dict(),
                "mean": mean.state_dict(),
                "optimizer": optimizer.state_dict(),
                "step": step,
            },
            part,
        )
        part.replace(last)

    began, sums = time.monotonic(), np.zeros(2)
    with (recipe.run / "curve.csv").open("a", newline="") as file:
        curve = csv.writer(file)
        for pictures in _batches(recipe, step):
            if step >= recipe.steps:
                break
            for group in optimizer.param_groups:
                group["lr"] = _rate(step, recipe)
            focal, shape = _step(network, optimizer, pictures, device)
            mean.update_parameters(network)
            sums += (focal, shape)
            step += 1
            if step % 50 == 0:
                speed = 50 * recipe.batch / (time.monotonic() - began)
                print(
                    f"step {step}/{recipe.steps} focal {sums[0] / 50:.4f} corners {sums[1] / 50:.4f} {speed:.1f}/s",
                    flush=True,
                )
                curve.writerow([step, *(sums / 50).round(5), round(speed, 1)])
                file.flush()
                began, sums = time.monotonic(), np.zeros(2)
            if step % 500 == 0:
                keep()
    keep()


def _step(
    network: nn.Module, optimizer: torch.optim.Optimizer, pictures: list[Picture], device: str
) -> tuple[float, float]:
    images = torch.from_numpy(np.stack([p.image for p in pictures])).permute(0, 3, 1, 2)
    quads: list[Tensor] = [torch.from_numpy(p.quads) for p in pictures]
    unclear: list[Tensor] = [torch.from_numpy(p.unclear) for p in pictures]
    wanted = targets(quads, unclear, images.shape[-1] // 8)
    moved = (wanted[0].to(device), wanted[1].to(device), wanted[2].to(device))
    with torch.autocast(device, dtype=torch.bfloat16):
        score, corners = network(images.to(device))
    focal, shape = loss(score, corners, moved)
    optimizer.zero_grad(set_to_none=True)
    (focal + 0.5 * shape).backward()
    nn.utils.clip_grad_norm_(network.parameters(), 10.0)
    optimizer.step()
    return float(focal.detach()), float(shape.detach())


class _Exported(nn.Module):
    """The network as it is shipped: NHWC pictures, scores as probabilities, corners in px from each cell's centre."""

    def __init__(self, network: PlateNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        score, corners = self.network(pictures.permute(0, 3, 1, 2))
        return torch.sigmoid(score[:, 0]), corners * REACH


def export(recipe: Recipe, path: Path) -> None:
    """Write the averaged weights as ONNX: ``pictures (N, H, W, 3) uint8`` BGR to ``scores`` and ``corners``."""
    network = PlateNetwork(recipe.width)
    state = torch.load(recipe.run / "last.pt", map_location="cpu", weights_only=True)
    averaged = {k.removeprefix("module."): v for k, v in state["mean"].items() if k.startswith("module.")}
    network.load_state_dict(averaged)
    network.eval()
    torch.onnx.export(
        _Exported(network),
        (torch.zeros(1, recipe.size, recipe.size, 3, dtype=torch.uint8),),
        str(path),
        input_names=["pictures"],
        output_names=["scores", "corners"],
        dynamic_axes={
            "pictures": {0: "n", 1: "h", 2: "w"},
            "scores": {0: "n", 1: "h8", 2: "w8"},
            "corners": {0: "n", 2: "h8", 3: "w8"},
        },
        opset_version=18,
        dynamo=False,
    )
    print(f"step {state['step']} -> {path} ({path.stat().st_size / 1e6:.2f} MB)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["train", "export"])
    parser.add_argument("--config", type=Path, default=Path("configs/training/detector.yaml"))
    parser.add_argument("--out", type=Path, default=Path("models/weights/plate_detector.onnx"))
    options = parser.parse_args()
    recipe = read_recipe(options.config)
    if options.action == "train":
        train(recipe)
    else:
        export(recipe, options.out)


if __name__ == "__main__":
    main()
