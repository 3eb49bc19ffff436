"""What has not arrived is seen, set on its way again, passed over and tried at once: on real rows."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from typer.testing import CliRunner

from hub.adapters.database.recovering import ITSELF_MAX, LANE_EVERY_S, Meant, remedy
from hub.adapters.database.remedied import Remedy
from hub.adapters.database.undelivered import own_undelivered, undelivered
from hub.cli import app
from hub.errors import NotConfigured, WrongArgument
from hub.messages.envelope import MessageName
from tests.integration.living_world import living
from tests.integration.projected_world import rows, until
from tests.integration.recovering_world import (
    BY,
    HARBOUR,
    QUAY,
    SINCE,
    deliver,
    events,
    opened_hub,
    pushes,
    standings,
)
from tests.unit.worlds import HOUSING, MANAGER, RECOVERY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from psycopg import AsyncConnection

    from hub.settings import Settings
    from tests.integration.living_world import Living

OPTIONS = ("--by", BY.name, "--why", BY.why, "--yes")

_ASKED_OFTEN = """
INSERT INTO remedy (kind, subject, organisation, who, by_name, why)
SELECT 'redelivered', %s, %s, %s, 'the recipient', 'lost' FROM generate_series(1, %s) RETURNING 1
"""


@pytest.fixture
async def connection(fresh_database: str) -> AsyncIterator[AsyncConnection]:
    """An empty hub with two organisations, one of which has an endpoint for progress."""
    async with opened_hub(fresh_database) as opened:
        yield opened


async def _mixed(connection: AsyncConnection) -> None:
    """One that may go of each kind, and one for every reason against it."""
    for name, push in (("parked", "parked"), ("in-vain", "exhausted"), ("late", "waiting_retry")):
        await deliver(connection, name, push)
    for name in ("held", "older", "stopped", "narrower", "had", "leased"):
        await deliver(connection, name, "in_flight" if name == "leased" else "parked")
    await deliver(connection, "other", organisation=QUAY)
    await connection.execute("UPDATE delivery SET held = true WHERE delivery_id = 'held'")
    await connection.execute(
        "INSERT INTO case_state (case_ref, key_id, nonce, box, version, turn)"
        " VALUES ('case-older', 'k', '', '', 2, 2)"
    )
    for verdict, name in (("stop", "stopped"), ("replace", "narrower")):
        await connection.execute("UPDATE delivery SET verdict = %s WHERE delivery_id = %s", (verdict, name))
    await connection.execute("UPDATE delivery SET state = 'acknowledged' WHERE delivery_id = 'had'")


@pytest.mark.requirement("R-DEL-02", "R-DIS-05")
async def test_recovery_takes_what_may_go_and_names_what_it_leaves_out(connection: AsyncConnection) -> None:
    """Held, out of date though nobody has held it yet, stopped, replaced and had by now stay as they are."""
    await _mixed(connection)
    meant = Meant(organisation=HARBOUR, since=SINCE)
    found = await standings(connection, Remedy.RECOVERED, meant)
    assert found == {
        "ready": 3,
        "held: may be decided otherwise today": 2,
        "stopped: today's decision is that nothing goes": 1,
        "replaced by a narrower one": 1,
        "acknowledged": 1,
    }
    before = await pushes(connection)
    assert await remedy(connection, Remedy.RECOVERED, meant, by=BY) == 3
    ready = {"parked", "in-vain", "late"}
    after = await pushes(connection)
    assert {name for name in after if after[name] == "waiting_retry"} == ready
    assert {name: after[name] for name in after.keys() - ready} == {
        name: before[name] for name in before.keys() - ready
    }
    assert {*await events(connection)} == {(name, "redelivered") for name in ready}
    found_rows = await connection.execute(
        "SELECT charged, first_charged_at, refusals, reason, due_at - now() FROM push WHERE state ="
        " 'waiting_retry' ORDER BY place"
    )
    fresh = await found_rows.fetchall()
    assert [row[:4] for row in fresh] == [(0, None, 0, None)] * 3
    # One lane after the other: what is new does not wait for all that is old.
    waits_s = [row[4].total_seconds() for row in fresh]
    assert waits_s == pytest.approx([0, LANE_EVERY_S, 2 * LANE_EVERY_S], abs=0.15)
    recorded = await connection.execute("SELECT kind, subject, who, by_name, why FROM remedy")
    assert {*await recorded.fetchall()} == {("recovered", name, BY.who, BY.name, BY.why) for name in ready}
    assert await remedy(connection, Remedy.RECOVERED, meant, by=BY) == 0


@pytest.mark.requirement("R-DEL-02")
async def test_deliveries_of_one_lane_are_due_together_and_in_order(connection: AsyncConnection) -> None:
    """Also over more than fit into one transaction; the lane's order is that of its places."""
    for number in range(520):
        await deliver(connection, f"d-{number:03}", "parked", case=f"case-{number % 7}")
    assert await remedy(connection, Remedy.RECOVERED, Meant(organisation=HARBOUR), by=BY) == 520
    found_rows = await connection.execute(
        "SELECT count(DISTINCT due_at), max(due_at) - min(due_at) FROM push WHERE state = 'waiting_retry'"
    )
    (found,) = await found_rows.fetchall()
    assert found[1].total_seconds() < 7 * LANE_EVERY_S + 5
    found_rows = await connection.execute("SELECT state, count(*) FROM push GROUP BY state")
    assert await found_rows.fetchall() == [("waiting_retry", 520)]


@pytest.mark.requirement("R-DEL-02", "R-DIS-05")
async def test_what_never_had_a_push_gets_one_only_where_an_endpoint_takes_it_now(
    connection: AsyncConnection,
) -> None:
    """What went by Kafka, is held, or is another's is left alone; a push of an endpoint now gone is new."""
    await deliver(connection, "old")
    await deliver(connection, "gone", "cancelled", reason="removed")
    await deliver(connection, "stopped-push", "cancelled", reason="stop")
    await deliver(connection, "kafka", by_kafka=True)
    await deliver(connection, "held")
    await connection.execute("UPDATE delivery SET held = true WHERE delivery_id = 'held'")
    await deliver(connection, "quay", organisation=QUAY)
    meant = Meant(since=SINCE)
    found = await standings(connection, Remedy.PUSHED, meant)
    assert found == {"ready": 2, "held: may be decided otherwise today": 1}
    assert await remedy(connection, Remedy.PUSHED, meant, by=BY) == 2
    assert await pushes(connection) == {
        "old": "waiting_retry",
        "gone": "waiting_retry",
        "stopped-push": "cancelled",
    }


@pytest.mark.requirement("R-DEL-02", "R-DIS-05")
async def test_an_acknowledged_delivery_is_offered_again_only_while_nothing_has_changed(
    connection: AsyncConnection,
) -> None:
    """And only by its own name: no recovery of many touches it."""
    await deliver(connection, "had", "delivered", state="acknowledged")
    await deliver(connection, "changed", "delivered", state="acknowledged")
    await connection.execute(
        'INSERT INTO control_change (partition, kind, name, organisation, message, "offset")'
        " VALUES (0, 'organisation', %s, %s, NULL, 9)",
        (QUAY, QUAY),
    )
    await connection.execute(
        "INSERT INTO case_state (case_ref, key_id, nonce, box, version, turn)"
        " VALUES ('case-changed', 'k', '', '', 2, 2)"
    )
    for kind in (Remedy.RECOVERED, Remedy.PUSHED):
        assert await remedy(connection, kind, Meant(organisation=HARBOUR), by=BY) == 0
    assert await remedy(connection, Remedy.REDELIVERED, Meant(deliveries=("changed",)), by=BY) == 0
    assert await remedy(connection, Remedy.REDELIVERED, Meant(deliveries=("had",)), by=BY) == 1
    assert await remedy(connection, Remedy.REDELIVERED, Meant(deliveries=("had",)), by=BY) == 0
    found_rows = await connection.execute("SELECT delivery_id, state FROM delivery ORDER BY 1")
    assert await found_rows.fetchall() == [("changed", "acknowledged"), ("had", "available")]
    assert await pushes(connection) == {"had": "waiting_retry", "changed": "delivered"}


@pytest.mark.requirement("R-DEL-02", "R-RTE-07")
async def test_a_push_that_is_skipped_lets_its_lane_go_on_and_says_its_number_will_not_come(
    connection: AsyncConnection,
) -> None:
    """One under way is left; a lane's last number is given back; forcing makes one due at once."""
    await deliver(connection, "first", "parked", case="one-lane")
    await deliver(connection, "second", "waiting_retry", case="one-lane")
    await deliver(connection, "leased", "in_flight")
    for number, name in enumerate(("first", "second"), start=1):
        found_rows = await connection.execute("SELECT give_sequence(%s)", (name,))
        assert await found_rows.fetchone() == (number,)
    assert await remedy(connection, Remedy.SKIPPED, Meant(deliveries=("leased",)), by=BY) == 0
    assert await remedy(connection, Remedy.SKIPPED, Meant(deliveries=("first",)), by=BY) == 1
    assert await remedy(connection, Remedy.FORCED, Meant(deliveries=("second",)), by=BY) == 1
    found_rows = await connection.execute(
        "SELECT delivery_id, state, untold, due_at <= now() FROM push ORDER BY 1"
    )
    assert await found_rows.fetchall() == [
        ("first", "skipped", True, False),
        ("leased", "in_flight", False, False),
        ("second", "waiting_retry", False, True),
    ]
    assert await events(connection) == [("first", "skipped"), ("second", "resumed")]
    assert await remedy(connection, Remedy.SKIPPED, Meant(organisation=HARBOUR), by=BY) == 1
    found_rows = await connection.execute("SELECT sequence FROM delivery WHERE delivery_id = 'second'")
    assert await found_rows.fetchall() == [(None,)]


@pytest.mark.requirement("R-DEL-02", "R-DIS-05")
async def test_a_recipient_sees_of_what_has_not_arrived_only_what_it_may_have(
    connection: AsyncConnection,
) -> None:
    """Staff see each with its reason; what went by Kafka has arrived."""
    await _mixed(connection)
    await deliver(connection, "kafka", by_kafka=True)
    await deliver(connection, "fresh")
    staff = await undelivered(connection, organisation=HARBOUR, since=SINCE, limit=100)
    assert {each.delivery_id: each.reason for each in staff} == {
        "fresh": "not-pushed",
        "parked": "push-parked",
        "in-vain": "push-exhausted",
        "late": "push-waits",
        "leased": "being-pushed",
        "held": "held",
        "older": "held",
    }
    own = await own_undelivered(connection, organisation=HARBOUR, since=SINCE, limit=100)
    assert {each.delivery_id for each in own} == {"fresh", "parked", "in-vain", "late", "leased"}
    (other,) = await own_undelivered(connection, organisation=QUAY, since=SINCE, limit=100)
    assert (other.delivery_id, other.reason) == ("other", "uncollected")


@pytest.mark.requirement("R-DEL-02", "R-DIS-05")
async def test_what_waits_behind_another_says_so_but_not_behind_what_its_recipient_may_not_have(
    connection: AsyncConnection,
) -> None:
    """And when it goes is not told as earlier than its endpoint is left alone for."""
    await deliver(connection, "first", "waiting_retry", case="one-lane")
    await deliver(connection, "second", "waiting_retry", case="one-lane")
    await connection.execute("UPDATE endpoint SET not_before = now() + interval '3 hours'")

    async def reasons() -> dict[str, str]:
        own = await own_undelivered(connection, organisation=HARBOUR, since=SINCE, limit=9)
        assert {each.due_at and each.due_at > datetime.now(UTC) + timedelta(hours=2) for each in own} == {
            True
        }
        return {each.delivery_id: each.reason for each in own}

    assert await reasons() == {"first": "push-waits", "second": "push-behind"}
    await connection.execute("UPDATE delivery SET held = true WHERE delivery_id = 'first'")
    assert await reasons() == {"second": "push-waits"}


@pytest.mark.requirement("R-DEL-02")
async def test_staff_see_first_what_a_recovery_would_do_and_say_who_they_are(
    connection: AsyncConnection, fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run changes nothing; a longer time than a fortnight, or no name, is refused."""
    await _mixed(connection)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUB_DATABASE", fresh_database)
    run, since = CliRunner(), ("--since", f"{SINCE:%Y-%m-%dT%H:%M:%S}")
    listed = await _run(run, "undelivered", "--organisation", HARBOUR)
    assert "pushed in vain, as often as may be (http-503)" in listed
    assert "6 delivery(ies) have not arrived" in listed
    dry = await _run(run, "recover", "--organisation", HARBOUR, *since, "--dry-run")
    assert "3 delivery(ies) can be set on their way again." in dry
    assert "progress  left out: held: may be decided otherwise today" in dry
    assert "Nothing was done." in dry
    assert await events(connection) == []
    done = await _run(run, "recover", "--organisation", HARBOUR, *since, *OPTIONS)
    assert "3 delivery(ies) set on their way again." in done
    forced = await _run(run, "force", "late", *OPTIONS)
    assert "1 delivery(ies) due now." in forced
    for arguments, error in (
        (("recover", "--organisation", HARBOUR, "--since", "2026-01-01", *OPTIONS), NotConfigured),
        (("skip", "parked", "--yes"), WrongArgument),
        (("skip", "nothing", *OPTIONS), NotConfigured),
    ):
        with pytest.raises(error):
            await _run(run, *arguments)


@pytest.mark.requirement("R-DEL-02", "R-DIS-05")
@pytest.mark.public_door
@pytest.mark.timeout(180)
async def test_a_recipient_has_its_own_delivery_again_while_it_may(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path, settings: Settings
) -> None:
    """Acknowledged or not, until consent is withdrawn: then it looks like what never was, as to others."""
    async with living(kafka, fresh_database, prefix=topic_prefix, folder=tmp_path, settings=settings) as hub:
        delivery = await hub.health_told()
        await until(lambda: hub.lists(delivery))
        await hub.clear()
        assert not await hub.lists(delivery)
        again = f"/v1/deliveries/{delivery}/redeliver"
        (fresh, foreign, unknown, odd) = [
            await hub.clients[who].post(path)
            for who, path in (
                (RECOVERY, again),
                (HOUSING, again),
                (RECOVERY, again.replace(delivery, "0" * 32)),
                (RECOVERY, again.replace(delivery, "none%00such")),
            )
        ]
        assert fresh.status_code == httpx.codes.NO_CONTENT
        assert await hub.lists(delivery)
        own = (await hub.clients[RECOVERY].get("/v1/deliveries/undelivered")).json()
        assert [(each["delivery"], each["reason"]) for each in own["deliveries"]] == [
            (delivery, "uncollected")
        ]
        assert own["more"] is False
        assert (await hub.fetch(delivery)).json()["data"]["health_note"] == "An invented illness"

        await hub.clear()
        await rows(hub.pool, _ASKED_OFTEN, delivery, RECOVERY, RECOVERY, ITSELF_MAX - 1)
        spent = await hub.clients[RECOVERY].post(again)
        assert (spent.status_code, spent.json()["code"]) == (409, "redelivered-too-often")
        await hub.tell(MANAGER, MessageName.CONSENT, {"consent": "c-1", "action": "WITHDRAWN"})
        stopped = await hub.clients[RECOVERY].post(again)
        assert not await hub.lists(delivery)
        refused = [foreign, unknown, odd, stopped]
        assert {each.status_code for each in refused} == {httpx.codes.NOT_FOUND}
        assert len({each.content for each in refused}) == 1
        await until(lambda: _calm(hub))
        own = (await hub.clients[RECOVERY].get("/v1/deliveries/undelivered")).json()
        assert delivery not in [each["delivery"] for each in own["deliveries"]]


async def _calm(hub: Living) -> bool:
    return not await rows(hub.pool, "SELECT 1 FROM delivery WHERE held AND verdict IS NULL")


async def _run(run: CliRunner, *arguments: str) -> str:
    done = await asyncio.to_thread(run.invoke, app, ["delivery", *arguments])
    if done.exception is not None:
        raise done.exception
    return done.output
