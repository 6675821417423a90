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
    """One kind of plate."""

    name: str
    country: str
    spellings: tuple[str, ...]
    weight: float = 1.0
    """How common it is among its country's plates, relative to the others."""


_KZ = "{0[123456789]|1#|20}"
_KZ_OLD = "[" + "".join(KZ_REGIONS_1993) + "]"
_RU = "[ABEKMHOPCTYX]"
_RU_REGION = "{##|[1279]##}"
_UA = "[ABCEHIKMOPTX]"
_BY = "[ABEIKMHOPCTX]"
_UZ = "[0123456789][0123456789]"

FORMATS: Final = (
    Format("kz2012", "kz", (f"###@@@{_KZ}",), 78),
    Format("kz2012-legal", "kz", (f"###@@{_KZ}",), 11),
    Format("kz1993", "kz", (f"{_KZ_OLD}###@@@",), 6),
    Format("kz1993-legal", "kz", (f"{_KZ_OLD}###@@",), 2),
    Format("kz-trailer", "kz", (f"##@@@{_KZ}",), 1),
    Format("kz-motorcycle", "kz", (f"##@@{_KZ}",), 0.5),
    Format("kz-foreign", "kz", (f"[FHKM]####{_KZ}",), 0.5),
    Format("kz-diplomatic", "kz", ("[DTHK]######",), 0.1),
    Format("kz-special", "kz", ("@@####", f"@@###{_KZ}"), 0.5),
    Format("kz-transit", "kz", (f"@@####{_KZ}",), 0.4),
    Format("ru", "ru", (f"{_RU}###{_RU}{_RU}{_RU_REGION}",), 95),
    Format("ru-trailer", "ru", (f"{_RU}{_RU}####{_RU_REGION}",), 3),
    Format("ru-taxi", "ru", (f"{_RU}{_RU}###{_RU_REGION}",), 1),
    Format("ru-motorcycle", "ru", (f"####{_RU}{_RU}{_RU_REGION}",), 1),
    Format("kg2016", "kg", ("0[123456789]###@@@", "0[123456789]KG###@@@"), 80),
    Format("kg1994", "kg", ("@####@", "@####@@"), 20),
    Format("uz2008", "uz", (f"{_UZ}@###@@",), 75),
    Format("uz2008-legal", "uz", (f"{_UZ}###@@@",), 25),
    Format("by2004", "by", (f"####{_BY}{_BY}#",), 90),
    Format("by-truck", "by", (f"{_BY}{_BY}####",), 10),
    Format("ua2004", "ua", (f"{_UA}{_UA}####{_UA}{_UA}",)),
    Format("ge2014", "ge", ("@@###@@",), 80),
    Format("ge1993", "ge", ("@@@###",), 20),
    Format("am", "am", ("##@@###", "###@@##", "##@####")),
    Format("az", "az", ("##@@###",)),
    Format("tj", "tj", ("####@@0[12345678]",)),
    Format("tm", "tm", ("@@####@@",)),
    Format("mn", "mn", ("####@@@",)),
    Format("cn", "cn", ("@#####", "@@####", "@#@###", "@##@##", "@###@#", "@####@", "@@#####", "@######"), 90),
    Format("de", "de", ("@@###", "@@####", "@@@##", "@@@###", "@@@####", "@@@@##", "@@@@###", "@@@@####", "@@@@@###")),
    Format("fr", "fr", ("@@###@@",)),
    Format("it", "it", ("@@###@@",)),
    Format("es", "es", ("####@@@",)),
    Format("pl", "pl", ("@@#####", "@@####@", "@@###@@", "@@@####", "@@@##@@", "@@@###@", "@@@#####")),
    Format("gb", "gb", ("@@##@@@", "@###@@@", "@@@###@")),
    Format("nl", "nl", ("##@@@#", "#@@@##", "@@###@", "@###@@", "@@@##@", "##@@@@", "@@@@##", "##@@##")),
    Format("be", "be", ("#@@@###", "@@@###")),
    Format("cz", "cz", ("#@#####", "#@@####")),
    Format("sk", "sk", ("@@###@@",)),
    Format("at", "at", ("@@####@", "@@###@@", "@#####@", "@@#####", "@####@")),
    Format("hu", "hu", ("@@@###", "@@@@###")),
    Format("ro", "ro", ("@@##@@@", "B###@@@", "B##@@@")),
    Format("bg", "bg", ("@@####@@", "@####@@")),
    Format("lt", "lt", ("@@@###",)),
    Format("lv", "lv", ("@@####",)),
    Format("ee", "ee", ("###@@@",)),
    Format("fi", "fi", ("@@@###",)),
    Format("se", "se", ("@@@###", "@@@##@")),
    Format("dk", "dk", ("@@#####",)),
    Format("no", "no", ("@@#####",)),
    Format("pt", "pt", ("@@##@@", "##@@##", "####@@")),
    Format("gr", "gr", ("@@@####",)),
    Format("hr", "hr", ("@@###@@", "@@####@@", "@@####@", "@@###@")),
    Format("rs", "rs", ("@@###@@", "@@####@@", "@@#####")),
    Format("si", "si", ("@@@@###", "@@##@@@")),
    Format("md", "md", ("@@@###",)),
    Format("ch", "ch", ("@@######", "@@#####", "@@####")),
    Format("tr", "tr", ("##@####", "##@#####", "##@@###", "##@@####", "##@@@##", "##@@@###")),
    Format("us", "us", ("@@@####", "#@@@###", "@@@###", "###@@@", "@@#####", "@#####", "@######", "####@@", "#@@####")),
    Format("br1990", "br", ("@@@####",), 60),
    Format("br2018", "br", ("@@@#@##",), 40),
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
