"""One delivery, three readers that are no part of the hub: aiokafka, Kafka's console consumer, curl."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer

from hub.app import running
from hub.installation import tools
from hub.installation.first_start import ensure_jars
from hub.topics.library import unframe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiokafka import ConsumerRecord

    from hub.app import Hub
    from hub.settings import Settings

REGION, SERVICE = "example-region", "example-drug-service"
WAIT_S = 20
OPENED = {
    "contract": "1.0",
    "occurred_at": "2026-03-02T09:15:00Z",
    "author": "om-fern",
    "author_role": "offender_manager",
    "statement": "fact",
    "data": {
        "action": "OPENED",
        "forename": "Testperson",
        "surname": "Elderflower",
        "jurisdiction": "ENGLAND_AND_WALES",
        "region": "N55",
        "tier": 2,
    },
}


def organisation(name: str, **changes: object) -> dict[str, object]:
    """An organisation's description, a probation region unless changed."""
    purposes = [
        "case_administration",
        "referral",
        "sentence_plan",
        "progress",
        "risk_alert",
        "transfer_release",
    ]
    return {
        "organisation": name,
        "name": name.replace("-", " ").title(),
        "kind": "probation",
        "rung": 1,
        "legal_status": "in_house",
        "status_evidence": "Example order",
        "standing": "active",
        "purposes": purposes,
        "sends": ["case", "team-change", "referral", "plan"],
        "region": "N55",
        "access": "all_cases",
        "policy_document": True,
        **changes,
    }


async def curl(*arguments: str) -> bytes:
    """What curl prints; it must end well."""
    program = shutil.which("curl")
    assert program is not None
    process = await asyncio.create_subprocess_exec(
        program,
        "--silent",
        "--show-error",
        "--fail",
        "--max-time",
        "10",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed


async def console_consumer(bootstrap: str, topic: str) -> bytes:
    """The first record's value as Kafka's own console consumer prints it."""
    jars = os.pathsep.join(str(jar) for jar in sorted(ensure_jars().glob("*.jar")))
    options = ["--bootstrap-server", bootstrap, "--topic", topic, "--from-beginning", "--max-messages", "1"]
    process = await asyncio.create_subprocess_exec(
        tools.java(),
        "-XX:TieredStopAtLevel=1",
        "-cp",
        jars,
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        *options,
        "--isolation-level",
        "read_committed",
        "--timeout-ms",
        str(WAIT_S * 1000),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.removesuffix(b"\n")


async def first_record(bootstrap: str, topic: str) -> ConsumerRecord[bytes, bytes]:
    """The first committed record of a topic."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", isolation_level="read_committed"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(WAIT_S):
            return await consumer.getone()
    finally:
        await consumer.stop()


async def refer(hub: Hub, key: str) -> None:
    """Open a case as the region, appoint its Offender Manager and refer the person to the drug service."""
    async with httpx.AsyncClient(
        base_url=hub.http_url, timeout=10, headers={"Authorization": f"Bearer {key}"}
    ) as http:

        async def post(path: str, body: Mapping[str, object], name: str) -> dict[str, Any]:
            answer = await http.post(path, json=body, headers={"Idempotency-Key": name})
            assert answer.status_code == httpx.codes.ACCEPTED, answer.text
            return dict(answer.json())

        case = (await post("/v1/cases", OPENED, "open"))["case"]
        said = {
            name: OPENED[name] for name in ("contract", "occurred_at", "author", "author_role", "statement")
        }
        team = {"action": "APPOINT", "role": "offender_manager", "organisation": REGION, "person": "om-fern"}
        await post("/v1/team-changes", {**said, "case": case, "data": team}, "appoint")
        referral = {
            "referral": "RF-1",
            "action": "OFFER",
            "provider": SERVICE,
            "rung": 2,
            "typology": "BARRIER_FACTORS",
            "nature": "REHABILITATIVE",
            "category": "DEPENDENCY_RECOVERY",
            "intervention": "Example recovery group",
            "forename": "Testperson",
            "victim_conditions": "Not to go near an invented street",
        }
        await post("/v1/referrals", {**said, "case": case, "data": referral}, "refer")


async def mailbox_delivery(hub: Hub, key: str) -> str:
    """The id of the first delivery in the mailbox, as curl finds it."""
    async with asyncio.timeout(WAIT_S):
        while True:
            listed = json.loads(
                await curl(f"{hub.http_url}/v1/mailbox/messages", "--header", f"Authorization: Bearer {key}")
            )
            if listed["messages"]:
                return str(listed["messages"][0]["delivery"])
            await asyncio.sleep(0.05)


@pytest.mark.requirement("R-DEL-01")
@pytest.mark.timeout(120)
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_a_delivery_is_the_same_for_a_kafka_consumer_the_console_consumer_and_curl(
    settings: Settings,
) -> None:
    """A referral taken by Kafka is byte for byte the one in the mailbox, and is acknowledged there."""
    async with running(settings, ephemeral=True) as hub:
        region_key = await hub.add_organisation(organisation(REGION))
        partner = organisation(
            SERVICE,
            kind="partner",
            rung=2,
            legal_status="under_arrangements",
            kafka=["referral"],
            sends=["referral"],
        )
        service_key = await hub.add_organisation(partner)
        await refer(hub, region_key)
        topic = f"hub.to.{SERVICE}"
        record, printed, delivery = await asyncio.gather(
            first_record(hub.bootstrap, topic),
            console_consumer(hub.bootstrap, topic),
            mailbox_delivery(hub, service_key),
        )
        address = f"{hub.http_url}/v1/mailbox/messages/{delivery}"
        authority = ("--header", f"Authorization: Bearer {service_key}")
        fetched = await curl(address, *authority, "--header", "Accept: application/avro")
        shown = json.loads(await curl(address, *authority))
        digest = hashlib.sha256(fetched).hexdigest()
        await curl(
            f"{address}/status/acknowledged",
            *authority,
            *(
                "--request",
                "PUT",
                "--header",
                "Content-Type: application/json",
                "--data",
                json.dumps({"digest": digest}),
            ),
        )
        waiting = json.loads(await curl(f"{hub.http_url}/v1/mailbox/messages", *authority))

    assert record.value == printed == fetched
    assert record.key == delivery.encode()
    assert {name: value.decode() for name, value in record.headers} == shown["envelope"]
    number, _ = unframe(fetched)
    assert number == hub.codec.library.contract("referral", "1.0").id
    assert shown["data"]["forename"] == "Testperson"
    assert "victim_conditions" not in shown["data"] or shown["data"]["victim_conditions"] is None
    assert b"invented street" not in fetched
    assert waiting["messages"] == []
