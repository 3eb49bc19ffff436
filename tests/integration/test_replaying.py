"""`hub quarantine replay`: what was set aside is put to a running hub again, once its cause is mended."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from aiokafka import AIOKafkaProducer
from typer.testing import CliRunner

from hub.app import running
from hub.cli import app
from hub.cli.partner import amended
from hub.errors import WrongArgument
from hub.topics.codec import SUBMISSION
from hub.topics.library import frame
from tests.integration.test_overrides import HOUSING, PURPOSES, REGION, WAIT_S, organisation, party

if TYPE_CHECKING:
    from hub.app import Hub
    from hub.settings import Settings
    from tests.integration.test_overrides import Party

BY = ("--by", "Tomasz Birch", "--why", "the referral was sent late", "--yes")
PROGRESS: dict[str, object] = {
    "referral": "RF-1",
    "kind": "SESSION",
    "attendance": "ATTENDED",
    "note": "Came on time.",
}
OFFER: dict[str, object] = {
    "referral": "RF-1",
    "action": "OFFER",
    "provider": HOUSING,
    "rung": 3,
    "typology": "BARRIER_FACTORS",
    "nature": "REHABILITATIVE",
    "category": "ACCOMMODATION",
    "intervention": "An invented intervention",
}
OM = {"action": "APPOINT", "role": "offender_manager", "organisation": REGION, "person": "om-fern"}


async def replay(hub: Hub, *options: str) -> str:
    """What `hub quarantine replay` says."""
    return await quarantine(hub, "replay", *options)


async def quarantine(hub: Hub, *options: str) -> str:
    """What a command of `hub quarantine` says."""
    arguments = ["quarantine", *options]
    environment = {"HUB_INSTANCE": hub.settings.instance, "HUB_KAFKA": hub.bootstrap, "HUB_DATABASE": hub.dsn}
    done = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=environment)
    return str(done.output)


async def check_tied(hub: Hub, first: str, second: str) -> None:
    """Check that staff see of two records of one message that they are, and which is to be mended."""
    listed = await quarantine(hub, "list")
    assert f"set aside again since, as {second[:12]}" in listed
    assert "2 record(s), 1 to be mended" in listed
    records = json.loads(await quarantine(hub, "list", "--json"))
    tied = [(each["first_record"], each["set_aside_again_as"], each["taken_since"]) for each in records]
    assert tied == [(first, None, False), (None, second, False)]
    assert f"first set aside as  {first}" in await quarantine(hub, "show", second)


async def set_aside(hub: Hub, *, wanted: int) -> list[tuple[Any, ...]]:
    """Wait for so many records set aside; return id, message and code, oldest first."""
    async with asyncio.timeout(WAIT_S):
        while True:
            async with await psycopg.AsyncConnection.connect(hub.dsn) as connection:
                found = await connection.execute(
                    "SELECT record_id, message_id, code FROM quarantine ORDER BY set_aside_at"
                )
                rows = list(await found.fetchall())
            if len(rows) >= wanted:
                return rows
            await asyncio.sleep(0.1)


async def housing_offered(region: Party, housing: Party) -> None:
    """Open a case, appoint its Offender Manager, offer the housing provider a referral it learns of."""
    opened = await region.taken(
        "cases", {"action": "OPENED", "forename": "First", "jurisdiction": "ENGLAND_AND_WALES", "tier": 2}
    )
    region.case = str(opened["case"])
    await region.taken("team-changes", dict(OM))
    await region.taken("referrals", dict(OFFER))
    housing.case = str((await housing.delivered("referral", referral="RF-1"))["envelope"]["ce_subject"])


@pytest.mark.requirement("R-DEL-02")
@pytest.mark.public_door
@pytest.mark.timeout(180)
async def test_what_was_set_aside_is_taken_once_its_cause_is_mended_and_only_once(settings: Settings) -> None:
    """Before that it is set aside again; afterwards the recipient has it, under the id its sender knows."""
    async with running(settings) as hub:
        region_key = await hub.add_organisation(
            organisation(REGION, sends=["case", "team-change", "referral"])
        )
        provider = organisation(
            HOUSING,
            kind="partner",
            rung=3,
            legal_status="listed",
            purposes=PURPOSES,
            sends=["referral", "progress"],
        )
        housing_key = await hub.add_organisation(provider)
        async with party(hub, region_key) as region, party(hub, housing_key) as housing:
            await housing_offered(region, housing)
            worker = {"author": "kw-reed", "role": "key_worker"}
            answer = await housing.taken("progress", PROGRESS | {"referral": "RF-2"}, **worker)
            ((first, message, code),) = await set_aside(hub, wanted=1)
            assert code == "REFERRAL-UNKNOWN"

            refused = await asyncio.to_thread(
                CliRunner().invoke, app, ["quarantine", "replay", "--record", first]
            )
            assert isinstance(refused.exception, WrongArgument)
            looked = await replay(hub, "--organisation", HOUSING, "--code", "referral-unknown", "--dry-run")
            assert f"1 progress from {HOUSING}, set aside for REFERRAL-UNKNOWN" in looked
            assert "Nothing was done." in looked
            assert len(await set_aside(hub, wanted=1)) == 1

            vain = await replay(hub, "--record", first[:10], *BY)
            _, (second, same, again) = await set_aside(hub, wanted=2)
            assert (same, again) == (message, "REFERRAL-UNKNOWN")
            assert f"{first[:12]} set aside again as {second[:12]}, for REFERRAL-UNKNOWN" in vain
            await check_tied(hub, first, second)
            assert f"it was set aside again since, as {second}" in await replay(hub, "--record", first, *BY)

            await region.taken("referrals", OFFER | {"referral": "RF-2"})
            assert "1 of them taken" in await replay(hub, "--organisation", HOUSING, *BY)
            assert (await housing.http.get(str(answer["status_url"]))).json()["state"] == "routed"
            assert "2 record(s), 0 to be mended" in await quarantine(hub, "list")
            assert (await region.delivered("progress", referral="RF-2"))["data"]["note"] == PROGRESS["note"]

            assert "a message has been taken under its id" in await replay(hub, "--record", second, *BY)
            assert "0 record(s) match" in await replay(hub, "--organisation", HOUSING, *BY)
            listed = (await region.http.get("/v1/mailbox/messages")).json()["messages"]
            assert [each["type"] for each in listed].count("progress") == 1
        async with await psycopg.AsyncConnection.connect(hub.dsn) as connection:
            found = await connection.execute(
                "SELECT kind, subject, organisation, by_name FROM remedy ORDER BY 2"
            )
            recorded = set(await found.fetchall())
    assert recorded == {("replayed", each, HOUSING, "Tomasz Birch") for each in (first, second)}


@pytest.mark.requirement("R-DEL-02")
@pytest.mark.public_door
@pytest.mark.timeout(180)
async def test_a_record_of_an_organisations_own_topic_passes_the_door_again(settings: Settings) -> None:
    """Not while its type is not agreed; then it is taken, and only once; a broken one never is."""
    async with running(settings) as hub:
        region_key = await hub.add_organisation(
            organisation(REGION, sends=["case", "team-change", "referral"])
        )
        provider = organisation(
            HOUSING, kind="partner", rung=3, legal_status="listed", purposes=PURPOSES, sends=["referral"]
        )
        housing_key = await hub.add_organisation(provider)
        async with party(hub, region_key) as region, party(hub, housing_key) as housing:
            await housing_offered(region, housing)
            accept: dict[str, object] = {"referral": "RF-1", "action": "ACCEPT", "key_worker": "kw-reed"}
            await housing.taken("referrals", accept, author="kw-reed", role="key_worker")
            whole = written(hub, str(housing.case))
            await send(hub, whole, whole[:-4])
            codes = {code for _, _, code in await set_aside(hub, wanted=2)}
            assert codes == {"MESSAGE-NOT-AGREED", "AVRO-TRUNCATED"}

            looked = await replay(hub, "--organisation", HOUSING, *BY)
            assert "cannot: MESSAGE-NOT-AGREED" in looked
            assert "cannot: AVRO-TRUNCATED" in looked
            await hub.put_organisation(
                amended(await hub.organisation(HOUSING), {"sends": ["referral", "progress"]})
            )
            done = await replay(hub, "--organisation", HOUSING, *BY)
            assert "1 record(s), 1 of them taken" in done
            assert "cannot: AVRO-TRUNCATED" in done
            await region.delivered("progress", note="Came on time.")
            again = await replay(hub, "--organisation", HOUSING, "--code", "MESSAGE-NOT-AGREED", *BY)
            assert re.search("cannot: a message has been taken under its id", again)


def written(hub: Hub, case: str) -> bytes:
    """A message as the housing provider writes it on its own topic."""
    library = hub.codec.library
    said = {
        "message": "progress",
        "contract": "1.0",
        "case": case,
        "occurred_at": 1_772_442_900_000,
        "author": "kw-reed",
        "author_role": "key_worker",
        "statement": "fact",
        "correlation": None,
        "causation": None,
        "classes": {},
        "payload": library.encode(library.contract("progress", "1.0"), PROGRESS),
    }
    return frame(SUBMISSION, library.encode(library.by_id(SUBMISSION), said))


async def send(hub: Hub, *values: bytes) -> None:
    """Write to the housing provider's own topic."""
    producer = AIOKafkaProducer(bootstrap_servers=hub.bootstrap)
    await producer.start()
    try:
        for number, value in enumerate(values):
            headers = [("message-id", f"own-{number}".encode())]
            topic = hub.catalogue.inbox_name(HOUSING)  # type: ignore[arg-type]
            await producer.send_and_wait(topic, value, partition=0, headers=headers)
    finally:
        await producer.stop()
