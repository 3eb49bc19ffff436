"""What joiners are given again is read back from the log of a real broker, whatever has happened since."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.adapters.kafka.intake import IntakePublisher
from hub.adapters.kafka.recalling import Recall
from hub.demo.day import iso
from hub.errors import Unreachable
from hub.messages.envelope import MessageName, Submission, Unreadable
from hub.messages.identifiers import CaseRef, MessageId
from hub.topics.tables import RouterView
from tests.integration.living_world import SAID, living
from tests.integration.projected_world import rows, running, until
from tests.unit import worlds
from tests.unit.worlds import CASE, MANAGER, MOORLAND, PROBATION, SUPERVISOR

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from hub.settings import Settings
    from tests.integration.living_world import Living

pytestmark = [pytest.mark.timeout(120), pytest.mark.public_door]
ACCEPTED = 202
WORDS = "Zanzibar"


@pytest.fixture
async def hub(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path, settings: Settings
) -> AsyncIterator[Living]:
    """A whole hub with one case."""
    async with living(
        kafka, fresh_database, prefix=topic_prefix, folder=tmp_path, settings=settings, asking=False
    ) as made:
        yield made


async def post(hub: Living, message: str, data: Mapping[str, object]) -> MessageId:
    """Post a message of the Offender Manager over HTTP, and wait until it has been taken."""
    body = {
        "contract": "1.0",
        "case": hub.codec.pairwise.case(PROBATION, CASE),
        "occurred_at": iso(hub.now()),
        "author": MANAGER.person,
        "author_role": MANAGER.role.value,
        "statement": "fact",
        "data": data,
    }
    headers = {"Idempotency-Key": f"{message}-{hub.now()}"}
    answer = await hub.clients[PROBATION].post(f"/v1/{message}s", json=body, headers=headers)
    assert answer.status_code == ACCEPTED, answer.text
    posted = hub.codec.pairwise.message_from(PROBATION, answer.json()["message"])
    await hub.taken(posted)
    return posted


async def given(hub: Living) -> dict[str, dict[str, object]]:
    """Return what lies in the mailbox of the prison that joined, by message type."""

    async def is_there() -> bool:
        return {"case", "risk-change", "plan"} <= {each["type"] for each in await hub.waiting(MOORLAND)}

    await until(is_there)
    found = {}
    for each in await hub.waiting(MOORLAND):
        found[each["type"]] = (await hub.fetch(each["delivery"], MOORLAND)).json()["data"]
    return found


@pytest.mark.requirement("R-CASE-06")
@pytest.mark.requirement("R-RTE-06")
@pytest.mark.requirement("R-MSG-16")
async def test_a_joiner_is_given_what_was_said_before_read_back_from_the_log_after_a_change_of_router(
    hub: Living,
) -> None:
    """Facts, risk and plan as they were sent over HTTP, less what was corrected; by whoever routes now."""
    await post(hub, "case", {"action": "CHANGED", "surname": f"Of {WORDS}", "tier": 3})
    risk = {"kind": "FACTOR", "factor": f"Back in {WORDS}", "factor_change": "NEW", "summary": "Invented"}
    said = await post(hub, "risk-change", risk)
    await post(hub, "plan", {"version": 1, "change_summary": "First", "change_reason": f"Moved to {WORDS}"})
    await hub.tell(
        MANAGER, MessageName.CORRECTION, {"corrects": said, "action": "ERASE", "fields": ["summary"]}
    )
    async with running(hub.router().run):
        # Another router comes: every partition is rebuilt from Kafka, and nothing of the log is in memory.
        joins = {"action": "APPOINT", "role": "offender_supervisor", "organisation": MOORLAND}
        await post(hub, "team-change", {**joins, "person": SUPERVISOR.person})
        told = await given(hub)
    assert told["case"]["surname"] == f"Of {WORDS}"
    assert (told["risk-change"]["factor"], told["risk-change"]["summary"]) == (f"Back in {WORDS}", None)
    assert told["plan"]["change_reason"] == f"Moved to {WORDS}"
    assert await rows(hub.pool, "SELECT code FROM quarantine") == []
    view_state = await rows(hub.pool, "SELECT octet_length(box) FROM case_state")
    assert view_state[0][0] < 4_096


def recall(hub: Living, timeout_s: float = 10.0, bootstrap: str | None = None) -> Recall:
    """Return a reader of the hub's log."""
    return Recall(
        bootstrap or hub.bootstrap,
        catalogue=hub.catalogue,
        codec=hub.codec,
        timeout_s=timeout_s,
        request_timeout_ms=1_000,
    )


@pytest.mark.requirement("R-CASE-06")
async def test_records_are_read_back_by_case_and_place_and_only_a_cases_own(hub: Living) -> None:
    """A place past the end, and one of another case, are said to be missing; the others are as they stand."""
    publisher = IntakePublisher(hub.bootstrap, codec=hub.codec, catalogue=hub.catalogue)
    await publisher.start()
    places = {}
    for number, case in enumerate([CaseRef(f"{each:032x}") for each in range(6)] * 2):
        paper = worlds.World(sent=500 + number)
        said = paper.submission(MANAGER, MessageName.PROGRESS, SAID, case=case)
        done = await publisher.publish(said)
        places[case, done.offset] = (done.partition, said.envelope.message_id)
    await publisher.stop()
    view = RouterView(codec=hub.codec, contracts=hub.codec.library)
    reader = recall(hub)
    (case, offset), (partition, _) = next(iter(places.items()))
    stranger = next(other for other, at in places if (other, offset) not in places)
    try:
        await reader.into(view, {*places, (case, 10_000), (stranger, offset)})
        for (of_case, at), (_, message) in places.items():
            entry = view.read_back(of_case, at)
            assert isinstance(entry, Submission)
            assert (entry.envelope.message_id, entry.offset) == (message, at)
        for missing in ((case, 10_000), (stranger, offset)):
            found = view.read_back(*missing)
            assert isinstance(found, Unreadable)
            assert found.code == "RECORD-MISSING"
    finally:
        await reader.close()
    assert {at for at, _ in places.values()} == set(range(hub.catalogue.intake_partitions))
    assert partition in range(hub.catalogue.intake_partitions)


@pytest.mark.requirement("R-CASE-06")
async def test_a_log_that_does_not_answer_is_not_waited_for_without_end(hub: Living) -> None:
    """The reader says so within its time, and reads again once it can."""
    view = RouterView(codec=hub.codec, contracts=hub.codec.library)
    with pytest.raises(Unreachable, match=r"0\.5 s"):
        await recall(hub, 0.5, "127.0.0.1:9").into(view, {(CASE, 0)})
    assert view.read_back(CASE, 0) is None
