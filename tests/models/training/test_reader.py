from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from index.alphabet import ALPHABET, SLOTS

torch = pytest.importorskip("torch", reason="torch is an extra: make training")

from models.training.crops import INPUT_HEIGHT, INPUT_WIDTH, CropMaker  # noqa: E402
from models.training.layouts import FORMATS  # noqa: E402
from models.training.looks import Looks  # noqa: E402
from models.training.losses import losses  # noqa: E402
from models.training.network import ReaderNetwork, Shape  # noqa: E402
from models.training.pool import CropPool, altered, shown  # noqa: E402
from models.training.reader import Settings, Trainer, load_settings  # noqa: E402
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
    batch = shown(CropMaker(1).batch(0, 8), "cpu")
    first = trainer.learn(batch)["reader"]["loss"]
    for _ in range(14):
        last = trainer.learn(batch)["reader"]["loss"]
    assert last < first - 0.5


def test_a_run_is_logged_and_taken_up_where_it_ended(tmp_path: Path) -> None:
    first = Trainer(settings(tmp_path, 3))
    first.run()
    again = Trainer(settings(tmp_path, 4))
    again.resume()
    assert again.step == 3
    one, other = first.learners["reader"].network, again.learners["reader"].network
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    again.run()
    rows = list(csv.DictReader((tmp_path / "validation.csv").read_text().splitlines()))
    assert [float(row["step"]) for row in rows] == [3, 4]
    assert {"loss", "exact", "legibility", "rate"} <= set(rows[0])


def test_text_of_cut_plates_and_of_no_plate_is_not_taught() -> None:
    batch = CropMaker(1, junk_share=1.0).batch(0, 4)
    reading = ReaderNetwork().train()(torch.from_numpy(batch.images))
    _, figures = losses(reading, shown(batch, "cpu"))
    assert figures["loss"] == 0


def test_the_export_says_what_torch_says(tmp_path: Path) -> None:
    trainer = Trainer(settings(tmp_path, 1))
    trainer.save()
    network, checkpoint = trainer.learners["reader"].average, trainer.checkpoint
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
    batch = shown(CropMaker(1).batch(0, 32), "cpu")
    for _ in range(8):
        trained.learn(batch)
    trained.save()
    export(trained.checkpoint, tmp_path / "reader.onnx", CropMaker(9), crops=64)
    begun = ReaderNetwork()
    plates = torch.from_numpy(CropMaker(2).batch(0, 128).images)
    load_weights(begun, tmp_path / "reader.onnx", plates)
    with torch.inference_mode():
        want = trained.learners["reader"].average(plates).characters
        for reading in (begun.eval()(plates), begun.train()(plates)):
            assert np.allclose(reading.characters.numpy(), want.numpy(), atol=0.05)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    trainer = Trainer(settings(tmp_path, 1))
    trainer.save()
    export(trainer.checkpoint, tmp_path / "reader.onnx", CropMaker(9), crops=64)
    other = ReaderNetwork(Shape((16, 48, 96, 64)))
    with pytest.raises(ValueError, match="train from nothing"):
        load_weights(other, tmp_path / "reader.onnx", torch.zeros(2, 48, 144, dtype=torch.uint8))


def test_networks_side_by_side_learn_from_a_teacher_and_either_is_exported(tmp_path: Path) -> None:
    shapes = {"small": Shape(), "fine": Shape((16, 48, 64, 64), columns=36)}
    several = settings(tmp_path, 4).model_copy(
        update={"networks": shapes, "teacher": "fine", "taught_from": 0.5, "replays": 2, "alters": True, "pool": 8}
    )
    Trainer(several).run()
    export(tmp_path / "last.pt", tmp_path / "fine.onnx", CropMaker(9), crops=64, network="fine")
    with pytest.raises(ValueError, match="small, fine"):
        export(tmp_path / "last.pt", tmp_path / "x.onnx", CropMaker(9), crops=64, network="reader")


def test_what_does_not_fit_together_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="teacher: 'large' is none of the networks reader"):
        Settings(folder=tmp_path, teacher="large")
    with pytest.raises(ValueError, match="18 columns or 36, not 20"):
        Settings.model_validate({"folder": tmp_path, "networks": {"reader": {"columns": 20}}})
    with pytest.raises(ValueError, match="multiple of the heads, 3"):
        Shape(heads=3)
    Trainer(settings(tmp_path, 1)).save()
    other = settings(tmp_path, 1).model_copy(update={"networks": {"fine": Shape(columns=36)}})
    with pytest.raises(ValueError, match="has no network fine"):
        Trainer(other).resume()


def test_a_run_ends_by_the_clock_too_with_its_rate_fallen(tmp_path: Path) -> None:
    trainer = Trainer(settings(tmp_path, 10**6).model_copy(update={"limit_s": 0.5}))
    trainer.run()
    assert 0 < trainer.step < 10**6
    assert trainer.rate() == pytest.approx(0.005)


def test_the_pool_shows_what_it_was_given_and_places_move_with_the_picture() -> None:
    pool = CropPool(8, "cpu")
    batches = [CropMaker(1).batch(number, 6) for number in range(3)]
    for batch in batches:
        pool.add(batch)
    picked = pool.pick(np.random.default_rng(1), 40)
    known = {
        image.tobytes(): text.tolist() for b in batches for image, text in zip(b.images, b.characters, strict=True)
    }
    assert len({image.numpy().tobytes() for image in picked.images}) == 8
    assert all(known[i.numpy().tobytes()] == c.tolist() for i, c in zip(picked.images, picked.characters, strict=True))
    dots = torch.zeros((64, 48, 144), dtype=torch.uint8)
    dots[:, 20:28, 60:68] = 255
    there = shown(CropMaker(1).batch(0, 64), "cpu")
    places = torch.full((64, 10, 2), -9.0)
    places[:, 0] = torch.tensor([64 / 144, 24 / 48])
    seen = altered(replace(there, images=dots, places=places), torch.Generator().manual_seed(1))
    weights = seen.images.double() * (seen.images > 128)
    x = (weights.sum(1) * (torch.arange(144) + 0.5)).sum(1) / weights.sum((1, 2)) / 144
    y = (weights.sum(2) * (torch.arange(48) + 0.5)).sum(1) / weights.sum((1, 2)) / 48
    assert (seen.places[:, 0, 0] - x).abs().max() < 0.01
    assert (seen.places[:, 0, 1] - y).abs().max() < 0.02
    assert bool((seen.places[:, 1:] == -9).all())


def test_the_recipe_in_the_repository_is_valid() -> None:
    recipe = load_settings(Path(__file__).parents[3] / "configs" / "training" / "reader.yaml")
    assert recipe.device == "cpu"
    assert recipe.steps > recipe.decay_steps
    on_gpu = load_settings(Path(__file__).parents[3] / "configs" / "training" / "reader-gpu.yaml")
    assert on_gpu.device == "cuda"
    assert (on_gpu.left_out, on_gpu.held_out) == (recipe.left_out, recipe.held_out)
