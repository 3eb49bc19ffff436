"""Derives the facts a decision looks at, from the case, the organisation, the candidate and the moment.

Intervals are [from, to): what begins now counts, what ends now does not (R-DIS-05). What cannot be known
stays None; it is never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from hub.cases.case import Restriction, RestrictionKind
from hub.consent.class_facts import columns_of
from hub.consent.common import Column
from hub.consent.parties import Access, Organisation
from hub.consent.purposes import PURPOSES
from hub.consent.question import Question, common_of
from hub.consent.restrictions import aimed_at, lets_in
from hub.consent.vocabulary import BY_CLASS, FACTS, Value, bit
from hub.messages.envelope import InformationClass, MessageName
from hub.messages.records import maker, record

EVERY_CLASS = tuple(InformationClass)
# Looking a member up in its enumeration takes longer than all else these are used for.
_EXCLUSION, _RESTRICTION = RestrictionKind.EXCLUSION, RestrictionKind.RESTRICTION
_CONFIDENTIALITY, _OM_THREATENED = RestrictionKind.CONFIDENTIALITY, RestrictionKind.OM_THREATENED
_NAMED_CASES = Access.NAMED_CASES
_NOT_HELD_BACK = (False, False, False)
_NOT_SAID: Mapping[MessageName, None] = dict.fromkeys(
    (
        MessageName.REFERRAL,
        MessageName.PROGRESS,
        MessageName.APPOINTMENT,
        MessageName.ENFORCEMENT,
        MessageName.TEAM_CHANGE,
    )
)
"""Messages that speak of a referral: of one that names none it is not known whose it is about."""


WHOLE = tuple(name for name in FACTS if name not in BY_CLASS and name != "scope")
"""The facts of a message as a whole, in the vocabulary's order."""


Values = tuple[Value | None, ...]
"""One value per fact of WHOLE."""


@record
class Facts:
    """Every fact of one decision: those of the message as a whole, and those of each class it has."""

    values: Values
    """Each fact of WHOLE: those of the message as a whole."""
    classes: tuple[InformationClass, ...]
    columns: tuple[Column, ...]
    """Each fact of BY_CLASS, one value per class."""
    items_held: tuple[str, ...]
    """Plan objectives the Offender Manager holds back from this candidate (R-DIS-03)."""

    @property
    def whole(self) -> Mapping[str, Value | None]:
        """Return the facts of the message as a whole by name."""
        return dict(zip(WHOLE, self.values, strict=True))

    @property
    def by_class(self) -> Mapping[InformationClass, Mapping[str, Value | None]]:
        """Return the facts of each class by name."""
        return {
            name: {fact: column[index] for fact, column in zip(BY_CLASS, self.columns, strict=True)}
            for index, name in enumerate(self.classes)
        }

    def vector(self) -> list[int]:
        """Return the facts as bits, those of a class still open (0)."""
        whole = self.whole
        return [0 if name in BY_CLASS else bit(name, whole.get(name)) for name in FACTS]


_make = maker(Facts)
EVIDENCE = "evidence"
"""What the names of evidence begin with, as `evidence.protocol.risk`."""
Evidence = tuple[tuple[str, tuple[str | None, ...]], ...]
"""What shows the facts that open a class: by fact, in the order of names, a text or None per class."""


class FlatFacts(Mapping[str, object]):
    """All facts by name, those of a class as `protocol.risk`: what the ledger keeps.

    They are put under their names when somebody asks; the ledger writes them without that.
    """

    __slots__ = ("_flat", "evidence", "facts")

    def __init__(self, facts: Facts, evidence: Evidence) -> None:
        """Take the facts of one decision, and where those that open something are shown."""
        self.facts = facts
        self.evidence = evidence
        self._flat: dict[str, object] | None = None

    def __getitem__(self, name: str) -> object:
        """Return one fact."""
        return self._named()[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the name of each."""
        return iter(self._named())

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._named())

    def _named(self) -> dict[str, object]:
        if self._flat is None:
            facts = self.facts
            each = dict(zip(BY_CLASS, facts.columns, strict=True))
            self._flat = flattened(facts.whole, facts.classes, each, dict(self.evidence))
        return self._flat


def flattened(
    whole: Mapping[str, object],
    classes: Sequence[str],
    each: Mapping[str, Sequence[object]],
    evidence: Mapping[str, Sequence[object]],
) -> dict[str, object]:
    """Put facts under their names: those of the whole, those of each class, and what shows them."""
    flat = dict(whole)
    for fact, column in each.items():
        for name, value in zip(classes, column, strict=True):
            flat[f"{fact}.{name}"] = value
    for fact, column in evidence.items():
        for name, text in zip(classes, column, strict=True):
            if text is not None:
                flat[f"{EVIDENCE}.{fact}.{name}"] = text
    return flat


def facts_of(question: Question, classes: tuple[InformationClass, ...] = EVERY_CLASS) -> Facts:
    """Derive all facts of a question; of those a class has for itself, the ones of these classes."""
    common, case, organisation = common_of(question), question.case, question.organisation
    own, candidate, envelope = organisation.organisation, question.candidate, question.envelope
    role, restrictions = candidate.role, common.restrictions
    on_team = (own, role) in common.on_team
    engaged = on_team or own in common.providing
    excluded, limited, threatened = _held_back(question, restrictions) if restrictions else _NOT_HELD_BACK
    # In the order of WHOLE.
    values: Values = (
        role,
        organisation.kind,
        max(organisation.rung, common.spoken_of.get(own, 0)) if common.spoken_of else organisation.rung,
        organisation.legal_status,
        organisation.standing,
        candidate.concern,
        envelope.statement,
        PURPOSES[envelope.message] in organisation.purposes,
        on_team,
        engaged,
        own in common.spoken_of if question.about is not None else _NOT_SAID.get(envelope.message, False),
        common.prison == own,
        candidate.relevant,
        common.by_provider and envelope.organisation != own,
        organisation.policy_document,
        excluded,
        limited or _limited_itself(organisation, restrictions, engaged=engaged),
        threatened,
        case.tier,
        case.rosh,
        common.mappa_level,
    )
    return _make(
        values=values,
        classes=classes,
        columns=columns_of(question, common, classes),
        items_held=_items_held(question, restrictions) if restrictions else (),
    )


def _items_held(question: Question, restrictions: Iterable[Restriction]) -> tuple[str, ...]:
    """Return the plan objectives that are held back from the candidate."""
    found = {
        item.objective
        for item in restrictions
        if item.kind is _CONFIDENTIALITY
        and item.objective
        and aimed_at(item, question.organisation, question.candidate.role)
    }
    return tuple(sorted(found))


def _held_back(question: Question, restrictions: Sequence[Restriction]) -> tuple[bool, bool, bool]:
    """Tell whether the recipient is excluded, kept out by limited access, and has threatened the manager."""
    excluded = limited = threatened = False
    organisation, role = question.organisation, question.candidate.role
    for item in restrictions:
        if item.kind is _EXCLUSION:
            excluded = excluded or aimed_at(item, organisation, role)
        elif item.kind is _RESTRICTION:
            limited = limited or not lets_in(item, organisation, role)
        elif item.kind is _OM_THREATENED:
            threatened = threatened or aimed_at(item, organisation, role)
    return excluded, limited, threatened


def _limited_itself(
    organisation: Organisation, restrictions: Iterable[Restriction], *, engaged: bool
) -> bool | None:
    """Tell whether the organisation's own access keeps it from this case; None where that is not known.

    Named are the team, whoever has an open referral, and those whom a limited access lets in: what those
    who manage the case have said, not what came about by itself.
    """
    if organisation.access is not _NAMED_CASES:
        return None if organisation.access is None else False
    return not engaged and not any(
        item.kind is _RESTRICTION and organisation.organisation in item.organisations for item in restrictions
    )
