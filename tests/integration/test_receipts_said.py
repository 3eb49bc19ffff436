"""What a recipient says of a delivery by a receipt: its sender sees it, and what follows, on a whole hub."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, LiteralString

import pytest
from httpx import HTTPStatusError

from hub.adapters.ledger import ProjectorLimits, Relay, drop_projection
from hub.adapters.ledger.happened import bring_back, event_values, microseconds
from hub.adapters.ledger.receipts import take_receipts
from hub.adapters.ledger.tally import tally
from hub.messages.envelope import MessageName
from hub.messages.receipt import ReceiptLevel
from hub.topics.happenings import Happening
from tests.integration.living_world import CALM_S, SAID, living
from tests.integration.projected_world import rows, running, until
from tests.integration.test_expiring import collected, expirer, quiet
from tests.unit.worlds import COUNSELLOR, HOUSING_OFFICER, MANAGER, RECOVERY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hub.settings import Settings
    from tests.integration.living_world import Living
    from tests.unit.worlds import Staff

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("R-DEL-02", "R-MSG-11")]
EVENTS: LiteralString = """
SELECT kind, channel, state, said->>'role' FROM delivery_event WHERE delivery_id = %s ORDER BY event
"""
KEPT: LiteralString = """
SELECT delivery_id, kind, channel, said FROM delivery_event WHERE kind <> 'stood'
 ORDER BY delivery_id, kind, event_id
"""
LATE_DAYS, EXPIRED_DAYS = 1.1, 8


@pytest.fixture
async def hub(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path, settings: Settings
) -> AsyncIterator[Living]:
    """A whole hub with one case, at which nothing is unacknowledged but what a test sends."""
    async with living(kafka, fresh_database, prefix=topic_prefix, folder=tmp_path, settings=settings) as made:
        await quiet(made)
        yield made


async def told(hub: Living) -> tuple[str, str]:
    """Tell the drug service what safety hangs on; returns the delivery that alone waits, and its digest."""
    delivery = await hub.health_told()
    await rows(
        hub.pool,
        """
        UPDATE delivery SET by_kafka = false, urgency = 'safety',
                            state = CASE delivery_id WHEN %s THEN state ELSE 'acknowledged' END RETURNING 1
        """,
        delivery,
    )
    asked: LiteralString = "SELECT encode(digest, 'hex') FROM delivery WHERE delivery_id = %s"
    ((digest,),) = await rows(hub.pool, asked, delivery)
    return delivery, str(digest)


async def post(hub: Living, delivery: str, level: str, *, by: Staff = COUNSELLOR, **more: str) -> str:
    """Post a receipt and wait until it is routed; returns where its state is read."""
    ((case,),) = await rows(hub.pool, "SELECT case_ref FROM delivery WHERE delivery_id = %s", delivery)
    body = {
        "contract": "1.0",
        "case": hub.codec.pairwise.case(by.organisation, case),
        "occurred_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "author": by.person,
        "author_role": by.role.value,
        "statement": "fact",
        "data": {"delivery": delivery, "level": level, **more},
    }
    client, key = hub.clients[by.organisation], f"{delivery}-{level}-{len(more)}"
    answer = await client.post("/v1/receipts", json=body, headers={"Idempotency-Key": key})
    status = str(answer.raise_for_status().json()["status_url"])

    async def taken() -> bool:
        found = (await client.get(status)).raise_for_status().json()
        assert found["state"] != "refused", found
        return bool(found["state"] == "routed")

    await until(taken)
    return status


async def noted(hub: Living, delivery: str, *kinds: str) -> list[Any]:
    """Wait until so much has been noted of a delivery; returns all of it."""
    await until(lambda: _are(hub, delivery, kinds))
    return await rows(hub.pool, EVENTS, delivery)


async def _are(hub: Living, delivery: str, kinds: tuple[str, ...]) -> bool:
    return tuple(str(row[0]) for row in await rows(hub.pool, EVENTS, delivery)) == kinds


async def level(hub: Living, delivery: str) -> tuple[str, str | None]:
    """How far the message of a delivery got with the drug service, as the Offender Manager sees it."""
    asked: LiteralString = """
        UPDATE submission SET organisation = %s WHERE message_id = (
            SELECT message_id FROM delivery WHERE delivery_id = %s) RETURNING message_id
    """
    ((message,),) = await rows(hub.pool, asked, MANAGER.organisation, delivery)
    reference = hub.codec.pairwise.message(MANAGER.organisation, message)
    answer = await hub.clients[MANAGER.organisation].get(f"/v1/messages/{reference}")
    (found,) = (r for r in answer.raise_for_status().json()["receipts"] if r["organisation"] == RECOVERY)
    return found["level"], found["ended"]


@pytest.mark.public_door
async def test_what_was_done_on_a_message_reaches_its_sender_and_leaves_the_mailbox_as_it_is(
    hub: Living,
) -> None:
    """L5 by a posted receipt without the digest: shown, not late, not expired, still to be acknowledged."""
    delivery, digest = await told(hub)
    assert await level(hub, delivery) == ("accepted", None)
    await post(hub, delivery, "FETCHED")
    await noted(hub, delivery, "fetched")
    assert await level(hub, delivery) == ("fetched", None)
    await post(hub, delivery, "ACTIONED")
    found = await noted(hub, delivery, "fetched", "actioned")
    assert found[1] == ("actioned", "receipt", "available", "key_worker")
    assert await level(hub, delivery) == ("actioned", None)
    assert await hub.lists(delivery)
    assert await expirer(hub, days=LATE_DAYS).expire() == 0
    await collected(hub)
    assert await expirer(hub, days=EXPIRED_DAYS).expire() == 0
    own = (await hub.clients[RECOVERY].get("/v1/deliveries/undelivered")).json()["deliveries"]
    assert [(each["delivery"], each["reason"]) for each in own] == [(delivery, "answered")]
    assert await hub.acknowledge(delivery, digest) == 204


@pytest.mark.public_door
async def test_acknowledged_by_a_receipt_without_the_digest_is_no_silence_and_no_proof(hub: Living) -> None:
    """The clock of a safety message stops, the delivery waits on; who has another digest has said nothing."""
    delivery, digest = await told(hub)
    with pytest.raises(HTTPStatusError, match="422"):
        await post(hub, delivery, "ACKNOWLEDGED", digest="0" * 64)
    other = {"delivery": delivery, "level": "ACKNOWLEDGED", "digest": "0" * 64}
    await hub.tell(COUNSELLOR, MessageName.RECEIPT, other)
    assert await expirer(hub, days=LATE_DAYS).expire() == 1
    await rows(hub.pool, "UPDATE delivery SET late_told_at = NULL RETURNING 1")
    await post(hub, delivery, "ACKNOWLEDGED")
    (_, confirmed) = await noted(hub, delivery, "told_late", "confirmed")
    assert confirmed == ("confirmed", "receipt", "available", "key_worker")
    assert await level(hub, delivery) == ("fetched", None)
    assert await hub.lists(delivery)
    assert await expirer(hub, days=LATE_DAYS).expire() == 0

    await post(hub, delivery, "ACKNOWLEDGED", digest=digest, by_role="key_worker")
    found = await noted(hub, delivery, "told_late", "confirmed", "acknowledged")
    assert found[2] == ("acknowledged", "receipt", "acknowledged", "key_worker")
    assert await level(hub, delivery) == ("acknowledged", None)
    assert not await hub.lists(delivery)


async def test_only_the_recipient_can_say_anything_of_a_delivery_and_only_once(hub: Living) -> None:
    """Not another organisation of the same case; and what the mailbox has noted is not noted again."""
    delivery, digest = await told(hub)
    await hub.tell(HOUSING_OFFICER, MessageName.RECEIPT, {"delivery": delivery, "level": "ACTIONED"})
    read = await hub.clients[RECOVERY].put(
        f"/v1/mailbox/messages/{delivery}/status/read", json={"role": "key_worker"}
    )
    assert read.status_code == 202
    await hub.tell(
        COUNSELLOR, MessageName.RECEIPT, {"delivery": delivery, "level": "READ", "by_role": "key_worker"}
    )
    await hub.tell(
        COUNSELLOR,
        MessageName.RECEIPT,
        {"delivery": delivery, "level": "READ", "by_role": "line_manager", "digest": digest},
    )
    found = await noted(hub, delivery, "read", "acknowledged", "read")
    assert [(row[0], row[1], row[3]) for row in found] == [
        ("read", "mailbox", "key_worker"),
        ("acknowledged", "receipt", "line_manager"),
        ("read", "receipt", "line_manager"),
    ]


async def test_a_refusal_by_a_receipt_is_one_said_to_the_mailbox(hub: Living) -> None:
    """Listed no more, and its recipient reads why; what is held is decided first."""
    delivery, digest = await told(hub)
    await rows(hub.pool, "UPDATE delivery SET held = true WHERE delivery_id = %s RETURNING 1", delivery)
    proved = {"delivery": delivery, "level": "ACKNOWLEDGED", "digest": digest}
    await hub.tell(COUNSELLOR, MessageName.RECEIPT, proved)
    await noted(hub, delivery, "confirmed")
    await rows(hub.pool, "UPDATE delivery SET held = false WHERE delivery_id = %s RETURNING 1", delivery)
    assert await hub.lists(delivery)
    refusal = {"delivery": delivery, "level": "REFUSED", "reason": "Nobody here works with this person."}
    await hub.tell(COUNSELLOR, MessageName.RECEIPT, refusal)
    found = await noted(hub, delivery, "confirmed", "refused")
    assert found[1] == ("refused", "receipt", "refused", "key_worker")
    gone = await hub.fetch(delivery)
    assert (gone.status_code, gone.json()["code"]) == (410, "delivery-refused")
    assert await level(hub, delivery) == ("fetched", "refused")


async def test_what_was_read_is_refused_no_more(hub: Living) -> None:
    """That it was said stands there; the delivery waits on, to be acknowledged."""
    delivery, _ = await told(hub)
    for said in ({"level": "READ"}, {"level": "REFUSED", "reason": "It was a mistake."}):
        await hub.tell(COUNSELLOR, MessageName.RECEIPT, {"delivery": delivery, **said})
    await noted(hub, delivery, "read", "refused")
    assert await hub.lists(delivery)
    assert await level(hub, delivery) == ("read", None)


async def test_a_receipt_on_the_case_that_carries_on_another_speaks_of_that_ones_deliveries(
    hub: Living,
) -> None:
    """But of no delivery on any other case, though it is its sender's own."""
    delivery, _ = await told(hub)
    moved: LiteralString = "UPDATE delivery SET case_ref = %s WHERE delivery_id = %s RETURNING 1"
    ((case,),) = await rows(hub.pool, "SELECT case_ref FROM delivery WHERE delivery_id = %s", delivery)
    await rows(hub.pool, moved, "e" * 32, delivery)
    await hub.tell(COUNSELLOR, MessageName.RECEIPT, {"delivery": delivery, "level": "FETCHED"})
    await asyncio.sleep(CALM_S)
    assert await rows(hub.pool, EVENTS, delivery) == []
    said = {"delivery": delivery, "organisation": RECOVERY, "level": ReceiptLevel.ACTIONED, "digest": None}
    ids = {"receipt": "1" * 32, "event_id": "2" * 32, "proof_id": "3" * 32}
    async with hub.pool.connection() as connection, connection.transaction():
        # As the projector finds it: it has entered who carries on whom before it takes a receipt.
        merged: LiteralString = "INSERT INTO merged_case (case_ref, into_ref) VALUES (%s, %s)"
        await connection.execute(merged, ("e" * 32, case))
        await take_receipts(connection, [said | ids | {"case_ref": case, "role": "key_worker"}])
    await noted(hub, delivery, "actioned")


async def test_a_receipt_of_which_nobody_is_told_counts_too(hub: Living) -> None:
    """The Offender Manager's own receipt goes to nobody: what it says stands on its delivery all the same."""
    sent = await hub.tell(HOUSING_OFFICER, MessageName.PROGRESS, {**SAID})
    asked: LiteralString = (
        "SELECT delivery_id FROM delivery WHERE message_id = %s AND role = 'offender_manager'"
    )
    ((delivery,),) = await rows(hub.pool, asked, sent)
    await hub.tell(MANAGER, MessageName.RECEIPT, {"delivery": delivery, "level": "ACTIONED"})
    await noted(hub, delivery, "actioned")


@pytest.mark.parametrize("kept", ["events", "topic", "nothing"])
async def test_a_projection_made_again_has_what_was_said(hub: Living, kept: str) -> None:
    """From the events, from their topic, or, where both are lost, from the receipts themselves; each once."""
    delivery, digest = await told(hub)
    sent = [
        {"level": "ACTIONED"},
        {"level": "ACTIONED", "by_role": "line_manager"},
        {"level": "READ", "digest": digest},
    ]
    for each in sent:
        await hub.tell(COUNSELLOR, MessageName.RECEIPT, {"delivery": delivery, **each})
    await noted(hub, delivery, "actioned", "actioned", "acknowledged", "read")
    before = await rows(hub.pool, KEPT)
    if kept == "topic":
        relay = Relay(
            bootstrap=hub.bootstrap,
            pool=hub.pool,
            codec=hub.codec,
            catalogue=hub.catalogue,
            days=30,
            limits=ProjectorLimits(),
        )
        async with running(relay.run):
            await until(lambda: _published(hub))
    await drop_projection(hub.pool)
    if kept != "events":
        await rows(hub.pool, "DELETE FROM delivery_event RETURNING 1")

    async def back() -> bool:
        found = await rows(hub.pool, "SELECT state FROM delivery WHERE delivery_id = %s", delivery)
        return found == [("acknowledged",)] and await rows(hub.pool, KEPT) == before

    await until(back)
    await asyncio.sleep(0.3)
    assert await back()
    if kept == "events":
        async with hub.pool.connection() as connection:
            wrong = (await tally(connection, young_s=0, limit=100)).wrong
        assert [each for each in wrong if each.delivery_id == delivery] == []


async def test_what_is_noted_again_brings_no_older_state_back(hub: Living) -> None:
    """A database restored from before an acknowledgement reads the receipt first, and then what was lost."""
    delivery, _ = await told(hub)
    await hub.tell(COUNSELLOR, MessageName.RECEIPT, {"delivery": delivery, "level": "ACTIONED"})
    await noted(hub, delivery, "actioned")
    ((case, at),) = await rows(
        hub.pool, "SELECT case_ref, at FROM delivery_event WHERE delivery_id = %s", delivery
    )
    lost = Happening(
        event_id="9" * 32,
        delivery_id=delivery,
        organisation=RECOVERY,
        case=case,
        kind="acknowledged",
        channel="mailbox",
        said={},
        state="acknowledged",
        sequence=None,
        at_us=microseconds(at) - 1,
    )
    async with hub.pool.connection() as connection, connection.transaction():
        await bring_back(connection, entered=[], happened=[event_values(lost, published_at=at)])
    assert (await hub.row(delivery))[2] == "acknowledged"


async def _published(hub: Living) -> bool:
    return await rows(hub.pool, "SELECT 1 FROM delivery_event WHERE published_at IS NULL LIMIT 1") == []
