"""Formats are told from texts, and weigh them without ruling any out."""

from __future__ import annotations

import numpy as np
import pytest

from index.alphabet import encode
from index.formats import FORMATS, KZ_REGIONS, Format
from index.grammar import GRAMMAR, Grammar, spell


@pytest.mark.parametrize(
    ("text", "format", "country", "region"),
    [
        ("123ABC02", "kz2012", "kz", "Almaty"),
        ("123AB20", "kz2012-legal", "kz", "Ulytau"),
        ("A123BCD", "kz1993", "kz", "Almaty"),
        ("Z123BC", "kz1993", "kz", "Astana"),
        ("12ABC17", "kz-trailer", "kz", "Shymkent"),
        ("12AB09", "kz-motorcycle", "kz", "Karaganda"),
        ("H123402", "kz-foreign", "kz", "Almaty"),
        ("D123456", "kz-diplomatic", "kz", None),
        ("A123BC77", "ru", "ru", None),
        ("A123BC777", "ru", "ru", None),
        ("01123ABC", "kg", "kg", None),
        ("01A123BC", "uz", "uz", None),
        ("1234AB7", "by", "by", None),
        ("AA1234BB", "ua", "ua", None),
        ("34ABC123", "tr", "tr", None),
        ("ABC1D23", "br", "br", None),
        ("AA00AAA", "eu", "gb", None),
    ],
)
def test_a_text_is_told_by_its_format(text: str, format: str, country: str, region: str | None) -> None:
    first, *rest = GRAMMAR.classify(text)
    kinds = [(kind.format, kind.country, kind.region) for kind in (first, *rest)]
    assert (format, country, region) in kinds
    if country in ("kz", "ru"):
        assert (first.format, first.country) == (format, country)


@pytest.mark.parametrize("text", ["123ABC99X", "1", "ABCDEFGHIJ", "777QQQ123"])
def test_an_impossible_format_is_known_as_such_and_keeps_a_prior(text: str) -> None:
    assert not GRAMMAR.is_possible(text)
    assert GRAMMAR.priors(encode(text)[None])[0] > 0


def test_every_region_of_kazakhstan_is_spelled() -> None:
    for region, name in KZ_REGIONS.items():
        assert GRAMMAR.classify(f"123ABC{region}")[0].region == name
    assert GRAMMAR.classify("123ABC21")[0].region is None


def test_choices_are_multiplied_out() -> None:
    assert spell("#{0[12]|A}") == [("0123456789", "0", "12"), ("0123456789", "A")]


def test_priors_are_those_of_the_patterns_and_sum_to_the_shares() -> None:
    formats = (Format("one", "xx", ("[01][AB]",)), Format("two", "yy", ("[01][01]", "1[01]A")))
    grammar = Grammar(formats, {"xx": 0.6, "yy": 0.3}, 0.1)
    texts = ["0A", "0B", "1A", "1B", "00", "01", "10", "11", "10A", "11A"]
    priors = grammar.priors(np.stack([encode(text) for text in texts]))
    nothing = grammar.no_format_share / 10
    assert priors[:4].sum() == pytest.approx(grammar.share("one") + 4 * nothing / 36**2)
    assert priors[4:].sum() == pytest.approx(grammar.share("two") + 4 * nothing / 36**2 + 2 * nothing / 36**3)
    assert grammar.share("one") + grammar.share("two") + grammar.no_format_share == pytest.approx(1.0)
    for text, prior in zip(texts, priors, strict=True):
        patterns = grammar.patterns
        fits = patterns.masks[patterns.classes, encode(text)].all(axis=1)
        assert prior == pytest.approx(patterns.prior[fits].sum())


def test_the_reader_knows_the_formats_by_the_same_names() -> None:
    layouts = pytest.importorskip("models.training.layouts")
    assert {format.name for format in FORMATS} >= set(layouts.FORMATS) - {"other", "none"}
