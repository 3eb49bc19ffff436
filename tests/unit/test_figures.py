"""Figures about many cases: nobody can be found in any of them; the caseload says what is late."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.cases.case import Case, Custody
from hub.cases.figures import Alert, AlertTimes, Caseload, Figures, alert_times, exceptions
from hub.cases.small_numbers import SMALL, part, total
from hub.cases.work import Assessed, Work
from hub.messages.envelope import MessageName
from hub.messages.identifiers import CaseRef, Instant, OrganisationId
from hub.messages.vocabulary import Need
from tests.unit.worlds import COUNSELLOR, DAY, PROBATION, distribute, engage, staffed

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
    assert {need: count for need, count in leeds.needs if count} == {"DRUGS": 15, "FINANCE": 15}
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
    assert dict(leeds.needs)["DRUGS"] == shown


@pytest.mark.requirement("R-ADM-06")
def test_every_need_is_listed_so_that_no_name_says_that_somebody_has_it() -> None:
    """One person with debts and none with them look alike."""
    nobody = [assessed(n, prison="hmp-leeds") for n in range(19)]
    (one,) = figures(*nobody, assessed(19, "FINANCE", prison="hmp-leeds")).by_prison()
    (none,) = figures(*nobody, assessed(19, prison="hmp-leeds")).by_prison()
    assert one == none
    assert {need for need, _ in one.needs} == set(Need)


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


def eventful(number: int) -> Case:
    """Return a case of tier 4 in which everything is late that can be, and some things twice."""
    world = staffed(tier=4)
    engage(world, COUNSELLOR)
    distribute(world)
    for matter in ("e-1", "e-2"):
        step = {"enforcement": matter, "action": "REPORTED", "referral": "ref-recovery"}
        world.send(COUNSELLOR, MessageName.ENFORCEMENT, step)
    for _ in range(2):
        world.send(COUNSELLOR, MessageName.RISK_CHANGE, {"kind": "VULNERABILITY", "urgency": "IMMEDIATE"})
    return replace(world.state, ref=CaseRef(f"{number:032x}"))


def caseload(*cases: Case) -> Caseload:
    """Return the caseload that these make, of one organisation and tier."""
    found = Figures(Instant(max(each.opened_at for each in cases) + 60 * DAY))
    for case in cases:
        found.add(case)
    (load,) = found.caseload()
    return load


@pytest.mark.requirement("R-ADM-04")
def test_the_caseload_says_by_organisation_and_tier_what_should_have_happened() -> None:
    """Reviews past their time, decisions and acknowledgements awaited, cases without an assessment."""
    late = eventful(1)
    quiet = replace(late, work=Work(), awaiting=())
    load = caseload(
        *(replace(late, ref=CaseRef(f"{n:032x}")) for n in range(7)),
        *(replace(quiet, ref=CaseRef(f"{n:032x}")) for n in range(7, 15)),
    )
    assert (load.organisation, load.tier, load.cases) == (PROBATION, 4, 15)
    assert (load.reviews_late, load.undecided, load.alerts_awaited) == (5, 5, 5)
    assert (load.unassessed, load.in_custody) == (10, None)
    unmanaged = Figures(NOW)
    unmanaged.add(assessed(1))
    assert unmanaged.caseload()[0].organisation == "no Offender Manager"


@pytest.mark.requirement("R-ADM-04", "R-ADM-06")
@pytest.mark.parametrize("late", [0, 1, 4, 16, 20])
def test_the_caseload_shows_no_few_of_an_organisation_nor_nearly_all(late: int) -> None:
    """Whatever one person has caused counts once; of few people nothing is said but that they are few."""
    one = eventful(1)
    quiet = replace(one, work=replace(one.work, reviews=(), enforcements=()), awaiting=())
    load = caseload(
        *(replace(one if n < late else quiet, ref=CaseRef(f"{n:032x}")) for n in range(20)),
    )
    assert load.cases == 20
    assert (load.reviews_late, load.undecided, load.alerts_awaited) == (None, None, None)
    few = caseload(*(replace(one, ref=CaseRef(f"{n:032x}")) for n in range(4)))
    assert {few.cases, few.in_custody, few.unassessed, few.reviews_late, few.undecided} == {None}


@pytest.mark.requirement("R-ADM-04", "R-ADM-06")
def test_exceptions_count_people_and_name_no_code_that_few_have_or_nearly_all() -> None:
    """One person with twenty reports is one person; who is nowhere in the projection counts nowhere."""
    prisons = {CaseRef(f"{n:032x}"): "hmp-leeds" if n < 20 else "hmp-moorland" for n in range(24)}
    refs = list(prisons)
    reports = [(refs[0], "REVIEW-NOT-HELD")] * 20
    reports += [(ref, "MISSED-SESSION") for ref in refs[:8] for _ in range(3)]
    reports += [(ref, "ASSESSMENT-MISSING") for ref in refs[:16]]
    reports += [(ref, "MISSED-SESSION") for ref in refs[20:]]
    reports += [(CaseRef(f"{n:032x}"), "MISSED-SESSION") for n in range(100, 200)]
    (shown,) = exceptions(prisons, reports)
    assert (shown.prison, shown.code, shown.cases) == ("hmp-leeds", "MISSED-SESSION", 10)


def alerts(*minutes: float | None, each: int = 1) -> AlertTimes:
    """Return the times of so many people's alerts, `each` of every person."""
    (times,) = alert_times(
        Alert(role="offender_manager", case=CaseRef(f"{n:032x}"), minutes=after)
        for n, after in enumerate(minutes)
        for _ in range(each)
    )
    return times


@pytest.mark.requirement("R-ADM-04", "R-ADM-06")
def test_alerts_count_people_and_a_time_is_shown_only_with_five_people_on_either_side() -> None:
    """Of one person's alerts nothing can be read, however many there were."""
    assert alerts(3.0, each=60) == AlertTimes(
        role="offender_manager", sent=None, acknowledged=None, median_minutes=None, nine_in_ten_minutes=None
    )
    some = alerts(*(float(n) for n in range(11)), *[None] * 9, each=2)
    assert (some.sent, some.acknowledged) == (20, 10)
    assert (some.median_minutes, some.nine_in_ten_minutes) == (5.0, None)
    many = alerts(*(float(n) for n in range(51)))
    assert (many.sent, many.acknowledged) == (50, None)
    assert (many.median_minutes, many.nine_in_ten_minutes) == (25.0, 45.0)
    assert alerts(*[1.0] * 9, *[None] * 9).median_minutes is None
    exact = alerts(*(n + 0.3 for n in range(51)))
    assert (exact.median_minutes, exact.nine_in_ten_minutes) == (25, 45)
    assert isinstance(exact.median_minutes, int)
    assert isinstance(exact.nine_in_ten_minutes, int)


@pytest.mark.requirement("R-ADM-04", "R-ADM-06")
def test_a_person_counts_as_acknowledged_with_the_longest_time_and_not_while_an_alert_waits() -> None:
    """Whichever came first."""
    cases = [CaseRef(f"{n:032x}") for n in range(20)]
    sent = [Alert(role="key_worker", case=case, minutes=after) for case in cases for after in (9.0, 2.0)]
    waiting = [Alert(role="key_worker", case=case, minutes=None) for case in cases[:10]]
    for told in (sent + waiting, waiting + sent):
        (times,) = alert_times(told)
        assert (times.sent, times.acknowledged, times.median_minutes) == (20, 10, 9.0)


@pytest.mark.requirement("R-ADM-06")
@given(st.integers(0, 200), st.integers(0, 200))
def test_no_suppressed_number_can_be_worked_out_from_those_that_are_shown(of: int, count: int) -> None:
    """Neither a part nor what is left of the whole is small; what is shown could be several numbers."""
    count = min(count, of)
    shown = part(count, of)
    if shown is not None:
        assert min(count, of - count) >= SMALL
        assert total(of) is not None
        # The whole is shown rounded, too: whoever reads both sees what several numbers would give.
        wholes = [other for other in range(of - 10, of + 11) if other >= 0 and total(other) == total(of)]
        counts = {each for whole in wholes for each in range(whole + 1) if part(each, whole) == shown}
        assert len(counts) > 1
