"""Figures about many cases: caseload for managers, needs for who plans services (R-ADM-04, R-ADM-06).

004: few prisons "made strategic use of the OASys database to identify and provide for key areas of need".
Counts of needs are for people who know no case, so nobody may be found in them: small numbers and nearly
whole ones are suppressed, the others rounded, and there is no total that a suppressed number could be
worked out from.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.cases.membership import offender_manager

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.cases.case import Case
    from hub.messages.identifiers import Instant

SMALL = 5
"""Fewer people than this are not shown, nor the difference of so few from all of a place; ours."""
IN_COMMUNITY = "in the community"
NO_REGION = "no region"


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedFigures:
    """How many people of one place were assessed, and how many of them have each need."""

    place: str
    assessed: int | None
    """Rounded; None: fewer than may be shown."""
    needs: tuple[tuple[str, int | None], ...] = ()
    """Each need found there, rounded; None: too few, or too nearly all, to be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caseload:
    """The open cases of one organisation and tier, and what should have happened in them."""

    organisation: str
    tier: int | None
    cases: int
    in_custody: int
    unassessed: int
    reviews_late: int
    alerts_awaited: int
    undecided: int
    """Matters of enforcement on which the Offender Manager has still to decide."""


@dataclass(slots=True)
class _Needs:
    assessed: int
    found: Counter[str]


class Figures:
    """Adds up cases one by one, so that no more than one is held at a time."""

    def __init__(self, now: Instant) -> None:
        """Count as at this moment."""
        self._now = now
        self._prisons: defaultdict[str, _Needs] = defaultdict(lambda: _Needs(0, Counter()))
        self._regions: defaultdict[str, _Needs] = defaultdict(lambda: _Needs(0, Counter()))
        self._loads: defaultdict[tuple[str, int | None], Counter[str]] = defaultdict(Counter)

    def add(self, case: Case) -> None:
        """Count a case; one that is closed counts nowhere."""
        if case.closed_at is not None:
            return
        assessed = case.work.assessed
        if assessed is not None and assessed.full:
            for held in (self._prisons[prison_of(case)], self._regions[case.region or NO_REGION]):
                held.assessed += 1
                held.found.update(assessed.needs)
        self._load(case)

    def by_prison(self) -> tuple[NeedFigures, ...]:
        """Return the needs of each prison's people, and of those in the community."""
        return _figures(self._prisons.items())

    def by_region(self) -> tuple[NeedFigures, ...]:
        """Return the needs of each region's people."""
        return _figures(self._regions.items())

    def caseload(self) -> tuple[Caseload, ...]:
        """Return the caseload of each managing organisation by tier."""
        return tuple(
            Caseload(
                organisation=organisation,
                tier=tier,
                cases=held["cases"],
                in_custody=held["in_custody"],
                unassessed=held["unassessed"],
                reviews_late=held["reviews_late"],
                alerts_awaited=held["alerts_awaited"],
                undecided=held["undecided"],
            )
            for (organisation, tier), held in sorted(
                self._loads.items(), key=lambda item: (item[0][0], item[0][1] or 0)
            )
        )

    def _load(self, case: Case) -> None:
        manager = offender_manager(case, self._now)
        load = self._loads["no Offender Manager" if manager is None else manager.organisation, case.tier]
        work = case.work
        load["cases"] += 1
        load["in_custody"] += case.custody is not None and case.custody.prison is not None
        load["unassessed"] += work.assessed is None or not work.assessed.full
        load["reviews_late"] += any(not held.held and held.due_at <= self._now for held in work.reviews)
        load["alerts_awaited"] += len(case.awaiting)
        load["undecided"] += sum(held.decision is None for held in work.enforcements)


def prison_of(case: Case) -> str:
    """Return the prison that holds the person, or that none does."""
    custody = case.custody
    return IN_COMMUNITY if custody is None or custody.prison is None else custody.prison


def _figures(places: Iterable[tuple[str, _Needs]]) -> tuple[NeedFigures, ...]:
    return tuple(
        NeedFigures(
            place=place,
            assessed=_rounded(held.assessed) if held.assessed >= SMALL else None,
            needs=tuple((need, _shown(count, held.assessed)) for need, count in sorted(held.found.items()))
            if held.assessed >= SMALL
            else (),
        )
        for place, held in sorted(places)
    )


def _shown(count: int, of: int) -> int | None:
    return _rounded(count) if SMALL <= count <= of - SMALL else None


def _rounded(count: int) -> int:
    """Round to a multiple of the smallest number shown, so that one person more or less does not show."""
    return SMALL * ((count + SMALL // 2) // SMALL)
