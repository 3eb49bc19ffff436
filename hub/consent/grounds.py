"""On which evidence a class is open to a recipient: a protocol, a consent's form, an order, an override.

It goes with the facts of a decision and is sealed with them, because a reference may say something of the
person. What shows an organisation's legal status stands in its own description.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hub.cases.case import ConsentState
from hub.cases.grants import GrantKind, in_force
from hub.consent.purposes import purpose_of
from hub.consent.vocabulary import BY_CLASS, Value
from hub.messages.envelope import InformationClass

if TYPE_CHECKING:
    from hub.cases.case import ConsentGiven
    from hub.cases.grants import Grant
    from hub.consent.facts import Facts
    from hub.consent.question import Question
    from hub.messages.identifiers import Instant

_OVERRIDES = frozenset({GrantKind.OVERRIDE, GrantKind.BREAK_GLASS})
_ORDERS = frozenset({GrantKind.COURT_ORDER})
_GIVEN = ConsentState.GIVEN
Ground = tuple[frozenset[InformationClass], str]
"""The classes something opens, and what shows it."""
_OPENING: Mapping[str, Value] = {"consent": "given", "court_order": True, "override": True, "protocol": True}
"""Each fact that can open a class, by name, and the value with which it does."""
_NAMED: Mapping[str, Mapping[InformationClass, str]] = {
    fact: {name: f"evidence.{fact}.{name}" for name in InformationClass} for fact in _OPENING
}


def grounds_of(question: Question, facts: Facts) -> dict[str, str]:
    """Return, as `evidence.consent.health`, where each fact that opens a class is shown; names in order."""
    case, organisation = question.case, question.organisation
    if not (case.grants or case.consents or organisation.protocols):
        return {}
    found: dict[str, str] = {}
    for fact, opening in _OPENING.items():
        column = facts.columns[_PLACE[fact]]
        if opening not in column:
            continue
        grounds = _grounds(question, fact)
        names = _NAMED[fact]
        for name, value in zip(facts.classes, column, strict=True):
            if value == opening:
                shown = [text for classes, text in grounds if name in classes]
                if shown:
                    found[names[name]] = shown[0] if len(shown) == 1 else "; ".join(shown)
    return found


_PLACE = {fact: BY_CLASS.index(fact) for fact in _OPENING}


def _grounds(question: Question, fact: str) -> list[Ground]:
    """Return all that makes a fact hold for some classes now."""
    now = question.now
    if fact == "protocol":
        protocols = question.organisation.protocols
        return [(each.classes, each.name) for each in protocols if _runs(each.since, each.until, now)]
    if fact == "consent":
        return [
            (each.classes, _shown(each.consent, each.evidence))
            for each in question.case.consents
            if _given(question, each)
        ]
    kinds = _ORDERS if fact == "court_order" else _OVERRIDES
    return [
        (each.classes, _shown(each.grant, each.evidence))
        for each in question.case.grants
        if each.kind in kinds and _reaches(question, each)
    ]


def _shown(reference: str, evidence: str) -> str:
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
