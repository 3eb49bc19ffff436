"""Orders of a court; overrides: asked for, agreed to by somebody else, ended (R-DIS-07; 002 3.19; 003 ¶5).

Here is what a case keeps of them and in which order things may happen. Who may ask, who may agree and for
how long is policy (`hub.routing.authorising`); what a grant then opens, the rules decide (`hub.consent`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases import deadlines
from hub.cases.applied import Applied, Occasion, Raised
from hub.cases.case import Case
from hub.cases.grants import Act, Grant, GrantKind, is_over
from hub.cases.refusals import case_closed, full, incomplete
from hub.cases.reports import BREAK_GLASS_USED
from hub.errors import DomainRefusal
from hub.messages.consent import ConsentAction, ConsentMessage
from hub.messages.identifiers import Instant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

GRANTS_MAX = 300
NARROWED = ("organisations", "roles", "classes", "purposes", "from_", "until")
"""What an override says when it is asked for, and nobody says otherwise later."""


def grant_changed(case: Case, body: ConsentMessage, at: Occasion) -> Applied:
    """Apply what happens to a court's order or an override; it counts from the next decision on."""
    if case.closed_at is not None and body.action in OPENING:
        raise case_closed()
    return CHANGES[body.action](case, body, at)


def ordered(case: Case, body: ConsentMessage, at: Occasion) -> Applied:
    """Record an order of a court, in place of an earlier one of the same reference."""
    if not body.evidence:
        what = "COURT-ORDER"
        raise incomplete(what, "evidence: where the order is kept")
    since = at.now if body.from_ is None else max(at.now, body.from_)
    if body.until is not None and body.until <= since:
        raise _ends_too_soon()
    return _kept(case, _grant(body, at, GrantKind.COURT_ORDER, since=since), at.now)


def requested(case: Case, body: ConsentMessage, at: Occasion) -> Applied:
    """Keep an override that is asked for; nothing is opened by asking."""
    _check_asked(body, at)
    return _kept(case, _grant(body, at, GrantKind.OVERRIDE, since=None), at.now)


def agreed(case: Case, body: ConsentMessage, at: Occasion) -> Applied:
    """Put an override in force: another person agrees to it, as it was asked for."""
    grant = _named(case, body, GrantKind.OVERRIDE)
    if grant.since is not None:
        code = "OVERRIDE-AGREED-ALREADY"
        raise DomainRefusal(code, "the override is in force, or was", fix="ask for another one")
    if is_over(grant, at.now):
        code = "OVERRIDE-OVER"
        raise DomainRefusal(code, "the end of the override has come already", fix="have it asked for anew")
    _check_second(grant, body, at)
    said_in = (*grant.said_in, at.envelope.message_id)
    return Applied(case=_with(case, replace(grant, since=at.now, agreed=_act(at), said_in=said_in)))


def glass_broken(case: Case, body: ConsentMessage, at: Occasion) -> Applied:
    """Open something at once because somebody is in danger; it is reported, and has to be reviewed."""
    _check_asked(body, at)
    grant = _grant(body, at, GrantKind.BREAK_GLASS, since=at.now)
    raised = Raised(code=BREAK_GLASS_USED, subject=grant.grant, due_at=grant.until)
    return replace(_kept(case, grant, at.now), exceptions=(raised,))


def reviewed(case: Case, body: ConsentMessage, at: Occasion) -> Applied:
    """Record that another person has looked at a break-glass; it goes on to its end unless ended."""
    grant = _named(case, body, GrantKind.BREAK_GLASS)
    if grant.agreed is not None:
        code = "BREAK-GLASS-REVIEWED-ALREADY"
        raise DomainRefusal(code, "somebody has reviewed it already", fix="nothing to do")
    if not body.reason:
        what = "REVIEW"
        raise incomplete(what, "reason: what the review found")
    _check_second(grant, body, at)
    return Applied(case=_with(case, replace(grant, agreed=_act(at))))


def ended(case: Case, body: ConsentMessage, at: Occasion) -> Applied:
    """End an order, an override or the request for one now; a break-glass still waits for its review."""
    grant = _named(case, body)
    if is_over(grant, at.now):
        code = "GRANT-OVER"
        raise DomainRefusal(code, "it has ended already", fix="nothing to do")
    over = replace(grant, until=at.now, ended_at=at.now)
    waits = grant.kind is GrantKind.BREAK_GLASS and grant.agreed is None
    cleared = () if waits else (deadlines.grant_end(grant.grant),)
    return Applied(case=_with(case, over), timers_cleared=cleared)


CHANGES: Mapping[ConsentAction, Callable[[Case, ConsentMessage, Occasion], Applied]] = {
    ConsentAction.COURT_ORDER: ordered,
    ConsentAction.OVERRIDE_REQUESTED: requested,
    ConsentAction.OVERRIDE_APPROVED: agreed,
    ConsentAction.BREAK_GLASS: glass_broken,
    ConsentAction.BREAK_GLASS_REVIEWED: reviewed,
    ConsentAction.GRANT_ENDED: ended,
}
"""What each action does to the grants of a case."""
OPENING = frozenset(CHANGES) - {ConsentAction.BREAK_GLASS_REVIEWED, ConsentAction.GRANT_ENDED}
"""Actions that open something, or are on the way to it."""


def _grant(body: ConsentMessage, at: Occasion, kind: GrantKind, *, since: Instant | None) -> Grant:
    if len(body.organisations) != 1:
        code = "GRANT-ONE-ORGANISATION"
        raise DomainRefusal(
            code, "an order or an override opens something to one organisation", fix="send one for each"
        )
    if not body.classes:
        what = "GRANT"
        raise incomplete(what, "classes: what it opens")
    return Grant(
        grant=body.consent,
        kind=kind,
        organisation=body.organisations[0],
        classes=frozenset(body.classes),
        roles=frozenset(body.roles),
        purposes=frozenset(body.purposes),
        evidence=body.evidence or "",
        asked=_act(at),
        since=since,
        until=body.until,
        said_in=(at.envelope.message_id,),
    )


def _act(at: Occasion) -> Act:
    envelope = at.envelope
    return Act(
        organisation=envelope.organisation, role=envelope.author_role, person=envelope.author, at=at.now
    )


def _check_asked(body: ConsentMessage, at: Occasion) -> None:
    """Refuse to open anything without a name, a reason and an end."""
    if not at.envelope.author:
        what = "OVERRIDE"
        raise incomplete(what, "author: who asks for it")
    if not body.reason or body.until is None:
        what = "OVERRIDE"
        raise incomplete(what, "reason", "until")
    if body.from_ is not None:
        code = "OVERRIDE-BEGINS-BY-ITSELF"
        raise DomainRefusal(
            code, "an override begins when it is agreed to, a break-glass at once", fix="leave out from"
        )
    if body.until <= at.now:
        raise _ends_too_soon()


def _check_second(grant: Grant, body: ConsentMessage, at: Occasion) -> None:
    """Refuse a second pair of eyes that is the first one, has no name, or looks at something else."""
    author = at.envelope.author.strip().casefold()
    if not author or author == grant.asked.person.strip().casefold():
        code = "OVERRIDE-NEEDS-ANOTHER"
        raise DomainRefusal(
            code, "whoever asked for it cannot agree to it or review it", fix="have another person do it"
        )
    if any(getattr(body, name) for name in NARROWED):
        code = "OVERRIDE-CHANGED"
        raise DomainRefusal(
            code,
            "it is agreed to or reviewed as it was asked for",
            fix="leave out whom, what and how long; or have it asked for anew",
        )


def _ends_too_soon() -> DomainRefusal:
    code = "GRANT-ENDS-TOO-SOON"
    return DomainRefusal(code, "its end has come before it begins", fix="give an end that is still to come")


def _named(case: Case, body: ConsentMessage, kind: GrantKind | None = None) -> Grant:
    for grant in case.grants:
        if grant.grant == body.consent and kind in {None, grant.kind}:
            return grant
    code = "GRANT-UNKNOWN"
    raise DomainRefusal(
        code, "the case has no such order or override", fix="name it as it was sent when it was asked for"
    )


def _kept(case: Case, grant: Grant, now: Instant) -> Applied:
    """Add a grant and wait for its end; of the same reference only a court's order replaces another."""
    held = next((each for each in case.grants if each.grant == grant.grant), None)
    orders = held is not None and held.kind is grant.kind is GrantKind.COURT_ORDER
    if held is not None and not orders:
        code = "GRANT-REFERENCE-USED"
        raise DomainRefusal(code, "the case knows that reference", fix="send it under a reference of its own")
    named = deadlines.grant_end(grant.grant)
    return Applied(
        case=_with(_with_room(case, now), grant),
        timers_set=() if grant.until is None else (deadlines.on(named, grant.until),),
        timers_cleared=(named,) if grant.until is None else (),
    )


def _with(case: Case, grant: Grant) -> Case:
    others = tuple(each for each in case.grants if each.grant != grant.grant)
    return replace(case, grants=(*others, grant))


def _with_room(case: Case, now: Instant) -> Case:
    """Let go of what is over where there is no room left, unless it waits for a review."""
    if len(case.grants) < GRANTS_MAX:
        return case
    kept = tuple(
        each
        for each in case.grants
        if not is_over(each, now) or (each.kind is GrantKind.BREAK_GLASS and each.agreed is None)
    )
    if len(kept) >= GRANTS_MAX:
        what = "orders and overrides"
        raise full(what, GRANTS_MAX)
    return replace(case, grants=kept)
