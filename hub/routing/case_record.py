"""The single case record as one member of the team may read it (R-CASE-09; 002 3.55, 4.5).

What the case knows is said again as messages, in their contracts, and each goes the way of a delivery: the
same rules decide it, the same cutter cuts it. So reading shows nothing that would not be delivered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hub.cases.case import ReferralState
from hub.cases.declaring import declared
from hub.cases.membership import current_team
from hub.consent.decision import Candidate, Concern
from hub.consent.redact import WithheldValueFound
from hub.messages.envelope import MessageName, Role, Submission
from hub.messages.identifiers import Instant, MessageId, OrganisationId, derived_id
from hub.messages.read import read
from hub.messages.referral import ReferralAction
from hub.routing.bringing_up import at_prisons_of_today, brought_up
from hub.routing.concern import Concerned, having_part
from hub.routing.disclosing import Telling, decision_on, delivery_of, terms_of
from hub.routing.highlighting import highlighted
from hub.routing.hub_words import said_by_hub
from hub.routing.outcome import Delivery, Grounds
from hub.routing.relevance import is_relevant
from hub.routing.saying_again import read_all_back, said_again

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hub.cases.case import Case, Kept
    from hub.cases.held import PlanHolder
    from hub.consent.decision import FieldSpec
    from hub.routing.outcome import View

MANAGING = frozenset({Role.OFFENDER_MANAGER, Role.CASE_ADMINISTRATOR})
"""They distribute the plan and see who holds which version (002 App. B, Case Administrator)."""
NAMED = frozenset({Concern.TEAM, Concern.HANDOVER})
"""Parts held by people who are named on the case."""
ACTIONS: Mapping[ReferralState, ReferralAction] = {
    ReferralState.OFFERED: ReferralAction.OFFER,
    ReferralState.ACCEPTED: ReferralAction.ACCEPT,
    ReferralState.DECLINED: ReferralAction.DECLINE,
    ReferralState.WAITING: ReferralAction.WAIT,
    ReferralState.STARTED: ReferralAction.START,
    ReferralState.COMPLETED: ReferralAction.COMPLETE,
    ReferralState.WITHDRAWN: ReferralAction.WITHDRAW,
    ReferralState.ENDED: ReferralAction.END,
}
"""The move that brought a referral where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """The record of one case for one reader."""

    role: Role
    entries: tuple[Delivery, ...]
    """In the order to read them: the case, the team, referrals, custody, consents, risk, the plan."""
    plan_holders: tuple[PlanHolder, ...]
    """Who holds which version of the plan, for those who distribute it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stated:
    """Something the case knows, as a message says it."""

    message: MessageName
    name: str
    """Tells it from others of its kind."""
    payload: Mapping[str, object]
    at: Instant
    about: str | None = None
    declared: tuple[str, ...] = ()
    """Stricter classes its author declared."""


def case_record(
    case: Case, organisation: OrganisationId, *, role: Role, person: str, view: View, now: Instant
) -> CaseRecord | None:
    """Return what this person may read of a case in this role; None where they have no such part in it."""
    case = at_prisons_of_today(brought_up(case, view.contracts), view)
    part = _part(case, organisation, role=role, person=person, view=view, now=now)
    if part is None:
        return None
    found = (
        _told(telling, part, case, view=view, now=now)
        for telling in _tellings(case, part, view=view, now=now)
    )
    manages = role in MANAGING and part.concern in NAMED
    return CaseRecord(
        role=role,
        entries=tuple(delivery for delivery in found if delivery is not None),
        plan_holders=case.held.plan if manages else (),
    )


def _part(
    case: Case, organisation: OrganisationId, *, role: Role, person: str, view: View, now: Instant
) -> Candidate | None:
    """Return the part in the case in which somebody reads: where people are named for it, they are one.

    Of a case that is closed those read who managed it; nobody else is told anything of it any more.
    """
    if case.closed_at is not None and role not in MANAGING:
        return None
    for candidate in having_part(case, view, now):
        if (candidate.organisation, candidate.role) != (organisation, role):
            continue
        return candidate if candidate.concern not in NAMED or person in candidate.persons else None
    return None


def _tellings(case: Case, part: Candidate, *, view: View, now: Instant) -> Iterator[Telling]:
    """Yield everything the record holds, as messages to be decided."""
    kept: list[tuple[MessageName, tuple[Kept, ...]]] = [(MessageName.CASE, case.facts)] if case.facts else []
    kept += [(MessageName.RISK_CHANGE, (risk,)) for risk in case.risks]
    if case.plan is not None and case.plan.fields and case.plan.version > case.plan_past:
        kept.append((MessageName.PLAN, (case.plan,)))
    read = read_all_back(kept, case.ref, view)
    again = [
        said_again(parts, found, view=view, cause="case-record")
        for (_, parts), found in zip(kept, read, strict=True)
        if found is not None
    ]
    of_case = [each for each in again if each[0].envelope.message is MessageName.CASE]
    yield from _whole(of_case)
    for stated in (*_team(case, part, now), *_referrals(case), *_custody(case, view), *_consents(case)):
        yield _said_by_the_hub(stated, case, view=view)
    yield from _whole(each for each in again if each not in of_case)


def _whole(again: Iterable[tuple[Submission, tuple[FieldSpec, ...]]]) -> Iterator[Telling]:
    """Yield messages kept, but one of which a key was corrected away: what is left names nothing."""
    for submission, specs in again:
        if all(submission.payload.get(spec.path, "") is not None for spec in specs if spec.key):
            yield Telling(submission=submission, specs=specs)


def _told(telling: Telling, part: Candidate, case: Case, *, view: View, now: Instant) -> Delivery | None:
    """Decide on one message for the reader, and cut what is left of it; None where nothing is."""
    organisation = view.organisation(part.organisation)
    if organisation is None:
        return None
    relevant = is_relevant(read(telling.submission), (part.organisation, part.role), case=case)
    candidate = replace(part, relevant=relevant)
    telling = replace(telling, submission=highlighted(telling.submission, candidate))
    terms = terms_of(telling, organisation, candidate, view=view, now=now)
    concerned = Concerned(candidate=candidate, case=case)
    decision = decision_on(telling, concerned, organisation, terms=terms, view=view, now=now)
    if not decision.delivers or terms.parked is not None:
        return None
    grounds = Grounds(
        decision_id=decision.decision_id,
        candidate=candidate,
        about=telling.about,
        items_held=decision.items_held,
        turn=case.turn,
        until=None,
    )
    try:
        return delivery_of(telling, decision, organisation, case=case, terms=terms, grounds=grounds)
    except WithheldValueFound:
        return None


def _said_by_the_hub(stated: _Stated, case: Case, *, view: View) -> Telling:
    submission, specs = said_by_hub(
        stated.message,
        stated.payload,
        identity=MessageId(derived_id("case-record", case.ref, stated.message, stated.name)),
        case=case.ref,
        contracts=view.contracts,
        at=stated.at,
    )
    envelope = replace(submission.envelope, declared=declared(stated.declared))
    return Telling(submission=replace(submission, envelope=envelope), specs=specs, about=stated.about)


def _team(case: Case, part: Candidate, now: Instant) -> Iterator[_Stated]:
    """Yield who is on the team; of another provider's Key Worker a provider hears from the plan alone.

    Which other service works with the person is health or need by another name (DPA 2018 s.37), and that a
    referral was taken up was told to nobody but those who manage the case and the prison.
    """
    for member in current_team(case, now):
        if (
            member.role is Role.KEY_WORKER
            and part.role is Role.KEY_WORKER
            and member.organisation != part.organisation
        ):
            continue
        yield _Stated(
            message=MessageName.TEAM_CHANGE,
            name="/".join((member.role, member.organisation, member.person, member.referral or "")),
            payload={
                "action": "APPOINT",
                "role": member.role.value,
                "organisation": member.organisation,
                "person": member.person,
                "grade": member.grade,
                "referral": member.referral,
                "effective_at": member.since,
            },
            at=member.since,
        )


def _referrals(case: Case) -> Iterator[_Stated]:
    """Yield how each referral stands; what its author wrote in it is in the offer alone."""
    for referral in case.referrals:
        if referral.corrected:
            continue
        yield _Stated(
            message=MessageName.REFERRAL,
            name=referral.referral,
            payload={
                "referral": referral.referral,
                "action": ACTIONS[referral.state].value,
                "provider": referral.provider,
                "rung": referral.rung,
                "answer_by": referral.answer_due,
                "key_worker": referral.key_worker,
            },
            at=referral.offered_at,
            about=referral.referral,
            declared=referral.declared,
        )


def _custody(case: Case, view: View) -> Iterator[_Stated]:
    custody = case.custody
    if custody is None or custody.prison is None:
        return
    prison = view.organisation(custody.prison)
    at = custody.since or case.opened_at
    yield _Stated(
        message=MessageName.PRISON_EVENT,
        name="custody",
        payload={
            "action": "RECEPTION",
            "status": "CONFIRMED",
            "prison_to": None if prison is None else prison.prison,
            "at": custody.since,
        },
        at=at,
        declared=tuple(sorted({each for known in case.movements.known for each in known.declared})),
    )


def _consents(case: Case) -> Iterator[_Stated]:
    for consent in case.consents:
        if consent.corrected:
            continue
        yield _Stated(
            message=MessageName.CONSENT,
            name=f"{consent.consent}/{consent.organisation or ''}",
            payload={
                "consent": consent.consent,
                "action": consent.state.value,
                "organisations": [] if consent.organisation is None else [consent.organisation],
                "classes": sorted(each.value for each in consent.classes),
                "purposes": sorted(consent.purposes),
                "from": consent.since,
                "until": consent.until,
            },
            at=consent.since,
            declared=consent.declared,
        )
    for held in case.restrictions:
        yield _Stated(
            message=MessageName.CONSENT,
            name=held.restriction,
            # Of one recorded wrongly it is shown that it holds, so that it can be lifted, no more.
            payload={"consent": held.restriction, "action": held.kind.value}
            if held.corrected
            else {
                "consent": held.restriction,
                "action": held.kind.value,
                "organisations": sorted(held.organisations),
                "roles": sorted(role.value for role in held.roles),
                "classes": sorted(each.value for each in held.classes),
                "objective": held.objective,
                "from": held.since,
                "until": held.until,
            },
            at=held.since,
            declared=held.declared,
        )
