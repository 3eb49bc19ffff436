"""What waits in a mailbox when who may know changes: held at once, then released, replaced or stopped."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, LiteralString

import pytest
from typer.testing import CliRunner, Result

from hub.adapters.ledger import Asker, drop_projection
from hub.adapters.ledger.overtaken import Wanted, overtaken
from hub.cli import ledger
from hub.consent.parties import Standing
from hub.errors import Unreachable
from hub.messages.envelope import MessageName
from hub.messages.identifiers import Instant
from tests.integration.living_world import CALM_S, HEALTH, living
from tests.integration.projected_world import rows, running, until
from tests.unit import released
from tests.unit.worlds import ADMINISTRATOR, HOUSING, MANAGER, RECOVERY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from psycopg.rows import TupleRow

    from hub.adapters.ledger.overtaken import Overtaken
    from hub.settings import Settings
    from hub.topics.codec import Encoded
    from tests.integration.living_world import Living

pytestmark = pytest.mark.timeout(120)
NO_CONTENT, NOT_FOUND = 204, 404


@pytest.fixture
async def hub(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path, settings: Settings
) -> AsyncIterator[Living]:
    """A whole hub with one case."""
    async with living(kafka, fresh_database, prefix=topic_prefix, folder=tmp_path, settings=settings) as made:
        await asyncio.sleep(CALM_S)
        yield made


@pytest.mark.requirement("R-DIS-05")
async def test_what_waits_comes_back_without_health_when_consent_is_withdrawn(hub: Living) -> None:
    """The wider one is gone as if it had never been; the narrower one is there under an id of its own."""
    delivery = await hub.health_told()
    assert (await hub.fetch(delivery)).json()["data"]["health_note"] == "An invented illness"
    await hub.tell(ADMINISTRATOR, MessageName.CONSENT, {**HEALTH, "action": "WITHDRAWN"})
    narrower = await hub.replacement(delivery)
    never = await hub.fetch("0" * 32)
    gone = await hub.fetch(delivery)
    assert (gone.status_code, gone.json()) == (NOT_FOUND, never.json())
    listed = [each["delivery"] for each in await hub.waiting()]
    assert delivery not in listed
    assert narrower in listed
    data = (await hub.fetch(narrower)).json()["data"]
    assert (data["health_note"], data["attendance"]) == (None, "ATTENDED")
    found = await rows(
        hub.pool, "SELECT verdict, delivery_id, delivers FROM ledger WHERE again = %s", delivery
    )
    assert found == [("replace", narrower, True)]


@pytest.mark.requirement("R-DIS-05")
async def test_a_change_that_does_not_matter_gives_the_same_delivery_back(hub: Living) -> None:
    """Held for a moment, then listed again under its id, with its digest; the ledger has the verdict."""
    delivery = await hub.health_told()
    before = {each["delivery"]: each["digest"] for each in await hub.waiting()}
    await hub.tell(MANAGER, MessageName.CASE, {"action": "CHANGED", "tier": 3})
    await until(lambda: has_verdict(hub, delivery, "release"))
    await hub.stands(delivery, held=False, verdict=None)
    after = {each["delivery"]: each["digest"] for each in await hub.waiting()}
    assert after[delivery] == before[delivery]
    assert await hub.acknowledge(delivery, after[delivery]) == NO_CONTENT


@pytest.mark.requirement("R-DIS-05")
async def test_what_waits_for_a_provider_whose_referral_has_ended_is_stopped(hub: Living) -> None:
    """It never comes back; the word that the referral has ended is there."""
    delivery = await hub.health_told()
    await hub.clear()
    delivery = await hub.health_told()
    ended = {"referral": f"ref-{RECOVERY}", "action": "END"}
    said = await hub.tell(MANAGER, MessageName.REFERRAL, ended)
    await hub.stands(delivery, held=False, verdict="stop")
    await until(lambda: hub.has(said))
    # Its part has ended, and what it has to dispose of: that is all that waits.
    assert [each["type"] for each in await hub.waiting()] == ["referral", "exception"]
    (row,) = await rows(hub.pool, "SELECT delivery_id, delivers, gate FROM ledger WHERE again = %s", delivery)
    assert row[:2] == (None, False)


@pytest.mark.requirement("R-DIS-02")
async def test_what_waited_for_a_suspended_organisation_does_not_come_back_when_it_is_in_force_again(
    hub: Living,
) -> None:
    """What comes afterwards does."""
    delivery = await hub.health_told()
    await hub.suspend(RECOVERY)
    await hub.stands(delivery, held=False, verdict="stop")
    await hub.suspend(RECOVERY, Standing.ACTIVE)
    following = await hub.health_told()
    await hub.stands(following, held=False, verdict=None)
    listed = [each["delivery"] for each in await hub.waiting()]
    assert following in listed
    assert delivery not in listed


@pytest.mark.requirement("R-DIS-06")
async def test_a_narrower_policy_narrows_what_waits_for_everybody(hub: Living) -> None:
    """Released in every partition, it reaches what was decided before."""
    delivery = await hub.health_told()
    rules = released.without("health.provider-consent")
    await hub.put("policy", "current", released.body(rules, "narrower"))
    narrower = await hub.replacement(delivery)
    assert (await hub.fetch(narrower)).json()["data"]["health_note"] is None


@pytest.mark.requirement("R-DIS-06")
async def test_a_policy_to_come_closes_what_waits_at_its_moment_though_nothing_else_happens(
    hub: Living,
) -> None:
    """No record of the log comes then but the question what to do with what waits."""
    takes_force = Instant(hub.now() + 4_000)
    rules = released.without("health.provider-consent")
    await hub.put("policy", "coming", released.body(rules, "narrower", effective_at=takes_force))
    delivery = await hub.health_told()
    assert (await hub.fetch(delivery)).json()["data"]["health_note"] == "An invented illness"
    await asyncio.sleep(max(0, takes_force - hub.now()) / 1000 + 0.01)
    assert (await hub.fetch(delivery)).status_code == NOT_FOUND
    narrower = await hub.replacement(delivery)
    assert (await hub.fetch(narrower)).json()["data"]["health_note"] is None


@pytest.mark.requirement("R-DIS-05")
async def test_what_waits_past_the_end_of_a_consent_is_closed_at_that_moment_and_comes_back_narrower(
    hub: Living,
) -> None:
    """No record says so but the clock; the mailbox itself lets nothing out past it."""
    ends = hub.now() + 2_500
    said = {**HEALTH, "consent": "c-2", "action": "GIVEN", "until": ends}
    await hub.tell(ADMINISTRATOR, MessageName.CONSENT, {**HEALTH, "action": "WITHDRAWN"})
    await hub.tell(MANAGER, MessageName.CONSENT, said)
    delivery = await hub.health_told()
    assert (await hub.fetch(delivery)).json()["data"]["health_note"] == "An invented illness"
    await asyncio.sleep(max(0, ends - hub.now()) / 1000 + 0.01)
    assert (await hub.fetch(delivery)).status_code == NOT_FOUND
    narrower = await hub.replacement(delivery)
    await until(lambda: hub.lists(narrower))
    assert (await hub.fetch(narrower)).json()["data"]["health_note"] is None


@pytest.mark.requirement("R-DIS-05")
async def test_what_was_acknowledged_is_listed_as_gone_out_under_the_old_facts(
    hub: Living, tmp_path: Path, fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the field and the reason; what tells no less now is not listed; and it cannot be fetched again."""
    delivery = await hub.health_told()
    await hub.clear()
    assert await _gone(hub) == []
    await hub.tell(ADMINISTRATOR, MessageName.CONSENT, {**HEALTH, "action": "WITHDRAWN"})
    await until(lambda: _is_overtaken(hub))
    (found,) = await _gone(hub)
    assert (found.delivery_id, found.organisation, found.way) == (delivery, RECOVERY, "acknowledged")
    assert found.fields == (("health_note", "CONS-NOT-IN-FORCE"),)
    assert (await hub.fetch(delivery)).status_code == NOT_FOUND
    monkeypatch.setenv("HUB_HOME", str(tmp_path))
    monkeypatch.setenv("HUB_DATABASE", fresh_database)

    async def run(words: list[str]) -> Result:
        return await asyncio.to_thread(lambda: CliRunner().invoke(ledger.app, words))

    told = await run(["overtaken", "--organisation", RECOVERY])
    assert told.exit_code == 0, told.output
    for said in (f"{RECOVERY} as key_worker: acknowledged", "health_note", "CONS-NOT-IN-FORCE", "1 deliver"):
        assert said in told.output
    assert "An invented illness" not in told.output
    elsewhere = await run(["overtaken", "--organisation", HOUSING, "--json"])
    assert delivery not in elsewhere.output
    listed = await run(["list", "--organisation", RECOVERY])
    assert listed.exit_code == 0, listed.output


@pytest.mark.requirement("R-DIS-09")
async def test_the_ledger_shows_as_disclosed_what_stands_in_the_delivery(
    hub: Living, tmp_path: Path, fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not what the rules would have let go had it been there; erased, it says only what might have been."""
    delivery = await hub.health_told()
    data = (await hub.fetch(delivery)).json()["data"]
    monkeypatch.setenv("HUB_HOME", str(tmp_path))
    monkeypatch.setenv("HUB_DATABASE", fresh_database)

    async def listed(*more: str) -> str:
        words = ["list", "--organisation", RECOVERY, "--limit", "1", *more]
        return (await asyncio.to_thread(lambda: CliRunner().invoke(ledger.app, words))).stdout

    (row,) = json.loads(await listed("--json"))
    given = {path.partition("[")[0] for path in row["given"] if not path.startswith("@")}
    assert given == {name for name, value in data.items() if value not in (None, [])}
    let_go = {each["path"] for each in row["fields"] if each["outcome"] == "disclose"}
    assert "milestone" in let_go - set(row["given"])
    shown = await listed()
    assert "health_note" in shown
    assert "milestone" not in shown
    hub.codec.keys.erase(f"case-{row['case_ref']}")  # type: ignore[attr-defined]
    (erased,) = json.loads(await listed("--json"))
    assert erased["given"] is None
    assert "as far as it was in the message" in await listed()


@pytest.mark.requirement("R-DEL-02")
async def test_what_is_held_is_asked_about_though_whoever_asks_is_killed_in_between(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path, settings: Settings
) -> None:
    """Before the log has the request, or after: it is asked again, and settled once."""
    async with living(
        kafka, fresh_database, prefix=topic_prefix, folder=tmp_path, settings=settings, asking=False
    ) as hub:
        delivery = await hub.health_told()
        await hub.tell(ADMINISTRATOR, MessageName.CONSENT, {**HEALTH, "action": "WITHDRAWN"})
        await hub.stands(delivery, held=True, verdict=None)
        assert delivery not in [each["delivery"] for each in await hub.waiting()]

        async def lost(_encoded: Encoded) -> None:
            message = "for the test"
            raise Unreachable(message)

        async def killed(encoded: Encoded) -> None:
            await hub.publisher.append(encoded)
            raise asyncio.CancelledError

        with pytest.raises(Unreachable):
            await Asker(pool=hub.pool, codec=hub.codec, append=lost).ask()
        with pytest.raises(asyncio.CancelledError):
            await Asker(pool=hub.pool, codec=hub.codec, append=killed).ask()
        async with running(hub.asker().run):
            narrower = await hub.replacement(delivery)
            await until(lambda: hub.lists(narrower))
        found = await rows(hub.pool, "SELECT delivery_id FROM delivery WHERE replaces = %s", delivery)
        assert found == [(narrower,)]


@pytest.mark.requirement("R-DEL-02")
async def test_a_projection_made_again_from_kafka_opens_nothing_that_was_held_stopped_or_replaced(
    hub: Living,
) -> None:
    """Verdicts are in the log: the same rows are open, the same are not."""
    stopped = await hub.health_told()
    await hub.tell(ADMINISTRATOR, MessageName.CONSENT, {**HEALTH, "action": "WITHDRAWN"})
    await hub.replacement(stopped)
    await asyncio.sleep(CALM_S)
    statement = "SELECT delivery_id, held, verdict, replaces FROM delivery ORDER BY delivery_id"
    before = await rows(hub.pool, statement)
    await drop_projection(hub.pool)
    async with running(hub.projector().run):
        await until(lambda: _is_again(hub, statement, before))


async def _is_again(hub: Living, statement: LiteralString, before: list[TupleRow]) -> bool:
    return await rows(hub.pool, statement) == before


async def _gone(hub: Living) -> list[Overtaken]:
    async with hub.pool.connection() as connection:
        return await overtaken(connection, hub.codec, Wanted(organisation=RECOVERY), now=Instant(hub.now()))


async def _is_overtaken(hub: Living) -> bool:
    return bool(await _gone(hub))


async def has_verdict(hub: Living, delivery: str, verdict: str) -> bool:
    """Whether the ledger holds such a verdict on a delivery."""
    return bool(
        await rows(hub.pool, "SELECT 1 FROM ledger WHERE again = %s AND verdict = %s", delivery, verdict)
    )
