"""A referral's life: who may broker at which rung, which move may follow which (R-MSG-01, R-REF-01…03)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.cases import deadlines, sequencing, team
from hub.cases.applied import Applied, Occasion, Raised
from hub.cases.case import Case, Referral, ReferralState
from hub.cases.declaring import also_declared, as_declared
from hub.cases.membership import OPEN_STATES, referral_named
from hub.cases.refusals import full, incomplete, referral_unknown
from hub.cases.team_reports import REFERRAL_ENDED_EARLY
from hub.errors import DomainRefusal
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import Instant
from hub.messages.needs import NEEDS
from hub.messages.records import altered
from hub.messages.referral import ReferralAction, ReferralMessage

if TYPE_CHECKING:
    from collections.abc import Mapping

State = ReferralState
Action = ReferralAction
MOVES: Mapping[tuple[ReferralState, ReferralAction], ReferralState] = {
    (State.OFFERED, Action.ACCEPT): State.ACCEPTED,
    (State.OFFERED, Action.DECLINE): State.DECLINED,
    (State.OFFERED, Action.WAIT): State.WAITING,
    (State.OFFERED, Action.WITHDRAW): State.WITHDRAWN,
    (State.WAITING, Action.ACCEPT): State.ACCEPTED,
    (State.WAITING, Action.DECLINE): State.DECLINED,
    (State.WAITING, Action.START): State.STARTED,
    (State.WAITING, Action.WITHDRAW): State.WITHDRAWN,
    (State.WAITING, Action.END): State.ENDED,
    (State.ACCEPTED, Action.WAIT): State.WAITING,
    (State.ACCEPTED, Action.START): State.STARTED,
    (State.ACCEPTED, Action.WITHDRAW): State.WITHDRAWN,
    (State.ACCEPTED, Action.END): State.ENDED,
    (State.STARTED, Action.COMPLETE): State.COMPLETED,
    (State.STARTED, Action.WITHDRAW): State.WITHDRAWN,
    (State.STARTED, Action.END): State.ENDED,
}
"""Every legal move; whatever is not here is refused. An offer begins a referral and is no move."""
BROKERS = frozenset({Role.OFFENDER_MANAGER, Role.OFFENDER_SUPERVISOR, Role.CASE_ADMINISTRATOR})
OM_IN_PERSON_FROM_RUNG = 3
"""From here up the work is not the hub's to command: agency risk is taken in person (002 3.19)."""
REFERRALS_MAX = 300


def referral_changed(case: Case, body: ReferralMessage, at: Occasion) -> Applied:
    """Apply an offer or a move of the life cycle."""
    if body.action is Action.OFFER:
        return offered(case, body, at)
    return moved(case, body, at)


def offered(case: Case, body: ReferralMessage, at: Occasion) -> Applied:
    """Offer a referral; its provider's time to answer begins."""
    if referral_named(case, body.referral) is not None:
        raise _illegal_move()
    if len(case.referrals) >= REFERRALS_MAX:
        what = "referrals"
        raise full(what, REFERRALS_MAX)
    referral = _new(case, body, at)
    _check_broker(referral.rung, at)
    return Applied(
        case=altered(case, referrals=(*case.referrals, referral)),
        timers_set=(deadlines.on(deadlines.answer(referral), referral.answer_due or at.now),),
        exceptions=sequencing.warnings(case, referral, at),
    )


def moved(case: Case, body: ReferralMessage, at: Occasion) -> Applied:
    """Make one legal move; who delivers the intervention joins or leaves the team with it."""
    before = referral_named(case, body.referral)
    if before is None or body.provider not in {None, before.provider}:
        raise referral_unknown()
    state = MOVES.get((before.state, body.action))
    if state is None:
        raise _illegal_move()
    key_worker = _key_worker(body, at)
    message = at.envelope.message_id
    after = altered(
        before,
        state=state,
        key_worker=key_worker or before.key_worker,
        moved_in=message,
        named_in=before.named_in if key_worker is None else message,
        declared=also_declared(before.declared, as_declared(at.envelope.declared)),
    )
    referrals = tuple([after if referral is before else referral for referral in case.referrals])
    staffed = _staffed(altered(case, referrals=referrals), after, key_worker, at=at)
    answered = (deadlines.answer(before),) if before.state is State.OFFERED else ()
    return altered(
        staffed,
        timers_cleared=(*staffed.timers_cleared, *answered),
        exceptions=(*staffed.exceptions, *_ended_early(before, body, at)),
    )


def _ended_early(before: Referral, body: ReferralMessage, at: Occasion) -> tuple[Raised, ...]:
    """Report an intervention that ends without completion by another's hand than the Offender Manager's."""
    if body.action is not Action.END or at.envelope.author_role is Role.OFFENDER_MANAGER:
        return ()
    unsaid = body.end_reason is None and body.withdrawal_code is None
    about = "The provider has not said why." if unsaid else "The provider's message says why."
    return (Raised(code=REFERRAL_ENDED_EARLY, subject=before.referral, about=about),)


def _staffed(case: Case, referral: Referral, key_worker: str | None, *, at: Occasion) -> Applied:
    if referral.state not in OPEN_STATES:
        serving = [m for m in case.team if m.referral == referral.referral and m.until is None]
        return team.removed(case, serving, until=at.now, now=at.now)
    if key_worker is None:
        return Applied(case=case)
    return team.key_worker_named(case, referral, key_worker, at)


def _key_worker(body: ReferralMessage, at: Occasion) -> str | None:
    """Who delivers it from now on: the one named on taking it up, else a Key Worker who takes it up."""
    if body.action not in {Action.ACCEPT, Action.START}:
        return None
    if body.key_worker is not None:
        return body.key_worker
    takes_up = body.action is Action.ACCEPT and at.envelope.author_role is Role.KEY_WORKER
    return at.envelope.author if takes_up else None


def _new(case: Case, body: ReferralMessage, at: Occasion) -> Referral:
    if body.provider is None or body.rung is None or body.typology is None or body.nature is None:
        what = "REFERRAL"
        raise incomplete(what, *NEEDS[MessageName.REFERRAL]["OFFER"])
    registered = at.directory.rung(body.provider)
    if registered is None:
        code = "PROVIDER-UNKNOWN"
        raise DomainRefusal(code, "the hub knows no such provider", fix="name a registered organisation")
    rung = max(body.rung, registered)
    answer_within_ms = at.directory.profile(case.jurisdiction).answer_ms(rung)
    return Referral(
        referral=body.referral,
        provider=body.provider,
        rung=rung,
        intervention=body.intervention or "",
        category=body.category,
        state=State.OFFERED,
        offered_at=at.now,
        answer_due=body.answer_by or Instant(at.now + answer_within_ms),
        broker=at.envelope.organisation,
        said_in=at.envelope.message_id,
        declared=as_declared(at.envelope.declared),
    )


def _check_broker(rung: int, at: Occasion) -> None:
    role = at.envelope.author_role
    if role is Role.OFFENDER_MANAGER or (role in BROKERS and rung < OM_IN_PERSON_FROM_RUNG):
        return
    code = "REFERRAL-RUNG-NEEDS-OM"
    message = "this rung of the brokerage ladder is brokered by the Offender Manager in person (002 3.19)"
    raise DomainRefusal(code, message, fix="let the Offender Manager make the referral")


def _illegal_move() -> DomainRefusal:
    return DomainRefusal(
        "REFERRAL-ILLEGAL-MOVE",
        "the referral's state does not allow that move (002 3.19, brokerage)",
        fix="fetch the referral's state; a referral that has ended is offered anew under another name",
    )
