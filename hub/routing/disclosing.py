"""Decides per candidate what a message tells, and makes the delivery of what is left (R-DIS-01)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases.membership import referral_named
from hub.cases.reports import URGENT
from hub.cases.turning import part_of
from hub.consent.allowance import allowance
from hub.consent.decide import decide
from hub.consent.decision import Decision
from hub.consent.moments import next_moment
from hub.consent.obligations import as_told
from hub.consent.outcomes import what_goes
from hub.consent.parties import Kind
from hub.consent.partner_contracts import Direction
from hub.consent.paths import PLAIN
from hub.consent.purposes import purpose_of
from hub.consent.redact import WithheldValueFound, cut
from hub.consent.release import COMING
from hub.messages.envelope import MessageName
from hub.messages.identifiers import DeliveryId, Instant, derived_id, framed, framed_together, id_from
from hub.messages.records import altered, record
from hub.routing.agreeing import terms_for
from hub.routing.highlighting import highlighted
from hub.routing.obliging import Unperformed, unperformed
from hub.routing.outcome import Delivery, Urgency, make_grounds
from hub.routing.terms import Parked, Terms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.cases.case import Case
    from hub.consent.decision import Candidate, FieldSpec
    from hub.consent.parties import Organisation
    from hub.messages.envelope import Submission
    from hub.messages.identifiers import MessageId, OrganisationId
    from hub.routing.concern import Concerned
    from hub.routing.outcome import Grounds, View

NO_POLICY = "NO-POLICY"
NO_ORGANISATION = "ORGANISATION-UNKNOWN"
CUT_FAILED = "GUARD-CUT-FAILED"
SAFETY = frozenset({MessageName.RISK_CHANGE, MessageName.PRISON_EVENT})
REFERRAL_REFERENCE = "referral"
"""The field by which every contract names a referral, in the message itself and in a plan's objectives."""
CASE_BUSINESS = frozenset(
    {
        MessageName.CASE,
        MessageName.REFERRAL,
        MessageName.PLAN,
        MessageName.TEAM_CHANGE,
        MessageName.CONSENT,
        MessageName.EXCEPTION,
    }
)
_DELIVERY = framed("delivery")
RESTRICTING = frozenset({"EXCLUSION", "RESTRICTION", "CONFIDENTIALITY", "OM_THREATENED"})
_SAFETY_WHERE: Mapping[MessageName, tuple[str, frozenset[str]]] = {
    MessageName.EXCEPTION: ("code", URGENT),
    MessageName.CONSENT: ("action", RESTRICTING),
    MessageName.ENFORCEMENT: ("decision", frozenset({"RECALL"})),
}
"""By which word of which field somebody's safety may hang on a message of other business."""
_USUAL: Mapping[MessageName, Urgency] = {
    **dict.fromkeys(MessageName, Urgency.ROUTINE),
    **dict.fromkeys(CASE_BUSINESS, Urgency.CASE),
    **dict.fromkeys(SAFETY, Urgency.SAFETY),
}


@record
class Telling:
    """One message to be told: what it says, which referral it is about."""

    submission: Submission
    specs: tuple[FieldSpec, ...]
    about: str | None = None


@record
class Told:
    """What became of one message: a decision for every candidate, a delivery for those it reaches."""

    deliveries: tuple[Delivery, ...] = ()
    decisions: tuple[Decision, ...] = ()
    parked: tuple[Parked, ...] = ()
    unperformed: tuple[Unperformed, ...] = ()
    only_with: tuple[tuple[MessageId, DeliveryId], ...] = ()
    """Reports of the hub's own that tell of a delivery, each with that delivery."""

    def __add__(self, other: Told) -> Told:
        """Put two messages' outcomes one after the other."""
        if other is NOTHING_TOLD:
            return self
        return Told(
            deliveries=self.deliveries + other.deliveries,
            decisions=self.decisions + other.decisions,
            parked=self.parked + other.parked,
            unperformed=self.unperformed + other.unperformed,
            only_with=self.only_with + other.only_with,
        )


NOTHING_TOLD = Told()
"""Nobody was told anything: what most of what may follow from a message comes to."""


def urgency_of(message: MessageName, payload: Mapping[str, object]) -> Urgency:
    """Say how a delivery is handled on its way: safety may overtake, routine waits its turn.

    It follows from what the recipient is given: made from the whole message it would tell what was held back.
    """
    if payload.get("concern_about_harm") is True:
        return Urgency.SAFETY
    says = _SAFETY_WHERE.get(message)
    if says is not None and payload.get(says[0]) in says[1]:
        return Urgency.SAFETY
    return _USUAL[message]


def tell(telling: Telling, concerned: Iterable[Concerned], *, view: View, now: Instant) -> Told:
    """Decide for each candidate, in the order given, and cut a delivery for each it may reach."""
    deliveries: list[Delivery] = []
    decisions: list[Decision] = []
    parked: list[Parked] = []
    envelope = telling.submission.envelope
    everybody, is_plan = telling, envelope.message is MessageName.PLAN
    for each in concerned:
        if is_plan:
            telling = altered(everybody, submission=highlighted(everybody.submission, each.candidate))
        organisation = view.organisation(each.candidate.organisation)
        terms = terms_of(telling, organisation, each.candidate, view=view, now=now)
        decision = decision_on(telling, each, organisation, terms=terms, view=view, now=now)
        if decision.delivers and terms.parked is not None and terms.contract is not None:
            decision = replace(decision, delivers=False, gate=terms.parked, caveats=(), obligations=())
            parked.append(
                Parked(
                    candidate=each.candidate,
                    message=envelope.message,
                    contract=terms.contract,
                    reason=terms.parked,
                    safety=urgency_of(envelope.message, telling.submission.payload) is Urgency.SAFETY,
                )
            )
        if decision.delivers and organisation is not None:
            grounds = _grounds(telling, each, decision, organisation, view=view, now=now)
            try:
                deliveries.append(
                    delivery_of(telling, decision, organisation, case=each.case, terms=terms, grounds=grounds)
                )
            except WithheldValueFound:
                decision = replace(decision, delivers=False, gate=CUT_FAILED, caveats=(), obligations=())
        decisions.append(decision)
    return Told(
        deliveries=tuple(deliveries),
        decisions=tuple(decisions),
        parked=tuple(parked),
        unperformed=unperformed(decisions, everybody.submission, everybody.specs),
    )


def terms_of(
    telling: Telling, organisation: Organisation | None, candidate: Candidate, *, view: View, now: Instant
) -> Terms:
    """Return the terms on which a candidate is told."""
    envelope = telling.submission.envelope
    terms = terms_for(view, candidate.organisation, envelope.message, current=envelope.contract, now=now)
    if terms.parked and envelope.message is MessageName.EXCEPTION and not _is_partner(organisation):
        # Whoever must act on an exception is told, whatever became of a contract.
        return Terms(version=envelope.contract)
    return terms


def right_until(
    case: Case, organisation: Organisation, message: MessageName, *, view: View, now: Instant
) -> Instant | None:
    """Return until when a decision is right unless a record of the log says otherwise; None: for good."""
    agreed = view.partner_contracts(organisation.organisation, message, Direction.RECEIVES)
    coming = view.release(COMING)
    at = None if coming is None else coming.get("effective_at")
    also = (Instant(at),) if isinstance(at, int) else ()
    return next_moment(case, organisation, agreed, now, also=also)


def _grounds(
    telling: Telling,
    each: Concerned,
    decision: Decision,
    organisation: Organisation,
    *,
    view: View,
    now: Instant,
) -> Grounds:
    today = each.after or each.case
    message = telling.submission.envelope.message
    return make_grounds(
        decision_id=decision.decision_id,
        candidate=each.candidate,
        about=telling.about,
        items_held=decision.items_held,
        turn=today.turn,
        until=right_until(today, organisation, message, view=view, now=now),
        part=None if each.after is None else part_of(each.case, organisation.organisation),
    )


def _is_partner(organisation: Organisation | None) -> bool:
    return organisation is not None and organisation.kind is Kind.PARTNER


def decision_on(
    telling: Telling,
    each: Concerned,
    organisation: Organisation | None,
    *,
    terms: Terms,
    view: View,
    now: Instant,
) -> Decision:
    """Decide for one candidate; without rules, or an organisation, nothing is disclosed."""
    policy = view.policy()
    if policy is None:
        return _withheld(telling, each, NO_POLICY, now)
    if organisation is None:
        return _withheld(telling, each, NO_ORGANISATION, now)
    return decide(
        policy,
        envelope=telling.submission.envelope,
        specs=telling.specs,
        case=each.case,
        organisation=organisation,
        candidate=each.candidate,
        now=now,
        about=telling.about,
        payload=telling.submission.payload,
        contract=terms.contract and altered(terms.contract, view=terms.decided),
    )


def _withheld(telling: Telling, each: Concerned, gate: str, now: Instant) -> Decision:
    """Return a decision that withholds everything because it cannot be made."""
    envelope = telling.submission.envelope
    place = (each.candidate.organisation, each.candidate.role)
    return Decision(
        decision_id=derived_id("decision", envelope.message_id, *place, gate, str(now)),
        message=envelope.message_id,
        case=each.case.ref,
        candidate=each.candidate,
        purpose=purpose_of(envelope.message),
        delivers=False,
        gate=gate,
        fields=(),
        policy="none",
        case_version=each.case.version,
        facts={},
        decided_at=now,
        message_name=envelope.message,
        contract=envelope.contract,
    )


def delivery_of(
    telling: Telling,
    decision: Decision,
    organisation: Organisation,
    *,
    case: Case,
    terms: Terms,
    grounds: Grounds,
) -> Delivery:
    """Cut what a decision lets go; raises WithheldValueFound if what it holds back is still in it."""
    envelope, candidate = telling.submission.envelope, decision.candidate
    payload: Mapping[str, object]
    payload, redacted = cut(telling.submission.payload, telling.specs, decision, candidate)
    if organisation.kind is Kind.PARTNER:
        payload = with_own_referrals(payload, case=case, recipient=organisation.organisation)
    may_know = what_goes(decision).envelope
    causation = envelope.causation if "@causation" in may_know else None
    if causation is None and envelope.causation is not None:
        # Held back in the envelope, it must not stand in the payload under another name.
        payload = {name: None if value == envelope.causation else value for name, value in payload.items()}
    names_organisation = "@author_organisation" in may_know
    return Delivery(
        delivery_id=_delivery_id(telling, candidate),
        message_id=envelope.message_id,
        case=envelope.case,
        organisation=candidate.organisation,
        role=candidate.role,
        message=envelope.message,
        contract=envelope.contract,
        urgency=urgency_of(envelope.message, payload),
        payload=payload,
        redacted=redacted,
        author=envelope.author if "@author" in may_know else None,
        author_role=envelope.author_role if names_organisation else None,
        author_organisation=envelope.organisation if names_organisation else None,
        statement=envelope.statement,
        occurred_at=envelope.occurred_at,
        recorded_at=envelope.recorded_at,
        correlation=envelope.correlation,
        causation=causation,
        caveats=as_told((*decision.caveats, *decision.obligations), decision.decided_at),
        obligations=decision.obligations,
        by_kafka=envelope.message in organisation.kafka,
        terms=terms,
        source=telling.submission,
        grounds=grounds,
        allowed=allowance(telling.submission.payload, telling.specs, decision, envelope=envelope),
    )


def with_own_referrals(
    payload: Mapping[str, object], *, case: Case, recipient: OrganisationId
) -> Mapping[str, object]:
    """Replace references to other organisations' referrals by ones that say nothing outside (R-DIS-01).

    Whoever offers a referral names it, and a telling name ("detox-clinic-7") would tell a partner which
    provider works with the person, though the rules keep that back. The replacement is the same in every
    delivery on this case to this recipient, so that it can put what belongs together side by side; it
    follows from the case's own reference, 128 secret bits, so that nobody can guess it back, and two
    recipients cannot compare theirs. Coming back in a message it names no referral of the case.
    """
    found = {
        name: _with_own_referrals(name, value, case, recipient)
        for name, value in payload.items()
        if value is not None and (name == REFERRAL_REFERENCE or value.__class__ not in PLAIN)
    }
    return {**payload, **found} if found else payload


def _with_own_referrals(name: str, value: object, case: Case, recipient: OrganisationId) -> object:
    if isinstance(value, Mapping):
        return with_own_referrals(value, case=case, recipient=recipient)
    if isinstance(value, list | tuple):
        return [_with_own_referrals(name, item, case, recipient) for item in value]
    if name != REFERRAL_REFERENCE or not isinstance(value, str):
        return value
    referral = referral_named(case, value)
    own = referral is not None and recipient in {referral.provider, referral.broker}
    return value if own else derived_id("referral", case.ref, value, recipient)


def _delivery_id(telling: Telling, candidate: Candidate) -> DeliveryId:
    """Name the delivery so that every retry, channel and replay names it alike (R-DEL-02)."""
    message = framed(telling.submission.envelope.message_id)
    return DeliveryId(id_from(_DELIVERY + message + framed_together(candidate.organisation, candidate.role)))
