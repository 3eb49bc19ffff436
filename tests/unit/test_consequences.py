"""What follows from one record where something of it cannot be written: one recipient's fault is its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from aiokafka import ConsumerRecord

from hub.adapters.kafka.consequences import Consequences
from hub.adapters.ledger.remedies import REMEDIES
from hub.consent.allowance import Allowance
from hub.errors import EngineDisagrees
from hub.messages.envelope import Tick
from hub.messages.identifiers import HUB, CaseRef, DeliveryId, Instant, MessageId, derived_id
from hub.routing.outcome import Timer
from hub.topics.catalogue import Catalogue
from hub.topics.evidence import Evidence
from hub.topics.keys import case_key
from hub.topics.tables import RouterView
from tests.faults import world

if TYPE_CHECKING:
    from pathlib import Path

    from hub.adapters.kafka.consequences import Route
    from hub.adapters.kafka.transaction import Outgoing
    from hub.messages.envelope import Entry
    from hub.messages.identifiers import OrganisationId
    from hub.routing.outcome import Result, View
    from hub.topics.codec import Codec

CATALOGUE = Catalogue()
DUE = Instant(1)
NORTH, HARBOUR = world.BY_KAFKA
NOTICE = MessageId(derived_id("notice", "one"))


def spoiling(*organisations: OrganisationId) -> Route:
    """Return a routing that gives some of the recipients what no version of their schema can hold."""

    def route(entry: Entry, view: View, now: Instant) -> Result:
        """Spoil what goes to them."""
        result = world.route(entry, view, now)
        spoilt = [
            replace(each, payload={**each.payload, "kind": "NO-SUCH-SYMBOL"})
            if each.organisation in organisations
            else each
            for each in result.deliveries
        ]
        return replace(result, deliveries=tuple(spoilt))

    return route


@dataclass(frozen=True, kw_only=True)
class Caused:
    """What one message caused."""

    codec: Codec
    records: list[Outgoing]
    seen: bool
    waiting: int

    def of(self, topic: str) -> list[bytes]:
        """Return the values of the records for one topic."""
        return [each.value or b"" for each in self.records if each.topic == topic]


def caused(folder: Path, route: Route, *, ringing: bool = False) -> Caused:
    """Take one message with a routing, or a tick at which a timer rings."""
    codec = world.codec_in(folder)
    posted = world.message(CaseRef(derived_id("case", "one")), 1)
    codec.keys.get_or_create(case_key(posted.envelope.case))
    encoded = codec.submission(posted)
    if ringing:
        encoded = codec.tick(Tick(tick_id=MessageId("a" * 32), due_at=DUE))
    record: ConsumerRecord[bytes | None, bytes | None] = ConsumerRecord(
        "hub.intake", 0, 7, 1, 0, encoded.key, encoded.value, None, 0, 0, headers=tuple(encoded.headers)
    )
    view = RouterView(codec=codec, contracts=codec.library, cases_remembered_max=1)
    view.put_timer(Timer(case=posted.envelope.case, kind="answer", subject="R1", due_at=DUE))
    consequences = Consequences(catalogue=CATALOGUE, codec=codec, route=route, record_bytes_max=1_000_000)
    records = consequences.of(record, view)
    seen = view.seen(posted.envelope.message_id) is not None
    return Caused(codec=codec, records=records, seen=seen, waiting=len(view.timers))


@pytest.mark.requirement("R-RTE-01")
@pytest.mark.requirement("R-MSG-12")
def test_a_delivery_that_cannot_be_written_is_withheld_on_the_record_and_the_others_go(
    tmp_path: Path,
) -> None:
    """Nothing goes to that recipient, the ledger says why, and nobody else's alert waits for it."""
    found = caused(tmp_path, spoiling(NORTH))
    assert len(found.of(CATALOGUE.delivery_name(HARBOUR))) == 1
    assert found.of(CATALOGUE.delivery_name(NORTH)) == []
    evidence = Evidence(found.codec)
    entered = [evidence.ledger_from(each).decision for each in found.of(CATALOGUE.ledger)]
    said = {each.candidate.organisation: (each.delivers, each.gate) for each in entered}
    assert said[NORTH] == (False, "GUARD-WRITE-FAILED")
    assert said[HARBOUR] == said[world.BY_MAILBOX] == (True, None)
    assert found.seen


@pytest.mark.requirement("R-MSG-12")
def test_staff_see_for_whom_something_was_not_written_and_the_sender_is_not_refused(tmp_path: Path) -> None:
    """One entry, in the hub's own name, with what to do; what was sent is taken, and is in the log."""
    found = caused(tmp_path, spoiling(NORTH, world.BY_MAILBOX))
    (value,) = found.of(CATALOGUE.quarantine)
    aside = Evidence(found.codec).quarantine_from(value)
    assert (aside.code, aside.message_id, aside.organisation) == ("GUARD-WRITE-FAILED", None, HUB)
    assert aside.detail == "not written for north-prison, quay-service"
    assert aside.code in REMEDIES


def noticing(*spoilt: OrganisationId) -> Route:
    """Return a routing that also tells the second recipient of what goes to the first."""
    routed = spoiling(*spoilt)

    def route(entry: Entry, view: View, now: Instant) -> Result:
        """Add a report that goes only with that delivery, and the decision on it."""
        result = routed(entry, view, now)
        told = next(each for each in result.deliveries if each.organisation == NORTH)
        to = next(each for each in result.deliveries if each.organisation == HARBOUR)
        decided = next(each for each in result.decisions if each.candidate.organisation == HARBOUR)
        notice = replace(
            to, message_id=NOTICE, delivery_id=DeliveryId(derived_id("delivery", NOTICE)), by_kafka=True
        )
        decision = replace(decided, message=NOTICE, decision_id=derived_id("decision", NOTICE))
        return replace(
            result,
            # Before what it tells of: whether that goes must not depend on the order.
            deliveries=(notice, *result.deliveries),
            decisions=(*result.decisions, decision),
            only_with=((NOTICE, told.delivery_id),),
        )

    return route


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize(("spoilt", "told"), [((), True), ((NORTH,), False), ((world.BY_MAILBOX,), True)])
def test_a_notice_of_a_disclosure_goes_only_with_the_disclosure(
    tmp_path: Path, spoilt: tuple[OrganisationId, ...], *, told: bool
) -> None:
    """Where the delivery could not be written, nothing was disclosed: no notice, and no decision on one."""
    found = caused(tmp_path, noticing(*spoilt))
    assert len(found.of(CATALOGUE.delivery_name(HARBOUR))) == 1 + told
    evidence = Evidence(found.codec)
    entered = [evidence.ledger_from(each).decision for each in found.of(CATALOGUE.ledger)]
    assert (NOTICE in {each.message for each in entered}) is told
    assert len(entered) == len(world.RECIPIENTS) + 1 + told


@pytest.mark.requirement("R-RTE-01")
def test_a_message_of_which_only_the_notice_could_be_written_is_set_aside_whole(tmp_path: Path) -> None:
    """The notice alone is nothing of the message: replayed once the fault is mended, both go."""
    found = caused(tmp_path, noticing(*world.RECIPIENTS))
    assert [each.topic for each in found.records] == [CATALOGUE.quarantine]
    assert not found.seen


@pytest.mark.requirement("R-RTE-01")
def test_a_message_that_can_be_written_for_nobody_is_set_aside_whole(tmp_path: Path) -> None:
    """Nothing of it is done, so that it can be replayed once the fault is mended."""
    found = caused(tmp_path, spoiling(*world.RECIPIENTS))
    assert [each.topic for each in found.records] == [CATALOGUE.quarantine]
    aside = Evidence(found.codec).quarantine_from(found.records[0].value or b"")
    assert (aside.code, aside.organisation) == ("GUARD-WRITE-FAILED", world.SENDER)
    assert Evidence(found.codec).original(aside)
    assert not found.seen


@pytest.mark.requirement("R-RTE-01")
def test_a_timer_rings_once_though_what_it_says_cannot_be_written(tmp_path: Path) -> None:
    """Set aside whole, it would ring again at every tick; staff see that it was not written."""
    found = caused(tmp_path, spoiling(NORTH), ringing=True)
    assert found.waiting == 0
    assert found.of(CATALOGUE.delivery_name(NORTH)) == []
    (value,) = found.of(CATALOGUE.quarantine)
    aside = Evidence(found.codec).quarantine_from(value)
    assert (aside.code, aside.detail) == ("GUARD-WRITE-FAILED", "not written for north-prison")


@pytest.mark.requirement("R-DIS-01")
def test_a_message_the_rules_were_decided_on_in_two_ways_is_set_aside_for_staff_to_see(
    tmp_path: Path,
) -> None:
    """Nothing of it goes, and its own reason says what is wrong and what to do."""

    def disagreeing(entry: Entry, view: View, now: Instant) -> Result:
        """Find that the compiled rules and the reference differ."""
        del entry, view, now
        message = "the compiled rules and the reference decide this message differently"
        raise EngineDisagrees(message)

    found = caused(tmp_path, disagreeing)
    assert [each.topic for each in found.records] == [CATALOGUE.quarantine]
    aside = Evidence(found.codec).quarantine_from(found.records[0].value or b"")
    assert (aside.code, aside.organisation) == ("ENGINE-DISAGREES", world.SENDER)
    assert aside.code in REMEDIES
    assert not found.seen


@pytest.mark.requirement("R-DIS-01")
def test_a_delivery_with_something_held_back_left_in_is_stopped_and_staff_see_that_it_was(
    tmp_path: Path,
) -> None:
    """Nothing goes to that recipient on any channel, and the reason is one of its own."""

    def leaking(entry: Entry, view: View, now: Instant) -> Result:
        """Hold the note back from one recipient, and leave it in."""
        result = world.route(entry, view, now)
        held = Allowance(outline={"referral": True, "kind": True}, holds_back=True)
        deliveries = (
            replace(each, allowed=held) if each.organisation == NORTH else each for each in result.deliveries
        )
        return replace(result, deliveries=tuple(deliveries))

    found = caused(tmp_path, leaking)
    assert found.of(CATALOGUE.delivery_name(NORTH)) == []
    assert len(found.of(CATALOGUE.delivery_name(HARBOUR))) == 1
    evidence = Evidence(found.codec)
    entered = [evidence.ledger_from(each).decision for each in found.of(CATALOGUE.ledger)]
    said = {each.candidate.organisation: (each.delivers, each.gate) for each in entered}
    assert said[NORTH] == (False, "GUARD-LEFT-IN")
    (value,) = found.of(CATALOGUE.quarantine)
    aside = evidence.quarantine_from(value)
    assert (aside.code, aside.detail) == ("GUARD-LEFT-IN", "not written for north-prison")
    assert aside.code in REMEDIES
