"""Tables and the view routing has of them: pending changes, merging, dropping, timers, the clock."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.messages.envelope import Control, MessageName
from hub.messages.identifiers import CaseRef, Instant, MessageId, OrganisationId
from hub.routing.outcome import Timer
from hub.topics.profile_files import read_profiles
from hub.topics.tables import RouterView, Table
from tests.faults import world

if TYPE_CHECKING:
    from pathlib import Path

CASE = CaseRef("c" * 32)


@pytest.fixture
def view(tmp_path: Path) -> RouterView:
    """A view over empty tables."""
    codec = world.codec_in(tmp_path)
    return RouterView(codec=codec, contracts=codec.library, cases_remembered_max=2)


def timer(due_at: int, kind: str = "answer") -> Timer:
    """A timer of the one case."""
    return Timer(case=CASE, kind=kind, subject="R1", due_at=Instant(due_at))


Changes = st.lists(st.tuples(st.binary(min_size=1, max_size=2), st.one_of(st.none(), st.binary(max_size=2))))


@given(Changes, Changes)
def test_table_is_as_before_when_a_batch_is_discarded(committed: list, pending: list) -> None:  # type: ignore[type-arg]
    table = Table()
    for key, value in committed:
        table.put(key, value)
    table.merge()
    before = dict(table.items())
    for key, value in pending:
        table.put(key, value)
    table.discard()
    assert dict(table.items()) == before


@given(Changes)
def test_table_restored_from_its_records_equals_the_table_that_wrote_them(changes: list) -> None:  # type: ignore[type-arg]
    table, restored = Table(), Table()
    for key, value in changes:
        table.put(key, value)
    for key, value in table.pending_records():
        restored.restore(key, value)
    seen = dict(table.items())
    table.merge()
    assert dict(restored.items()) == dict(table.items()) == seen
    assert table.pending_records() == ()


def test_table_shows_pending_deletion_when_asked_before_the_merge() -> None:
    table = Table()
    table.restore(b"a", b"1")
    table.put(b"a", None)
    assert (table.get(b"a"), list(table.items()), len(table)) == (None, [], 1)


def test_view_returns_the_case_as_the_batch_left_it(view: RouterView) -> None:
    assert view.case(CASE) is None
    case = world._opened(CASE, Instant(1))
    view.put_case(case, view._codec.case(case).value)
    assert view.case(CASE) == case
    view.merge()
    changed = replace(case, tier=3, version=1)
    view.put_case(changed, view._codec.case(changed).value)
    view.discard()
    assert view.case(CASE) == case


def test_view_decodes_again_when_it_remembers_no_more_cases(view: RouterView) -> None:
    cases = [world._opened(CaseRef(f"{number:032x}"), Instant(number)) for number in range(5)]
    for case in cases:
        view.put_case(case, view._codec.case(case).value)
    view.merge()
    assert [view.case(case.ref) for case in cases] == cases
    assert len(view._decoded) == 2


def test_view_names_the_first_deadline_when_timers_are_set_replaced_and_cleared(view: RouterView) -> None:
    assert view.first_deadline() is None
    for each in (timer(30), timer(20, "review")):
        view.put_timer(each)
    view.merge()
    assert view.first_deadline() == 20
    view.put_timer(timer(40, "review"))
    view.merge()
    assert view.first_deadline() == 30
    view.timers.put(timer(30).key.encode(), None)
    view.merge()
    assert view.first_deadline() == 40


def test_view_gives_the_timers_due_earliest_first(view: RouterView) -> None:
    for each in (timer(30), timer(20, "review"), timer(99, "later")):
        view.put_timer(each)
    view.advance(Instant(50))
    assert [found.due_at for found in view.timers_due(Instant(50))] == [20, 30]
    assert view.first_deadline() == 20


def test_view_keeps_the_clock_of_the_partition(view: RouterView) -> None:
    assert view.clock == 0
    view.advance(Instant(7))
    view.merge()
    assert view.clock == 7
    assert view.first_deadline() is None


def test_view_knows_which_messages_were_seen(view: RouterView) -> None:
    view.seen_table.put(b"m1", b"digest")
    assert (view.seen(MessageId("m1")), view.seen(MessageId("m2"))) == ("digest", None)


def test_view_knows_no_organisation_and_no_policy_before_the_first_control_record(view: RouterView) -> None:
    assert view.organisation(OrganisationId("quay-service")) is None
    assert tuple(view.organisations()) == ()
    assert view.policy() is None


def test_view_reads_organisations_from_control_records(view: RouterView) -> None:
    body = {
        "organisation": "quay-service", "name": "Quay Service", "kind": "partner", "rung": 2,
        "legal_status": "under_arrangements", "status_evidence": "contract 7", "standing": "active",
        "purposes": ["progress"], "protocols": [], "sends": ["progress"], "kafka": [], "prison": None,
        "region": None,
    }  # fmt: skip
    control = Control(
        control_id=MessageId("1" * 32),
        kind="organisation",
        name="quay-service",
        effective_at=Instant(1),
        body=body,
    )
    view.control.put(b"organisation/quay-service", view._codec.control_bytes(control))
    found = view.organisation(OrganisationId("quay-service"))
    assert found is not None
    assert (found.name, tuple(view.organisations())) == ("Quay Service", (found,))


@pytest.mark.requirement("R-MSG-12")
def test_what_was_taken_is_noted_in_the_version_it_was_sent_in(view: RouterView) -> None:
    """Not in the one it was brought up to: who still sends the old one must be seen before it is retired."""
    message = world.message(CASE, 1)
    view.put_seen(MessageId("m"), "digest", sent=replace(message, sent_in="0.9"))
    view.put_seen(MessageId("n"), "digest", sent=message)
    assert view.seen_table.get(b"m") == b"digest quay-service progress 0.9"
    assert view.seen_table.get(b"n") == b"digest quay-service progress 1.0"
    assert (view.sort(MessageId("n")), view.sort(MessageId("never"))) == (MessageName.PROGRESS, None)


def released(view: RouterView, version: str, day: str) -> None:
    """Take a profile of Scotland under a version, from a date on."""
    (plain,) = (each for each in read_profiles() if each["jurisdiction"] == "SCOTLAND")
    name = f"scotland:{version}"
    control = Control(
        control_id=MessageId("a" * 32),
        kind="profile",
        name=name,
        effective_at=Instant(0),
        body={**plain, "version": version, "in_force_from": day},
    )
    view.control.put(f"profile/{name}".encode(), view._codec.control_bytes(control))


@pytest.mark.requirement("R-CASE-07")
def test_a_profile_takes_force_by_the_partitions_clock_and_again_after_a_batch_is_dropped(
    view: RouterView,
) -> None:
    """No record of its own says so when the day has come; and what a dropped batch saw is forgotten."""
    new_year = Instant(1_798_761_600_000)
    assert view.profile("SCOTLAND").version == "1.0"
    released(view, "1.1", "2020-01-01")
    assert view.profile("SCOTLAND").version == "1.0"
    view.advance(Instant(new_year - 1))
    assert view.profile("SCOTLAND").version == "1.1"
    released(view, "1.2", "2027-01-01")
    view.merge()
    assert view.profile("SCOTLAND").version == "1.1"
    view.advance(new_year)
    assert view.profile("SCOTLAND").version == "1.2"
    view.discard()
    assert view.profile("SCOTLAND").version == "1.1"
    assert view.profile("ENGLAND_AND_WALES").version == "1.0"
