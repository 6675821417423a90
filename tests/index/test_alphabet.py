"""The alphabet's codes go both ways and refuse what a plate can't hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.alphabet import ALPHABET, SLOTS, decode, encode


@given(st.text(alphabet=ALPHABET[:-1], max_size=SLOTS))
def test_decode_undoes_encode(text: str) -> None:
    assert decode(encode(text)) == text


@pytest.mark.parametrize("text", ["12345678901", "А123", "12_3", "ab"])
def test_encode_refuses_what_a_plate_cannot_hold(text: str) -> None:
    with pytest.raises(ValueError, match="plate"):
        encode(text)
