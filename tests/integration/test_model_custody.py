"""Custody as the model knows it, from the doors of the prisons to those who must know."""

from __future__ import annotations

import asyncio
import json
import shutil
import uuid
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from hub.adapters import broker
from hub.adapters.database import server
from hub.cli import ledger
from hub.errors import NotConfigured
from hub.settings import load
from tests.integration.custody_world import (
    AT_ONCE,
    HELD_BACK,
    LEEDS,
    RECOVERY,
    UNIT,
    WAIT_S,
    WORKER,
    custody_world,
    event,
)
from tests.integration.projected_world import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.custody_world import CustodyWorld

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180), pytest.mark.public_door]
RISK = {"kind": "FACTOR", "factor": "Invented factor"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world() -> AsyncIterator[CustodyWorld]:
    """One hub for all journeys; every journey is of a case of its own."""
    settings = load(instance=f"t{uuid.uuid4().hex[:10]}")
    try:
        async with custody_world(settings) as made:
            yield made
    finally:
        await asyncio.to_thread(broker.erase, settings)
        await asyncio.to_thread(server.erase, settings)
        shutil.rmtree(settings.instance_folder, ignore_errors=True)


async def held(world: CustodyWorld, number: str) -> str:
    """A case whose person is received into Moorland, by what the prison service says."""
    case = await world.opened(number)
    await world.service.event_taken(
        event(f"{HELD_BACK}.received", number, "NEW_ADMISSION", "N", at="2026-03-01T08:00:00Z")
    )
    await world.region.told("prison-event", case, action="RECEPTION")
    return case


@pytest.mark.requirement("R-MSG-05")
@pytest.mark.requirement("R-CASE-01")
@pytest.mark.requirement("R-RTE-05")
async def test_a_release_is_expected_confirmed_told_once_and_taken_back_under_one_correlation(
    world: CustodyWorld,
) -> None:
    """The immediate feed, the one held back, its repeat, and the mistake: one course for OM and provider."""
    number = "A1001AA"
    case = await held(world, number)
    theirs = await world.referred(case)
    await world.service.event_taken(event(f"{AT_ONCE}.released", number, "RELEASED"))
    first = await world.region.told("prison-event", case, action="RELEASE", status="PROVISIONAL")
    confirmed = event(f"{HELD_BACK}.released", number, "RELEASED", "CR", at="2026-03-02T09:16:30Z")
    await world.service.event_taken(confirmed)
    second = await world.region.told("prison-event", case, action="RELEASE", status="CONFIRMED")
    assert second.data["movement_reason"] == "CR"
    asked = await world.region.told("exception", case, code="REFERRALS-ON-RELEASE")
    assert f"{RECOVERY} (1)" in asked.data["detail"]
    await world.recovery.told("prison-event", theirs, action="RELEASE", status="CONFIRMED")

    again = confirmed | {"occurredAt": "2026-03-02T09:20:00Z", "publishedAt": "2026-03-02T10:30:00Z"}
    await world.service.event_taken(again)
    back = {"action": "RELEASE", "status": "RETRACTED", "prison_from": "MDI"}
    unit = (await world.moorland.waiting("prison-event"))[-1].envelope["ce_subject"]
    await world.moorland.say("prison-events", unit, back, UNIT)
    third = await world.region.told("prison-event", case, action="RELEASE", status="RETRACTED")
    await world.region.told("exception", case, code="MOVEMENT-TAKEN-BACK")
    await world.recovery.told("prison-event", theirs, action="RELEASE", status="RETRACTED")
    correlations = {each.envelope["hub-correlation"] for each in (first, second, third)}
    assert len(correlations) == 1

    async def all_three_wait() -> bool:
        releases = await world.region.of_case("prison-event", case)
        told = [each.data["status"] for each in releases if each.data["action"] == "RELEASE"]
        return told == ["PROVISIONAL", "CONFIRMED", "RETRACTED"]

    # What waits is held while it is decided again where the person is back in prison; then it may go.
    await until(all_three_wait)
    # Held in Moorland again: it may let the person out for a day.
    leave = {"action": "TEMPORARY_RELEASE", "status": "CONFIRMED", "prison_from": "MDI"}
    await world.moorland.say("prison-events", unit, leave, UNIT)


@pytest.mark.requirement("R-MSG-05")
@pytest.mark.requirement("R-RTE-05")
@pytest.mark.requirement("R-RTE-01")
async def test_a_transfer_told_by_kafka_reaches_both_prisons_and_asks_who_supervises(
    world: CustodyWorld,
) -> None:
    """The service says that somebody moves; the receiving unit reads it on its own topic."""
    number = "A1002AA"
    case = await held(world, number)
    out = event(f"{HELD_BACK}.released", number, "TRANSFERRED", "TRN", at="2026-03-03T09:00:00Z")
    into = event(
        f"{HELD_BACK}.received", number, "TRANSFERRED", "INT", prison="LEI", at="2026-03-03T12:00:00Z"
    )
    before = len(await world.on_topic(LEEDS))
    await world.by_kafka(out, into, event("tier.calculation.complete", number, "ANY"))
    leaving = await world.region.told("prison-event", case, action="TRANSFER", status="PROVISIONAL")
    arrived = await world.region.told("prison-event", case, action="TRANSFER", status="CONFIRMED")
    assert (leaving.data["prison_from"], arrived.data["prison_to"]) == ("MDI", "LEI")
    assert leaving.envelope["hub-correlation"] == arrived.envelope["hub-correlation"]
    await until(lambda: _more_on_topic(world, before))
    found = (await world.on_topic(LEEDS))[before:]
    assert {each["ce_type"] for each in found} == {"hub.prison-event"}
    here = found[-1]["ce_subject"]
    await world.moorland.told(
        "prison-event", await _reference(world.moorland, "TRANSFER"), action="TRANSFER", status="CONFIRMED"
    )
    move = {"action": "TRANSFER", "status": "CONFIRMED", "prison_to": "LEI"}
    far = {**move, "distant": True, "at": "2026-03-03T12:00:00Z"}
    await world.leeds.say("prison-events", here, far, UNIT)
    await world.region.told("exception", case, code="DISTANT-CUSTODY")


@pytest.mark.requirement("R-MSG-05")
async def test_a_prison_the_person_has_left_moves_nobody(world: CustodyWorld) -> None:
    """Staff and its sender, who was given the case, see the rule."""
    number = "A1003AA"
    case = await held(world, number)
    there = await _reference(world.moorland, "RECEPTION")
    await world.service.event_taken(
        event(f"{HELD_BACK}.received", number, "TRANSFERRED", prison="LEI", at="2026-03-04T09:00:00Z")
    )
    await world.region.told("prison-event", case, action="TRANSFER")
    gone = {"action": "RELEASE", "status": "CONFIRMED", "prison_from": "MDI", "at": "2026-03-05T09:00:00Z"}
    url = await world.moorland.post("prison-events", there, gone, UNIT)
    assert await world.moorland.state(url) == "refused"
    assert (await world.refusals())[-1] == "PERSON-NOT-HELD"
    state = (await world.moorland.http.get(url)).json()
    assert state["refusal"]["code"] == "PERSON-NOT-HELD"
    assert "002 3.24a" in state["refusal"]["detail"]


@pytest.mark.requirement("R-DIS-01")
async def test_no_second_prison_is_given_the_code_of_another(world: CustodyWorld) -> None:
    """The people of one would be told to the other; nothing is put in force, and no key is made."""
    known = {str(each["organisation"]): each for each in await world.hub.organisations()}
    moorland = next(each for each in known.values() if each.get("prison") == "MDI")
    leeds = next(each for each in known.values() if each.get("prison") == "LEI")
    with pytest.raises(NotConfigured, match=str(moorland["organisation"])) as refused:
        await world.hub.add_organisation(moorland | {"organisation": "hmp-second"})
    assert "hub partner amend" in refused.value.fix
    with pytest.raises(NotConfigured, match="is the code of"):
        await world.hub.put_organisation(leeds | {"prison": "MDI"})
    assert {str(each["organisation"]): each for each in await world.hub.organisations()} == known


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.requirement("R-RTE-05")
async def test_a_prison_that_names_somebody_held_elsewhere_is_given_nothing_until_that_prison_bears_it_out(
    world: CustodyWorld,
) -> None:
    """By its own key and the person's number alone; the Offender Manager hears of it at once."""
    number = "A1008AA"
    case = await held(world, number)
    theirs = await _reference(world.moorland, "RECEPTION")
    mailbox, topic = await world.leeds.mailbox(), await _cases_on_topic(world)
    came = event(f"{HELD_BACK}.received", number, "ADMISSION", "INT", prison="LEI", at="2026-03-11T09:00:00Z")
    assert (await world.leeds.event(came)).status_code == httpx.codes.ACCEPTED
    await world.region.told("exception", case, code="CUSTODY-CLAIMED")
    first = RISK | {"summary": "Invented risk before the move"}
    await world.region.say("risk-changes", case, first)
    await world.moorland.told("risk-change", theirs, summary=first["summary"])
    assert (await world.leeds.mailbox(), await _cases_on_topic(world)) == (mailbox, topic)

    left = {"action": "TRANSFER", "status": "CONFIRMED", "prison_from": "MDI", "prison_to": "LEI"}
    await world.moorland.say("prison-events", theirs, left | {"at": "2026-03-11T08:00:00Z"}, UNIT)
    await until(lambda: _more_on_topic(world, len(topic)))
    (here,) = set(await _cases_on_topic(world)) - set(topic)
    await world.leeds.told("case", here)
    second = RISK | {"summary": "Invented risk after the move"}
    await world.region.say("risk-changes", case, second)
    await world.leeds.told("risk-change", here, summary=second["summary"])
    # The prison left hears of it no more, and what it has not fetched yet waits there no longer.
    assert await world.moorland.of_case("risk-change", theirs) == []


@pytest.mark.requirement("R-MSG-05")
@pytest.mark.requirement("R-REF-03")
async def test_a_death_ends_the_work_and_a_mistaken_one_brings_it_back(world: CustodyWorld) -> None:
    """The provider hears of both, and may report progress only while its referral stands."""
    number = "A1004AA"
    case = await held(world, number)
    theirs = await world.referred(case)
    progress = {"referral": "RF-1", "kind": "SESSION", "attendance": "ATTENDED"}
    await world.recovery.say("progress", theirs, progress, WORKER)
    await world.service.event_taken(
        event(f"{HELD_BACK}.released", number, "RELEASED", "DEC", at="2026-03-06T09:00:00Z")
    )
    await world.region.told("prison-event", case, action="DEATH", status="CONFIRMED")
    await world.region.told("exception", case, code="DEATH-REPORTED")
    await world.recovery.told("prison-event", theirs, action="DEATH")
    url = await world.recovery.post("progress", theirs, progress, WORKER)
    assert await world.recovery.state(url) == "refused"
    there = await _reference(world.moorland, "DEATH")
    await world.moorland.say("prison-events", there, {"action": "DEATH", "status": "RETRACTED"}, UNIT)
    await world.recovery.told("prison-event", theirs, action="DEATH", status="RETRACTED")
    await world.recovery.say("progress", theirs, progress, WORKER)


@pytest.mark.requirement("R-MSG-05")
async def test_curfew_recall_and_a_day_outside_reach_the_offender_manager(world: CustodyWorld) -> None:
    """Each as what it is; the recall is known by the code of its reason."""
    number = "A1005AA"
    case = await held(world, number)
    there = await _reference(world.moorland, "RECEPTION")
    for action, more in (
        ("TEMPORARY_RELEASE", {"prison_from": "MDI", "at": "2026-03-07T08:00:00Z"}),
        ("RETURN", {"prison_to": "MDI", "at": "2026-03-07T18:00:00Z"}),
        ("HDC", {"prison_from": "MDI", "at": "2026-03-08T09:00:00Z", "release_type": "HDC"}),
    ):
        said = {"action": action, "status": "CONFIRMED", **more}
        await world.moorland.say("prison-events", there, said, UNIT)
        await world.region.told("prison-event", case, action=action)
    await world.service.event_taken(
        event(f"{HELD_BACK}.received", number, "READMISSION", "B", prison="LEI", at="2026-03-20T09:00:00Z")
    )
    recalled = await world.region.told("prison-event", case, action="RECALL")
    assert (recalled.data["prison_to"], recalled.data["movement_reason"]) == ("LEI", "B")


@pytest.mark.requirement("R-MSG-13")
async def test_identities_are_merged_and_parted_with_what_was_disclosed_to_review(
    world: CustodyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers follow the prison's merger, cases the region's; events find the case that is carried on."""
    removed, kept, other = "A1006AA", "A1006BB", "A1007AA"
    case, second = await held(world, removed), await held(world, other)
    theirs = await world.referred(second)
    await world.service.event_taken(
        event(f"{HELD_BACK}.merged", kept, "MERGE", removedNomsNumber=removed, at="2026-03-09T09:00:00Z")
    )
    await world.region.told("exception", case, code="NUMBER-CHANGED")
    await world.service.event_taken(
        event(f"{HELD_BACK}.released", kept, "TEMPORARY_ABSENCE_RELEASE", at="2026-03-09T12:00:00Z")
    )
    await world.region.told("prison-event", case, action="TEMPORARY_RELEASE")

    await world.region.say("cases", case, {"action": "MERGED", "merged_case": second})
    await world.region.told("exception", case, code="CASES-MERGED")
    looked_at = {each.delivery for each in await world.recovery.waiting("referral")}
    listed = await asyncio.to_thread(_review, world, case, monkeypatch)
    on_other = [each for each in listed if each["why"] == "on the case merged into this one"]
    assert {each["organisation"] for each in on_other} >= {RECOVERY}
    # Told is what stood in a delivery, not what might have: nobody ever said an alias or a police number.
    assert all(each["read"] for each in listed)
    assert not {"aliases", "pnc", "note"} & {path for each in listed for path in each["told"]}
    # The drug service has no part in the case that is carried on: nothing of it would go there now.
    mine = [each for each in on_other if each["delivery_id"] in looked_at and each["told"]]
    assert mine
    assert all(each["less"] for each in mine)

    await world.region.say("cases", case, {"action": "UNMERGED", "merged_case": second})
    await world.region.told("exception", case, code="CASES-UNMERGED")
    between = await asyncio.to_thread(_review, world, case, monkeypatch)
    assert {each["why"] for each in between} <= {"on this case, while the two were merged"}
    await _released(world, other, second)
    await world.recovery.told("prison-event", theirs, action="RELEASE", status="CONFIRMED")


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.requirement("R-DEL-03")
async def test_what_the_hub_cannot_use_is_answered_alike_whoever_it_is_about(world: CustodyWorld) -> None:
    """An unknown person, a kind it has no use for, a fault, a repeat: each has one answer."""
    unknown = event(f"{HELD_BACK}.released", "A9999ZZ", "RELEASED")
    answer = await world.service.event(unknown)
    assert answer.status_code == httpx.codes.ACCEPTED
    assert set(answer.json()) == {"message", "type", "contract", "state", "status_url"}
    assert await world.service.state(answer.json()["status_url"]) == "refused"
    repeated = await world.service.event(unknown)
    assert (repeated.json(), repeated.headers["Idempotent-Replayed"]) == (answer.json(), "true")
    idle = await world.service.event(event(f"{HELD_BACK}.released", "A9999ZZ", "SENT_TO_COURT"))
    assert (idle.status_code, idle.json()) == (httpx.codes.OK, {"state": "not-needed"})
    broken = await world.service.event(event(f"{HELD_BACK}.released", "A9999ZZ", "LET-GO", prison="Moor"))
    assert broken.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    inside = "/additionalInformation"
    assert {each["pointer"] for each in broken.json()["errors"]} == {f"{inside}/reason", f"{inside}/prisonId"}
    assert "A9999ZZ" not in broken.text


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.requirement("R-DEL-03")
async def test_a_single_prison_cannot_tell_from_any_answer_whether_a_number_is_known(
    world: CustodyWorld,
) -> None:
    """Not from the first answer, not from a repeat, not from the state, and not once it becomes known."""
    known, unknown, later = "A1009AA", "A9009ZZ", "A1010AA"
    case = await held(world, known)

    def told(number: str) -> dict[str, Any]:
        return event(f"{HELD_BACK}.received", number, "ADMISSION", prison="LEI", at="2026-03-12T09:00:00Z")

    before = len(await world.refusals())
    found = {number: await _outside(world, told(number)) for number in (known, unknown, later)}
    await world.region.told("exception", case, code="CUSTODY-CLAIMED")
    await until(lambda: _more_refusals(world, before + 2))
    again = {number: await _outside(world, told(number)) for number in found}
    assert len(set(found.values())) == len(set(again.values())) == 1
    assert again[known][0] == "accepted"

    new = await held(world, later)
    repeated = await _outside(world, told(later))
    await world.region.told("exception", new, code="CUSTODY-CLAIMED")
    assert (repeated, await _outside(world, told(later))) == (again[unknown], again[unknown])
    # The service may know: it names everybody who is in any prison.
    answer = await world.service.event(told(unknown))
    assert await world.service.state(answer.json()["status_url"]) == "refused"


async def _outside(world: CustodyWorld, document: dict[str, Any]) -> tuple[str, ...]:
    """All that a prison sees of an event: answers and state, without the reference, which is opaque."""
    foreseen = await world.leeds.http.post("/v1/hmpps-events?dry_run=true", json=document)
    answer = await world.leeds.event(document)
    reference, url = answer.json()["message"], answer.json()["status_url"]
    state = await world.leeds.http.get(url)
    seen = []
    for each in (answer, foreseen, state):
        names = sorted(name for name in each.headers if name != "date")
        seen += [str(each.status_code), each.text.replace(reference, "-"), *names]
    return (state.json()["state"], *seen, answer.headers["content-length"], str(len(reference)))


async def _more_refusals(world: CustodyWorld, count: int) -> bool:
    return len(await world.refusals()) >= count


async def _more_on_topic(world: CustodyWorld, before: int) -> bool:
    return len(await world.on_topic(LEEDS)) > before


async def _cases_on_topic(world: CustodyWorld) -> list[str]:
    """The case of every record on Leeds' own topic, as Leeds knows it."""
    return sorted(each["ce_subject"] for each in await world.on_topic(LEEDS))


async def _reference(prison: Any, action: str) -> str:  # noqa: ANN401 - a Party
    """The reference by which a prison knows the case it was told of last."""
    async with asyncio.timeout(WAIT_S):
        while True:
            told = [each for each in await prison.waiting("prison-event") if each.data["action"] == action]
            if told:
                return str(told[-1].envelope["ce_subject"])
            await asyncio.sleep(0.1)


async def _released(world: CustodyWorld, number: str, case: str) -> None:
    """Hand on a release until it is told on this case: the index follows the log."""
    async with asyncio.timeout(WAIT_S):
        for second in range(60):
            released = event(
                f"{HELD_BACK}.released", number, "RELEASED", at=f"2026-03-10T09:00:{second:02d}Z"
            )
            answer = await world.service.event(released)
            await world.service.state(answer.json()["status_url"])
            told = await world.region.of_case("prison-event", case)
            if any(each.data["action"] == "RELEASE" for each in told):
                return
            await asyncio.sleep(0.3)


def _review(world: CustodyWorld, case: str, patch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What `hub ledger review-merge` lists."""
    patch.setenv("HUB_INSTANCE", world.hub.settings.instance)
    done = CliRunner().invoke(ledger.app, ["review-merge", "--case", case, "--json"])
    assert done.exit_code == 0, done.output
    return list(json.loads(done.output))
