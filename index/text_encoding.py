"""Bytes of an office table to text: UTF-8, UTF-16 with a mark, or CP1251, told apart by what they hold."""

from __future__ import annotations

import codecs
from typing import Final

_ASCII: Final = bytes(range(128))
_CP1251_USUAL: Final = bytes(range(0xC0, 0x100)) + "Ёё№«»–—“”„…\u00a0°§’‘•·ІіЇїЄєҐґЎў".encode("cp1251")
_MOJIBAKE: Final = ("Рђ", "Рџ", "РЎ", "СЃ", "Рѕ", "Р°", "Рµ", "Р±")


class EncodingError(ValueError):
    """The bytes are no text that is understood; the message says what they look like."""


def decode_text(data: bytes) -> tuple[str, str]:
    """The text and the name of its encoding. Raises ``EncodingError``."""
    if data.startswith(b"PK\x03\x04"):
        raise EncodingError("this is an XLSX (or another zip) file: save it as CSV UTF-8")
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise EncodingError("this is an old Excel file: save it as CSV UTF-8")
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if data.startswith(mark):
            try:
                return data.decode(name), name
            except UnicodeDecodeError as error:
                raise EncodingError(
                    f"the file begins as UTF-16 but is not ({error.reason}): save it as UTF-8"
                ) from error
    if b"\0" in data:
        raise EncodingError(f"byte {data.index(0)} is 0, which no text holds: save the table as CSV UTF-8")
    try:
        text, name = data.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError as error:
        text, name = _cyrillic(data, error.start), "cp1251"
    if name == "utf-8":
        strange = sum(text.count(pair) for pair in _MOJIBAKE)
        if strange > 2 and strange * 8 > sum(ord(symbol) > 127 for symbol in text[:1_000_000]):
            raise EncodingError(
                "the Cyrillic text was read in a wrong encoding before it was saved (it shows 'Рђ' for 'А'): "
                "export the table again, as UTF-8"
            )
        if "\ufffd" in text:
            line = text[: text.index("\ufffd")].count("\n") + 1
            raise EncodingError(
                f"line {line} holds the replacement character: letters were lost in a conversion, export again"
            )
    return text, name


def _cyrillic(data: bytes, first: int) -> str:
    beyond = data.translate(None, _ASCII)
    strange = beyond.translate(None, _CP1251_USUAL)
    if len(strange) * 10 > len(beyond):
        line = data[:first].count(b"\n") + 1
        raise EncodingError(f"line {line} is neither UTF-8 nor CP1251 (perhaps CP866): save the table as UTF-8")
    return data.decode("cp1251", errors="replace")
