from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from index.alphabet import ALPHABET, SLOTS

torch = pytest.importorskip("torch", reason="torch is an extra: make training")

from models.training.crops import INPUT_HEIGHT, INPUT_WIDTH, CropMaker  # noqa: E402
from models.training.layouts import FORMATS  # noqa: E402
from models.training.looks import Looks  # noqa: E402
from models.training.network import ReaderNetwork  # noqa: E402
from models.training.reader import Settings, Trainer, load_settings, losses  # noqa: E402
from models.training.reader_export import calibrate, export  # noqa: E402
from models.training.warm_start import load_weights  # noqa: E402


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def settings(folder: Path, steps: int) -> Settings:
    return Settings(
        folder=folder, batch=8, steps=steps, warmup_steps=2, decay_steps=2, validation_crops=64, save_every=2, fonts=[]
    )


def test_log_probabilities_are_normalised_in_both_modes() -> None:
    images = torch.from_numpy(CropMaker(1).batch(0, 6).images)
    network = ReaderNetwork()
    for reading in (network.train()(images), network.eval()(images)):
        assert reading.characters.shape == (6, SLOTS, len(ALPHABET))
        assert reading.format.shape == (6, len(FORMATS))
        assert reading.lines.shape == (6, 2)
        for scores in (reading.characters, reading.format, reading.lines):
            assert torch.allclose(scores.exp().sum(dim=-1), torch.ones(()), atol=1e-4)
    assert network.eval()(images).hints is None


def test_learning_lowers_the_loss_of_a_batch(tmp_path: Path) -> None:
    trainer = Trainer(settings(tmp_path, 40))
    batch = CropMaker(1).batch(0, 8)
    first = trainer.learn(batch)["loss"]
    for _ in range(14):
        last = trainer.learn(batch)["loss"]
    assert last < first - 0.5


def test_a_run_is_logged_and_taken_up_where_it_ended(tmp_path: Path) -> None:
    first = Trainer(settings(tmp_path, 3))
    first.run()
    again = Trainer(settings(tmp_path, 4))
    again.resume()
    assert again.step == 3
    assert all(torch.equal(a, b) for a, b in zip(first.network.parameters(), again.network.parameters(), strict=True))
    again.run()
    rows = list(csv.DictReader((tmp_path / "validation.csv").read_text().splitlines()))
    assert [float(row["step"]) for row in rows] == [3, 4]
    assert {"loss", "exact", "legibility", "rate"} <= set(rows[0])


def test_text_of_cut_plates_and_of_no_plate_is_not_taught() -> None:
    batch = CropMaker(1, junk_share=1.0).batch(0, 4)
    reading = ReaderNetwork().train()(torch.from_numpy(batch.images))
    _, figures = losses(reading, batch, "cpu")
    assert figures["loss"] == 0


def test_the_export_says_what_torch_says(tmp_path: Path) -> None:
    network = ReaderNetwork()
    checkpoint = tmp_path / "last.pt"
    torch.save({"average": network.state_dict()}, checkpoint)
    export(checkpoint, tmp_path / "reader.onnx", CropMaker(9), crops=64)
    assert (tmp_path / "reader.onnx").stat().st_size < 3e6
    session = onnxruntime.InferenceSession(str(tmp_path / "reader.onnx"))
    batch = CropMaker(10).batch(0, 5)
    got = session.run(None, {"plates": batch.images})
    looks = Looks(network).eval()
    calibrate(looks, [CropMaker(9).batch(0, 64)])
    with torch.inference_mode():
        want = looks(torch.from_numpy(batch.images))
    assert np.allclose(got[0], want[0].numpy(), atol=0.05)
    assert np.allclose(got[3], want[3].numpy(), atol=0.01)
    meta = session.get_modelmeta().custom_metadata_map
    assert (meta["height"], meta["width"], meta["alphabet"]) == (str(INPUT_HEIGHT), str(INPUT_WIDTH), ALPHABET)


def test_a_run_begins_with_exported_weights_as_they_are(tmp_path: Path) -> None:
    trained = Trainer(settings(tmp_path, 20))
    batch = CropMaker(1).batch(0, 32)
    for _ in range(8):
        trained.learn(batch)
    trained.save()
    export(trained.checkpoint, tmp_path / "reader.onnx", CropMaker(9), crops=64)
    begun = ReaderNetwork()
    plates = torch.from_numpy(CropMaker(2).batch(0, 128).images)
    load_weights(begun, tmp_path / "reader.onnx", plates)
    with torch.inference_mode():
        want = trained.average(plates).characters
        for reading in (begun.eval()(plates), begun.train()(plates)):
            assert np.allclose(reading.characters.numpy(), want.numpy(), atol=0.05)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "last.pt"
    torch.save({"average": ReaderNetwork().state_dict()}, checkpoint)
    export(checkpoint, tmp_path / "reader.onnx", CropMaker(9), crops=64)
    other = ReaderNetwork(widths=(16, 48, 96, 64))
    with pytest.raises(ValueError, match="train from nothing"):
        load_weights(other, tmp_path / "reader.onnx", torch.zeros(2, 48, 144, dtype=torch.uint8))


def test_the_recipe_in_the_repository_is_valid() -> None:
    recipe = load_settings(Path(__file__).parents[3] / "configs" / "training" / "reader.yaml")
    assert recipe.device == "cpu"
    assert recipe.steps > recipe.decay_steps
