"""One code is one prison's, and a prison that is not on the hub is nobody's name (R-DIS-01)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.app.prison_codes import check_prison_code
from hub.cases.state import to_json
from hub.consent.parties import EVERY_PRISON, Kind
from hub.errors import NotConfigured
from hub.messages.identifiers import OrganisationId
from tests.unit.moves import event, held, prison
from tests.unit.test_cases_claims import alert
from tests.unit.worlds import CASE, MANAGER, SUPERVISOR, UNIT, World, appoint, organisation, refused, to

MOORLAND: dict[str, object] = {"organisation": "hmp-moorland", "prison": "MDI"}
LEEDS: dict[str, object] = {"organisation": "hmp-leeds", "prison": "LEI"}
SERVICE: dict[str, object] = {"organisation": "prison-service", "prison": EVERY_PRISON}
REGION: dict[str, object] = {"organisation": "probation-north", "prison": None}
FORMER = OrganisationId("prison-wwi")


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("standing", ["active", "suspended"])
def test_a_code_that_another_prison_has_is_refused_and_both_are_named(standing: str) -> None:
    """Also where the other is suspended: the hub would still find it by the code."""
    other = MOORLAND | {"standing": standing}
    for body in ({"organisation": "hmp-second", "prison": "MDI"}, LEEDS | {"prison": "MDI"}):
        with pytest.raises(NotConfigured, match="code of hmp-moorland") as refusal:
            check_prison_code(body, [other, LEEDS, SERVICE])
        assert "partner amend hmp-moorland --prison CODE" in refusal.value.fix


def test_what_takes_nobodys_code_is_not_refused() -> None:
    """Its own again, one that is free, the service's, none; and two that share one may each be suspended."""
    known = [MOORLAND, LEEDS, SERVICE, REGION]
    for body in (
        MOORLAND,
        MOORLAND | {"prison": "NHI"},
        {"organisation": "other-service", "prison": EVERY_PRISON},
        {"organisation": "probation-south"},
    ):
        check_prison_code(body, known)
    second = MOORLAND | {"organisation": "hmp-second"}
    check_prison_code(second | {"standing": "suspended"}, [MOORLAND, second])


def test_a_name_that_reads_as_another_prisons_code_is_refused() -> None:
    """Cases may hold it as the name of a prison that was not on the hub."""
    for body in ({"organisation": "prison-wwi"}, {"organisation": "prison-wwi", "prison": "NHI"}):
        with pytest.raises(NotConfigured, match="reads as the prison"):
            check_prison_code(body, [MOORLAND])
    own: dict[str, object] = {"organisation": "prison-wwi", "prison": "WWI"}
    check_prison_code(own, [MOORLAND])
    check_prison_code(own | {"prison": "NHI"}, [own])


def _held_under_the_former_name() -> World:
    """Return a case whose person is in a prison not on the hub, as the hub kept it before."""
    world = held()
    appoint(world, SUPERVISOR)
    assert refused(event(world, UNIT, "TRANSFER", prison_from="MDI", prison_to="WWI")) is None
    case = world.state
    assert case.custody is not None
    assert case.custody.prison == "prison.wwi"
    known = tuple(
        replace(each, reached=FORMER) if each.reached == "prison.wwi" else each
        for each in case.movements.known
    )
    movements = replace(case.movements, known=known)
    former = replace(case, custody=replace(case.custody, prison=FORMER), movements=movements)
    world.cases[CASE] = to_json(former)
    return world


@pytest.mark.requirement("R-CASE-01")
def test_a_prison_kept_under_its_former_name_is_the_same_prison() -> None:
    """Word that somebody goes back from there is no word of another place."""
    world = _held_under_the_former_name()
    assert refused(event(world, MANAGER, "TRANSFER", prison_from="WWI", prison_to="MDI")) is None
    assert prison(world) == "hmp-moorland"
    assert world.state.custody is not None
    assert world.state.custody.previous == "prison.wwi"


@pytest.mark.requirement("R-DIS-01")
def test_nobody_holds_anybody_because_they_are_called_as_a_prison_was_kept() -> None:
    """Neither a partner nor a prison of another code; the prison of this very code does."""
    world = _held_under_the_former_name()
    for kind, code in ((Kind.PARTNER, None), (Kind.PRISON, "NHI")):
        world.known[FORMER] = organisation(FORMER, kind, prison=code)
        assert not to(alert(world), FORMER)
    again = _held_under_the_former_name()
    again.known[FORMER] = organisation(FORMER, Kind.PRISON, prison="WWI")
    assert to(alert(again), FORMER)
