"""Every way to write a plate comes to one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.alphabet import ALPHABET, SLOTS
from index.lookalikes import CYRILLIC, SEPARATORS, Fold, PlateError, is_folded, normalise

PLATES = st.text(alphabet=ALPHABET[:-1], min_size=1, max_size=SLOTS)


@given(PLATES, st.data())
def test_separators_case_and_cyrillic_letters_change_nothing(plate: str, data: st.DataObject) -> None:
    cyrillic = {latin: letter for letter, latin in CYRILLIC.items()}
    written = ""
    for symbol in plate:
        symbol = data.draw(st.sampled_from([symbol, symbol.lower(), cyrillic.get(symbol, symbol)]))
        written += symbol + data.draw(st.sampled_from(["", "", " ", "-", *sorted(SEPARATORS)]))
    found = normalise(written)
    assert found.text == plate
    assert bool(found.folds) == is_folded(written) == any(symbol in CYRILLIC for symbol in written)


def test_folds_are_reported_by_place() -> None:
    assert normalise("123 аBC 02").folds == (Fold(4, "а", "A"),)
    assert normalise("123ABC02").folds == ()


def test_wide_digits_are_digits() -> None:
    assert normalise("１２３ABC02").text == "123ABC02"


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("", "empty"),
        (" - ", "empty"),
        ("123ЖЖЖ", "Latin"),
        ("12#", "number sign"),
        ("A" * 11, "at most 10"),
        ("12?", "wildcard"),
    ],
)
def test_what_is_no_plate_is_refused_with_a_reason(written: str, what: str) -> None:
    with pytest.raises(PlateError, match=what):
        normalise(written)


def test_wildcards_stand_where_they_are_allowed() -> None:
    assert normalise("12? а**02", wildcards=True).text == "12?A*02"
    assert normalise("12?", wildcards=True).is_partial
