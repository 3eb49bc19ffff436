"""Derives what each information class has for itself: protocol, consent, order, override, confidentiality.

Each fact comes as a column, one value per class asked for. What the case and the organisation say is gone
through once for all classes, what is the same for all recipients of a message once for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from hub.cases.case import ConsentGiven, ConsentState, Restriction, RestrictionKind
from hub.cases.grants import Grant, GrantKind
from hub.cases.grants import in_force as grant_in_force
from hub.consent.common import Column, Common, Consents
from hub.consent.purposes import purpose_of
from hub.consent.question import Question
from hub.consent.restrictions import aimed_at
from hub.messages.envelope import InformationClass

OVERRIDES = frozenset({GrantKind.OVERRIDE, GrantKind.BREAK_GLASS})
"""Grants that are somebody's decision, not a court's."""
_SAYS_NO = frozenset({ConsentState.REFUSED, ConsentState.WITHDRAWN})
_Word = tuple[frozenset[InformationClass], int, int]
"""The classes the person spoke on, when, and the rank of what they said."""
_EVERY_CLASS = frozenset(InformationClass)
_NO_CLASS: frozenset[InformationClass] = frozenset()
_STATES = ("given", "expired", "refused", "withdrawn")
"""Least to most held back: of two words spoken at the same moment the later one here stands."""
_RANK: Mapping[ConsentState, int] = {state: _STATES.index(str(state).lower()) for state in ConsentState}
# Looking a member up in its enumeration takes longer than all else these are used for.
_GIVEN, _COURT_ORDER = ConsentState.GIVEN, GrantKind.COURT_ORDER
_CONFIDENTIALITY = RestrictionKind.CONFIDENTIALITY
_EXPIRED = _STATES.index("expired")


def columns_of(
    question: Question, common: Common, classes: tuple[InformationClass, ...]
) -> tuple[Column, ...]:
    """Return each fact of BY_CLASS for these classes."""
    if common.plain and not question.organisation.protocols:
        known = common.columns
        if known is None or known[0] is not classes:
            known = common.columns = (classes, _columns_of(question, common, classes))
        return known[1]
    return _columns_of(question, common, classes)


def _columns_of(
    question: Question, common: Common, classes: tuple[InformationClass, ...]
) -> tuple[Column, ...]:
    none = column_of(_NO_CLASS, classes)
    ordered = overridden = confidential = none
    if question.case.grants:
        ordered, overridden = [column_of(each, classes) for each in _granted(question)]
    if common.restrictions:
        confidential = column_of(_confidential(question, common.restrictions), classes)
    # In the order of BY_CLASS.
    return (
        column_of(_under_protocol(question), classes) if question.organisation.protocols else none,
        consents_of(question, common, classes).column
        if common.words_for_all
        else _consents(question, classes),
        ordered,
        overridden,
        confidential,
    )


@lru_cache(maxsize=4096)
def column_of(those: frozenset[InformationClass], classes: tuple[InformationClass, ...]) -> Column:
    """Return which of the classes are among those."""
    return tuple([name in those for name in classes])


def consents_of(question: Question, common: Common, classes: tuple[InformationClass, ...]) -> Consents:
    """Return what the person's word amounts to where it is the same for every recipient."""
    found = common.consents
    if found is None or found.classes != classes:
        found = common.consents = Consents(classes, _consents(question, classes))
    return found


def _under_protocol(question: Question) -> frozenset[InformationClass]:
    """Return the classes for which a protocol with the organisation is live."""
    found, now = _NO_CLASS, question.now
    for item in question.organisation.protocols:
        if item.since <= now and (item.until is None or now < item.until):
            found = found | item.classes if found else item.classes
    return found


def _granted(question: Question) -> tuple[frozenset[InformationClass], frozenset[InformationClass]]:
    """Return the classes a court's order opens to the recipient, and those an override opens."""
    ordered = overridden = _NO_CLASS
    for grant in question.case.grants:
        if grant_in_force(grant, question.now) and _opens(question, grant):
            if grant.kind is _COURT_ORDER:
                ordered |= grant.classes
            elif grant.kind in OVERRIDES:
                overridden |= grant.classes
    return ordered, overridden


def _opens(question: Question, grant: Grant) -> bool:
    """Tell whether a grant is for this recipient and purpose; what it does not name stays shut."""
    return (
        grant.organisation == question.organisation.organisation
        and (not grant.roles or question.candidate.role in grant.roles)
        and (not grant.purposes or purpose_of(question.envelope.message) in grant.purposes)
    )


def _confidential(question: Question, restrictions: Sequence[Restriction]) -> frozenset[InformationClass]:
    """Return the classes the Offender Manager holds back from the recipient."""
    found = _NO_CLASS
    for item in restrictions:
        flag = item.kind is _CONFIDENTIALITY and item.objective is None
        if flag and aimed_at(item, question.organisation, question.candidate.role):
            found |= item.classes or _EVERY_CLASS
    return found


def _consents(question: Question, classes: tuple[InformationClass, ...]) -> Column:
    """Return what the person's word on each class, to this organisation and for this purpose, amounts to.

    The latest word stands; of two spoken at the same moment the one that holds back more. A consent that
    was given and has run out is expired.
    """
    own = question.organisation.organisation
    words = [
        (_classes_of(item), item.since, _rank(item, question.now))
        for item in question.case.consents
        if (item.organisation is None or item.organisation == own) and _speaks(question, item)
    ]
    return _latest(tuple(words), classes)


@lru_cache(maxsize=4096)
def _latest(words: tuple[_Word, ...], classes: tuple[InformationClass, ...]) -> Column:
    """Return the state of the latest of these words on each class."""
    spoken: dict[InformationClass, tuple[int, int]] = {}
    for those, since, rank in words:
        for name in those:
            spoken[name] = max(spoken.get(name, (since, rank)), (since, rank))
    return tuple([_STATES[spoken[name][1]] if name in spoken else "none" for name in classes])


def _classes_of(item: ConsentGiven) -> frozenset[InformationClass]:
    """Return the classes a word is on: a no that names none is on every one."""
    return item.classes or (_EVERY_CLASS if item.state in _SAYS_NO else _NO_CLASS)


def _speaks(question: Question, item: ConsentGiven) -> bool:
    """Tell whether a word of the person has begun and is about this purpose."""
    return item.since <= question.now and (
        not item.purposes or purpose_of(question.envelope.message) in item.purposes
    )


def _rank(item: ConsentGiven, now: int) -> int:
    """Return the state of one consent that has begun, its end applied."""
    if item.state is _GIVEN and item.until is not None and now >= item.until:
        return _EXPIRED
    return _RANK[item.state]
