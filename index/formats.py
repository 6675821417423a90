"""The world's plate formats, as far as they pass a Kazakh camera: names, countries and spellings.

A spelling is one token a character: ``#`` a digit, ``@`` a Latin letter, ``[...]`` one of these, a bare letter or digit
itself; ``{a|b}`` stands for either of two spellings. Group marks, spaces and the country's own oval are not spelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KZ_REGIONS: Final = {
    "01": "Astana",
    "02": "Almaty",
    "03": "Akmola",
    "04": "Aktobe",
    "05": "Almaty region",
    "06": "Atyrau",
    "07": "West Kazakhstan",
    "08": "Zhambyl",
    "09": "Karaganda",
    "10": "Kostanay",
    "11": "Kyzylorda",
    "12": "Mangystau",
    "13": "Turkistan",
    "14": "Pavlodar",
    "15": "North Kazakhstan",
    "16": "East Kazakhstan",
    "17": "Shymkent",
    "18": "Abai",
    "19": "Zhetisu",
    "20": "Ulytau",
}
"""Region by the two digits that end a plate of 2012."""
KZ_REGION_SHARES: Final = dict(
    zip(KZ_REGIONS, (8, 16, 4, 5, 9, 4, 4, 5, 7, 5, 4, 4, 7, 4, 3, 4, 6, 2, 3, 1), strict=True)
)
"""How many vehicles each region has beside the others: a guess by population, to start from."""
KZ_REGIONS_1993: Final = {
    "Z": "Astana",
    "A": "Almaty",
    "C": "Akmola",
    "D": "Aktobe",
    "B": "Almaty region",
    "V": "Almaty region",
    "E": "Atyrau",
    "L": "West Kazakhstan",
    "H": "Zhambyl",
    "K": "Karaganda",
    "M": "Karaganda",
    "P": "Kostanay",
    "W": "Kostanay",
    "N": "Kyzylorda",
    "R": "Mangystau",
    "X": "Turkistan",
    "S": "Pavlodar",
    "O": "North Kazakhstan",
    "T": "North Kazakhstan",
    "F": "East Kazakhstan",
    "U": "East Kazakhstan",
}
"""Region by the letter that begins a plate of 1993."""


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of plate; ``name`` is what the reader answers with where it tells the kind apart."""

    name: str
    country: str
    spellings: tuple[str, ...]
    weight: float = 1.0
    """How common it is among its country's plates, relative to the others; even among its spellings."""


_KZ = "{0[123456789]|1#|20}"
_KZ_OLD = "[" + "".join(KZ_REGIONS_1993) + "]"
_RU = "[ABEKMHOPCTYX]"
_RU_REGION = "{##|[1279]##}"
_KG = "0[123456789]"
_UA = "[ABCEHIKMOPTX]"
_BY = "[ABEIKMHOPCTX]"
_UZ = "[0123456789][0123456789]"
_TR = "{0[123456789]|[1234567]#|8[01]}"


def _by_region(name: str, groups: str, weight: float) -> list[Format]:
    """A format of 2012, region by region."""
    total = sum(KZ_REGION_SHARES.values())
    return [Format(name, "kz", (groups + region,), weight * n / total) for region, n in KZ_REGION_SHARES.items()]


FORMATS: Final = (
    *_by_region("kz2012", "###@@@", 78),
    *_by_region("kz2012-legal", "###@@", 11),
    # Regions that are not known yet.
    Format("kz2012", "kz", ("###@@@##",), 0.1),
    Format("kz2012-legal", "kz", ("###@@##",), 0.02),
    Format("kz1993", "kz", (f"{_KZ_OLD}###@@@",), 6),
    Format("kz1993", "kz", (f"{_KZ_OLD}###@@",), 2),
    Format("kz-trailer", "kz", (f"##@@@{_KZ}", f"####@@{_KZ}"), 1),
    Format("kz-motorcycle", "kz", (f"##@@{_KZ}",), 0.5),
    Format("kz-foreign", "kz", (f"[FHKMP]####{_KZ}",), 0.5),
    Format("kz-diplomatic", "kz", ("[DTHK]{####|#####|######}", "{HC|UN}{####|#####|######}"), 0.1),
    Format("kz-special", "kz", ("@@####", f"@@###{_KZ}"), 0.5),
    Format("kz-transit", "kz", (f"@@####{_KZ}",), 0.4),
    Format("ru", "ru", (f"{_RU}###{_RU}{_RU}{_RU_REGION}",), 95),
    Format("ru", "ru", (f"{_RU}{_RU}####{_RU_REGION}",), 3),
    Format("ru", "ru", (f"{_RU}{_RU}###{_RU_REGION}", f"####{_RU}{_RU}{_RU_REGION}", f"{_RU}####{_RU_REGION}"), 2),
    Format("kg", "kg", (f"{_KG}###@@@",), 70),
    Format("kg", "kg", (f"{_KG}###@@", f"{_KG}KG###@@@"), 10),
    Format("kg", "kg", ("@####@", "@####@@"), 20),
    Format("uz", "uz", (f"{_UZ}@###@@",), 75),
    Format("uz", "uz", (f"{_UZ}###@@@",), 25),
    Format("by", "by", (f"####{_BY}{_BY}#",), 90),
    Format("by", "by", (f"{_BY}{_BY}####", f"{_BY}{_BY}#####"), 10),
    Format("ua", "ua", (f"{_UA}{_UA}####{_UA}{_UA}",), 95),
    Format("ua", "ua", (f"#####{_UA}{_UA}", f"####{_UA}{_UA}"), 5),
    Format("ge", "ge", ("@@###@@",), 80),
    Format("ge", "ge", ("@@@###",), 20),
    Format("am", "am", ("##@@###", "###@@##", "##@####")),
    Format("az", "az", ("##@@###",)),
    Format("tj", "tj", ("####@@0[12345678]",)),
    Format("tm", "tm", ("@@####@@",)),
    Format("mn", "mn", ("####@@@",)),
    Format("cn", "cn", ("@#####", "@@####", "@####@", "@##@##"), 85),
    Format("cn", "cn", ("@[DFAB]#####", "@#####[DF]"), 15),
    Format("eu", "de", ("@@###", "@@####", "@@@##", "@@@###", "@@@####", "@@@@##", "@@@@###", "@@@@####", "@@@@@##")),
    Format("eu", "fr", ("@@###@@", "###@@@##")),
    Format("eu", "it", ("@@###@@",)),
    Format("eu", "es", ("####@@@", "@####@@")),
    Format("eu", "pl", ("@@#####", "@@####@", "@@###@@", "@@@####", "@@@##@@", "@@@@###", "@@@##@", "@@@#####")),
    Format("eu", "gb", ("@@##@@@", "@###@@@", "@@@###@")),
    Format("eu", "nl", ("##@@@#", "#@@@##", "@@###@", "@###@@", "@@@##@", "##@@@@", "@@@@##", "@@##@@")),
    Format("eu", "be", ("#@@@###", "@@@###")),
    Format("eu", "cz", ("#@#####", "#@@####", "@@@####")),
    Format("eu", "sk", ("@@###@@",)),
    Format("eu", "at", ("@@####@", "@@###@@", "@#####@", "@####@@", "@@#####")),
    Format("eu", "hu", ("@@@###", "@@@@###")),
    Format("eu", "ro", ("@@##@@@", "B###@@@", "B##@@@")),
    Format("eu", "bg", ("@@####@@", "@####@@")),
    Format("eu", "lt", ("@@@###",)),
    Format("eu", "lv", ("@@####",)),
    Format("eu", "ee", ("###@@@",)),
    Format("eu", "fi", ("@@@###",)),
    Format("eu", "se", ("@@@###", "@@@##@")),
    Format("eu", "dk", ("@@#####",)),
    Format("eu", "no", ("@@#####",)),
    Format("eu", "pt", ("@@##@@", "##@@##", "####@@", "@@####")),
    Format("eu", "gr", ("@@@####",)),
    Format("eu", "hr", ("@@###@@", "@@####@@")),
    Format("eu", "rs", ("@@###@@", "@@####@@", "@@#####")),
    Format("eu", "si", ("@@@####", "@@@@###")),
    Format("eu", "md", ("@@@###",)),
    Format("eu", "ch", ("@@######", "@@#####", "@@####")),
    Format("tr", "tr", tuple(f"{_TR}{rest}" for rest in ("@####", "@#####", "@@###", "@@####", "@@@##", "@@@###"))),
    Format("us", "us", ("@@@####", "#@@@###", "@@@###", "###@@@", "@@#####", "@#####", "@######", "####@@", "#@@####")),
    Format("br", "br", ("@@@####",), 60),
    Format("br", "br", ("@@@#@##",), 40),
)

COUNTRY_SHARES: Final = {
    "kz": 0.90,
    "ru": 0.04,
    "kg": 0.02,
    "uz": 0.015,
    "by": 0.002,
    "ua": 0.001,
    "ge": 0.001,
    "am": 0.001,
    "az": 0.001,
    "tj": 0.002,
    "tm": 0.001,
    "mn": 0.001,
    "cn": 0.003,
    "tr": 0.002,
}
"""Share of passing vehicles by country on a Kazakh road; a guess to start from, for configuration to correct."""
OTHER_COUNTRIES_SHARE: Final = 0.005
"""Spread evenly over the countries of ``FORMATS`` that ``COUNTRY_SHARES`` does not name."""
NO_FORMAT_SHARE: Final = 0.005
"""Share of passing plates that no format of ``FORMATS`` spells: the prior never rules a plate out."""
