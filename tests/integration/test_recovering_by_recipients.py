"""A recipient sees what of its own could be set on its way again, and does it with what it was shown."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import md5
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from hub.adapters.database.alone import LOOK_LOCK
from hub.adapters.database.recovering import ITSELF_MAX, LANE_EVERY_S
from hub.adapters.gateway.recovery import CHANGED, DONE, NOT_FOUND, OUTCOMES, PUSH_OVER, ROUTE
from hub.adapters.gateway.recovery_asked import AT_ONCE_MAX, KINDS
from hub.adapters.gateway.recovery_described import OUTCOMES_TOLD
from tests.integration.door import open_door
from tests.integration.recovering_world import HARBOUR, QUAY, SINCE, deliver, events, pushes
from tests.integration.test_gateway_described import faults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx
    from psycopg import AsyncConnection

    from hub.settings import Settings

LOOK = {"since": f"{SINCE:%Y-%m-%dT%H:%M:%SZ}"}
_ENDPOINT = """
INSERT INTO endpoint (endpoint_id, organisation, url, messages, state, key_id, nonce, box, in_flight_max)
VALUES ('ep-1', %s, 'https://example.org', '{progress}', 'active', 'k', '', '', 4)
"""
_ASKED_OFTEN = """
INSERT INTO remedy (kind, subject, organisation, who, by_name, why)
SELECT %s, %s, %s, %s, 'the recipient', 'asked' FROM generate_series(1, %s)
"""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Two organisations at a gateway, and the rows behind it."""

    connection: AsyncConnection
    harbour: httpx.AsyncClient
    quay: httpx.AsyncClient

    async def put(self, name: str, push: str | None = "parked", **changes: Any) -> str:  # noqa: ANN401 - columns
        """Enter one delivery; returns its id."""
        await deliver(self.connection, named(name), push, **{"case": f"case-{name}", **changes})
        return named(name)

    async def mixed(self) -> None:
        """One that may go of each kind, and one for every reason against it."""
        for name, push in (("parked", "parked"), ("in-vain", "exhausted"), ("late", "waiting_retry")):
            await self.put(name, push)
        for name in ("held", "stopped", "narrower", "had", "leased"):
            await self.put(name, "in_flight" if name == "leased" else "parked")
        await self.put("other", organisation=QUAY)
        for change, name in (
            ("held = true", "held"),
            ("verdict = 'stop'", "stopped"),
            ("verdict = 'replace'", "narrower"),
            ("state = 'acknowledged'", "had"),
        ):
            await self.connection.execute(
                f"UPDATE delivery SET {change} WHERE delivery_id = %s",  # noqa: S608
                (named(name),),
            )


def named(name: str) -> str:
    """The id of a delivery tests call so."""
    return md5(name.encode(), usedforsecurity=False).hexdigest()


async def asked(client: httpx.AsyncClient, do: str, **said: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """What is answered, which is as it is described."""
    answer = await client.post(ROUTE, json={"do": do, **said})
    assert faults(ROUTE, "post", answer) == []
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def counts(answer: dict[str, Any]) -> dict[str, int]:
    """How many came out how."""
    return {each["outcome"]: each["count"] for each in answer["counts"]}


@asynccontextmanager
async def opened(dsn: str, settings: Settings, folder: Path) -> AsyncIterator[Ground]:
    """A gateway with two organisations, one of which has an endpoint for progress."""
    async with open_door(dsn=dsn, settings=settings, folder=folder) as door:
        harbour, quay = await door.client(HARBOUR), await door.client(QUAY)
        await door.rows(_ENDPOINT, HARBOUR)
        connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
        async with connection, harbour, quay:
            yield Ground(connection=connection, harbour=harbour, quay=quay)


@pytest.fixture
async def ground(fresh_database: str, settings: Settings, tmp_path: Path) -> AsyncIterator[Ground]:
    """A gateway with two organisations, one of which has an endpoint for progress."""
    async with opened(fresh_database, settings, tmp_path) as made:
        yield made


@pytest.mark.requirement("R-DEL-02", "R-DIS-05")
async def test_a_dry_run_names_what_is_done_and_nothing_more_is_done(ground: Ground) -> None:
    """What came since is left; what is held, stopped, replaced or another's was never there."""
    await ground.mixed()
    before = await pushes(ground.connection)
    look = await asked(ground.harbour, "recover", **LOOK)
    ready = [named(name) for name in ("parked", "in-vain", "late")]
    assert (look["dry_run"], look["deliveries"], look["more"]) == (True, ready, False)
    assert counts(look) == {"ready": 3, "acknowledged": 1}
    assert (await pushes(ground.connection), await events(ground.connection)) == (before, [])
    await ground.put("since")
    done = await asked(
        ground.harbour, "recover", dry_run=False, deliveries=look["deliveries"], reason="mended"
    )
    assert (sorted(done["deliveries"]), counts(done)) == (sorted(ready), {"done": 3})
    after = await pushes(ground.connection)
    assert {name for name in after if before.get(name) != after[name]} - {named("late")} == {
        *ready[:2],
        named("since"),
    }
    assert after[named("since")] == "parked"
    found = await ground.connection.execute(
        "SELECT kind, subject, organisation, who, by_name, why FROM remedy"
    )
    why = "asked for by its recipient: our endpoint works again"
    assert {*await found.fetchall()} == {
        ("recovered", each, HARBOUR, HARBOUR, "Harbour Trust", why) for each in ready
    }
    again = await asked(
        ground.harbour, "recover", dry_run=False, deliveries=look["deliveries"], reason="mended"
    )
    assert (again["deliveries"], counts(again)) == ([], {"nothing-to-do": 3})


@pytest.mark.requirement("R-DIS-05", "R-DEL-02")
@pytest.mark.parametrize("do", sorted(KINDS))
async def test_what_is_not_its_own_or_may_not_go_is_not_there_for_a_recipient(
    ground: Ground, do: str
) -> None:
    """Another's, unknown, malformed, held, stopped and replaced are answered alike, and stay as they are."""
    await ground.mixed()
    before = await pushes(ground.connection)
    for name in ("other", "nothing", "held", "stopped", "narrower", "odd"):
        one = "None%00such" if name == "odd" else named(name)
        for client in (ground.harbour, ground.quay):
            if client is ground.quay and name == "other":
                continue
            for dry_run in (True, False):
                answer = await asked(client, do, deliveries=[one], dry_run=dry_run, reason="lost")
                assert answer == {
                    "do": do,
                    "dry_run": dry_run,
                    "deliveries": [],
                    "counts": [{"type": None, "outcome": "not-found", "count": 1}],
                    "more": False,
                }
    assert (await pushes(ground.connection), await events(ground.connection)) == (before, [])


@pytest.mark.requirement("R-DEL-02")
async def test_more_than_one_answer_names_is_said_and_comes_with_the_next(ground: Ground) -> None:
    """Lanes of the second go on after those of the first: what is new does not wait for all of them."""
    for number in range(AT_ONCE_MAX + 2):
        await ground.put(f"d-{number:03}", "exhausted", case=f"case-{number % 7}")
    look = await asked(ground.harbour, "recover", **LOOK)
    assert (len(look["deliveries"]), look["more"]) == (AT_ONCE_MAX, True)
    assert counts(look) == {"ready": AT_ONCE_MAX + 2}
    sure = {"dry_run": False, "reason": "mended"}
    done = await asked(ground.harbour, "recover", deliveries=look["deliveries"], **sure)
    assert counts(done) == {"done": AT_ONCE_MAX}
    rest = await asked(ground.harbour, "recover", **LOOK)
    assert (len(rest["deliveries"]), rest["more"]) == (2, False)
    assert counts(await asked(ground.harbour, "recover", deliveries=rest["deliveries"], **sure)) == {
        "done": 2
    }
    found = await ground.connection.execute("SELECT max(due_at) - min(due_at) FROM push")
    ((apart,),) = await found.fetchall()
    assert timedelta(0) < apart < timedelta(seconds=9 * LANE_EVERY_S + 5)


@pytest.mark.requirement("R-DEL-02", "R-RTE-07")
async def test_a_recipient_passes_over_or_hurries_its_own_but_no_safety_message(ground: Ground) -> None:
    """Whoever waits for a safety message to arrive is told when it does not: that is not its to end."""
    first, second = await ground.put("first"), await ground.put("second", "waiting_retry")
    safety, new = await ground.put("safety"), await ground.put("new", None)
    await ground.connection.execute("UPDATE push SET urgency = 'safety' WHERE delivery_id = %s", (safety,))
    await ground.connection.execute(
        "UPDATE delivery SET urgency = 'safety' WHERE delivery_id = %s", (safety,)
    )
    until = f"{SINCE + timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}"
    look = await asked(ground.harbour, "seek", **LOOK, until=until)
    assert (look["deliveries"], counts(look)) == ([first, second], {"ready": 2, "safety": 1})
    sure = {"dry_run": False, "reason": "had-otherwise"}
    done = await asked(ground.harbour, "skip", deliveries=[first, safety, new], **sure)
    assert (done["deliveries"], counts(done)) == ([first], {"done": 1, "safety": 1, "not-pushed": 1})
    done = await asked(ground.harbour, "force", deliveries=[second, first], **sure)
    assert (done["deliveries"], counts(done)) == ([second], {"done": 1, "push-over": 1})
    done = await asked(ground.harbour, "replay-missing", deliveries=[new, second], **sure)
    assert (done["deliveries"], counts(done)) == ([new], {"done": 1, "nothing-to-do": 1})
    assert await pushes(ground.connection) == {
        first: "skipped",
        second: "waiting_retry",
        safety: "parked",
        new: "waiting_retry",
    }


@pytest.mark.requirement("R-DEL-02")
async def test_a_recipient_has_the_same_done_to_one_delivery_a_bounded_number_of_times(
    ground: Ground,
) -> None:
    """Each time is recorded for good; staff go on."""
    one = await ground.put("one", "waiting_retry")
    await ground.connection.execute(_ASKED_OFTEN, ("forced", one, HARBOUR, HARBOUR, ITSELF_MAX))
    named_one = {"deliveries": [one], "dry_run": False, "reason": "wanted-now"}
    assert counts(await asked(ground.harbour, "force", **named_one)) == {"too-often": 1}
    assert counts(await asked(ground.harbour, "skip", **named_one)) == {"done": 1}


@pytest.mark.requirement("R-DEL-02")
async def test_one_look_of_an_organisation_is_under_way_at_a_time(ground: Ground) -> None:
    """Another waits for its turn, and nobody else waits for it."""
    async with ground.connection.transaction():
        await ground.connection.execute(
            "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (LOOK_LOCK, HARBOUR)
        )
        answer = await ground.harbour.post(ROUTE, json={"do": "recover", **LOOK})
        assert (answer.status_code, answer.json()["code"]) == (429, "rate-limited")
        assert int(answer.headers["retry-after"]) > 0
        assert faults(ROUTE, "post", answer) == []
        assert counts(await asked(ground.quay, "recover", **LOOK)) == {}
    assert counts(await asked(ground.harbour, "recover", **LOOK)) == {}


@pytest.mark.requirement("R-DEL-03")
async def test_what_cannot_be_asked_so_is_refused_and_every_fault_named(ground: Ground) -> None:
    """Nothing is done by time alone, without a reason, or for longer than a fortnight."""
    some = [named("one")]
    for said, wrong in (
        ({"do": "everything"}, {"/do"}),
        ({"do": "recover"}, {"/since"}),
        ({"do": "recover", **LOOK, "dry_run": False}, {"/deliveries", "/reason"}),
        ({"do": "recover", "since": "2026-01-01T00:00:00Z"}, {"/since"}),
        ({"do": "recover", "since": "2026-01-01"}, {"/since"}),
        ({"do": "recover", "since": "2026-13-01T00:00:00Z"}, {"/since"}),
        ({"do": "seek", **LOOK}, {"/until"}),
        ({"do": "skip", **LOOK}, {"/deliveries"}),
        ({"do": "skip", "deliveries": some, "since": "x"}, {"/since"}),
        ({"do": "skip", "deliveries": some * 2, "dry_run": "no"}, {"/deliveries", "/dry_run"}),
        ({"do": "skip", "deliveries": [], "dry_run": False, "reason": "because"}, {"/deliveries", "/reason"}),
        ({"do": "skip", "deliveries": some, "why": "their name"}, {""}),
    ):
        answer = await ground.harbour.post(ROUTE, json=said)
        assert faults(ROUTE, "post", answer) == []
        assert (answer.status_code, answer.json()["code"]) == (422, "payload-invalid")
        assert {each["pointer"] for each in answer.json()["errors"]} == wrong


def test_every_outcome_is_described() -> None:
    """What may be answered is what the document says may be."""
    assert {*OUTCOMES.values(), DONE, NOT_FOUND, PUSH_OVER, CHANGED} == OUTCOMES_TOLD.keys()
