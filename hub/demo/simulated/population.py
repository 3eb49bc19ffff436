"""Invented people by the thousand: the same number and seed, always the same person.

No name, number, telephone or postcode belongs to anybody, as in `hub.demo.people`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.demo.identifiers import cro_number, noms_number, pnc_id
from hub.demo.organisations import LEEDS, MOORLAND
from hub.demo.people import Person

if TYPE_CHECKING:
    from random import Random

FORENAMES = (
    "Testo",
    "Samplia",
    "Mockford",
    "Placida",
    "Exempla",
    "Specimena",
    "Fabulo",
    "Pretenda",
    "Fictio",
)
SURNAMES = ("Fictional", "Notreal", "Imaginary", "Madeup", "Holder", "Unreal", "Pretend", "Hypothetical")
SYLLABLES = ("ba", "do", "fe", "gu", "ki", "lo", "mi", "nu", "pa", "ri", "so", "tu", "ve", "wa", "xo", "zi")
IN_CUSTODY = 0.4
TIERS = {1: 20, 2: 35, 3: 30, 4: 15}
"""How many of a hundred cases are in each tier."""


def person_of(rng: Random, number: int) -> Person:
    """Return the person of a case, drawn from the case's own chance."""
    in_custody = rng.random() < IN_CUSTODY
    prison = rng.choice((MOORLAND, LEEDS)) if in_custody else None
    name = "".join(rng.choices(SYLLABLES, k=3))
    year, serial = rng.randrange(1985, 2026), rng.randrange(100_000, 999_999)
    return Person(
        key=f"c{number}",
        forename=f"{rng.choice(FORENAMES)}{name}",
        surname=rng.choice(SURNAMES),
        tier=rng.choices(list(TIERS), weights=list(TIERS.values()))[0],
        born=f"{rng.randrange(1950, 2007)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 28):02d}",
        crn=f"X{number % 1_000_000:06d}",
        noms=noms_number(rng),
        pnc=pnc_id(year=year, serial=serial),
        cro=cro_number(year=year, serial=serial),
        phone=f"07700 900{rng.randrange(1000):03d}",
        address=f"{rng.randrange(1000, 9999)} Nowhere Street, Exampleton",
        postcode=f"ZZ{rng.randrange(10, 99)} {rng.randrange(10)}ZZ",
        prison=prison,
        sentence="DETERMINATE" if in_custody else "COMMUNITY_ORDER",
        about="one of many",
    )
