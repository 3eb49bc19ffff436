"""The demonstration's world: the same for the same seed, whole, well formed, and plainly invented."""

from __future__ import annotations

import re

import pytest

from hub.demo.day import Door
from hub.demo.identifiers import cro_number, pnc_id
from hub.demo.leaves import canaries, leaves
from hub.demo.submissions import path_of
from hub.demo.world import World, make_world
from hub.errors import InvalidBody, NotReadable
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import Instant
from hub.topics.bodies import check_payload
from hub.topics.library import SchemaLibrary

START = Instant(1_790_000_000_000)
NOT_VALID = {"specimen/wrong-field": "/data/notte"}
OF_NO_VERSION = {"specimen/unknown-version", "fabula/version-on-kafka"}


@pytest.fixture(scope="module")
def world() -> World:
    """One world."""
    return make_world(seed=1, start=START)


def test_a_world_is_the_same_for_the_same_seed_and_another_for_another(world: World) -> None:
    """Nothing but the seed and the start decide what is made."""
    assert make_world(seed=1, start=START) == world
    assert make_world(seed=2, start=START).people != world.people


@pytest.mark.requirement("R-CASE-08")
def test_the_world_has_what_the_story_needs(world: World) -> None:
    """Two prisons, a region, four partners on four rungs, eight people in all four tiers."""
    kinds = [party.kind.value for party in world.parties]
    assert (kinds.count("prison"), kinds.count("probation"), kinds.count("partner")) == (2, 1, 4)
    partners = [party for party in world.parties if party.kind.value == "partner"]
    assert {party.rung for party in partners} == {1, 2, 3, 4}
    assert len({party.legal_status for party in partners}) == 4
    assert len(world.people) == 8
    assert {person.tier for person in world.people} == {1, 2, 3, 4}


def test_every_step_is_of_one_moment_and_one_name(world: World) -> None:
    """A delivery can be told to be of one step; only a repeat shares the moment of its first."""
    names = [step.name for step in world.steps]
    assert len(set(names)) == len(names)
    first = [step for step in world.steps if "repeated" not in step.name and "reused" not in step.name]
    assert len({step.occurred_at for step in first}) == len(first)


def test_every_step_is_valid_under_its_contract_except_those_that_are_not_meant_to_be(world: World) -> None:
    """The story breaks the contracts where it says so and nowhere else."""
    library = SchemaLibrary.load()
    for step in world.steps:
        if step.name in OF_NO_VERSION:
            with pytest.raises(NotReadable):
                library.contract(step.message, step.contract)
        elif step.name in NOT_VALID:
            with pytest.raises(InvalidBody) as refused:
                check_payload(library.contract(step.message, step.contract), step.data)
            assert [fault.pointer for fault in refused.value.faults] == [NOT_VALID[step.name]]
        else:
            check_payload(library.contract(step.message, step.contract), step.data)


def test_every_canary_is_of_one_field_or_one_person(world: World) -> None:
    """What is searched for occurs in one place, or stands for one person."""
    owners: dict[str, set[tuple[str, str]]] = {}
    for step in world.steps:
        for path, value in leaves(step.data).items():
            for canary in canaries(path, value):
                owners.setdefault(canary, set()).add((step.person, path))
    assert len(owners) > 200
    assert all(len({person for person, _ in found}) == 1 for found in owners.values())


def test_no_canary_occurs_in_another_value(world: World) -> None:
    """A search finds a leak and nothing else."""
    values = {
        (step.person, path, str(value)) for step in world.steps for path, value in leaves(step.data).items()
    }
    owners = {
        canary: step.person
        for step in world.steps
        for path, value in leaves(step.data).items()
        for canary in canaries(path, value)
    }
    wrong = [
        (canary, path)
        for canary, person in owners.items()
        for other, path, text in values
        if other != person and canary in text
    ]
    assert wrong == []


def test_identifiers_end_in_the_letter_their_registers_give_them() -> None:
    """PNC and CRO numbers of known check letters come out as they are."""
    assert pnc_id(year=2019, serial=123456) == "2019/0123456E"
    assert pnc_id(year=2004, serial=712345) == "2004/0712345Y"
    assert cro_number(year=2019, serial=123456) == "123456/19P"


def test_nobody_in_the_world_is_real(world: World) -> None:
    """Telephone numbers are Ofcom's for drama, postcodes of no place."""
    for person in world.people:
        assert re.fullmatch(r"07700 900\d{3}", person.phone)
        assert person.postcode.startswith("ZZ")


def test_messages_are_posted_to_the_address_of_their_name() -> None:
    """Progress has no plural."""
    assert path_of(MessageName.PROGRESS) == "/v1/progress"
    assert path_of(MessageName.RISK_CHANGE) == "/v1/risk-changes"


def test_both_doors_are_used(world: World) -> None:
    """Some submissions go over HTTP, some by an organisation's own topic."""
    assert {step.door for step in world.steps} == set(Door)


def test_references_say_nothing(world: World) -> None:
    """No reference names a provider, a service or a person; each is of one matter only."""
    named = ("referral", "consent", "appointment", "enforcement", "review", "evaluation", "assessment")
    found = {str(step.data[name]) for step in world.steps for name in named if name in step.data}
    assert found
    assert all(re.fullmatch(r"[A-Z0-9]{6}", reference) for reference in found)
    holders: dict[str, set[str]] = {}
    for step in world.steps:
        for name in named:
            if name in step.data:
                holders.setdefault(str(step.data[name]), set()).add(f"{step.person} {name}")
    assert all(len({holder.partition(" ")[0] for holder in each}) == 1 for each in holders.values())


@pytest.mark.requirement("R-RTE-05")
def test_prison_events_come_from_the_units_of_prisons(world: World) -> None:
    """The Offender Management Unit writes them, so that the Offender Supervisor is told."""
    events = [step for step in world.steps if step.message is MessageName.PRISON_EVENT]
    assert events
    assert {step.author.role for step in events} == {Role.OFFENDER_MANAGEMENT_UNIT}


@pytest.mark.requirement("R-MSG-04")
def test_plans_are_for_three_people_and_a_later_version_says_what_changed(world: World) -> None:
    """A version after the first names the one before and what is different."""
    plans = [step for step in world.steps if step.message is MessageName.PLAN and "objectives" in step.data]
    assert len({step.person for step in plans}) >= 3
    later = [step for step in plans if step.data["version"] != 1]
    assert later
    assert all({"previous_version", "change_summary", "change_reason"} <= step.data.keys() for step in later)


def test_whoever_is_on_licence_has_a_custodial_sentence(world: World) -> None:
    """Licence follows custody; nobody in prison serves a community order."""
    custodial = {person.key for person in world.people if person.sentence == "DETERMINATE"}
    assert {person.key for person in world.people if person.prison or "licence" in person.about} == custodial
