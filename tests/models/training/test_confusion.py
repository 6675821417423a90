"""A reader's faults are learned from its reads of known plates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: make training")

from index.alphabet import ALPHABET, SLOTS  # noqa: E402
from models.confusion import WEIGHTS, confusion_of  # noqa: E402
from models.errors import ModelError  # noqa: E402
from models.supply.fetching import sha256  # noqa: E402
from models.training.confusion import learn  # noqa: E402
from tests.index.conftest import certain_slots  # noqa: E402


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)


A, B, LETTER_O, ZERO = (ALPHABET.index(symbol) for symbol in "ABO0")


def reads_of(
    generator: np.random.Generator, count: int, said: dict[str, str], share: float
) -> tuple[np.ndarray, list[str]]:
    """Certain reads of random texts in which a share of some letters is said as others."""
    texts = ["".join(ALPHABET[code] for code in generator.integers(0, 36, 7)) for _ in range(count)]
    slots = []
    for text in texts:
        read = "".join(said[s] if s in said and generator.random() < share else s for s in text)
        slots.append(certain_slots(read, 0.999))
    return np.log(np.stack(slots)), texts


def test_look_alikes_are_learned_from_reads() -> None:
    logs, texts = reads_of(np.random.default_rng(1), 1000, {"O": "0"}, 0.3)
    learned = learn(logs, np.full(len(texts), 0.9), texts, steps=300, batch=500)
    meant = learned.evidence(np.log(certain_slots("0OB", 0.999))[None]).slots[0]
    # Of the slots that say 0, 0.3 of all O against all of 0 are an O.
    assert meant[0, LETTER_O] == pytest.approx(0.3 / 1.3, abs=0.05)
    assert meant[0, LETTER_O] > 50 * meant[0, A]
    assert meant[1, ZERO] < 0.02
    assert meant[2, B] > 0.98


def test_a_reader_that_is_too_certain_is_cooled_or_smoothed() -> None:
    generator = np.random.default_rng(2)
    codes = generator.integers(0, 36, (500, SLOTS))
    logs = np.full((500, SLOTS, len(ALPHABET)), np.log(1e-6))
    wrong = generator.random(codes.shape) < 0.05
    said = np.where(wrong, (codes + 1 + generator.integers(0, 35, codes.shape)) % 36, codes)
    np.put_along_axis(logs, said[:, :, None], 0.0, axis=2)
    learned = learn(
        logs, np.full(500, 0.9), ["".join(ALPHABET[code] for code in row) for row in codes], steps=300, batch=500
    )
    slots = learned.evidence(logs[:1]).slots
    assert slots.max(axis=2).mean() == pytest.approx(0.95, abs=0.02)


def test_missing_and_extra_characters_are_counted() -> None:
    texts = ["1234567"] * 1000
    logs = np.log(
        np.stack([certain_slots("123567" if n < 20 else "12345677" if n < 30 else "1234567") for n in range(1000)])
    )
    learned = learn(logs, np.full(len(texts), 0.9), texts, steps=300, batch=500)
    assert learned.missing == pytest.approx(20 / 7000, rel=0.3)
    assert learned.missed[ALPHABET.index("4")] > 0.5
    assert learned.extra[ALPHABET.index("7")] > 5 * learned.extra[ALPHABET.index("2")]


def test_reads_that_are_hard_are_found_to_be_worse() -> None:
    generator = np.random.default_rng(5)
    hard, texts_of_hard = reads_of(generator, 600, dict.fromkeys("ABCDEFGH", "X"), 0.3)
    plain, texts_of_plain = reads_of(generator, 600, {}, 0.0)
    legibility = np.repeat([0.3, 0.98], 600)
    learned = learn(np.concatenate([hard, plain]), legibility, texts_of_hard + texts_of_plain, steps=300, batch=500)
    assert learned.by_read > 0.2
    saying_x = np.log(certain_slots("X234567", 0.999))[None]
    right = [learned.evidence(saying_x, [each]).slots[0, 0, ALPHABET.index("X")] for each in (0.3, 0.98)]
    assert right[0] < right[1]


def test_the_confusion_that_is_shipped_is_that_of_the_reader_that_is_shipped() -> None:
    assert confusion_of(sha256(WEIGHTS / "reader.onnx")) is not None, (
        "reader.onnx has changed: learn its confusion with `python -m benchmarks.reads --learn`"
    )


def test_a_reader_nothing_was_learned_of_and_a_broken_file(tmp_path: Path) -> None:
    assert confusion_of("00") is None
    (tmp_path / "x_confusion.json").write_text('{"reader_sha256": "00", "alphabet": "AB"}')
    with pytest.raises(ModelError, match=r"x_confusion\.json can't be used: .*learn it anew"):
        confusion_of("00", tmp_path)
