"""What follows from one record where something of it cannot be written: one recipient's fault is its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from aiokafka import ConsumerRecord

from hub.adapters.kafka.consequences import Consequences
from hub.messages.identifiers import CaseRef, derived_id
from hub.topics.catalogue import Catalogue
from hub.topics.evidence import Evidence
from hub.topics.keys import case_key
from hub.topics.tables import RouterView
from tests.faults import world

if TYPE_CHECKING:
    from pathlib import Path

    from hub.messages.envelope import Entry
    from hub.messages.identifiers import Instant
    from hub.routing.outcome import Result, View

NORTH, HARBOUR = world.BY_KAFKA


def route_with_one_spoilt(entry: Entry, view: View, now: Instant) -> Result:
    """Give one of the recipients what no version of its schema can hold."""
    result = world.route(entry, view, now)
    spoilt = [
        replace(each, payload={**each.payload, "kind": "NO-SUCH-SYMBOL"})
        if each.organisation == NORTH
        else each
        for each in result.deliveries
    ]
    return replace(result, deliveries=tuple(spoilt))


@pytest.mark.requirement("R-RTE-01")
@pytest.mark.requirement("R-MSG-12")
def test_a_delivery_that_cannot_be_written_is_withheld_on_the_record_and_the_others_go(
    tmp_path: Path,
) -> None:
    """Nothing goes to that recipient, the ledger says why, and nobody else's alert waits for it."""
    codec = world.codec_in(tmp_path)
    posted = world.message(CaseRef(derived_id("case", "one")), 1)
    codec.keys.get_or_create(case_key(posted.envelope.case))
    encoded = codec.submission(posted)
    record: ConsumerRecord[bytes | None, bytes | None] = ConsumerRecord(
        "hub.intake", 0, 7, 1, 0, encoded.key, encoded.value, None, 0, 0, headers=tuple(encoded.headers)
    )
    catalogue = Catalogue()
    view = RouterView(codec=codec, contracts=codec.library, cases_remembered_max=1)
    consequences = Consequences(
        catalogue=catalogue, codec=codec, route=route_with_one_spoilt, record_bytes_max=1_000_000
    )
    caused = consequences.of(record, view)
    topics = [each.topic for each in caused]
    assert catalogue.delivery_name(HARBOUR) in topics
    assert catalogue.delivery_name(NORTH) not in topics
    assert catalogue.quarantine not in topics
    evidence = Evidence(codec)
    entered = [evidence.ledger_from(each.value or b"") for each in caused if each.topic == catalogue.ledger]
    said = {
        each.decision.candidate.organisation: (each.decision.delivers, each.decision.gate) for each in entered
    }
    assert said[NORTH] == (False, "GUARD-WRITE-FAILED")
    assert said[HARBOUR] == said[world.BY_MAILBOX] == (True, None)
    assert view.seen(posted.envelope.message_id) is not None
