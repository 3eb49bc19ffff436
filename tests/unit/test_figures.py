"""Figures about many cases: nobody can be found in a count of needs; the caseload says what is late."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.cases.case import Case, Custody
from hub.cases.figures import SMALL, Figures
from hub.cases.work import Assessed, Work
from hub.messages.envelope import MessageName
from hub.messages.identifiers import CaseRef, Instant, OrganisationId
from tests.unit.worlds import COUNSELLOR, DAY, MANAGER, PROBATION, distribute, engage, staffed

NOW = Instant(1_900_000_000_000)


def assessed(number: int, *needs: str, prison: str | None = None, region: str | None = "N54") -> Case:
    """Return a case whose person was found to have these needs."""
    work = Work(assessed=Assessed(assessment="a", at=NOW, by_manager=True, needs=frozenset(needs)))
    held = None if prison is None else Custody(prison=OrganisationId(prison), since=NOW)
    return Case(
        ref=CaseRef(f"{number:032x}"),
        jurisdiction="ENGLAND_AND_WALES",
        opened_at=NOW,
        opened_by=PROBATION,
        region=region,
        custody=held,
        work=work,
    )


def figures(*cases: Case) -> Figures:
    """Count these cases."""
    found = Figures(NOW)
    for case in cases:
        found.add(case)
    return found


@pytest.mark.requirement("R-ADM-06")
def test_needs_are_counted_by_prison_and_by_region_rounded_to_five() -> None:
    """One person more or less does not show."""
    cases = [assessed(n, *(("DRUGS",) if n < 13 else ("FINANCE",)), prison="hmp-leeds") for n in range(26)]
    (leeds,) = figures(*cases).by_prison()
    assert (leeds.place, leeds.assessed) == ("hmp-leeds", 25)
    assert dict(leeds.needs) == {"DRUGS": 15, "FINANCE": 15}
    (region,) = figures(*cases).by_region()
    assert (region.place, region.assessed) == ("N54", 25)


@pytest.mark.requirement("R-ADM-06")
@pytest.mark.parametrize(
    ("having", "shown"), [(0, None), (4, None), (5, 5), (15, 15), (16, None), (20, None)]
)
def test_a_count_of_few_or_of_nearly_all_is_suppressed(having: int, shown: int | None) -> None:
    """That all of a prison have a need says it of each of them."""
    cases = [assessed(n, *(("DRUGS",) if n < having else ()), prison="hmp-leeds") for n in range(20)]
    (leeds,) = figures(*cases).by_prison()
    assert dict(leeds.needs).get("DRUGS") == shown


@pytest.mark.requirement("R-ADM-06")
def test_of_a_place_with_few_people_nothing_is_said_but_that_they_are_few() -> None:
    """Not even which needs there are."""
    (few,) = figures(*(assessed(n, "ALCOHOL") for n in range(SMALL - 1))).by_prison()
    assert (few.place, few.assessed, few.needs) == ("in the community", None, ())


@pytest.mark.requirement("R-ADM-06")
@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=60))
def test_no_figure_of_needs_lets_a_group_smaller_than_five_be_found(people: list[tuple[str, bool]]) -> None:
    """Nor those without the need: what is shown leaves five on either side."""
    cases = [
        assessed(n, *(("DRUGS",) if drugs else ()), prison=prison) for n, (prison, drugs) in enumerate(people)
    ]
    for place in figures(*cases).by_prison():
        having = sum(drugs for prison, drugs in people if prison == place.place)
        all_there = sum(prison == place.place for prison, _ in people)
        for _, count in place.needs:
            assert count is None or (having >= SMALL and all_there - having >= SMALL and count % SMALL == 0)


@pytest.mark.requirement("R-ADM-06")
def test_who_is_not_assessed_or_whose_case_is_closed_counts_nowhere_among_needs() -> None:
    """Supplementary findings alone are no assessment."""
    closed = replace(assessed(1, "DRUGS"), closed_at=NOW)
    only = assessed(2, "DRUGS")
    assert only.work.assessed is not None
    supplementary = replace(only, work=Work(assessed=replace(only.work.assessed, full=False)))
    assert figures(closed, supplementary).by_region() == ()


@pytest.mark.requirement("R-ADM-04")
def test_the_caseload_says_by_organisation_and_tier_what_should_have_happened() -> None:
    """Reviews past their time, decisions and acknowledgements awaited, cases without an assessment."""
    world = staffed(tier=4)
    engage(world, COUNSELLOR)
    distribute(world)
    step = {"enforcement": "e-1", "action": "REPORTED", "referral": "ref-recovery"}
    world.send(COUNSELLOR, MessageName.ENFORCEMENT, step)
    world.send(COUNSELLOR, MessageName.RISK_CHANGE, {"kind": "VULNERABILITY", "urgency": "IMMEDIATE"})
    found = Figures(Instant(world.now + 60 * DAY))
    found.add(world.state)
    found.add(assessed(1))
    managed, unmanaged = sorted(found.caseload(), key=lambda each: each.organisation != MANAGER.organisation)
    assert (managed.organisation, managed.tier, managed.cases) == (PROBATION, 4, 1)
    assert (managed.reviews_late, managed.undecided, managed.alerts_awaited, managed.unassessed) == (
        1,
        1,
        1,
        0,
    )
    assert unmanaged.organisation == "no Offender Manager"
