"""Who may see a field of a case now, and why; and who may not (R-DIS-08).

There is no message yet, so everything a message of the type can be is tried: whether it bears on the
recipient's own work, about which referral it is, who wrote it, whether it states a fact or an opinion. What
the recipient would get is asked of `decide`, on the terms of its contract, as for a message that came now.
Whoever only a message itself would name, such as the prison somebody is moved to, is no party yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from hub.cases.membership import offender_manager
from hub.consent.decide import ENVELOPE_SPECS, decide
from hub.consent.decision import Decision, FieldDecision, FieldSpec, Outcome
from hub.consent.parties import Kind, not_among
from hub.errors import WrongArgument
from hub.messages.envelope import Envelope, InformationClass, MessageName, Role, Statement
from hub.messages.identifiers import MessageId, OrganisationId, derived_id
from hub.routing.agreeing import terms_for
from hub.routing.asked_parties import NAMES, Party, other_parts, parties
from hub.routing.disclosing import REFERRAL_REFERENCE
from hub.routing.terms import Terms

if TYPE_CHECKING:
    from hub.cases.case import Case
    from hub.consent.decision import Candidate
    from hub.messages.identifiers import Instant
    from hub.routing.outcome import View

NO_PART = "NEED-NOT-ON-TEAM"
SOMEBODY_ELSE = OrganisationId("another-provider")
"""Stands for any provider but the recipient."""
OTHERS_REFERRAL = "another organisation's referral"
"""Stands for any referral the recipient does not provide."""
_SIDES = ("relevant", "about", "by_provider", "statement")


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstance:
    """What a message can be that matters to a recipient."""

    relevant: bool | None
    """Whether it bears on the recipient's own work."""
    about: str | None
    """The referral it is about: one the recipient provides, or `OTHERS_REFERRAL`; None: none."""
    by_provider: bool
    """Another provider wrote it."""
    statement: Statement

    def words(self) -> Mapping[str, str]:
        """Say each side of it in words."""
        relevant: Mapping[bool | None, str] = {
            True: "bears on its own work",
            False: "is no matter of its own work",
        }
        about = f"is about {self.about}" if self.about else "is about no referral"
        return {
            "relevant": relevant.get(self.relevant, "may or may not bear on its own work"),
            "about": about,
            "by_provider": "another provider wrote" if self.by_provider else "no other provider wrote",
            "statement": f"states {'a fact' if self.statement is Statement.FACT else 'an opinion'}",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What one party may see of a field, and in which of the circumstances there can be."""

    candidate: Candidate
    item: FieldDecision
    gate: str | None
    """Why nothing of the message goes at all, where nothing does."""
    circumstances: frozenset[Circumstance]
    only_when: tuple[str, ...]
    """What the message has to be for this, in words; empty: it is so for every message of the type."""
    items_held: tuple[str, ...]
    """Single items the Offender Manager holds back from this party whatever the outcome says."""

    @property
    def outcome(self) -> Outcome:
        """What becomes of the field: where the message does not go, it does not."""
        return Outcome.WITHHOLD if self.gate is not None else self.item.outcome

    @property
    def reason(self) -> str:
        """Why."""
        return self.item.reason if self.gate is None else self.gate


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoMaySee:
    """The parties by what they may see; who else has a part in the case, and who has none."""

    sights: tuple[Sight, ...]
    other_parts: tuple[Candidate, ...]
    """They have a part in the case, and messages of this type are not for them."""
    no_part: tuple[OrganisationId, ...]
    """No message on the case concerns them now, unless it names them: NEED-NOT-ON-TEAM."""
    named: str
    """Whom else such a message concerns because it names them; empty: nobody."""
    unknown: tuple[OrganisationId, ...]
    """They have a part in the case, and the hub does not know them: ORGANISATION-UNKNOWN."""

    @property
    def may(self) -> tuple[Sight, ...]:
        """What goes, whole or in general form."""
        return tuple(each for each in self.sights if each.outcome < Outcome.REDACT)

    @property
    def by_name(self) -> tuple[Sight, ...]:
        """What does not go, though its recipient is told that it is held back."""
        return tuple(each for each in self.sights if each.outcome is Outcome.REDACT)

    @property
    def may_not(self) -> tuple[Sight, ...]:
        """What does not go, and nothing tells of it."""
        return tuple(each for each in self.sights if each.outcome is Outcome.WITHHOLD)


def who_may_see(
    view: View,
    case: Case,
    message: MessageName,
    *,
    field: str | None = None,
    information_class: InformationClass | None = None,
    now: Instant,
) -> WhoMaySee:
    """Return who may see a field, or every field of a class, of messages of a type on a case now.

    Raises:
        WrongArgument: The message has no such field, or none of such a class.
        ValueError: No rules are in force.
    """
    contract = view.contracts.newest(message)
    specs = view.contracts.fields(message, contract)
    wanted = _wanted(specs, field=field, information_class=information_class, message=message)
    told = parties(view, case, message, now)
    others = other_parts(view, case, now, besides=told)
    having = {each.candidate.organisation for each in told} | {each.organisation for each in others}
    known = {each.organisation for each in view.organisations()}
    sights = [
        sight
        for each in told
        if each.candidate.organisation in known
        for sight in _seen_by(view, case, message, each, wanted=wanted, now=now)
    ]
    return WhoMaySee(
        sights=tuple(sights),
        other_parts=others,
        no_part=tuple(sorted(known - having)),
        named=NAMES.get(message, ""),
        unknown=tuple(sorted(having - known)),
    )


def _wanted(
    specs: Sequence[FieldSpec],
    *,
    field: str | None,
    information_class: InformationClass | None,
    message: MessageName,
) -> frozenset[str]:
    every = (*ENVELOPE_SPECS, *specs)
    found = frozenset(
        spec.path
        for spec in every
        if spec.path == field or (field is None and spec.information_class is information_class)
    )
    if found:
        return found
    if field is not None:
        raise not_among("--field", field, f"field of {message} called", [spec.path for spec in every])
    classes = ", ".join(dict.fromkeys(spec.information_class for spec in every))
    text = f"{message} has no field of the class {information_class}"
    raise WrongArgument("--class", text, fix=f"give one of: {classes}")


def _seen_by(
    view: View,
    case: Case,
    message: MessageName,
    party: Party,
    *,
    wanted: frozenset[str],
    now: Instant,
) -> Iterator[Sight]:
    """Decide in every circumstance, and put together where the outcome is the same."""
    every, candidate = circumstances_of(view, case, message, party), party.candidate
    found: dict[tuple[object, ...], list[Circumstance]] = {}
    first: dict[tuple[object, ...], tuple[FieldDecision, Decision]] = {}
    for each in every:
        decision = decided_in(view, case, message, candidate, circumstance=each, now=now)
        for item in decision.fields:
            if item.path in wanted:
                gate = None if decision.delivers else decision.gate
                key: tuple[object, ...] = (item.path, item.scope, gate, item if gate is None else None)
                found.setdefault(key, []).append(each)
                first.setdefault(key, (item, decision))
    for key, alike in found.items():
        item, decision = first[key]
        for box in _boxes(frozenset(alike), every):
            yield Sight(
                candidate=candidate,
                item=item,
                gate=None if decision.delivers else decision.gate,
                circumstances=box,
                only_when=(*party.only_when, *_only_when(box, every)),
                items_held=decision.items_held,
            )


def circumstances_of(view: View, case: Case, message: MessageName, party: Party) -> tuple[Circumstance, ...]:
    """Return everything a message of this type can be that matters to this party."""
    if message is MessageName.EXCEPTION:
        # The hub itself writes it, and reports what is so.
        return tuple(
            Circumstance(relevant=relevant, about=None, by_provider=False, statement=Statement.FACT)
            for relevant in party.relevances
        )
    specs = view.contracts.fields(message, view.contracts.newest(message))
    abouts: tuple[str | None, ...] = (None,)
    reference = next((spec for spec in specs if spec.path == REFERRAL_REFERENCE), None)
    if party.referrals is not None:
        abouts = party.referrals
    elif reference is not None:
        own = (each.referral for each in case.referrals if each.provider == party.candidate.organisation)
        # A key is always given, so such a message is always about some referral.
        abouts = (*(() if reference.key else (None,)), *own, OTHERS_REFERRAL)
    return tuple(
        Circumstance(relevant=relevant, about=about, by_provider=by_provider, statement=statement)
        for relevant, about, by_provider, statement in product(
            party.relevances, abouts, (False, True), Statement
        )
    )


def decided_in(
    view: View,
    case: Case,
    message: MessageName,
    candidate: Candidate,
    *,
    circumstance: Circumstance,
    now: Instant,
) -> Decision:
    """Decide on a message of the type as if every field of it were given.

    Raises:
        ValueError: No rules are in force, or the party is no organisation of the hub.
    """
    policy, organisation = view.policy(), view.organisation(candidate.organisation)
    if policy is None or organisation is None:
        missing = (
            "rules are in force" if policy is None else f"organisation {candidate.organisation} is known"
        )
        message_ = f"nothing is decided where no {missing}"
        raise ValueError(message_)
    envelope = _envelope(view, case, message, circumstance, now)
    terms = terms_for(view, candidate.organisation, message, current=envelope.contract, now=now)
    if terms.parked and message is MessageName.EXCEPTION and organisation.kind is not Kind.PARTNER:
        terms = Terms(version=envelope.contract)
    decision = decide(
        policy,
        envelope=envelope,
        specs=view.contracts.fields(message, envelope.contract),
        case=case,
        organisation=organisation,
        candidate=replace(candidate, relevant=circumstance.relevant),
        now=now,
        about=circumstance.about,
        contract=terms.contract and replace(terms.contract, view=terms.decided),
    )
    if decision.delivers and terms.parked is not None:
        return replace(decision, delivers=False, gate=terms.parked, caveats=())
    return decision


def _envelope(
    view: View, case: Case, message: MessageName, circumstance: Circumstance, now: Instant
) -> Envelope:
    manager = offender_manager(case, now)
    by = (SOMEBODY_ELSE, Role.KEY_WORKER)
    if not circumstance.by_provider:
        by = (case.opened_by if manager is None else manager.organisation, Role.OFFENDER_MANAGER)
    return Envelope(
        message_id=MessageId(derived_id("who-may-see", case.ref, message, str(now))),
        message=message,
        contract=view.contracts.newest(message),
        case=case.ref,
        organisation=by[0],
        author="",
        author_role=by[1],
        statement=circumstance.statement,
        occurred_at=now,
        recorded_at=now,
        correlation="",
        causation=None,
        digest="",
    )


def _boxes(
    alike: frozenset[Circumstance], every: Sequence[Circumstance]
) -> Iterator[frozenset[Circumstance]]:
    """Split circumstances until each part can be said as one list of sides, with nothing else in it."""
    sides = {name: {getattr(each, name) for each in alike} for name in _SIDES}
    box = {each for each in every if all(getattr(each, name) in values for name, values in sides.items())}
    if box == alike:
        yield alike
        return
    name = next(name for name, values in sides.items() if len(values) > 1)
    for value in dict.fromkeys(getattr(each, name) for each in every):
        part = frozenset(each for each in alike if getattr(each, name) == value)
        if part:
            yield from _boxes(part, every)


def _only_when(alike: Iterable[Circumstance], every: Sequence[Circumstance]) -> tuple[str, ...]:
    """Say the sides that tell these circumstances from the others."""
    found = []
    for name in _SIDES:
        words = dict.fromkeys(each.words()[name] for each in every if each in alike)
        if len(words) < len({each.words()[name] for each in every}):
            found.append(" or ".join(words))
    return tuple(found)
