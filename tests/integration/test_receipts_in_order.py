"""Receipts end alike however they come: in one batch or several, or after a database was restored."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, LiteralString

import pytest

from hub.adapters.ledger.happened import bring_back, event_values, microseconds
from hub.adapters.ledger.receipts import take_receipts
from hub.messages.envelope import MessageName
from hub.messages.identifiers import CaseRef
from hub.messages.receipt import ReceiptLevel
from hub.topics.happenings import Happening
from hub.topics.sealing import Sealed
from tests.integration.living_world import living
from tests.integration.projected_world import rows, until
from tests.integration.test_expiring import quiet
from tests.integration.test_receipts_said import level, noted, told
from tests.unit.worlds import COUNSELLOR, MANAGER, RECOVERY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from hub.settings import Settings
    from tests.integration.living_world import Living

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("R-DEL-02", "R-MSG-11")]
DIGEST = "by its digest"
STANDS: LiteralString = "SELECT state, sequence FROM delivery WHERE delivery_id = %s"


@pytest.fixture
async def hub(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path, settings: Settings
) -> AsyncIterator[Living]:
    """A whole hub with one case."""
    async with living(kafka, fresh_database, prefix=topic_prefix, folder=tmp_path, settings=settings) as made:
        await quiet(made)
        yield made


async def take(
    hub: Living,
    delivery: str,
    digest: str,
    said: Sequence[tuple[str, str | None]],
    *,
    case: str | None = None,
) -> None:
    """Let the projector take these receipts on a delivery in one batch; on its own case if none is named."""
    asked: LiteralString = "SELECT case_ref FROM delivery WHERE delivery_id = %s"
    ((own,),) = await rows(hub.pool, asked, delivery)
    receipts = [
        {
            "receipt": f"{place:032}",
            "event_id": f"{place:031}e",
            "proof_id": f"{place:031}f",
            "delivery": delivery,
            "organisation": RECOVERY,
            "case_ref": case or own,
            "level": ReceiptLevel(level),
            "role": "key_worker",
            "digest": digest if proof == DIGEST else None,
        }
        for place, (level, proof) in enumerate(said)
    ]
    async with hub.pool.connection() as connection, connection.transaction():
        await take_receipts(connection, receipts)


@pytest.mark.parametrize(
    ("said", "state", "kinds"),
    [
        ([("READ", None), ("REFUSED", None)], "available", ["read", "refused"]),
        ([("REFUSED", None), ("ACKNOWLEDGED", DIGEST)], "refused", ["refused", "confirmed"]),
        ([("ACKNOWLEDGED", DIGEST)] * 2, "acknowledged", ["acknowledged", "confirmed"]),
        ([("READ", None)] * 2, "available", ["read"]),
    ],
)
async def test_receipts_of_one_batch_are_taken_one_after_the_other(
    hub: Living, said: list[tuple[str, str | None]], state: str, kinds: list[str]
) -> None:
    """As they are where each comes by itself: a table made again, in large batches, has the same."""
    delivery, digest = await told(hub)
    await take(hub, delivery, digest, said)
    asked: LiteralString = "SELECT kind FROM delivery_event WHERE delivery_id = %s ORDER BY event"
    assert [row[0] for row in await rows(hub.pool, asked, delivery)] == kinds
    assert (await rows(hub.pool, STANDS, delivery))[0][0] == state


async def test_a_case_is_carried_on_along_its_chain_of_mergers(hub: Living) -> None:
    """A receipt on the last case speaks of a delivery of the first; one on a case beside them does not."""
    delivery, digest = await told(hub)
    merged: LiteralString = """
        INSERT INTO merged_case (case_ref, into_ref)
        SELECT case_ref, repeat('d', 32) FROM delivery WHERE delivery_id = %s
        UNION ALL VALUES (repeat('d', 32), repeat('e', 32)), (repeat('e', 32), repeat('d', 32)) RETURNING 1
    """
    await rows(hub.pool, merged, delivery)
    asked: LiteralString = "SELECT kind FROM delivery_event WHERE delivery_id = %s"
    for case, kinds in (("f" * 32, []), ("e" * 32, [("actioned",)])):
        await take(hub, delivery, digest, [("ACTIONED", None)], case=case)
        assert await rows(hub.pool, asked, delivery) == kinds


@pytest.mark.parametrize("lost", ["a number", "a redelivery", "an acknowledgement"])
async def test_what_was_published_of_a_receipt_goes_before_what_is_noted_of_it_again(
    hub: Living, lost: str
) -> None:
    """A restored database reads the receipt, then from the topic how it was when it first came."""
    delivery, digest = await told(hub)
    refuses = lost == "an acknowledgement"
    said = {"level": "REFUSED", "reason": "Not ours."} if refuses else {"level": "READ", "digest": digest}
    await hub.tell(COUNSELLOR, MessageName.RECEIPT, {"delivery": delivery, **said})
    kinds = ("refused",) if refuses else ("acknowledged", "read")
    await noted(hub, delivery, *kinds)
    asked: LiteralString = (
        "SELECT event_id, case_ref, at FROM delivery_event WHERE delivery_id = %s ORDER BY event LIMIT 1"
    )
    ((event_id, case, noted_at),) = await rows(hub.pool, asked, delivery)

    def event(kind: str, state: str, sequence: int | None, *, after_s: int, of: str) -> dict[str, object]:
        """As it stands on the topic: an hour ago."""
        happening = Happening(
            event_id=of,
            delivery_id=delivery,
            organisation=RECOVERY,
            case=case,
            kind=kind,
            channel="receipt" if of == event_id else "mailbox",
            said={},
            state=state,
            sequence=sequence,
            at_us=microseconds(noted_at - timedelta(hours=1, seconds=-after_s)),
        )
        return event_values(happening, published_at=noted_at)

    first = event("fetched", "fetched", 7, after_s=0, of="9" * 32)
    happened, stands = {
        "a number": (
            [first, event("acknowledged", "acknowledged", 7, after_s=1, of=event_id)],
            "acknowledged",
        ),
        "a redelivery": (
            [
                first,
                event("acknowledged", "acknowledged", 7, after_s=1, of=event_id),
                event("redelivered", "available", 7, after_s=2, of="8" * 32),
            ],
            "available",
        ),
        "an acknowledgement": (
            [
                first,
                event("acknowledged", "acknowledged", 7, after_s=1, of="8" * 32),
                event("refused", "acknowledged", 7, after_s=2, of=event_id),
            ],
            "acknowledged",
        ),
    }[lost]
    # What was noted again has been published too, before this was read.
    happened.append(event(kinds[0], kinds[0], None, after_s=3600, of=event_id))
    async with hub.pool.connection() as connection, connection.transaction():
        await bring_back(connection, entered=[], happened=happened)
    assert await rows(hub.pool, STANDS, delivery) == [(stands, 7)]
    async with hub.pool.connection() as connection, connection.transaction():
        await bring_back(connection, entered=[], happened=happened)
    assert await rows(hub.pool, STANDS, delivery) == [(stands, 7)]


@pytest.mark.requirement("R-ADM-03")
async def test_an_alert_is_not_answered_by_a_receipt_for_other_bytes(hub: Living) -> None:
    """By Kafka, where no door refuses it: the alert is awaited until what was sent is spoken of."""
    risk = {"kind": "FACTOR", "urgency": "IMMEDIATE", "factor": "An invented factor", "factor_change": "NEW"}
    sent = await hub.tell(COUNSELLOR, MessageName.RISK_CHANGE, risk)
    asked: LiteralString = """
        SELECT delivery_id, case_ref, encode(digest, 'hex') FROM delivery
         WHERE message_id = %s AND role = 'offender_manager'
    """
    ((alert, case, digest),) = await rows(hub.pool, asked, sent)
    for named, awaited in (("0" * 64, [digest]), (digest, [])):
        said = {"delivery": alert, "level": "READ", "by_role": "offender_manager", "digest": named}
        await hub.tell(MANAGER, MessageName.RECEIPT, said)
        await until(partial(_awaits, hub, case, alert, awaited))


@pytest.mark.public_door
async def test_a_level_does_not_fall_when_a_delivery_ends(hub: Living) -> None:
    """What was fetched and then refused was fetched."""
    delivery, _ = await told(hub)
    assert (await hub.fetch(delivery)).is_success
    assert await level(hub, delivery) == ("fetched", None)
    refused = await hub.clients[RECOVERY].put(
        f"/v1/mailbox/messages/{delivery}/status/refused", json={"reason": "This person is not with us."}
    )
    assert refused.is_success
    assert await level(hub, delivery) == ("fetched", "refused")


async def _awaits(hub: Living, case: str, alert: str, digests: list[str]) -> bool:
    ((key_id, nonce, box),) = await rows(
        hub.pool, "SELECT key_id, nonce, box FROM case_state WHERE case_ref = %s", case
    )
    kept = hub.codec.case_opened(CaseRef(case), Sealed(key_id=key_id, nonce=bytes(nonce), box=bytes(box)))
    return [each.digest for each in kept.awaiting if each.delivery == alert] == digests
