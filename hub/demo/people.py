"""Eight invented people. No name, number, telephone or postcode here belongs to anybody.

Telephone numbers are from the ranges Ofcom keeps for drama; postcodes from ZZ, which is no place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.demo.identifiers import crn, cro_number, noms_number, pnc_id

if TYPE_CHECKING:
    from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person under sentence: who they are, and what the world says about their case."""

    key: str
    forename: str
    surname: str
    tier: int
    born: str
    crn: str
    noms: str
    pnc: str
    cro: str
    phone: str
    address: str
    postcode: str
    prison: str | None
    """Short name of the prison that holds the person at the start of the day."""
    sentence: str
    """What the court passed, as the contract's symbol: who is on licence has a custodial sentence."""
    about: str
    """What is special in this case, for the list of people."""

    @property
    def name(self) -> str:
        """Forename and surname."""
        return f"{self.forename} {self.surname}"


PEOPLE = (
    ("testo", "Testo", "Fictional", 3, None, "on licence; drug treatment and housing; an OM threatened"),
    (
        "samplia",
        "Samplia",
        "Notreal",
        2,
        "hmp-moorland",
        "a plan with a confidential objective, and a late joiner",
    ),
    (
        "mockford",
        "Mockford",
        "Imaginary",
        4,
        "hmp-moorland",
        "MAPPA category 2, level 2, then 3; moves prison",
    ),
    ("dummy", "Dummy", "Pretend", 2, "hmp-leeds", "leaves prison, on a date that changes"),
    ("placida", "Placida", "Holder", 3, None, "gets another Offender Manager"),
    ("exempla", "Exempla", "Unreal", 2, None, "gives consent, and withdraws it"),
    ("specimen", "Specimen", "Madeup", 1, None, "housing asked for; a referral that is declined"),
    ("fabula", "Fabula", "Hypothetical", 3, "hmp-leeds", "an accredited programme, and broken messages"),
)
"""Key, forename, surname, tier, prison at the start, what is special."""
ON_LICENCE = frozenset({"testo"})
"""At liberty now, serving the rest of a custodial sentence."""


def people(rng: Random) -> tuple[Person, ...]:
    """Return the eight, with identifiers drawn from `rng`; the same seed gives the same people."""
    serials = rng.sample(range(100_000, 999_999), len(PEOPLE))
    return tuple(
        _person(rng, row=row, place=place, serial=serials[place]) for place, row in enumerate(PEOPLE)
    )


def _person(
    rng: Random, *, row: tuple[str, str, str, int, str | None, str], place: int, serial: int
) -> Person:
    key, forename, surname, tier, prison, about = row
    return Person(
        key=key,
        forename=forename,
        surname=surname,
        tier=tier,
        born=f"{1970 + 4 * place}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 28):02d}",
        crn=crn(rng),
        noms=noms_number(rng),
        pnc=pnc_id(year=2000 + place, serial=serial),
        cro=cro_number(year=2000 + place, serial=serial),
        phone=f"07700 900{100 * place + rng.randrange(100):03d}",
        address=f"{1000 + 100 * place + rng.randrange(100)} Nowhere Street, Exampleton",
        postcode=f"ZZ{10 + place} {rng.randrange(10)}ZZ",
        prison=prison,
        sentence="COMMUNITY_ORDER" if prison is None and key not in ON_LICENCE else "DETERMINATE",
        about=about,
    )
