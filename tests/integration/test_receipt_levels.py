"""How far a message got, as its sender sees it: the Offender Manager's people all of it, others little."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from hub.messages.envelope import MessageName
from tests.integration.living_world import CALM_S, HEALTH, SAID, living
from tests.integration.projected_world import rows, until
from tests.unit.worlds import ADMINISTRATOR, HOUSING, HOUSING_OFFICER, MANAGER, RECOVERY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hub.messages.identifiers import MessageId, OrganisationId
    from hub.settings import Settings
    from tests.integration.living_world import Living

pytestmark = pytest.mark.timeout(120)
PROBATION = MANAGER.organisation


@pytest.fixture
async def hub(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path, settings: Settings
) -> AsyncIterator[Living]:
    """A whole hub with one case."""
    async with living(kafka, fresh_database, prefix=topic_prefix, folder=tmp_path, settings=settings) as made:
        await asyncio.sleep(CALM_S)
        yield made


async def receipts(hub: Living, sender: OrganisationId, message: MessageId) -> list[dict[str, Any]]:
    """What the sender of a message is shown of how far it got."""
    reference = hub.codec.pairwise.message(sender, message)
    answer = await hub.clients[sender].get(f"/v1/messages/{reference}")
    return list(answer.raise_for_status().json()["receipts"])


async def by_mailbox(hub: Living, message: MessageId) -> None:
    """Have a message go by no topic, so that its levels begin at the first."""
    await rows(hub.pool, "UPDATE delivery SET by_kafka = false WHERE message_id = %s RETURNING 1", message)


async def one(hub: Living, message: MessageId, organisation: OrganisationId, role: str) -> tuple[str, str]:
    """A delivery of a message, with its digest."""
    ((delivery, digest),) = await rows(
        hub.pool,
        "SELECT delivery_id, encode(digest, 'hex') FROM delivery"
        " WHERE message_id = %s AND organisation = %s AND role = %s",
        message,
        organisation,
        role,
    )
    return str(delivery), str(digest)


@pytest.mark.requirement("R-DEL-02", "R-DIS-01")
async def test_a_partner_sees_how_far_it_got_with_the_offender_manager_and_nobody_else(hub: Living) -> None:
    """The drug service gets it too, and acknowledges it: the housing provider learns nothing of that."""
    sent = await hub.tell(HOUSING_OFFICER, MessageName.PROGRESS, {**SAID})
    await by_mailbox(hub, sent)
    manager = {"role": "offender_manager", "organisation": None, "ended": None}
    assert await receipts(hub, HOUSING, sent) == [manager | {"level": "accepted"}]
    other, digest = await one(hub, sent, RECOVERY, "key_worker")
    await hub.fetch(other)
    assert await hub.acknowledge(other, digest) == 204
    assert await receipts(hub, HOUSING, sent) == [manager | {"level": "accepted"}]

    own, digest = await one(hub, sent, PROBATION, "offender_manager")
    await hub.fetch(own, PROBATION)
    assert await receipts(hub, HOUSING, sent) == [manager | {"level": "fetched"}]
    assert await hub.acknowledge(own, digest, PROBATION) == 204
    assert await receipts(hub, HOUSING, sent) == [manager | {"level": "acknowledged"}]
    reference = hub.codec.pairwise.message(HOUSING, sent)
    assert (await hub.clients[RECOVERY].get(f"/v1/messages/{reference}")).status_code == 404


@pytest.mark.requirement("R-DEL-02", "R-DIS-01")
async def test_what_is_held_or_stopped_changes_nothing_of_what_a_sender_sees(hub: Living) -> None:
    """A decision about another is not read off a level."""
    sent = await hub.tell(HOUSING_OFFICER, MessageName.PROGRESS, {**SAID})
    await by_mailbox(hub, sent)
    before = await receipts(hub, HOUSING, sent)
    for change in ("held = true", "held = false, verdict = 'stop'"):
        await rows(hub.pool, f"UPDATE delivery SET {change} WHERE message_id = %s RETURNING 1", sent)  # noqa: S608
        assert await receipts(hub, HOUSING, sent) == before


@pytest.mark.requirement("R-DEL-02", "R-DIS-01")
async def test_the_offender_managers_organisation_sees_who_of_the_team_has_what(hub: Living) -> None:
    """Each by role and organisation, with how it ended; who is not on the team is not shown."""
    sent = await hub.tell(ADMINISTRATOR, MessageName.CONSENT, {**HEALTH, "action": "GIVEN"})
    await by_mailbox(hub, sent)
    shown = await receipts(hub, PROBATION, sent)
    places = {(each["role"], each["organisation"]) for each in shown}
    delivered = await rows(hub.pool, "SELECT role, organisation FROM delivery WHERE message_id = %s", sent)
    assert places == {tuple(each) for each in delivered}
    assert {each["level"] for each in shown} <= {"accepted"}
    assert ("key_worker", RECOVERY) in places
    own, _ = await one(hub, sent, RECOVERY, "key_worker")
    await rows(hub.pool, "UPDATE delivery SET state = 'expired' WHERE delivery_id = %s RETURNING 1", own)
    found = {each["organisation"]: each for each in await receipts(hub, PROBATION, sent)}
    assert (found[RECOVERY]["level"], found[RECOVERY]["ended"]) == ("accepted", "expired")
    await rows(
        hub.pool,
        "UPDATE delivery SET role = 'victim_contact_unit' WHERE delivery_id = %s RETURNING 1",
        own,
    )
    assert RECOVERY not in {each["organisation"] for each in await receipts(hub, PROBATION, sent)}


@pytest.mark.requirement("R-DEL-02")
async def test_who_read_it_and_whose_topic_carried_it_counts(hub: Living) -> None:
    """A topic of one's own is transport, not receipt; a role that has read it is more than a system has."""
    sent = await hub.tell(HOUSING_OFFICER, MessageName.PROGRESS, {**SAID})
    await rows(hub.pool, "UPDATE delivery SET by_kafka = true WHERE message_id = %s RETURNING 1", sent)
    assert [each["level"] for each in await receipts(hub, HOUSING, sent)] == ["transported"]
    own, _ = await one(hub, sent, PROBATION, "offender_manager")
    await rows(
        hub.pool,
        "INSERT INTO delivery_event (delivery_id, organisation, case_ref, kind, channel, state)"
        " SELECT delivery_id, organisation, case_ref, 'read', 'mailbox', state FROM delivery"
        " WHERE delivery_id = %s RETURNING 1",
        own,
    )
    assert [each["level"] for each in await receipts(hub, HOUSING, sent)] == ["read"]


@pytest.mark.public_door
@pytest.mark.requirement("R-DEL-01", "R-DEL-02", "R-MSG-11")
async def test_what_people_do_with_a_delivery_reaches_case_and_sender(hub: Living) -> None:
    """Posted, fetched, read and refused over HTTP: both receipts are taken, and the sender sees the level."""
    ((case,),) = await rows(hub.pool, "SELECT DISTINCT case_ref FROM delivery")
    body = {
        "contract": "1.0",
        "case": hub.codec.pairwise.case(HOUSING, case),
        "occurred_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "author": HOUSING_OFFICER.person,
        "author_role": HOUSING_OFFICER.role.value,
        "statement": "fact",
        "data": SAID,
    }
    posted = await hub.clients[HOUSING].post("/v1/progress", json=body, headers={"Idempotency-Key": "post-1"})
    assert posted.status_code == 202
    status = posted.json()["status_url"]

    async def state(who: OrganisationId, url: str) -> dict[str, Any]:
        found = (await hub.clients[who].get(url)).raise_for_status().json()
        assert found["state"] != "refused", found
        return dict(found)

    async def arrived() -> bool:
        return (await state(HOUSING, status))["state"] == "routed" and all(
            [await progress(who) for who in (PROBATION, RECOVERY)]
        )

    async def progress(who: OrganisationId) -> list[str]:
        return [each["delivery"] for each in await hub.waiting(who) if each["type"] == "progress"]

    await until(arrived)
    for each in await progress(PROBATION):
        read = (await hub.fetch(each, PROBATION)).json()
        assert read["sequence"] >= 1
        role = read["envelope"]["hub-role"]
        address = f"/v1/mailbox/messages/{each}/status/read"
        done = await hub.clients[PROBATION].put(address, json={"role": role, "person": "somebody-1"})
        assert done.status_code == 202
        receipt = done.json()["status_url"]

        async def taken(url: str = receipt) -> bool:
            return bool((await state(PROBATION, url))["state"] == "routed")

        await until(taken)
    (refused,) = await progress(RECOVERY)
    address = f"/v1/mailbox/messages/{refused}/status/refused"
    done = await hub.clients[RECOVERY].put(address, json={"reason": "Nobody here works with this person."})

    async def told() -> bool:
        return bool((await state(RECOVERY, done.json()["status_url"]))["state"] == "routed")

    await until(told)
    assert await progress(RECOVERY) == []
    assert (await hub.fetch(refused)).json()["code"] == "delivery-refused"
    shown = (await state(HOUSING, status))["receipts"]
    assert [(each["role"], each["level"]) for each in shown] == [("offender_manager", "read")]
