"""Check letters of the identifiers that carry one: a mistyped number is refused at the door.

PNC (Police National Computer) and CRO (Criminal Records Office) numbers end in a letter that follows
from year and digits. Prison numbers (A1234BC) and CRNs (X123456) have a form, but no check letter.
"""

from __future__ import annotations

import re

_LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"
_PNC = re.compile(r"[0-9]{2}([0-9]{2})/([0-9]{7})([A-Z])", re.ASCII)
_CRO_STANDARD = re.compile(r"([0-9]{6})/([0-9]{2})([A-Z])", re.ASCII)
_CRO_SHORT = re.compile(r"SF([0-9]{2})/([0-9]{1,6})([A-Z])", re.ASCII)


def has_right_letter(identifier_format: str, text: str) -> bool:
    """Tell whether an identifier's check letter follows from its digits; True where there is none."""
    match identifier_format:
        case "pnc":
            return _follows(_PNC.fullmatch(text))
        case "cro":
            standard = _CRO_STANDARD.fullmatch(text)
            if standard is not None:
                serial, year, letter = standard.groups()
                return _letter(year + serial) == letter
            return _follows(_CRO_SHORT.fullmatch(text))
        case _:
            return True


def _follows(found: re.Match[str] | None) -> bool:
    """Tell whether year and serial number, in this order, lead to the letter."""
    if found is None:
        return False
    year, serial, letter = found.groups()
    return _letter(year + serial) == letter


def _letter(digits: str) -> str:
    """Return the letter that belongs to year and serial number read as one number."""
    return _LETTERS[int(digits) % len(_LETTERS)]
