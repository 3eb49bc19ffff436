"""Messages the hub itself makes: exception reports, and the current plan for whoever joins.

Both go the way of any other message: candidates, one decision each, deliveries (R-MSG-11, R-CASE-06,
R-PLAN-02). Their ids follow from what caused them, so that a replay makes the same.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.cases.case import ReferralState
from hub.cases.reports import DETAILS
from hub.consent.decision import Candidate, Concern
from hub.consent.parties import Kind
from hub.messages.envelope import Envelope, InformationClass, MessageName, Role, Statement, Submission
from hub.messages.identifiers import HUB, CaseRef, MessageId, derived_id
from hub.routing.concern import Concerned, attending
from hub.routing.disclosing import Telling, Told, tell
from hub.routing.outcome import Urgency

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hub.cases.applied import Applied, Raised
    from hub.cases.case import Case, Member, Plan
    from hub.consent.decision import FieldSpec
    from hub.messages.identifiers import Instant
    from hub.routing.outcome import View

EXCEPTION_CONTRACT = "1.0"
TAKEN_ON = frozenset({ReferralState.ACCEPTED, ReferralState.STARTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What the hub reacts to: a message, or a deadline that passed."""

    identity: str
    """The message's id, or the deadline's key: what the ids of the hub's own messages follow from."""
    message: MessageId | None
    correlation: str


def report(exceptions: Iterable[Raised], case: Case, *, cause: Cause, view: View, now: Instant) -> Told:
    """Send exception reports to the Offender Manager and the Case Administrator (R-ADM-01)."""
    told = Told()
    for raised in exceptions:
        specs = view.contracts.fields(MessageName.EXCEPTION, EXCEPTION_CONTRACT)
        telling = Telling(
            submission=_exception(raised, case.ref, cause=cause, specs=specs, now=now),
            specs=specs,
            urgency=Urgency.CASE,
        )
        to = tuple(Concerned(candidate=candidate, case=case) for candidate in attending(case, view, now))
        told += tell(telling, to, view=view, now=now)
    return told


def catch_up(before: Case | None, applied: Applied, *, cause: Cause, view: View, now: Instant) -> Told:
    """Give the current plan to whoever has joined, without anyone asking (R-CASE-06, R-PLAN-02)."""
    case = applied.case
    plan = case.plan
    if plan is None or before is None or before.plan != plan:
        return Told()
    joiners = tuple(_joining(before, applied, view))
    if not joiners:
        return Told()
    telling = Telling(
        submission=_plan_again(plan, case.ref, cause=cause, now=now),
        specs=view.contracts.fields(MessageName.PLAN, plan.contract),
        urgency=Urgency.CASE,
    )
    to = tuple(Concerned(candidate=candidate, case=case) for candidate in joiners)
    return tell(telling, to, view=view, now=now)


def _joining(before: Case, applied: Applied, view: View) -> Iterator[Candidate]:
    """Return who has joined: members, a provider that took a referral on, a prison that now holds."""
    places: dict[tuple[str, Role], Candidate] = {}
    for member in applied.joiners:
        place = (member.organisation, member.role)
        known = places.get(place)
        persons = {member.person} if known is None else {*known.persons, member.person}
        places[place] = _candidate(member, persons)
    yield from places.values()
    yield from _taking_on(before, applied, taken=frozenset(places))
    custody, earlier = applied.case.custody, before.custody
    if custody is None or custody.prison is None or (earlier and earlier.prison == custody.prison):
        return
    prison = view.organisation(custody.prison)
    if prison is not None and prison.kind is Kind.PRISON:
        yield Candidate(
            organisation=custody.prison,
            role=Role.OFFENDER_MANAGEMENT_UNIT,
            persons=frozenset(),
            concern=Concern.HELD_THERE,
        )


def _taking_on(before: Case, applied: Applied, *, taken: frozenset[tuple[str, Role]]) -> Iterator[Candidate]:
    """Return providers that accepted a referral without naming a Key Worker."""
    earlier = {referral.referral: referral.state for referral in before.referrals}
    for referral in applied.case.referrals:
        state = earlier.get(referral.referral)
        place = (referral.provider, Role.KEY_WORKER)
        if referral.state in TAKEN_ON and state not in {None, *TAKEN_ON} and place not in taken:
            yield Candidate(
                organisation=referral.provider,
                role=Role.KEY_WORKER,
                persons=frozenset(),
                concern=Concern.REFERRED,
            )


def _candidate(member: Member, persons: Iterable[str]) -> Candidate:
    return Candidate(
        organisation=member.organisation,
        role=member.role,
        persons=frozenset(persons),
        concern=Concern.TEAM,
    )


def _plan_again(plan: Plan, case: CaseRef, *, cause: Cause, now: Instant) -> Submission:
    """Return the version in force as a message of its own, still the Offender Manager's word."""
    declared = (pair.rpartition("=") for pair in plan.declared)
    envelope = Envelope(
        message_id=MessageId(derived_id("plan-again", plan.message, cause.identity)),
        message=MessageName.PLAN,
        contract=plan.contract,
        case=case,
        organisation=plan.author_organisation or HUB,
        author=plan.author,
        author_role=Role.OFFENDER_MANAGER,
        statement=plan.statement,
        occurred_at=plan.occurred_at or now,
        recorded_at=plan.recorded_at or now,
        correlation=plan.correlation,
        causation=plan.message,
        digest=hashlib.sha256(plan.payload.encode()).hexdigest(),
        declared={path: InformationClass(held) for path, _, held in declared},
    )
    return Submission(envelope=envelope, payload=json.loads(plan.payload))


def _exception(
    raised: Raised, case: CaseRef, *, cause: Cause, specs: tuple[FieldSpec, ...], now: Instant
) -> Submission:
    report_id = derived_id("exception", cause.identity, case, raised.code, raised.subject)
    payload: dict[str, object] = {spec.path.partition(".")[0].removesuffix("[]"): None for spec in specs}
    payload |= {
        "exception": report_id,
        "code": raised.code,
        "about_message": cause.message,
        "due_at": raised.due_at,
        "detail": DETAILS[raised.code],
        "raised_for_role": Role.OFFENDER_MANAGER.value,
    }
    envelope = Envelope(
        message_id=MessageId(report_id),
        message=MessageName.EXCEPTION,
        contract=EXCEPTION_CONTRACT,
        case=case,
        organisation=HUB,
        author="hub",
        author_role=Role.SYSTEM,
        statement=Statement.FACT,
        occurred_at=now,
        recorded_at=now,
        correlation=cause.correlation or report_id,
        causation=cause.message,
        digest=_digest(payload),
    )
    return Submission(envelope=envelope, payload=payload)


def _digest(payload: Mapping[str, object]) -> str:
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
