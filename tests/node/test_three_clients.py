"""One record of a running hub, read by clients that are no part of it, from the hub's registry and Apicurio.

They are Confluent's Python client, KafkaJS with its registry client, and KafkaJS with avsc alone. What runs
is what docs/reference/registry.md shows, as it stands there.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer

from hub.adapters.registry import open_registry, publish
from hub.app import running
from hub.consent.partner_contracts import contract_from
from hub.topics.library import unframe
from hub.topics.published import message_schemas, view_schemas
from hub.topics.views import view_in
from tests.node.packages import installed, program
from tests.registry.apicurio import RELEASES
from tests.registry.apicurio import running as apicurio_running

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.app import Hub
    from hub.consent.partner_contracts import PartnerContract
    from hub.settings import Settings
    from hub.topics.library import Contract

# A first run fetches Apicurio and the Node packages.
pytestmark = pytest.mark.timeout(600)
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "registry.md"
REGION, SERVICE = "example-region", "quayside-recovery-service"
TOPIC = f"hub.to.{SERVICE}"
READ_S = 60
EPOCH = date(1970, 1, 1)
SAID = {
    "contract": "1.0",
    "occurred_at": "2026-03-02T09:15:00Z",
    "author": "om-fern",
    "author_role": "offender_manager",
    "statement": "fact",
}


def organisation(name: str, **changes: object) -> dict[str, object]:
    """An organisation's description, a probation region unless changed."""
    return {
        "organisation": name,
        "name": name.replace("-", " ").title(),
        "kind": "probation",
        "rung": 1,
        "legal_status": "in_house",
        "status_evidence": "Example order",
        "standing": "active",
        "purposes": ["case_administration", "referral", "sentence_plan", "progress", "risk_alert"],
        "sends": ["case", "team-change", "referral"],
        "region": "N55",
        "access": "all_cases",
        "policy_document": True,
        **changes,
    }


PARTNER = organisation(
    SERVICE,
    kind="partner",
    rung=2,
    legal_status="under_arrangements",
    kafka=["referral"],
    sends=["referral"],
    purposes=["referral"],
)


async def refer(hub: Hub, key: str) -> None:
    """Open a case as the region, appoint its Offender Manager and refer the person to the service."""
    async with httpx.AsyncClient(
        base_url=hub.http_url, timeout=10, headers={"Authorization": f"Bearer {key}"}
    ) as http:

        async def post(path: str, name: str, **body: object) -> dict[str, Any]:
            answer = await http.post(path, json=SAID | body, headers={"Idempotency-Key": name})
            assert answer.status_code == httpx.codes.ACCEPTED, answer.text
            return dict(answer.json())

        opened = {
            "action": "OPENED",
            "forename": "Testperson",
            "surname": "Elderflower",
            "jurisdiction": "ENGLAND_AND_WALES",
            "region": "N55",
            "tier": 2,
        }
        case = (await post("/v1/cases", "open", data=opened))["case"]
        team = {"action": "APPOINT", "role": "offender_manager", "organisation": REGION, "person": "om-fern"}
        await post("/v1/team-changes", "appoint", case=case, data=team)
        referral = {
            "referral": "RF-1",
            "action": "OFFER",
            "provider": SERVICE,
            "rung": 2,
            "typology": "BARRIER_FACTORS",
            "nature": "REHABILITATIVE",
            "category": "DEPENDENCY_RECOVERY",
            "intervention": "Example recovery group, 2½ hours",
            "mandatory_for_person": False,
            "desired_outcomes": ["An outcome", "Another, and a last one: “Ω”"],
            "answer_by": "2026-03-16T16:00:00.250Z",
            "forename": "Testperson",
            "date_of_birth": "1969-12-30",
            "needs": ["ACCOMMODATION"],
            "victim_conditions": "Not to go near an invented street",
        }
        await post("/v1/referrals", "refer", case=case, data=referral)


async def record(bootstrap: str) -> tuple[str, bytes]:
    """Key and value of the first committed record of the service's topic."""
    consumer = AIOKafkaConsumer(
        TOPIC, bootstrap_servers=bootstrap, auto_offset_reset="earliest", isolation_level="read_committed"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(READ_S):
            found = await consumer.getone()
    finally:
        await consumer.stop()
    assert found.key is not None
    assert found.value is not None
    return found.key.decode(), found.value


def block(heading: str) -> str:
    """The program under a heading of the page."""
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    (found,) = re.findall(r"```(?:python|js)\n(.*?)```", section, re.DOTALL)
    return str(found)


async def read(heading: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """What a program of the page prints; it must end well."""
    python = "Python" in heading
    command = [sys.executable, "-I", "-"] if python else [program("node"), "--input-type=module"]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=None if python else installed(),
        env={"PATH": os.environ["PATH"], **environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(READ_S):
            printed, told = await process.communicate(block(heading).encode())
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, told.decode()
    return dict(json.loads(printed))


def numbers(contract: Contract, value: Mapping[str, Any]) -> dict[str, Any]:
    """A value with dates as days and instants as milliseconds, where its reader made texts of them."""
    plain = dict(value)
    for each in contract.schema["fields"]:  # type: ignore[attr-defined]
        name, said = each["name"], plain.get(each["name"])
        kinds = [of.get("logicalType") for of in each["type"] if isinstance(of, dict)]
        if not isinstance(said, str):
            continue
        if "date" in kinds:
            plain[name] = (date.fromisoformat(said) - EPOCH).days
        elif "timestamp-millis" in kinds:
            since = datetime.fromisoformat(said) - datetime(1970, 1, 1, tzinfo=UTC)
            plain[name] = round(since.total_seconds() * 1000)
    return plain


def terms(ids: Mapping[str, int] | None = None) -> PartnerContract:
    """The service's contract on referrals; by schema version, the id an outside registry gave its view."""
    view = ["referral", "action", "provider", "rung", "category", "intervention", "mandatory_for_person"]
    return contract_from(
        {
            "partner": SERVICE,
            "message": "referral",
            "number": 1,
            "direction": "receives",
            "oldest": "1.0",
            "newest": "1.0",
            "purposes": ["referral"],
            "view": [*view, "desired_outcomes", "answer_by", "forename", "date_of_birth", "needs"],
            "effective": 0,
            "ids": ids or {},
        }
    )


async def test_one_record_is_the_same_for_confluents_client_kafkajs_and_avsc_from_either_registry(
    settings: Settings, tmp_path: Path
) -> None:
    """Five readings of one record, equal to each other and to what was sent."""
    python, kafkajs, avsc = (
        "Confluent's Python client",
        "KafkaJS and its registry client",
        "KafkaJS and avsc alone",
    )
    with apicurio_running(RELEASES["3.0.9"], tmp_path) as apicurio:
        async with running(settings, ephemeral=True) as hub, open_registry(apicurio.url) as registry:
            library = hub.codec.library
            schemas = [*message_schemas(library), *view_schemas(library, [terms()])]
            given = (await publish(registry, schemas)).registered[-1].id
            region_key = await hub.add_organisation(organisation(REGION))
            # What `hub contracts register --adopt` arranges: the hub frames with the id given there.
            await hub.put_contract(terms({"1.0": given}))
            service_key = await hub.add_organisation(PARTNER)
            await refer(hub, region_key)
            key, framed = await record(hub.bootstrap)

            async def found(heading: str, url: str, name: str) -> dict[str, Any]:
                # The name makes the consumer group, so that each reader begins at the beginning.
                login = {"ORGANISATION": name, "KEY": service_key}
                return await read(heading, {"KAFKA": hub.bootstrap, "TOPIC": TOPIC, "REGISTRY": url, **login})

            own = f"{hub.http_url}/registry"
            readings = [await found(each, own, SERVICE) for each in (python, kafkajs, avsc)]
            readings += [await found(each, apicurio.url, "elsewhere") for each in (python, kafkajs)]

    number, body = unframe(framed)
    assert number == given
    contract = view_in(library, terms({"1.0": given}), "1.0")
    expected = library.decode(contract, body)
    assert [each["key"] for each in readings] == [key] * len(readings)
    assert [numbers(contract, each["value"]) for each in readings] == [expected] * len(readings)
    assert expected["answer_by"] == 1_773_676_800_250
    assert expected["intervention"] == "Example recovery group, 2½ hours"
    assert "victim_conditions" not in expected
    assert b"invented street" not in framed
