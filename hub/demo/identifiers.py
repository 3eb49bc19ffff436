"""Invented identifiers that are well formed: check letters of the national registers included."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

CHECK_LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"
"""Check letter by remainder; I, O and S are left out because they read as digits."""


def check_letter(digits: str) -> str:
    """Return the letter that a Police National Computer or Criminal Records Office number ends in."""
    return CHECK_LETTERS[int(digits) % len(CHECK_LETTERS)]


def pnc_id(*, year: int, serial: int) -> str:
    """Return a PNC id in its canonical form, `YYYY/NNNNNNNL`."""
    return f"{year}/{serial:07d}{check_letter(f'{year % 100:02d}{serial:07d}')}"


def cro_number(*, year: int, serial: int) -> str:
    """Return a CRO number in its standard form, `NNNNNN/YYL`."""
    return f"{serial:06d}/{year % 100:02d}{check_letter(f'{year % 100:02d}{serial:06d}')}"


def noms_number(rng: Random) -> str:
    """Return a prison number, `A1234BC`."""
    letters = [rng.choice(string.ascii_uppercase) for _ in range(3)]
    return f"{letters[0]}{rng.randrange(10_000):04d}{letters[1]}{letters[2]}"


def crn(rng: Random) -> str:
    """Return a case reference number of the probation case system, `X123456`."""
    return f"X{rng.randrange(1_000_000):06d}"
