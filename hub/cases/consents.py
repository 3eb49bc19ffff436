"""What the person consents to, and what is held back all the same (R-MSG-07, R-DIS-03, R-DIS-05)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases import deadlines, overrides
from hub.cases.applied import Applied, Deadline, Ended, Occasion
from hub.cases.case import Case, ConsentGiven, ConsentState, Restriction, RestrictionKind
from hub.cases.declaring import as_declared
from hub.cases.refusals import full, incomplete
from hub.errors import DomainRefusal
from hub.messages.consent import ConsentAction, ConsentMessage
from hub.messages.envelope import InformationClass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.messages.identifiers import Instant

Consents = tuple[ConsentGiven, ...]
STATES: Mapping[ConsentAction, ConsentState] = {
    ConsentAction.GIVEN: ConsentState.GIVEN,
    ConsentAction.REFUSED: ConsentState.REFUSED,
    ConsentAction.WITHDRAWN: ConsentState.WITHDRAWN,
    ConsentAction.EXPIRED: ConsentState.EXPIRED,
}
KINDS: Mapping[ConsentAction, RestrictionKind] = {
    ConsentAction.EXCLUSION: RestrictionKind.EXCLUSION,
    ConsentAction.RESTRICTION: RestrictionKind.RESTRICTION,
    ConsentAction.CONFIDENTIALITY: RestrictionKind.CONFIDENTIALITY,
    ConsentAction.OM_THREATENED: RestrictionKind.OM_THREATENED,
}
NAMES_SOMEBODY = frozenset({RestrictionKind.EXCLUSION, RestrictionKind.RESTRICTION})
HELD_MAX = 300
EVERY_CLASS = frozenset(InformationClass)


def consent_changed(case: Case, body: ConsentMessage, at: Occasion) -> Applied:
    """Apply what the person said, or what is held back; it counts from the next decision on (R-DIS-05)."""
    if body.action in overrides.CHANGES:
        return overrides.grant_changed(case, body, at)
    if body.action is ConsentAction.LIFTED:
        return lifted(case, body)
    if body.action in KINDS:
        return restricted(case, body, at)
    if body.action is ConsentAction.GIVEN:
        return given(case, body, at)
    return taken_back(case, body, at)


def given(case: Case, body: ConsentMessage, at: Occasion) -> Applied:
    """Record a consent, in place of an earlier one of the same reference."""
    over = body.until is not None and body.until <= at.now
    said = _said(body, at, ConsentState.EXPIRED if over else ConsentState.GIVEN)
    timers: tuple[Deadline, ...] = ()
    cleared: tuple[Ended, ...] = (deadlines.consent_expiry(body.consent),)
    if body.until is not None and not over:
        timers, cleared = (deadlines.on(deadlines.consent_expiry(body.consent), body.until),), ()
    return Applied(
        case=replace(case, consents=_with(case, body, said)), timers_set=timers, timers_cleared=cleared
    )


def taken_back(case: Case, body: ConsentMessage, at: Occasion) -> Applied:
    """Record a refusal, a withdrawal or an end, under whatever reference the consent was given."""
    state = STATES[body.action]
    named = [held for held in case.consents if held.consent == body.consent]
    if named and not body.organisations and not body.classes:
        consents = tuple(_ended_by(held, state, at) if held in named else held for held in case.consents)
    else:
        rest = tuple(
            _closed(held, body, state, at)
            for held in case.consents
            if held not in named or (body.organisations and held.organisation not in body.organisations)
        )
        consents = (*rest, *_said(body, at, state))
    _check_room(consents)
    return Applied(
        case=replace(case, consents=consents), timers_cleared=_not_awaited(case.consents, consents)
    )


def restricted(case: Case, body: ConsentMessage, at: Occasion) -> Applied:
    """Hold something back, in place of an earlier restriction of the same reference."""
    kind = KINDS[body.action]
    if kind in NAMES_SOMEBODY and not body.organisations:
        what = "RESTRICTION"
        raise incomplete(what, "organisations")
    others = tuple(held for held in case.restrictions if held.restriction != body.consent)
    if len(others) >= HELD_MAX:
        what = "restrictions"
        raise full(what, HELD_MAX)
    restriction = Restriction(
        restriction=body.consent,
        kind=kind,
        organisations=frozenset(body.organisations),
        roles=frozenset(body.roles),
        classes=_classes_held(body),
        objective=body.objective,
        since=at.now if body.from_ is None else body.from_,
        until=body.until,
        said_in=at.envelope.message_id,
        declared=as_declared(at.envelope.declared),
    )
    named = deadlines.restriction_expiry(body.consent)
    return Applied(
        case=replace(case, restrictions=(*others, restriction)),
        timers_set=() if body.until is None else (deadlines.on(named, body.until),),
        timers_cleared=(named,) if body.until is None else (),
    )


def lifted(case: Case, body: ConsentMessage) -> Applied:
    """End a restriction by its reference."""
    others = tuple(held for held in case.restrictions if held.restriction != body.consent)
    if len(others) == len(case.restrictions):
        code = "RESTRICTION-UNKNOWN"
        raise DomainRefusal(code, "the case has no such restriction", fix="name it as it was sent")
    return Applied(
        case=replace(case, restrictions=others),
        timers_cleared=(deadlines.restriction_expiry(body.consent),),
    )


def _said(body: ConsentMessage, at: Occasion, state: ConsentState) -> tuple[ConsentGiven, ...]:
    return tuple(
        ConsentGiven(
            consent=body.consent,
            state=state,
            organisation=organisation,
            classes=frozenset(body.classes) or EVERY_CLASS,
            purposes=frozenset(body.purposes),
            since=_since(body, at, state),
            until=body.until,
            evidence=body.evidence or "",
            said_in=(at.envelope.message_id,),
            declared=as_declared(at.envelope.declared),
        )
        for organisation in (body.organisations or (None,))
    )


def _since(body: ConsentMessage, at: Occasion, state: ConsentState) -> Instant:
    """A consent counts from its date, never before it was recorded; what takes it back counts at once."""
    later = state is ConsentState.GIVEN and body.from_ is not None and body.from_ > at.now
    return body.from_ if later and body.from_ is not None else at.now


def _with(case: Case, body: ConsentMessage, said: tuple[ConsentGiven, ...]) -> tuple[ConsentGiven, ...]:
    consents = (*(held for held in case.consents if held.consent != body.consent), *said)
    _check_room(consents)
    return consents


def _check_room(consents: tuple[ConsentGiven, ...]) -> None:
    if len(consents) > HELD_MAX:
        what = "consents"
        raise full(what, HELD_MAX)


def _not_awaited(before: Consents, after: Consents) -> tuple[Ended, ...]:
    """Return the deadlines of consents that held and no longer do."""
    return tuple(deadlines.consent_expiry(name) for name in sorted(_expiring(before) - _expiring(after)))


def _expiring(consents: Consents) -> set[str]:
    return {held.consent for held in consents if held.state is ConsentState.GIVEN and held.until is not None}


def _ended_by(held: ConsentGiven, state: ConsentState, at: Occasion) -> ConsentGiven:
    """End a consent, and note by which message beside the one that recorded it."""
    said_in = (*held.said_in[:1], at.envelope.message_id)
    return replace(held, state=state, ended_at=_ended(held, at), said_in=said_in)


def _ended(held: ConsentGiven, at: Occasion) -> Instant | None:
    """Return when a consent stopped to hold: now, unless it had before."""
    return at.now if held.state is ConsentState.GIVEN else held.ended_at


def _closed(held: ConsentGiven, body: ConsentMessage, state: ConsentState, at: Occasion) -> ConsentGiven:
    """End a consent given earlier, under whatever reference, where the person's new word covers it.

    One given for every organisation stays for those the new word does not name.
    """
    classes = frozenset(body.classes) or EVERY_CLASS
    purposes = frozenset(body.purposes)
    covers = (not body.organisations or held.organisation in body.organisations) and (
        not purposes or (bool(held.purposes) and held.purposes <= purposes)
    )
    if held.state is not ConsentState.GIVEN or not covers or not classes & held.classes:
        return held
    rest = held.classes - classes
    return replace(held, classes=rest) if rest else _ended_by(held, state, at)


def _classes_held(body: ConsentMessage) -> frozenset[InformationClass]:
    if body.classes:
        return frozenset(body.classes)
    return EVERY_CLASS if body.objective is None else frozenset({InformationClass.PLAN_OBJECTIVE})
