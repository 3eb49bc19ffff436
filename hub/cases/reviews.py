"""Reviews: scheduled ahead by tier, triggered in good time, held or reported (R-ADM-02, R-MSG-09).

002 App. B, Case Administrator: "Track formal review schedule for case; trigger review process in good
time". How often and how long before, the jurisdiction's profile says. The schedule follows from the case:
whatever changes its tier, its release or its plan moves it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases import deadlines, expecting, reports
from hub.cases.applied import Announced, Applied, Raised
from hub.cases.dates import first_moment
from hub.cases.work import ExpectedKind, Scheduled
from hub.messages.identifiers import Instant, derived_id
from hub.messages.records import altered
from hub.messages.review import ReviewAction, ReviewKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.cases.applied import Deadline, Directory, Ended, Occasion
    from hub.cases.case import Case
    from hub.cases.profile import Profile, ReviewRule
    from hub.messages.review import ReviewMessage

DAY_MS = 24 * 60 * 60 * 1000


def reviewed(case: Case, body: ReviewMessage, at: Occasion) -> Applied:
    """Take the word that a review was convened, or held: the next one counts from there.

    One that is due somebody may announce, as the hub does; it changes nothing.
    """
    gone = [
        held for held in case.work.expected if held.kind is ExpectedKind.REVIEW and held.name == body.review
    ]
    if body.action is ReviewAction.CONVENED:
        ahead = body.at is not None and body.at > at.now
        new = expecting.expect(ExpectedKind.REVIEW, body.review, body.at) if body.at and ahead else None
        return expecting.swapped(Applied(case=case), gone, new, at.now)
    if body.action is ReviewAction.HELD:
        applied = expecting.swapped(Applied(case=case), gone, None, at.now)
        when = min(at.envelope.occurred_at if body.at is None else body.at, at.now)
        return altered(applied, case=_held(applied.case, body.kind, Instant(when)))
    return Applied(case=case)


def _held(case: Case, kind: ReviewKind | None, when: Instant) -> Case:
    """Count the next review of its kind from when this one was held; an earlier word changes nothing."""
    kept = tuple(
        altered(held, since=when, announced=False, held=True, missed=False)
        if held.kind is kind and held.since <= when
        else held
        for held in case.work.reviews
    )
    return altered(case, work=altered(case.work, reviews=kept))


def rescheduled(before: Case | None, applied: Applied, profile: Profile, now: Instant) -> Applied:
    """Let the schedule follow the case, and set or clear what changes by it."""
    case = applied.case
    was = {} if before is None else {held.kind: held for held in before.work.reviews}
    is_ = {held.kind: held for held in _wanted(case, profile, now)}
    if was == is_ and tuple(is_.values()) == case.work.reviews:
        return applied
    set_, cleared = list(applied.timers_set), list(applied.timers_cleared)
    for kind in (*was, *is_):
        if was.get(kind) == is_.get(kind):
            continue
        cleared += (deadlines.review(each, kind) for each in (deadlines.REVIEW_AHEAD, deadlines.REVIEW_DUE))
        wanted = is_.get(kind)
        if wanted is not None and not wanted.held:
            set_ += _timers(wanted, _lead_ms(case, kind, profile))
    return altered(
        applied,
        case=altered(case, work=altered(case.work, reviews=tuple(is_.values()))),
        timers_set=tuple(dict.fromkeys(set_)),
        timers_cleared=tuple(cleared),
    )


def announced(case: Case, due: Ended, now: Instant, directory: Directory) -> Applied:
    """Trigger a review that is coming up: the hub sends the word that it is due.

    Where another profile has come into force since and triggers it later, it is waited for until then.
    """
    profile = directory.profile(case.jurisdiction)
    for held in case.work.reviews:
        if deadlines.review(deadlines.REVIEW_AHEAD, held.kind) != due or held.announced or held.held:
            continue
        if held.kind not in profile.reviews:
            return Applied(case=case)
        ahead = Instant(held.due_at - _lead_ms(case, held.kind, profile))
        if ahead > now:
            return Applied(case=case, timers_set=(deadlines.on(due, ahead),))
        told = replace(held, announced=True)
        name = derived_id("review", case.ref, held.kind, str(held.due_at))
        return Applied(
            case=_with(case, held, told),
            announced=(Announced(review=name, kind=held.kind, at=max(held.due_at, now)),),
        )
    return Applied(case=case)


def overdue(case: Case, due: Ended, now: Instant, _directory: Directory) -> Applied:
    """Report a review that was not held in its time, once, whatever moves its time until it is held."""
    late = [
        held
        for held in case.work.reviews
        if deadlines.review(deadlines.REVIEW_DUE, held.kind) == due
        and held.due_at <= now
        and not (held.held or held.missed)
    ]
    for held in late:
        case = _with(case, held, replace(held, missed=True))
    return Applied(
        case=case,
        exceptions=tuple(
            Raised(code=reports.REVIEW_NOT_HELD, subject=f"{held.kind}/{held.due_at}", due_at=held.due_at)
            for held in late
        ),
    )


def _wanted(case: Case, profile: Profile, now: Instant) -> Iterator[Scheduled]:
    """Yield the reviews the case asks for now, each with the moment by which it has to be held."""
    if case.closed_at is not None or case.in_scope is False:
        return
    known = {each.kind: each for each in case.work.reviews}
    for kind, rule in profile.reviews.items():
        held = known.get(kind) or Scheduled(kind=kind, since=now, due_at=now)
        if rule.before_release_days is not None:
            due = _before_release(case, rule, held.since, now)
            if due is not None:
                yield _once(held, due, again_after_ms=rule.lead_days * DAY_MS)
        elif rule.after_change_days is None and case.plan is not None:
            days = rule.every_days or profile.tier(case.tier).review_days
            yield _at(altered(held, held=False), Instant(held.since + days * DAY_MS))


def _before_release(case: Case, rule: ReviewRule, since: Instant, now: Instant) -> Instant | None:
    """Return when a review before release is due; None where no release from custody is expected."""
    custody = case.custody
    if custody is None or custody.prison is None or custody.release_date is None:
        return None
    release = first_moment(custody.release_date)
    if release <= now:
        return None
    usual = release - (rule.before_release_days or 0) * DAY_MS
    # Whoever comes to prison late has the time it takes to convene it, but not beyond the release.
    return Instant(min(release, max(usual, since + rule.lead_days * DAY_MS)))


def _once(held: Scheduled, due: Instant, *, again_after_ms: int) -> Scheduled:
    """Return a review that is wanted once; held, it is wanted again only where the release moves away."""
    if not held.held:
        return _at(held, due)
    return held if due - held.due_at <= again_after_ms else _at(altered(held, held=False), due)


def _at(held: Scheduled, due: Instant) -> Scheduled:
    if held.due_at == due:
        return held
    return altered(held, due_at=due, announced=held.announced and due <= held.due_at)


def _timers(wanted: Scheduled, lead_ms: int) -> Iterator[Deadline]:
    if not wanted.announced:
        ahead = deadlines.review(deadlines.REVIEW_AHEAD, wanted.kind)
        yield deadlines.on(ahead, Instant(wanted.due_at - lead_ms))
    if not wanted.missed:
        yield deadlines.on(deadlines.review(deadlines.REVIEW_DUE, wanted.kind), wanted.due_at)


def _lead_ms(case: Case, kind: ReviewKind, profile: Profile) -> int:
    rule = profile.reviews[kind]
    by_tier = rule.before_release_days is None and rule.every_days is None
    return (profile.tier(case.tier).review_lead_days if by_tier else rule.lead_days) * DAY_MS


def _with(case: Case, old: Scheduled, new: Scheduled) -> Case:
    reviews = tuple(new if held is old else held for held in case.work.reviews)
    return altered(case, work=altered(case.work, reviews=reviews))
