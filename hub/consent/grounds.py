"""On which evidence a class is open to a recipient: a protocol, a consent's form, an order, an override.

It goes with the facts of a decision and is sealed with them, because a reference may say something of the
person. What shows an organisation's legal status stands in its own description.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from hub.cases.case import ConsentState
from hub.cases.grants import GrantKind, in_force
from hub.consent.purposes import purpose_of
from hub.messages.envelope import InformationClass

if TYPE_CHECKING:
    from hub.cases.case import ConsentGiven
    from hub.cases.grants import Grant
    from hub.consent.facts import Facts
    from hub.consent.question import Question
    from hub.consent.vocabulary import Value
    from hub.messages.identifiers import Instant

_OVERRIDES = frozenset({GrantKind.OVERRIDE, GrantKind.BREAK_GLASS})


def grounds_of(question: Question, facts: Facts, classes: Iterable[InformationClass]) -> dict[str, str]:
    """Return, as `evidence.consent.health`, where each fact that opens one of these classes is shown."""
    case, organisation = question.case, question.organisation
    if not (case.grants or case.consents or organisation.protocols):
        return {}
    known = facts.by_class
    return {
        f"evidence.{fact}.{name}": "; ".join(shown)
        for name in sorted(set(classes))
        for fact, shown in _of_class(question, known[name], name)
        if shown
    }


def _of_class(
    question: Question, known: Mapping[str, Value | None], name: InformationClass
) -> Iterator[tuple[str, list[str]]]:
    """Yield each fact that opens a class now, with what shows it; nothing where the fact does not hold."""
    now = question.now
    if known["protocol"]:
        protocols = question.organisation.protocols
        yield (
            "protocol",
            [each.name for each in protocols if name in each.classes and _runs(each.since, each.until, now)],
        )
    if known["consent"] == "given":
        consents = (each for each in question.case.consents if _given(question, each, name))
        yield "consent", [_shown(each.consent, each.evidence) for each in consents]
    grants = [each for each in question.case.grants if name in each.classes and _reaches(question, each)]
    if known["court_order"]:
        orders = (each for each in grants if each.kind is GrantKind.COURT_ORDER)
        yield "court_order", [_shown(each.grant, each.evidence) for each in orders]
    if known["override"]:
        overrides = (each for each in grants if each.kind in _OVERRIDES)
        yield "override", [_shown(each.grant, each.evidence) for each in overrides]


def _shown(reference: str, evidence: str) -> str:
    """Name something by its reference, and by where its evidence is kept if that is said."""
    return f"{reference} ({evidence})" if evidence else reference


def _runs(since: Instant, until: Instant | None, now: Instant) -> bool:
    return since <= now and (until is None or now < until)


def _given(question: Question, item: ConsentGiven, name: InformationClass) -> bool:
    """Tell whether a consent in force is for this class, organisation and purpose."""
    return (
        item.state is ConsentState.GIVEN
        and name in item.classes
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
