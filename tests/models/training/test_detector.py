"""Training pictures hold the plates they say; what the network is taught and what is exported are the same thing."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.corners import CornerPlateDetector
from models.training.street import Street, read_backgrounds
from models.yolo import DetectorOptions

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


def test_the_exported_model_finds_what_the_network_finds(tmp_path: Path) -> None:
    """A network trained for a moment on one plate: its corners come back through the port, at another size too."""
    import torch

    from models.training.detector import Recipe, export
    from models.training.detector_network import PlateNetwork, loss, targets

    torch.manual_seed(0)
    image = np.full((160, 160, 3), 60, np.uint8)
    quad = np.array([(40, 60), (120, 66), (120, 90), (40, 84)], np.float32)
    cv2.fillConvexPoly(image, quad.astype(np.int32), (230, 230, 230))
    network = PlateNetwork(4)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    batch = torch.from_numpy(image).permute(2, 0, 1)[None].repeat(4, 1, 1, 1)
    wanted = targets([torch.from_numpy(quad[None])] * 4, [torch.zeros(0, 4, 2)] * 4, 20)
    for _ in range(150):
        focal, shape = loss(*network(batch), wanted)
        optimizer.zero_grad()
        (focal + shape).backward()
        optimizer.step()
    mean = {f"module.{k}": v for k, v in network.state_dict().items()}
    torch.save({"mean": mean, "step": 150}, tmp_path / "last.pt")
    export(Recipe(run=tmp_path, width=4, size=160), tmp_path / "plate.onnx")

    detector = CornerPlateDetector(tmp_path / "plate.onnx", DetectorOptions(size=160, score=0.3))
    (found,) = detector.detect([image])
    assert found
    corners = found[0].corners
    assert corners is not None
    assert np.abs(corners - quad).max() < 6
    network.eval()
    with torch.no_grad():
        score, _ = network(batch[:1])
    assert found[0].score == pytest.approx(float(torch.sigmoid(score).max()), abs=1e-3)
    assert [bool(plates) for plates in detector.detect([np.zeros((70, 300, 3), np.uint8), image])] == [False, True]
