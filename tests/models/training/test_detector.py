"""Training pictures hold the plates they say; what the network is taught and what is exported are the same thing."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.training.street import Street, read_backgrounds

pytest.importorskip("torch", reason="torch is for training only: make training")


def _street(seed: int = 5) -> Street:
    return Street(seed, size=160, pool=12)


def test_pictures_depend_on_the_seed_alone() -> None:
    first, second, other = _street(), _street(), _street(6)
    for _ in range(4):
        a, b = first(), second()
        assert np.array_equal(a.image, b.image)
        assert np.array_equal(a.quads, b.quads)
    assert not np.array_equal(first().image, other().image)


def test_every_named_plate_is_mostly_in_the_picture_and_turns_clockwise() -> None:
    street, plates = _street(), 0
    for _ in range(30):
        picture = street()
        assert picture.image.shape == (160, 160, 3)
        for quad in picture.quads:
            plates += 1
            middle = quad.mean(axis=0)
            assert np.all((middle > 0) & (middle < 160))
            assert cv2.contourArea(quad, oriented=True) > 0
    assert plates > 10


def test_backgrounds_too_small_or_broken_are_left_out(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((2000, 300, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((50, 50, 3), np.uint8))
    (tmp_path / "c.jpg").write_bytes(b"no picture")
    assert [p.shape for p in read_backgrounds([tmp_path], 10)] == [(1400, 210, 3)]


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


def test_the_exported_model_is_the_network(tmp_path: Path) -> None:
    import onnxruntime
    import torch

    from models.training.detector import Recipe, export
    from models.training.detector_network import REACH, PlateNetwork

    torch.manual_seed(0)
    network = PlateNetwork(4).eval()
    mean = {f"module.{k}": v for k, v in network.state_dict().items()}
    torch.save({"mean": mean, "step": 0}, tmp_path / "last.pt")
    export(Recipe(run=tmp_path, width=4, size=64), tmp_path / "plate.onnx")

    pictures = np.random.default_rng(1).integers(0, 256, (2, 96, 160, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(tmp_path / "plate.onnx", providers=["CPUExecutionProvider"])
    scores, corners = session.run(["scores", "corners"], {"pictures": pictures})
    with torch.no_grad():
        logits, offsets = network(torch.from_numpy(pictures).permute(0, 3, 1, 2))
    assert np.allclose(scores, torch.sigmoid(logits[:, 0]).numpy(), atol=1e-5)
    assert np.allclose(corners, offsets.numpy() * REACH, atol=1e-3)
