"""The index meets every read with every entry that it could be, and says how likely."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from index.confusion import Confusion
from index.entry import HitKind
from index.hotlist import HotlistIndex

from .conftest import NOW, make_entry, make_read


def plates(index: HotlistIndex, *reads: object, **options: float) -> list[list[str]]:
    return [[match.entry.plate for match in met] for met in index.match(list(reads), NOW, **options)]  # type: ignore[arg-type]


# Plates of region 10, which has about the mean share of vehicles.
def test_a_certain_read_of_a_listed_plate_is_an_exact_hit() -> None:
    index = HotlistIndex.build([make_entry("a", "123ABC10"), make_entry("b", "777XYZ01")])
    ((match,),) = index.match([make_read("123ABC10")], NOW)
    assert (match.entry.entry_id, match.kind) == ("a", HitKind.EXACT)
    assert match.score > 0.99
    assert match.entry == make_entry("a", "123ABC10")


def test_a_certain_read_of_another_plate_meets_nothing() -> None:
    index = HotlistIndex.build([make_entry("a", "123ABC10")])
    assert plates(index, make_read("123ABC11"), make_read("923ABC10"), make_read("X123ABC")) == [[], [], []]


def test_the_second_symbol_of_a_doubtful_slot_makes_a_probable_hit() -> None:
    index = HotlistIndex.build([make_entry("a", "123ABO10")])
    ((match,),) = index.match([make_read("123ABC10", s5_O=0.3)], NOW)
    assert match.kind is HitKind.PROBABLE
    # 0.3 against 0.6 of a plate that one time in ten is registered: the entry is likelier than the best text.
    assert match.score == pytest.approx(0.3 / 0.07 / (0.3 / 0.07 + 0.7 / 0.7), abs=0.1)


def test_a_digit_read_for_a_letter_costs_little_because_no_plate_is_spelled_so() -> None:
    index = HotlistIndex.build([make_entry("a", "123ABO10")])
    ((match,),) = index.match([make_read("123AB010", s5_O=0.1)], NOW)
    assert match.kind is HitKind.PROBABLE
    assert match.score > 0.95


def test_a_slot_that_is_certain_and_wrong_does_not_rule_the_plate_out_where_nothing_else_fits() -> None:
    reader = Confusion.even(missing=1e-5, extra=1e-5)
    index = HotlistIndex.build([make_entry("a", "123ABO10")], confusion=reader)
    assert plates(index, make_read("123AB010", certainty=1 - 1e-12), threshold=0.1) == [["123ABO10"]]


@pytest.mark.parametrize("text", ["1123ABC02", "123ABC029", "123AB0C02", "123ABC0"])
def test_a_character_missed_or_invented_makes_a_probable_hit(text: str) -> None:
    index = HotlistIndex.build([make_entry("a", "123ABC02")])
    ((match,),) = index.match([make_read(text)], NOW, threshold=0.2)
    assert match.kind is HitKind.PROBABLE


@pytest.mark.parametrize("text", ["23ABC02", "123AB02"])
def test_a_text_that_is_a_plate_of_its_own_is_not_taken_for_a_longer_one(text: str) -> None:
    index = HotlistIndex.build([make_entry("a", "123ABC02")])
    assert index.match([make_read(text)], NOW) == [[]]


@pytest.mark.parametrize(
    "plate", ["123ABC02", "123ABC21", "A123BC77", "AA1234BB", "7XYZ123", "M5XSX", "OVK3653", "99Z9Z99Z"]
)
def test_a_certain_read_is_an_exact_hit_in_any_format_and_its_neighbour_none(plate: str) -> None:
    neighbour = plate.replace("3", "8") if "3" in plate else plate.replace("X", "K").replace("Z", "T", 1)
    index = HotlistIndex.build([make_entry("a", plate)])
    met, other = index.match([make_read(plate, 0.999), make_read(neighbour, 0.999)], NOW)
    assert [match.kind for match in met] == [HitKind.EXACT]
    assert other == [] or plate == "99Z9Z99Z"


def test_a_read_that_is_certain_of_little_is_never_exact() -> None:
    index = HotlistIndex.build([make_entry("a", "123ABC02")])
    for certainty in (0.05, 0.3, 0.6, 0.8):
        for match in index.match([make_read("123ABC02", certainty)], NOW, threshold=0.05)[0]:
            assert match.kind is HitKind.PROBABLE


def test_a_blank_between_characters_is_closed_over() -> None:
    read = make_read("123ABC02")
    gap = np.insert(read.log_probs, 3, read.log_probs[-1], axis=0)[:10]
    index = HotlistIndex.build([make_entry("a", "123ABC02")])
    ((match,),) = index.match(gap[None], NOW)
    assert match.kind is HitKind.EXACT


def test_an_entry_matches_only_within_its_time() -> None:
    index = HotlistIndex.build([make_entry("a", "123ABC02", (0, 1)), make_entry("b", "123?BC02", (0, 1))])
    read = make_read("123ABC02")

    def met(at: datetime) -> int:
        return len(index.match([read], at)[0])

    moment = timedelta(microseconds=1)
    assert [met(NOW - moment), met(NOW), met(NOW + timedelta(days=1) - moment), met(NOW + timedelta(days=1))] == [
        0,
        2,
        2,
        0,
    ]


def test_each_read_can_have_a_time_of_its_own() -> None:
    index = HotlistIndex.build([make_entry("a", "123ABC02", (0, 1))])
    read = make_read("123ABC02")
    assert [len(met) for met in index.match([read, read], [NOW, NOW + timedelta(days=2)])] == [1, 0]


def test_entries_come_and_go_one_by_one() -> None:
    index = HotlistIndex()
    read = make_read("123ABC02")
    assert plates(index, read) == [[]]
    index.add([make_entry("a", "123ABC02")])
    index.add([make_entry("b", "123ABC02")])
    assert plates(index, read) == [["123ABC02"] * 2]
    index.add([make_entry("a", "777XYZ01")])
    assert len(index) == 2
    assert plates(index, read, make_read("777XYZ01")) == [["123ABC02"], ["777XYZ01"]]
    assert index.remove(["b", "nobody"]) == 1
    assert plates(index, read) == [[]]
    assert "b" not in index
    assert index.get("a") == make_entry("a", "777XYZ01")
    index.compact()
    assert plates(index, make_read("777XYZ01")) == [["777XYZ01"]]


def test_partial_plates_match_what_they_mean() -> None:
    index = HotlistIndex.build([make_entry("q", "12?ABC02"), make_entry("s", "*ABC*"), make_entry("n", "99?ABC02")])
    met = plates(index, make_read("123ABC02"), make_read("777ABC10"), make_read("123XYZ02"))
    assert [sorted(each) for each in met] == [["*ABC*", "12?ABC02"], ["*ABC*"], []]
    sure, doubtful = index.match([make_read("123ABC02"), make_read("123ABG02", s5_C=0.45)], NOW, threshold=0.3)
    assert [match.kind for match in sure] == [HitKind.EXACT] * 2
    assert [match.kind for match in doubtful] == [HitKind.PROBABLE] * 2


@pytest.mark.parametrize("plate", ["", "12_3", "АВС", "12345678901", "abc", "*", "A?", "12*", "1 2"])
def test_an_entry_that_cannot_be_matched_is_refused_and_nothing_changes(plate: str) -> None:
    index = HotlistIndex.build([make_entry("a", "123ABC02")])
    with pytest.raises(ValueError, match="plate"):
        index.add([make_entry("b", "777XYZ01"), make_entry("a", plate)])
    assert len(index) == 1
    assert plates(index, make_read("123ABC02"), make_read("777XYZ01")) == [["123ABC02"], []]


def test_times_without_a_zone_are_refused() -> None:
    index = HotlistIndex.build([make_entry("a", "123ABC02")])
    with pytest.raises(ValueError, match="zone"):
        index.match([make_read("123ABC02")], NOW.replace(tzinfo=None))


def test_no_reads_meet_nothing() -> None:
    assert HotlistIndex.build([make_entry("a", "123ABC02")]).match([], NOW) == []
