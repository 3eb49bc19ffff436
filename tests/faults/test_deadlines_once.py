"""Deadlines fire exactly once while routers are killed, frozen inside a transaction, started anew.

The routing is the hub's own. Every case waits for a provider's answer and for the end of a consent; the
reports that follow have ids that follow from the deadline, so that one fired twice, or never, shows.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from hub.adapters.kafka.control import publish_control
from hub.adapters.kafka.intake import IntakePublisher
from hub.cases import deadlines
from hub.messages.envelope import Control, MessageName, Role
from hub.messages.identifiers import CaseRef, Instant, MessageId, derived_id
from hub.routing.outcome import Timer
from hub.topics.dispatch import Dispatch
from hub.topics.evidence import Evidence
from hub.topics.policy_files import read_policy
from tests.faults import reading, world
from tests.faults.test_two_routers import LONG_TRANSACTION, SESSION_S, scene, until
from tests.integration.living_world import organisation_body
from tests.unit import released, worlds
from tests.unit.worlds import ADMINISTRATOR, LINE_MANAGER, MANAGER, RECOVERY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hub.messages.envelope import Submission
    from tests.faults.test_two_routers import Scene
    from tests.unit.worlds import Staff

__all__ = ["scene"]

CASES = 120
FIRST_DUE_S = 14
SPREAD_S = 16
"""The deadlines of all cases come one after the other over this time."""
WAIT_S_MAX = 60


def told(ref: CaseRef, due_at: Instant, paper: worlds.World) -> Iterator[Submission]:
    """The messages of one case: opened, managed, an offer and a consent that both end at a moment."""
    person = {"role": MANAGER.role.value, "organisation": MANAGER.organisation, "person": MANAGER.person}
    offer = {
        "referral": "r-1",
        "action": "OFFER",
        "provider": RECOVERY,
        "rung": 2,
        "typology": "BARRIER_FACTORS",
        "nature": "REHABILITATIVE",
        "answer_by": due_at,
    }
    consent = {"consent": "c-1", "action": "GIVEN", "organisations": [RECOVERY], "classes": ["health"]}
    said: tuple[tuple[Staff, MessageName, Mapping[str, object]], ...] = (
        (ADMINISTRATOR, MessageName.CASE, {"action": "OPENED", "tier": 2, "in_scope": True}),
        (LINE_MANAGER, MessageName.TEAM_CHANGE, {"action": "APPOINT", "grade": "PO", **person}),
        (MANAGER, MessageName.REFERRAL, offer),
        (MANAGER, MessageName.CONSENT, {**consent, "until": due_at}),
    )
    for by, message, payload in said:
        yield paper.submission(by, message, payload, case=ref)


def due_in(ref: CaseRef, due_at: Instant) -> Iterator[tuple[str, MessageId]]:
    """The reports that have to come of one case: the code of each, and its id."""
    for kind, subject, code in (
        (deadlines.REFERRAL_ANSWER, "r-1", "REFERRAL-NO-ANSWER"),
        (deadlines.CONSENT_EXPIRY, "c-1", "CONSENT-EXPIRED"),
    ):
        timer = Timer(case=ref, kind=kind, subject=deadlines.named(subject), due_at=due_at)
        cause = f"{timer.key}/{timer.due_at}"
        yield code, MessageId(derived_id("exception", cause, ref, code, subject))


async def begin(scene: Scene) -> dict[CaseRef, Instant]:
    """Put organisations and rules in force, and tell all cases; returns when each one's deadlines are."""
    codec, paper = world.codec_in(scene.folder / "keys"), worlds.World()
    bodies = {
        f"organisation/{each.organisation}": organisation_body(each) for each in worlds.usual_organisations()
    }
    for name, body in {**bodies, "policy/current": released.body(read_policy(), "usual")}.items():
        control = Control(
            control_id=MessageId(derived_id("faults", name)),
            kind=name.partition("/")[0],
            name=name.partition("/")[2],
            effective_at=Instant(0),
            body=body,
        )
        await publish_control(control, bootstrap=scene.bootstrap, codec=codec, catalogue=scene.catalogue)
    began = int(time.time() * 1000) + FIRST_DUE_S * 1000
    due = {
        CaseRef(derived_id("deadlines", str(number))): Instant(began + number * SPREAD_S * 1000 // CASES)
        for number in range(CASES)
    }
    publisher = IntakePublisher(scene.bootstrap, codec=codec, catalogue=scene.catalogue)
    await publisher.start()
    for ref, due_at in due.items():
        for submission in told(ref, due_at, paper):
            await publisher.publish(submission)
    await publisher.stop()
    return due


async def fired(scene: Scene) -> Counter[MessageId]:
    """How often the ledger has the decision on each report for the Offender Manager."""
    evidence = Evidence(world.codec_in(scene.folder / "keys"))
    entered = [
        evidence.ledger_from(reading.value_of(record)).decision
        for record in await reading.read(scene.bootstrap, scene.catalogue.ledger)
    ]
    return Counter(
        each.message for each in entered if each.candidate.role is Role.OFFENDER_MANAGER and each.delivers
    )


async def sent_out(scene: Scene) -> Counter[str]:
    """How often each delivery stands in the outbox."""
    dispatch = Dispatch(world.codec_in(scene.folder / "keys"))
    return Counter(
        view.delivery_id
        for record in await reading.read(scene.bootstrap, scene.catalogue.outbox)
        for view in dispatch.outbox_from(reading.value_of(record), key=reading.key_of(record)).views
    )


@pytest.mark.timeout(180)
@pytest.mark.requirement("R-ADM-01", "R-REF-03", "R-MSG-07")
async def test_every_deadline_fires_exactly_once_across_restarts_and_rebalances(scene: Scene) -> None:
    """One router freezes inside a transaction past its session and wakes; one is killed; new ones come."""
    due = await begin(scene)
    limits = {**LONG_TRANSACTION, "tick_interval_ms": 100}
    victim = await scene.start(limits=limits, domain=True)
    frozen = await scene.start(limits=limits, domain=True, freeze=True, freeze_after_s=FIRST_DUE_S + 2)
    await until(scene.frozen.exists)
    await scene.start(limits=limits, domain=True)
    victim.kill()
    await asyncio.sleep(SESSION_S + 3)
    frozen.send_signal(signal.SIGCONT)
    await scene.start(limits=limits, domain=True)
    expected = {report for ref, due_at in due.items() for _, report in due_in(ref, due_at)}
    async with asyncio.timeout(WAIT_S_MAX):
        while not expected <= set(await fired(scene)):  # noqa: ASYNC110 - other processes have no event here
            await asyncio.sleep(0.5)
    await asyncio.sleep(SESSION_S)
    counts = await fired(scene)
    assert len(expected) == 2 * CASES
    assert {report: counts[report] for report in expected if counts[report] != 1} == {}
    assert [delivery for delivery, times in (await sent_out(scene)).items() if times != 1] == []
