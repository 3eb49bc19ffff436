"""Figures about many cases: caseload for managers, needs for who plans services (R-ADM-04, R-ADM-06).

004: few prisons "made strategic use of the OASys database to identify and provide for key areas of need".
All are for people who know no case, so nobody may be found in them: they count cases, and show no small
number of them, as `small_numbers` has it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING

from hub.cases.membership import offender_manager
from hub.cases.small_numbers import SMALL, part, total
from hub.messages.vocabulary import Need

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hub.cases.case import Case
    from hub.messages.identifiers import CaseRef, Instant

IN_COMMUNITY = "in the community"
NO_REGION = "no region"


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedFigures:
    """How many people of one place were assessed, and how many of them have each need."""

    place: str
    assessed: int | None
    """Rounded; None: fewer than may be shown."""
    needs: tuple[tuple[str, int | None], ...] = ()
    """Every need there is, whether anybody has it or not; None: too few, or too nearly all, to be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caseload:
    """The open cases of one organisation and tier, and in how many of them what should have happened has not.

    Rounded; None: fewer than may be shown, or too nearly all of the cases.
    """

    organisation: str
    tier: int | None
    cases: int | None
    in_custody: int | None
    unassessed: int | None
    reviews_late: int | None
    alerts_awaited: int | None
    undecided: int | None
    """Cases with enforcement on which the Offender Manager has still to decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionCount:
    """On how many people of one prison, or in the community, there were exception reports of one code."""

    prison: str
    """Where they are held now."""
    code: str
    cases: int
    """Rounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert to one role, and after how many minutes it was acknowledged; None: it was not."""

    role: str
    case: CaseRef
    minutes: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTimes:
    """On how many people one role got alerts, and how long it took to acknowledge them, in whole minutes.

    There is no longest time, which would be one person's, and no part of a minute: it would tell one apart.
    """

    role: str
    sent: int | None
    """On how many people, rounded; None: fewer than may be shown."""
    acknowledged: int | None
    """On how many of them every alert was acknowledged; None: too few, or too nearly all."""
    median_minutes: int | None
    """Half took no longer; None: there are too few people on either side of it."""
    nine_in_ten_minutes: int | None
    """Nine in ten took no longer; None: too few took longer."""


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
                cases=total(held["cases"]),
                in_custody=part(held["in_custody"], held["cases"]),
                unassessed=part(held["unassessed"], held["cases"]),
                reviews_late=part(held["reviews_late"], held["cases"]),
                alerts_awaited=part(held["alerts_awaited"], held["cases"]),
                undecided=part(held["undecided"], held["cases"]),
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
        load["alerts_awaited"] += bool(case.awaiting)
        load["undecided"] += any(held.decision is None for held in work.enforcements)


def prison_of(case: Case) -> str:
    """Return the prison that holds the person, or that none does."""
    custody = case.custody
    return IN_COMMUNITY if custody is None or custody.prison is None else custody.prison


def exceptions(
    prisons: Mapping[CaseRef, str], reports: Iterable[tuple[CaseRef, str]]
) -> tuple[ExceptionCount, ...]:
    """Return on how many people of each prison there were reports of each code.

    Rows that may not be shown are left out: that a code is named says that somebody has it.
    """
    people = Counter(prisons.values())
    having: defaultdict[tuple[str, str], set[CaseRef]] = defaultdict(set)
    for case, code in reports:
        if case in prisons:
            having[prisons[case], code].add(case)
    return tuple(
        ExceptionCount(prison=prison, code=code, cases=shown)
        for (prison, code), cases in sorted(having.items())
        if (shown := part(len(cases), people[prison])) is not None
    )


def alert_times(alerts: Iterable[Alert]) -> tuple[AlertTimes, ...]:
    """Return how long alerts took to be acknowledged, by the role they were for.

    Each person counts once, with the longest of their times: of one who caused many alerts, every number
    shown might be theirs.
    """
    roles: defaultdict[str, dict[CaseRef, float | None]] = defaultdict(dict)
    for alert in alerts:
        cases = roles[alert.role]
        before = cases.setdefault(alert.case, alert.minutes)
        if before is None or alert.minutes is None:
            cases[alert.case] = None
        else:
            cases[alert.case] = max(before, alert.minutes)
    return tuple(_times(role, roles[role]) for role in sorted(roles))


def _times(role: str, cases: Mapping[CaseRef, float | None]) -> AlertTimes:
    minutes = [each for each in cases.values() if each is not None]
    return AlertTimes(
        role=role,
        sent=total(len(cases)),
        acknowledged=part(len(minutes), len(cases)),
        median_minutes=round(median(minutes)) if len(minutes) >= 2 * SMALL else None,
        nine_in_ten_minutes=round(quantiles(minutes, n=10, method="inclusive")[-1])
        if len(minutes) >= 10 * SMALL
        else None,
    )


def _figures(places: Iterable[tuple[str, _Needs]]) -> tuple[NeedFigures, ...]:
    return tuple(
        NeedFigures(
            place=place,
            assessed=total(held.assessed),
            needs=tuple((need.value, part(held.found[need.value], held.assessed)) for need in sorted(Need))
            if held.assessed >= SMALL
            else (),
        )
        for place, held in sorted(places)
    )
