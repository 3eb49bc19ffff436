"""Decides again on what is undelivered, with what is true now: release, replace by less, or stop.

The hub's one decider decides this, too (architecture 3): the projector only holds what may be out of date
and asks. Whatever has changed, nothing decided again tells more than it did; wider is another message's work.
A verdict is an ordinary decision, in the ledger like every other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hub.cases.keeping import field_of
from hub.cases.state import from_json
from hub.cases.turning import part_of
from hub.consent.decision import Candidate, Concern, Decision, Outcome, Scope
from hub.consent.narrowing import Before, is_as_before, narrowed
from hub.consent.redact import WithheldValueFound
from hub.messages.envelope import MessageName
from hub.messages.identifiers import DeliveryId, derived_id
from hub.messages.read import read
from hub.routing.concern import Concerned
from hub.routing.disclosing import (
    CUT_FAILED,
    Telling,
    Told,
    decision_on,
    delivery_of,
    right_until,
    terms_of,
    urgency_of,
)
from hub.routing.highlighting import highlighted
from hub.routing.holding import SUPERSEDED
from hub.routing.outcome import Delivery, Grounds, Settled, Urgency, Verdict
from hub.routing.relevance import is_relevant
from hub.routing.reporting import Cause, report, report_parked
from hub.routing.settling import settle_again
from hub.routing.terms import Parked

if TYPE_CHECKING:
    from collections.abc import Collection

    from hub.cases.applied import Applied
    from hub.cases.case import Case
    from hub.consent.parties import Organisation
    from hub.messages.envelope import Redecide, Submission, Undelivered
    from hub.messages.identifiers import Instant, MessageId, OrganisationId
    from hub.routing.outcome import Contracts, View
    from hub.routing.terms import Terms

TAKEN_BACK = "TAKEN-BACK"
"""Gate of what stands on a topic and must not any more: its author took it back, or less may be told now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redecided:
    """What became of what was asked about, what is told because of it, and the case after it."""

    settled: tuple[Settled, ...]
    told: Told
    """What goes in the place of others, and the reports that follow."""
    applied: Applied


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A decision made again on one delivery, joined with what was decided before."""

    telling: Telling
    concerned: Concerned
    before: Before
    decision: Decision
    organisation: Organisation | None
    terms: Terms


def redecide(asked: Redecide, case: Case, *, view: View, now: Instant) -> Redecided:
    """Decide again on every delivery asked about, with the case as it stands; raises DomainRefusal."""
    settled: list[Settled] = []
    narrower: list[Delivery] = []
    parked: list[Parked] = []
    for each in asked.deliveries:
        bears = _relevance(asked.submission, each, case)
        again = decide_again(asked.submission, replace(each, relevant=bears), case, view=view, now=now)
        again = replace(again, decision=_named(again.decision, asked.request_id, each.delivery_id))
        verdict, made = _settled(again, each.delivery_id, case, view=view, now=now)
        if each.finished and verdict.verdict is Verdict.REPLACE:
            # It has been taken in: less of it now would only come as news, and after what is newer.
            verdict, made = _stopped(verdict), ()
        settled.append(replace(verdict, by_kafka=each.by_kafka))
        narrower += made
        parked += _parked(again)
    envelope = asked.submission.envelope
    cause = Cause(
        identity=f"again/{asked.request_id}", message=envelope.message_id, correlation=envelope.correlation
    )
    applied = settle_again(case, settled, narrower, view=view, now=now)
    told = Told(deliveries=tuple(narrower))
    told += report_parked(parked, applied.case, cause=cause, view=view, now=now)
    told += report(applied.exceptions, applied.case, cause=cause, view=view, now=now)
    return Redecided(settled=tuple(settled), told=told, applied=applied)


def decide_again(submission: Submission, each: Undelivered, case: Case, *, view: View, now: Instant) -> Again:
    """Decide on one delivery with what is true now, never wider than before."""
    envelope = submission.envelope
    specs = view.contracts.fields(envelope.message, envelope.contract)
    seen = _seen(case, each)
    candidate = Candidate(
        organisation=each.organisation,
        role=each.role,
        persons=each.persons,
        concern=Concern(each.concern),
        relevant=each.relevant,
    )
    telling = Telling(submission=highlighted(submission, candidate), specs=specs, about=each.about)
    concerned = Concerned(candidate=candidate, case=seen, after=None if each.part is None else case)
    organisation = view.organisation(each.organisation)
    terms = terms_of(telling, organisation, candidate, view=view, now=now)
    decision = decision_on(telling, concerned, organisation, terms=terms, view=view, now=now)
    if decision.delivers and terms.parked is not None:
        decision = replace(decision, delivers=False, gate=terms.parked, caveats=(), obligations=())
    if decision.delivers and _is_past(submission, case):
        decision = replace(decision, delivers=False, gate=SUPERSEDED, caveats=(), obligations=())
    before = _before(submission, each, view.contracts)
    if decision.delivers and _is_taken_back(each, before, {field_of(spec.path) for spec in specs}):
        decision = replace(decision, delivers=False, gate=TAKEN_BACK, caveats=(), obligations=())
    policy = view.policy()
    if policy is not None:
        decision = narrowed(decision, before, policy=policy, specs=specs, submission=submission)
    return Again(
        telling=telling,
        concerned=concerned,
        before=before,
        decision=decision,
        organisation=organisation,
        terms=terms,
    )


def _is_past(submission: Submission, case: Case) -> bool:
    """Say whether it is a version of the plan that is not worked to any more (R-PLAN-01, R-PLAN-02)."""
    version = submission.payload.get("version")
    is_plan = submission.envelope.message is MessageName.PLAN
    return is_plan and isinstance(version, int) and version <= case.plan_past


def _is_taken_back(each: Undelivered, before: Before, fields: Collection[str]) -> bool:
    """Say whether it tells something its author has taken back since: a field that was given.

    With no field named it is the whole message, and so with a name that no field has now.
    """
    if each.taken_back is None:
        return False
    names = frozenset(map(field_of, each.taken_back))
    given = {field_of(path) for (path, _), was in before.outcomes.items() if was is not Outcome.WITHHOLD}
    return not names or not names.issubset(fields) or bool(names & given)


def with_part(case: Case, part: Case, organisation: OrganisationId) -> Case:
    """Return a case as it stands, but with the part in it an organisation had.

    Whoever is told that its part has ended is told so as what it still was; all else is as it is now.
    """
    return replace(
        case,
        team=(*(each for each in case.team if each.organisation != organisation), *part.team),
        referrals=(*(each for each in case.referrals if each.provider != organisation), *part.referrals),
        custody=part.custody or case.custody,
        handover=part.handover or case.handover,
    )


def _seen(case: Case, each: Undelivered) -> Case:
    return case if each.part is None else with_part(case, from_json(each.part), each.organisation)


def _relevance(submission: Submission, each: Undelivered, case: Case) -> bool | None:
    """Ask anew whether it bears on the recipient's work; an exception report bears on whoever it went to."""
    if submission.envelope.message is MessageName.EXCEPTION:
        return each.relevant
    return is_relevant(read(submission), (each.organisation, each.role), case=_seen(case, each))


def _before(submission: Submission, each: Undelivered, contracts: Contracts) -> Before:
    """Return what was decided before, its paths as today's version of the contract names them.

    They are named in the version of the day they were decided, whichever the message was sent in.
    """
    name, then = submission.envelope.message, each.contract
    outcomes: dict[tuple[str, Scope], Outcome] = {}
    for path, scope, outcome in each.outcomes:
        today = {path}
        if then is not None and not path.startswith("@"):
            today = set(contracts.current_paths(name, then, frozenset({path})))
        for named in today:
            place, was = (named, Scope(scope)), Outcome[outcome.upper()]
            outcomes[place] = max(outcomes.get(place, was), was)
    return Before(outcomes=outcomes, caveats=frozenset(each.caveats), items_held=frozenset(each.items_held))


def _named(decision: Decision, request: MessageId, delivery: DeliveryId) -> Decision:
    """Give the decision an id of its own: at one moment the same may be asked twice."""
    return replace(
        decision, decision_id=derived_id("decision-again", request, delivery, decision.decision_id)
    )


def _settled(
    again: Again, delivery: DeliveryId, case: Case, *, view: View, now: Instant
) -> tuple[Settled, tuple[Delivery, ...]]:
    """Return the verdict, and the narrower delivery where one goes."""
    decision, organisation, telling = again.decision, again.organisation, again.telling
    if not decision.delivers or organisation is None:
        return _verdict(Verdict.STOP, delivery, decision, case), ()
    until = right_until(case, organisation, telling.submission.envelope.message, view=view, now=now)
    if is_as_before(decision, again.before, specs=telling.specs, payload=telling.submission.payload):
        return _verdict(Verdict.RELEASE, delivery, decision, case, until=until), ()
    seen = again.concerned.case
    grounds = Grounds(
        decision_id=decision.decision_id,
        candidate=again.concerned.candidate,
        about=telling.about,
        items_held=decision.items_held,
        turn=case.turn,
        until=until,
        part=None if again.concerned.after is None else part_of(seen, organisation.organisation),
        replaces=delivery,
    )
    try:
        made = delivery_of(telling, decision, organisation, case=seen, terms=again.terms, grounds=grounds)
    except WithheldValueFound:
        stopped = replace(decision, delivers=False, gate=CUT_FAILED, caveats=(), obligations=())
        return _verdict(Verdict.STOP, delivery, stopped, case), ()
    name = DeliveryId(derived_id("delivery-again", delivery, decision.decision_id))
    # Its topic has had the wider one; the narrower one waits in the mailbox.
    narrower = replace(made, delivery_id=name, by_kafka=False)
    return _verdict(Verdict.REPLACE, delivery, decision, case, until=until), (narrower,)


def _verdict(
    verdict: Verdict, delivery: DeliveryId, decision: Decision, case: Case, *, until: Instant | None = None
) -> Settled:
    return Settled(delivery_id=delivery, verdict=verdict, decision=decision, turn=case.turn, until=until)


def _stopped(settled: Settled) -> Settled:
    decision = replace(settled.decision, delivers=False, gate=TAKEN_BACK, caveats=(), obligations=())
    return replace(settled, verdict=Verdict.STOP, decision=decision)


def _parked(again: Again) -> tuple[Parked, ...]:
    """Return what a contract's end has kept back after all: both sides are told (R-MSG-12)."""
    envelope, contract = again.telling.submission.envelope, again.terms.contract
    if contract is None or again.decision.gate is None or again.decision.gate != again.terms.parked:
        return ()
    return (
        Parked(
            candidate=again.concerned.candidate,
            message=envelope.message,
            contract=contract,
            reason=again.decision.gate,
            safety=urgency_of(envelope.message, again.telling.submission.payload) is Urgency.SAFETY,
        ),
    )
