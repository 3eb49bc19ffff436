"""Whatever is sent in whatever order: a Result every time, one OM, nothing to those who have left."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.cases.membership import OPEN_STATES, is_current
from hub.cases.state import from_json, to_json
from hub.consent.decision import Concern
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import Instant
from hub.routing.route import route
from tests.unit.worlds import (
    ADMINISTRATOR,
    ADVISER,
    CASE,
    COUNSELLOR,
    DAY,
    DEBT,
    HOUSING,
    HOUSING_OFFICER,
    LEEDS,
    LEEDS_UNIT,
    LINE_MANAGER,
    MANAGER,
    MOORLAND,
    NEXT_MANAGER,
    OTHER_PROBATION,
    PROBATION,
    RECOVERY,
    SUPERVISOR,
    UNIT,
    Staff,
    World,
    objective_fields,
    staffed,
)

if TYPE_CHECKING:
    from hub.messages.identifiers import OrganisationId
    from hub.routing.outcome import Result

Step = tuple[Staff, MessageName, dict[str, object]]
OM_3 = Staff(OTHER_PROBATION, Role.OFFENDER_MANAGER, "om-3")
MANAGERS = (MANAGER, MANAGER, MANAGER, NEXT_MANAGER, OM_3)
PROVIDERS = (COUNSELLOR, HOUSING_OFFICER, ADVISER)
PRISONS = (UNIT, LEEDS_UNIT, SUPERVISOR, Staff(MOORLAND, Role.SYSTEM, ""))
STAFF = (*MANAGERS, *PROVIDERS, *PRISONS, ADMINISTRATOR, LINE_MANAGER)
LIKELY = {
    MessageName.CASE: (ADMINISTRATOR, LINE_MANAGER),
    MessageName.TEAM_CHANGE: (LINE_MANAGER, ADMINISTRATOR),
    MessageName.REFERRAL: (*MANAGERS, *PROVIDERS, *PROVIDERS),
    MessageName.PROGRESS: PROVIDERS,
    MessageName.PLAN: MANAGERS,
    MessageName.RISK_CHANGE: (*MANAGERS, *PROVIDERS),
    MessageName.CORRECTION: (*MANAGERS, COUNSELLOR),
    MessageName.PRISON_EVENT: PRISONS,
    MessageName.CONSENT: (*MANAGERS, LINE_MANAGER, COUNSELLOR),
}
"""Who mostly sends what; now and then it is anybody."""
ORGANISATIONS = (PROBATION, OTHER_PROBATION, MOORLAND, LEEDS, RECOVERY, HOUSING, DEBT)
PEOPLE = (MANAGER, NEXT_MANAGER, OM_3, ADMINISTRATOR, SUPERVISOR, *PROVIDERS)
REFERRALS = ("ref-1", "ref-2", "ref-3")
ANSWERS = ("ACCEPT", "ACCEPT", "DECLINE", "WAIT", "START", "COMPLETE", "END")
YES = (True,)
SCOPES = (True, True, False)
CASE_ACTIONS = ("CHANGED", "CHANGED", "OPENED", "MERGED", "UNMERGED")
EVENTS = ("RECEPTION", "TRANSFER", "RELEASE", "RETURN", "HDC", "RECALL", "TEMPORARY_RELEASE", "DEATH")
CONSENTS = (
    *("GIVEN", "GIVEN", "REFUSED", "WITHDRAWN", "EXPIRED"),
    *("EXCLUSION", "RESTRICTION", "CONFIDENTIALITY", "OM_THREATENED", "LIFTED"),
)
ASKED = ("OVERRIDE_REQUESTED", "BREAK_GLASS", "COURT_ORDER")
GRANTS = (*ASKED, "OVERRIDE_APPROVED", "BREAK_GLASS_REVIEWED", "GRANT_ENDED")


class Chance:
    """Writes messages by chance, as they might come: mostly sensible, some not."""

    def __init__(self, seed: int) -> None:
        """Follow the seed: the same gives the same messages."""
        self.random = Random(seed)  # noqa: S311 - for chance, not for secrets

    def maybe(self, *values: object) -> object:
        """Return one of the values, or now and then nothing."""
        return None if self.random.random() < 0.2 else self.random.choice(values)

    def moment(self, world: World) -> int | None:
        """Return a moment from yesterday to three weeks on, or none."""
        return None if self.random.random() < 0.6 else world.now + self.random.randint(-DAY, 20 * DAY)

    def step(self, world: World) -> Step:
        """Write one message."""
        message = self.random.choice(tuple(LIKELY))
        by = self.random.choice(STAFF if self.random.random() < 0.1 else LIKELY[message])
        return by, message, getattr(self, message.name.lower())(world, by)

    def case(self, _world: World, _by: Staff) -> dict[str, object]:
        """Write what a case message says."""
        action = self.random.choice(CASE_ACTIONS)
        tier, scope = self.maybe(1, 4), self.maybe(*SCOPES)
        return {"action": action, "tier": tier, "in_scope": scope, "merged_case": self.maybe("d" * 32, CASE)}

    def team_change(self, world: World, _by: Staff) -> dict[str, object]:
        """Write an appointment, an end, a transfer or a handover, of somebody likely."""
        whom = self.random.choice(PEOPLE)
        return {
            "action": self.random.choice(("APPOINT", "APPOINT", "END", "TRANSFER_OM", "HANDOVER")),
            "role": whom.role.value,
            "organisation": whom.organisation,
            "person": self.maybe(whom.person),
            "referral": self.maybe(*REFERRALS) if whom.role is Role.KEY_WORKER else None,
            "grade": self.maybe("PO", "PSO"),
            "effective_at": self.moment(world),
            "reason": self.maybe("COLLUSION", "THREATENED", "BEYOND_CONTROL"),
            "authorised_by": self.maybe("lm-1"),
            "authorised_role": self.maybe("line_manager"),
            "handover_until": self.moment(world),
        }

    def referral(self, world: World, by: Staff) -> dict[str, object]:
        """Write an offer by a broker, an answer by a provider."""
        number = PROVIDERS.index(by) if by in PROVIDERS else self.random.randrange(3)
        provider = PROVIDERS[number]
        brokers = ("OFFER", "OFFER", "OFFER", "WITHDRAW", "END")
        return {
            "referral": REFERRALS[number],
            "action": self.random.choice(ANSWERS if by in PROVIDERS else brokers),
            "provider": provider.organisation,
            "rung": self.random.randint(1, 4),
            "typology": "PUNITIVE",
            "nature": "RESTORATIVE",
            "category": self.maybe("ACCOMMODATION", "DEPENDENCY_RECOVERY"),
            "key_worker": self.maybe(provider.person, "kw-other"),
            "answer_by": self.moment(world),
        }

    def progress(self, _world: World, by: Staff) -> dict[str, object]:
        """Write progress, mostly on the sender's own referral."""
        number = PROVIDERS.index(by) if by in PROVIDERS else self.random.randrange(3)
        return {
            "referral": REFERRALS[number],
            "kind": "SESSION",
            "attendance": self.maybe("UNACCEPTABLE_ABSENCE", "ATTENDED"),
            "note": self.maybe("Invented note"),
            "concern_about_harm": self.maybe(*YES),
            "affects": ["ACCOMMODATION"],
        }

    def plan(self, world: World, _by: Staff) -> dict[str, object]:
        """Write a version of the plan, mostly the next."""
        held = 0 if world.state.plan is None else world.state.plan.version
        objective = {
            **dict.fromkeys(objective_fields()),
            "objective": "o-1",
            "organisation": self.maybe(*ORGANISATIONS),
            "title": self.maybe("Invented aim"),
        }
        return {"version": held + self.random.choice((1, 1, 1, 2)), "objectives": [objective]}

    def risk_change(self, _world: World, _by: Staff) -> dict[str, object]:
        """Write a change in risk."""
        return {
            "kind": self.random.choice(("ROSH", "MAPPA", "PPO", "FACTOR", "FACTOR", "VULNERABILITY")),
            "factor": self.maybe("Invented factor", "Invented FACTOR", "Another"),
            "factor_change": self.maybe("NEW", "INCREASED", "REDUCED", "ENDED"),
            "ppo": self.maybe(*SCOPES),
            "rosh_level": self.maybe("LOW", "VERY_HIGH"),
            "mappa_category": self.maybe(1),
            "mappa_level": self.maybe(2),
            "summary": self.maybe("Invented summary"),
        }

    def correction(self, world: World, _by: Staff) -> dict[str, object]:
        """Write a correction of something said before, of all of it or of some fields."""
        return {
            "corrects": f"{self.random.randint(1, world.sent):032x}",
            "action": self.random.choice(("CORRECT", "RETRACT", "RESTRICT", "ERASE")),
            "fields": self.maybe([], ["summary"], ["kind", "version", "action"], ["objectives[].title"]),
        }

    def prison_event(self, world: World, _by: Staff) -> dict[str, object]:
        """Write something that happens in custody."""
        return {
            "action": self.random.choice(EVENTS),
            "status": self.maybe("PROVISIONAL", "CONFIRMED", "CONFIRMED", "CONFIRMED", "RETRACTED"),
            "at": self.moment(world),
            "prison_from": self.maybe("MDI", "LEI", "WWI"),
            "prison_to": self.maybe("MDI", "LEI", "WWI"),
            "distant": self.maybe(*YES),
        }

    def consent(self, world: World, _by: Staff) -> dict[str, object]:
        """Write a consent or a restriction, the provider's health mostly; or an order, or an override."""
        if self.random.random() < 0.5:
            return self.grant(world)
        return {
            "consent": self.random.choice(("c-1", "c-2", "c-3")),
            "action": self.random.choice(CONSENTS),
            "organisations": self.random.sample(ORGANISATIONS, self.random.randint(0, 2)),
            "classes": self.maybe(["health"], ["risk", "plan_objective"]),
            "from": self.moment(world),
            "until": self.moment(world),
        }

    def grant(self, world: World) -> dict[str, object]:
        """Write something that opens the risk to somebody, or what happens to it afterwards."""
        action = self.random.choice(GRANTS)
        said: dict[str, object] = {
            "consent": self.random.choice(("g-1", "g-2", "g-3")),
            "action": action,
            "reason": "Invented",
        }
        if action not in ASKED:
            return said
        asked = {
            "organisations": [self.random.choice((PROBATION, RECOVERY, HOUSING))],
            "classes": self.maybe(["risk"], ["risk", "intelligence"]),
            "until": world.now + self.random.randint(0, 2 * DAY),
            "evidence": self.maybe("An invented file"),
        }
        return said | asked


def places_now(world: World) -> set[tuple[OrganisationId, Role]]:
    """Return every organisation and role with a part in the case now, worked out the plain way."""
    case = world.state
    places = {(m.organisation, m.role) for m in case.team if is_current(m, world.now)}
    places |= {(r.provider, Role.KEY_WORKER) for r in case.referrals if r.state in OPEN_STATES}
    if case.handover is not None and world.now < case.handover.until:
        places.add((case.handover.outgoing.organisation, Role.OFFENDER_MANAGER))
    if case.custody is not None and case.custody.prison is not None:
        places.add((case.custody.prison, Role.OFFENDER_MANAGEMENT_UNIT))
    return places


def check(world: World, result: Result, before: set[tuple[OrganisationId, Role]]) -> None:
    """Check what holds after any record whatever."""
    case = world.state
    managers = [m for m in case.team if m.role is Role.OFFENDER_MANAGER and is_current(m, world.now)]
    assert len(managers) <= 1
    assert from_json(to_json(case)) == case
    allowed = before | places_now(world)
    for decision in result.decisions:
        candidate = decision.candidate
        named = candidate.concern in {Concern.MOVED, Concern.EXCEPTION, Concern.REFERRED}
        assert named or (candidate.organisation, candidate.role) in allowed
    delivered = [d.delivery_id for d in result.deliveries]
    assert len(delivered) == len(set(delivered)) == sum(d.delivers for d in result.decisions)
    decided = [d.decision_id for d in result.decisions]
    assert len(decided) == len(set(decided))
    first = [d.candidate.role for d in result.decisions if result.seen and d.message == result.seen[0]]
    assert Role.OFFENDER_MANAGER not in first[sum(r is Role.OFFENDER_MANAGER for r in first) :]


@pytest.mark.requirement("R-CASE-02")
@pytest.mark.requirement("R-CASE-06")
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_sequence_of_messages_gives_results_and_keeps_one_offender_manager(seed: int) -> None:
    """It never raises; who has no part gets no decision; a replay of each record gives the same."""
    world, chance = staffed(), Chance(seed)
    for _ in range(40):
        before = places_now(world)
        if chance.random.random() < 0.15:
            result = world.pass_time(chance.random.randint(1, 5 * DAY))
        else:
            entry = world.submission(*chance.step(world))
            first = route(entry, world, world.now)
            result = world.take(entry)
            assert first == result
        check(world, result, before)
        world.now = Instant(world.now + 1)


@pytest.mark.requirement("R-DIS-05")
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_withdrawn_consent_is_never_given_again_by_anything_else(seed: int) -> None:
    """After the withdrawal, no decision for that organisation counts on consent until it is given anew."""
    world, chance = staffed(), Chance(seed)
    said = {"consent": "c-9", "organisations": [RECOVERY], "classes": ["health"]}
    world.send(MANAGER, MessageName.CONSENT, {**said, "action": "GIVEN"})
    world.send(ADMINISTRATOR, MessageName.CONSENT, {**said, "action": "WITHDRAWN"})
    for _ in range(40):
        by, message, payload = chance.step(world)
        if message is MessageName.CONSENT and payload["action"] in CONSENTS[:5]:
            continue
        for decision in world.send(by, message, payload).decisions:
            if decision.candidate.organisation == RECOVERY and "consent.health" in decision.facts:
                assert decision.facts["consent.health"] == "withdrawn"
