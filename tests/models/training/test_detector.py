"""Training pictures hold the plates they say; what the network is taught and what is exported are the same thing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from models.training.lures import read_backgrounds, read_stickers
from models.training.street import Street

if TYPE_CHECKING:
    from models.training.detector import Recipe

pytest.importorskip("torch", reason="torch is for training only: make training")


def _street(seed: int = 5) -> Street:
    rng = np.random.default_rng(seed)
    photograph = rng.integers(0, 256, (260, 300, 3), dtype=np.uint8)
    sign = np.dstack([photograph[:40, :60], np.full((40, 60), 255, np.uint8)])
    return Street(seed, 160, [photograph], [sign], pool=12)


def test_a_picture_depends_on_the_seed_and_its_number_alone() -> None:
    first, second, other = _street(), _street(), _street(6)
    pictures = [first.picture(number) for number in range(4)]
    for number in (3, 1):
        again = second.picture(number)
        assert np.array_equal(pictures[number].image, again.image)
        assert np.array_equal(pictures[number].quads, again.quads)
    assert not np.array_equal(pictures[0].image, other.picture(0).image)


def test_every_named_plate_is_mostly_in_the_picture_and_turns_clockwise() -> None:
    street, plates = _street(), 0
    for number in range(40):
        picture = street.picture(number)
        assert picture.image.shape == (160, 160, 3)
        for quad in picture.quads:
            plates += 1
            middle = quad.mean(axis=0)
            assert np.all((middle > 0) & (middle < 160))
            assert cv2.contourArea(quad, oriented=True) > 0
            x, y = middle.astype(int)
            around = picture.image[max(y - 12, 0) : y + 12, max(x - 12, 0) : x + 12]
            assert around.std() > 2, "something stands there"
    assert plates > 10


def test_no_named_plate_is_hidden_by_another() -> None:
    street = _street()
    for number in range(60):
        quads = street.picture(number).quads
        for i, one in enumerate(quads):
            for other in quads[i + 1 :]:
                shared = cv2.intersectConvexConvex(one, other)[0]
                assert shared < 0.2 * cv2.contourArea(one), "the later one hides the earlier"


def test_backgrounds_and_stickers_too_small_or_broken_are_left_out(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((2000, 300, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((50, 50, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "sign.png"), np.zeros((440, 220, 4), np.uint8))
    (tmp_path / "c.jpg").write_bytes(b"no picture")
    assert [p.shape for p in read_backgrounds([tmp_path], 10)] == [(1400, 210, 3), (440, 220, 3)]
    assert [p.shape for p in read_stickers([tmp_path], 10)] == [(220, 110, 4)]


def test_the_grid_is_taught_the_plate_its_surroundings_and_what_is_unclear() -> None:
    import torch

    from models.training.detector_network import REACH, targets

    quad = torch.tensor([[[40.0, 40.0], [100.0, 44.0], [100.0, 60.0], [40.0, 56.0]]])
    unclear = torch.tensor([[[0.0, 100.0], [30.0, 100.0], [30.0, 130.0], [0.0, 130.0]]])
    score, corners, length = targets([quad], [unclear], 20)
    assert score[0, 6, 8] == 1
    assert score[0, 14, 1] == -1
    assert score[0, 2, 2] == 0
    centre = torch.tensor([(8 + 0.5) * 8, (6 + 0.5) * 8])
    assert torch.allclose(corners[0, :, 6, 8].reshape(4, 2) * REACH + centre, quad[0])
    assert length[0, 6, 8] == pytest.approx(np.hypot(60, 4))


def _tiny_recipe(folder: Path, **fields: object) -> Recipe:
    from models.training.detector import Recipe

    values = {"width": 4, "size": 64, "batch": 2, "steps": 4, "decay_steps": 2, "save_every": 2, "scenery": {"pool": 8}}
    return Recipe.model_validate({"run": folder, **values, **fields})


def test_a_run_is_kept_taken_up_again_and_exported(tmp_path: Path) -> None:
    import onnxruntime
    import torch
    import yaml

    from models.training.detector import Trainer, main

    recipe = _tiny_recipe(tmp_path / "run", steps=2)
    first = Trainer(recipe)
    assert not first.resume()
    first.run()
    assert first.step == 2
    second = Trainer(_tiny_recipe(tmp_path / "run"))
    assert second.resume()
    assert second.step == 2
    for name, value in first.network.state_dict().items():
        assert torch.equal(value, second.network.state_dict()[name])

    longer = tmp_path / "recipe.yaml"
    longer.write_text(yaml.safe_dump(_tiny_recipe(tmp_path / "run").model_dump(mode="json")))
    assert main(["train", "--config", str(longer)]) == 0
    assert len((tmp_path / "run" / "curve.csv").read_text().splitlines()) == 1, "a row each 50 steps"
    assert main(["export", "--config", str(longer), "--out", str(tmp_path / "plate.onnx")]) == 0
    session = onnxruntime.InferenceSession(tmp_path / "plate.onnx", providers=["CPUExecutionProvider"])
    scores, corners = session.run(None, {"pictures": np.zeros((1, 64, 96, 3), np.uint8)})
    assert (scores.shape, corners.shape) == ((1, 8, 12), (1, 8, 8, 12))
    assert main(["export", "--config", str(_written(tmp_path / "none.yaml", run=str(tmp_path / "none")))]) == 1


def _written(path: Path, **fields: object) -> Path:
    import yaml

    path.write_text(yaml.safe_dump(fields))
    return path


def test_a_detector_is_tried_on_pictures_with_known_plates(tmp_path: Path) -> None:
    """One that knows nothing finds nothing."""
    import torch

    from models.training.detector_export import export
    from models.training.detector_network import PlateNetwork
    from models.training.detector_trial import overlap, try_detector

    network = PlateNetwork(4).eval()
    torch.save({"mean": {f"module.{k}": v for k, v in network.state_dict().items()}, "step": 0}, tmp_path / "last.pt")
    export(tmp_path / "last.pt", tmp_path / "plate.onnx", 4, 160)
    (trial,) = try_detector(tmp_path / "plate.onnx", _street(), 6, [0.5])
    assert (trial.recall, trial.others, trial.f1) == (0, 0, 0)
    one = np.array([(0, 0), (4, 0), (4, 2), (0, 2)], np.float32)
    assert overlap(one, one + np.float32([2, 0])) == pytest.approx(1 / 3)
    assert overlap(one, one[::-1]) == pytest.approx(1), "whichever way round"


def test_the_rate_warms_up_stays_and_falls_and_the_plan_is_read_anew(tmp_path: Path) -> None:
    from models.training.detector import Trainer

    file = _written(tmp_path / "recipe.yaml", run=str(tmp_path), width=4, steps=2000, decay_steps=500)
    trainer = Trainer(_tiny_recipe(tmp_path, steps=1000, decay_steps=500), file)
    rates = []
    for step in (0, 300, 499, 750, 999):
        trainer.step = step
        rates.append(trainer.rate())
    assert rates[0] < 1e-4
    assert rates[1] == rates[2] == trainer.recipe.peak_rate
    assert rates[3] == pytest.approx(rates[1] / 2)
    assert rates[4] < 1e-4
    trainer.plan()
    assert trainer.rate() == trainer.recipe.peak_rate, "the run was prolonged"


def test_the_exported_model_is_the_network(tmp_path: Path) -> None:
    import onnxruntime
    import torch

    from models.training.detector_export import export
    from models.training.detector_network import REACH, PlateNetwork

    torch.manual_seed(0)
    network = PlateNetwork(4).eval()
    mean = {f"module.{k}": v for k, v in network.state_dict().items()}
    torch.save({"mean": mean, "step": 0}, tmp_path / "last.pt")
    assert export(tmp_path / "last.pt", tmp_path / "plate.onnx", 4, 64) == 0

    pictures = np.random.default_rng(1).integers(0, 256, (2, 96, 160, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(tmp_path / "plate.onnx", providers=["CPUExecutionProvider"])
    scores, corners = session.run(["scores", "corners"], {"pictures": pictures})
    with torch.no_grad():
        logits, offsets = network(torch.from_numpy(pictures).permute(0, 3, 1, 2))
    assert np.allclose(scores, torch.sigmoid(logits[:, 0]).numpy(), atol=1e-5)
    assert np.allclose(corners, offsets.numpy() * REACH, atol=1e-3)
