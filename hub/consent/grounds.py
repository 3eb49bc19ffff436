"""On which evidence a class is open to a recipient: a protocol, a consent's form, an order, an override.

It goes with the facts of a decision and is sealed with them, because a reference may say something of the
person. What shows an organisation's legal status stands in its own description.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from hub.cases.case import ConsentState
from hub.cases.grants import GrantKind, in_force
from hub.consent.class_facts import OVERRIDES, consents_of
from hub.consent.purposes import purpose_of
from hub.consent.question import common_of
from hub.consent.vocabulary import BY_CLASS

if TYPE_CHECKING:
    from hub.cases.case import ConsentGiven
    from hub.cases.grants import Grant
    from hub.consent.common import Column
    from hub.consent.facts import Evidence, Facts
    from hub.consent.question import Question
    from hub.messages.envelope import InformationClass
    from hub.messages.identifiers import Instant

_GIVEN = ConsentState.GIVEN
_PROTOCOL, _CONSENT = BY_CLASS.index("protocol"), BY_CLASS.index("consent")
_BY_GRANT = (
    ("court_order", BY_CLASS.index("court_order"), frozenset({GrantKind.COURT_ORDER})),
    ("override", BY_CLASS.index("override"), OVERRIDES),
)
Ground = tuple["frozenset[InformationClass]", str]
"""The classes something opens, and what shows it."""
Shown = tuple[str | None, ...]
"""What shows a fact, per class."""


def grounds_of(question: Question, facts: Facts) -> Evidence:
    """Return where each fact that opens a class is shown, the facts in the order of their names."""
    case, protocols, columns = question.case, question.organisation.protocols, facts.columns
    found: list[tuple[str, Shown]] = []
    if case.consents and (shown := _by_consent(question, facts)):
        found.append(("consent", shown))
    if case.grants:
        for fact, place, kinds in _BY_GRANT:
            if True in columns[place]:
                grounds = [
                    (each.classes, _named(each.grant, each.evidence))
                    for each in case.grants
                    if each.kind in kinds and _reaches(question, each)
                ]
                found.append((fact, _shown(tuple(grounds), facts.classes)))
    if protocols and True in columns[_PROTOCOL]:
        now = question.now
        live = [(each.classes, each.name) for each in protocols if _runs(each.since, each.until, now)]
        found.append(("protocol", _shown(tuple(live), facts.classes)))
    return tuple(found)


@lru_cache(maxsize=4096)
def _shown(grounds: tuple[Ground, ...], classes: tuple[InformationClass, ...]) -> Shown:
    """Return what opens each class: all of it, where it is more than one thing."""
    return tuple(["; ".join([text for those, text in grounds if name in those]) or None for name in classes])


def _by_consent(question: Question, facts: Facts) -> Shown:
    """Return what shows each consent that is given; once for all recipients, where they are the same."""
    common = common_of(question)
    if not common.words_for_all:
        return _by_words(question, facts)
    consents = consents_of(question, common, facts.classes)
    if consents.shown is None:
        consents.shown = _by_words(question, facts)
    return consents.shown


def _by_words(question: Question, facts: Facts) -> Shown:
    """Return the consents in force for each class whose latest word is one; nothing where none is."""
    if "given" not in facts.columns[_CONSENT]:
        return ()
    grounds = [
        (each.classes, _named(each.consent, each.evidence))
        for each in question.case.consents
        if _given(question, each)
    ]
    return _shown_given(tuple(grounds), facts.classes, facts.columns[_CONSENT])


@lru_cache(maxsize=4096)
def _shown_given(grounds: tuple[Ground, ...], classes: tuple[InformationClass, ...], column: Column) -> Shown:
    """Return what shows the consent for each class for which it is given."""
    shown = _shown(grounds, classes)
    return tuple([text if value == "given" else None for value, text in zip(column, shown, strict=True)])


def _named(reference: str, evidence: str) -> str:
    """Name something by its reference, and by where its evidence is kept if that is said."""
    return f"{reference} ({evidence})" if evidence else reference


def _runs(since: Instant, until: Instant | None, now: Instant) -> bool:
    return since <= now and (until is None or now < until)


def _given(question: Question, item: ConsentGiven) -> bool:
    """Tell whether a consent in force is for this organisation and purpose."""
    return (
        item.state is _GIVEN
        and _runs(item.since, item.until, question.now)
        and (item.organisation is None or item.organisation == question.organisation.organisation)
        and (not item.purposes or purpose_of(question.envelope.message) in item.purposes)
    )


def _reaches(question: Question, grant: Grant) -> bool:
    """Tell whether a grant is in force for this recipient and purpose."""
    return (
        in_force(grant, question.now)
        and grant.organisation == question.organisation.organisation
        and (not grant.roles or question.candidate.role in grant.roles)
        and (not grant.purposes or purpose_of(question.envelope.message) in grant.purposes)
    )
