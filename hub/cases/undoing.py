"""What a correction undoes of consents, restrictions, grants, referrals and custody (R-MSG-16).

What has been corrected is unknown until it is stated anew, and what is unknown never widens: what opened
stops at once, what held back goes on holding back (decision 0011).
"""

from __future__ import annotations

from dataclasses import fields, replace
from functools import reduce
from typing import TYPE_CHECKING

from hub.cases import deadlines, placing, reports, taking_back, team
from hub.cases.applied import Applied, Raised
from hub.cases.case import ConsentState, ReferralState, RestrictionKind
from hub.cases.identity import digest_of
from hub.cases.keeping import field_of
from hub.cases.membership import OPEN_STATES
from hub.messages.case import CaseMessage
from hub.messages.consent import ConsentMessage
from hub.messages.envelope import InformationClass
from hub.messages.identifiers import Instant
from hub.messages.prison_event import PrisonEventMessage, PrisonEventStatus
from hub.messages.referral import ReferralMessage

if TYPE_CHECKING:
    from hub.cases.applied import Occasion
    from hub.cases.case import Case, ConsentGiven, Custody, Referral, Restriction
    from hub.cases.grants import Grant
    from hub.messages.correction import CorrectionMessage

STRICTEST_RUNG = 4
"""What is taken for a rung that is not known: each rung up narrows what goes by default (R-DIS-02)."""
AIM = frozenset({"consent", "action", "organisations", "roles"})
"""Fields that say what a restriction is, and whom it lets in."""
MOVED = frozenset({"action", "status", "at", "prison_from", "prison_to"})
OFFERED = frozenset({"referral", "action", "provider"})
_REMARKS = frozenset({"reason", "recorded_how", "statement_by"})
_RELEASE = "release_date"
EVERY_CLASS = frozenset(InformationClass)


def undone(case: Case, body: CorrectionMessage, at: Occasion, *, number: str | None) -> Applied:
    """Undo what the case keeps of the message corrected, as far as the correction names it.

    `number` is the prison number that is not the person's after all, if it is found not to be.
    """
    begin = Applied(case=case) if number is None else _disowned(case, number, at)
    steps = (_grants, _consents, _restrictions, _referrals, _custody)
    done = reduce(lambda done, step: _then(done, step(done.case, body, at)), steps, begin)
    return placing.awaited(case, done, at)


def _disowned(case: Case, number: str, at: Occasion) -> Applied:
    """Undo what only events by a number told that is not the person's: they were about somebody else."""
    done = Applied(case=case, exceptions=(Raised(code=reports.NUMBER_TAKEN_BACK),))
    wrong = digest_of(case.ref, number)
    for _ in case.movements.known:
        # Looked up anew each time: taking one back may change what is known of another.
        told = (each for each in done.case.movements.known if each.numbered == wrong)
        known = next((each for each in told if each.status is not PrisonEventStatus.RETRACTED), None)
        if known is None:
            break
        done = _then(done, taking_back.undone(done.case, known, at))
    # Whatever became of the movements, a number that was wrong was told in a message of its own.
    done = replace(done, is_news=True)
    place = done.case.custody
    if place is None or place.dated_in in {None, *(each.message for each in case.facts)}:
        return done
    # A date that no case message states was an event's.
    return _undated(done, place)


def _then(before: Applied, after: Applied) -> Applied:
    """Join what follows from two steps of one correction; what nobody was told is no news, taken back."""
    return Applied(
        case=after.case,
        exceptions=(*before.exceptions, *after.exceptions),
        timers_set=(*before.timers_set, *after.timers_set),
        timers_cleared=(*before.timers_cleared, *after.timers_cleared),
        joiners=(*before.joiners, *after.joiners),
        leavers=(*before.leavers, *after.leavers),
        announced=(*before.announced, *after.announced),
        is_news=before.is_news and after.is_news,
    )


def _named(body: CorrectionMessage, kind: type) -> frozenset[str]:
    """Return the fields of a message that are corrected; naming none of its own means all of them."""
    own = frozenset(each.name.rstrip("_") for each in fields(kind))
    return own & frozenset(map(field_of, body.fields)) or own


def _consents(case: Case, body: CorrectionMessage, at: Occasion) -> Applied:
    """Let a consent recorded by mistake open nothing any more; a word that said no goes on saying no."""
    wrong = tuple(each for each in case.consents if body.corrects in each.said_in)
    if not wrong or not _named(body, ConsentMessage) - _REMARKS:
        return Applied(case=case)
    held = tuple(_unsaid(each, at) if each in wrong else each for each in case.consents)
    cleared = {deadlines.consent_expiry(each.consent) for each in wrong}
    return Applied(case=replace(case, consents=held), timers_cleared=tuple(sorted(cleared)))


def _unsaid(consent: ConsentGiven, at: Occasion) -> ConsentGiven:
    """End a consent in its place: an older one that it had taken the place of does not come back."""
    if consent.state is not ConsentState.GIVEN:
        return replace(consent, corrected=True)
    return replace(consent, state=ConsentState.EXPIRED, ended_at=at.now, corrected=True)


def _grants(case: Case, body: CorrectionMessage, at: Occasion) -> Applied:
    """End an order or an override that rests on a message recorded by mistake."""
    wrong = tuple(each for each in case.grants if body.corrects in each.said_in and _is_open(each, at))
    if not wrong or not _named(body, ConsentMessage) - _REMARKS:
        return Applied(case=case)
    over = {each.grant: replace(each, until=at.now, ended_at=at.now) for each in wrong}
    waits = {each.grant for each in wrong if each.kind == "BREAK_GLASS" and each.agreed is None}
    return Applied(
        case=replace(case, grants=tuple(over.get(each.grant, each) for each in case.grants)),
        timers_cleared=tuple(deadlines.grant_end(name) for name in over if name not in waits),
    )


def _is_open(grant: Grant, at: Occasion) -> bool:
    return grant.until is None or grant.until > at.now


def _restrictions(case: Case, body: CorrectionMessage, at: Occasion) -> Applied:
    """Go on holding back what a restriction recorded wrongly held back, until it is lifted or stated anew."""
    named = _named(body, ConsentMessage) - _REMARKS
    wrong = tuple(each for each in case.restrictions if each.said_in == body.corrects)
    if not wrong or not named:
        return Applied(case=case)
    whole = not body.fields
    held = {each.restriction: _held_anyway(each, named, at, whole=whole) for each in wrong}
    return Applied(
        case=replace(
            case, restrictions=tuple(held.get(each.restriction, each) for each in case.restrictions)
        ),
        exceptions=tuple(Raised(code=reports.RESTRICTION_CORRECTED, subject=name) for name in held),
        timers_cleared=tuple(
            deadlines.restriction_expiry(name) for name, each in held.items() if each.until is None
        ),
    )


def _held_anyway(held: Restriction, named: frozenset[str], at: Occasion, *, whole: bool) -> Restriction:
    """Return a restriction that holds back at least as much as this one, whatever of it was wrong."""
    held = replace(held, corrected=True)
    if named & {"until", "consent", "action"}:
        held = replace(held, until=None)
    if named & {"from"}:
        held = replace(held, since=Instant(min(held.since, at.now)))
    if held.kind is RestrictionKind.RESTRICTION and named & AIM:
        # Those it names are let in; who was meant is not known, so nobody is.
        held = replace(held, organisations=frozenset(), roles=frozenset())
    if not whole and named & {"classes", "objective"}:
        held = replace(held, objective=None, classes=EVERY_CLASS)
    return held


def _referrals(case: Case, body: CorrectionMessage, at: Occasion) -> Applied:
    """Take a referral back where its offer was wrong, and undo a move that was."""
    done = Applied(case=case)
    for each in case.referrals:
        if each.said_in == body.corrects:
            done = _then(done, _unoffered(done.case, each, _named(body, ReferralMessage), at))
        elif body.corrects in {each.moved_in, each.named_in}:
            done = _then(done, _unmoved(done.case, each, body, at))
    return done


def _unoffered(case: Case, referral: Referral, named: frozenset[str], at: Occasion) -> Applied:
    """Withdraw a referral at the wrong provider; of one at the wrong rung the strictest is taken."""
    after = referral
    if "intervention" in named:
        after = replace(after, intervention="")
    if "category" in named:
        after = replace(after, category=None)
    if "rung" in named:
        after = replace(after, rung=STRICTEST_RUNG)
    if named & OFFERED:
        state = ReferralState.WITHDRAWN if referral.state in OPEN_STATES else referral.state
        after = replace(after, state=state, corrected=True)
    if after == referral:
        return Applied(case=case)
    leaves = bool(named & OFFERED)
    staffed = _standing(case, referral, after, at, leaves=leaves)
    answered = (deadlines.answer(referral),) if leaves and referral.state is ReferralState.OFFERED else ()
    return replace(
        staffed,
        exceptions=(Raised(code=reports.REFERRAL_CORRECTED, subject=referral.referral),),
        timers_cleared=(*staffed.timers_cleared, *answered),
    )


def _unmoved(case: Case, referral: Referral, body: CorrectionMessage, at: Occasion) -> Applied:
    """Let a referral wait for its provider's answer again; one that has ended does not begin anew."""
    named = _named(body, ReferralMessage)
    back = referral.moved_in == body.corrects and bool(named & {"action", "referral"})
    back = back and referral.state in OPEN_STATES
    unnamed = referral.named_in == body.corrects and bool(named & {"key_worker", "action", "referral"})
    if not back and not unnamed:
        return Applied(case=case)
    after = replace(referral, key_worker=None, named_in=None)
    if back:
        after = replace(after, state=ReferralState.OFFERED, moved_in=None)
    staffed = _standing(case, referral, after, at, leaves=True)
    due_at = after.answer_due or at.now
    # A time that has passed may have been reported before the move; that it is open again is reported below.
    waits = (deadlines.on(deadlines.answer(after), due_at),) if back and due_at > at.now else ()
    return replace(
        staffed,
        exceptions=(Raised(code=reports.REFERRAL_CORRECTED, subject=referral.referral),),
        timers_set=(*staffed.timers_set, *waits),
    )


def _standing(case: Case, before: Referral, after: Referral, at: Occasion, *, leaves: bool) -> Applied:
    """Put a referral in the place of what was known of it; who delivers it leaves where that was wrong."""
    case = replace(case, referrals=tuple(after if each is before else each for each in case.referrals))
    serving = [each for each in case.team if each.referral == before.referral and each.until is None]
    return team.removed(case, serving if leaves else [], until=at.now, now=at.now)


def _custody(case: Case, body: CorrectionMessage, at: Occasion) -> Applied:
    """Undo a movement told wrongly, and forget a release date that was wrong."""
    done = Applied(case=case)
    if _named(body, PrisonEventMessage) & MOVED:
        done = taking_back.unsaid(case, body.corrects, at)
    place = done.case.custody
    dated = _RELEASE in _named(body, CaseMessage) | _named(body, PrisonEventMessage)
    if place is not None and place.dated_in == body.corrects and dated:
        done = _undated(done, place)
    return done


def _undated(done: Applied, place: Custody) -> Applied:
    """Forget the release date."""
    undated = replace(place, release_date=None, dated_in=None)
    return replace(done, case=replace(done.case, custody=undated))
