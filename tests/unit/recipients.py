"""Messages by chance, told to one recipient of every kind by the shipped rules, and written as they leave."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from hub.cases.case import Custody, Mappa, RestrictionKind, Rosh
from hub.consent.decision import Candidate, Concern
from hub.messages.envelope import Envelope, InformationClass, MessageName, Role, Statement, Submission
from hub.messages.identifiers import MessageId, OrganisationId, derived_id
from hub.routing.concern import Concerned
from hub.routing.disclosing import Telling, Told, tell
from hub.topics import samples
from hub.topics.codec import Codec
from hub.topics.dispatch import Dispatch
from hub.topics.keys import FileKeyStore
from hub.topics.shapes import Choice, Field, ListOf, Record, Scalar, Shape
from tests.unit.consent_cases import (
    BEFORE,
    CASE,
    EVERYTHING,
    LIBRARY,
    NOW,
    POLICY,
    PRISON,
    REGION,
    RUNG_1,
    RUNG_2,
    RUNG_3,
    RUNG_4,
    SOMEBODY_ELSE,
    consent,
    organisation,
    restriction,
)

if TYPE_CHECKING:
    from hub.cases.case import Case
    from hub.consent.compile import Policy
    from hub.consent.parties import Organisation
    from hub.consent.partner_contracts import Direction, PartnerContract
    from hub.routing.outcome import Contracts, Delivery
    from hub.topics.dispatch import FramedView

PLACES = (
    (REGION, Role.OFFENDER_MANAGER, Concern.TEAM),
    (REGION, Role.CASE_ADMINISTRATOR, Concern.TEAM),
    (PRISON, Role.OFFENDER_SUPERVISOR, Concern.TEAM),
    (PRISON, Role.OFFENDER_MANAGEMENT_UNIT, Concern.HELD_THERE),
    *((rung, Role.KEY_WORKER, Concern.TEAM) for rung in (RUNG_1, RUNG_2, RUNG_3, RUNG_4)),
    (RUNG_2, Role.SERVICE_MANAGER, Concern.REFERRED),
)
"""Everybody who is told: each role, each rung."""
HELD_OBJECTIVE = "ob-held"
CASES: Sequence[Case] = (
    CASE,
    replace(CASE, rosh=Rosh.HIGH, mappa=Mappa(category=2, level=3), consents=(consent(*EVERYTHING),)),
    replace(CASE, custody=None, consents=(consent(InformationClass.HEALTH),)),
    replace(
        CASE,
        custody=Custody(prison=PRISON, since=BEFORE),
        restrictions=(
            restriction(
                RestrictionKind.CONFIDENTIALITY,
                organisations=frozenset({RUNG_1, RUNG_2}),
                objective=HELD_OBJECTIVE,
            ),
        ),
    ),
    replace(CASE, restrictions=(restriction(RestrictionKind.OM_THREATENED),)),
)
"""States of a case in which different things are held back."""
WORDS = (
    *("Elderflower", "Rowan", "elderflower", "Elder", "Rowan Elderflower's brother", "LS1 4AP", "2026"),
    *("case_", "st-9f3a", "reported by st-9f3a", "MDI", "a note on Rowan", "2026-03-02", "hub."),
)
"""Texts that name or contain one another, or stand in headers for other reasons."""
AUTHOR = "st-9f3a"
FORMS = {
    "organisation": (REGION, PRISON, RUNG_1, RUNG_2, RUNG_3, RUNG_4, SOMEBODY_ELSE),
    "objective": ("ob-1", "ob-2", HELD_OBJECTIVE, "ob-4"),
    "referral": ("ref-partner-1", "ref-partner-2", "ref-partner-3", "ref-unknown"),
}
"""What identifiers are taken from, so that some are a recipient's own."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """What routing may look at: everybody on the hub, the shipped rules, and what is agreed."""

    agreed: Mapping[OrganisationId, PartnerContract]

    @property
    def contracts(self) -> Contracts:
        """The shipped contracts."""
        return LIBRARY

    def release(self, _name: str) -> None:
        """Return no policy release: there is none to come."""

    def policy(self) -> Policy:
        """The shipped rules."""
        return POLICY

    def organisation(self, name: OrganisationId) -> Organisation:
        """An organisation in good standing."""
        return organisation(name)

    def partner_contracts(
        self, name: OrganisationId, message: MessageName, direction: Direction
    ) -> Iterable[PartnerContract]:
        """What was agreed with it on this message."""
        found = self.agreed.get(name)
        return () if found is None or (found.message, found.direction) != (message, direction) else (found,)


def envelope_of(message: MessageName, **more: object) -> Envelope:
    """The envelope of a message somebody else wrote."""
    usual = Envelope(
        message_id=MessageId(derived_id("message", message)),
        message=message,
        contract="1.0",
        case=CASE.ref,
        organisation=SOMEBODY_ELSE,
        author=AUTHOR,
        author_role=Role.KEY_WORKER,
        statement=Statement.OPINION,
        occurred_at=NOW,
        recorded_at=NOW,
        correlation=derived_id("course", message),
        causation=MessageId(derived_id("cause", message)),
        digest="e" * 64,
    )
    return replace(usual, **more)  # type: ignore[arg-type]


def told(
    message: MessageName,
    payload: Mapping[str, object],
    *,
    case: Case = CASE,
    agreed: Mapping[OrganisationId, PartnerContract] | None = None,
    **more: object,
) -> Told:
    """Tell a message to everybody, as routing does."""
    contract = LIBRARY.contract(message, "1.0")
    written = LIBRARY.encode(contract, dict(payload))
    submission = Submission(envelope=envelope_of(message, **more), payload=payload, written=written)
    concerned = [
        Concerned(
            candidate=Candidate(organisation=name, role=role, persons=frozenset(), concern=concern), case=case
        )
        for name, role, concern in PLACES
    ]
    telling = Telling(submission=submission, specs=LIBRARY.fields(message, "1.0"), about="ref-partner-2")
    return tell(telling, concerned, view=Room(agreed=agreed or {}), now=NOW)  # type: ignore[arg-type]


@cache
def dispatch() -> Dispatch:
    """Write as the router does, under keys of this run."""
    return Dispatch(Codec(library=LIBRARY, keys=FileKeyStore(Path(tempfile.mkdtemp()))))


def leaves_as(delivery: Delivery) -> FramedView:
    """Return a delivery as it leaves."""
    return dispatch().view(delivery)


@dataclass(frozen=True)
class Chance:
    """Where values come from: a seed, and texts that are mixed in with those that stand nowhere else."""

    random: Random
    words: Sequence[str]


def a_message(seed: int, message: MessageName, *, words: Sequence[str] = WORDS) -> dict[str, object]:
    """Return a payload by chance; every field the contract does not require is there or not."""
    chance = Chance(Random(seed), words)  # noqa: S311 - for chance, not for secrets
    return _record(LIBRARY.contract(message, "1.0").shape, chance)


def filled(message: MessageName) -> dict[str, object]:
    """Return a payload with every field filled, texts by words that stand nowhere else in it.

    Of lists whose items are somebody's it has one for a partner on each rung.
    """
    shape = LIBRARY.contract(message, "1.0").shape
    payload = samples.full(shape)
    for field in shape.fields:
        value = payload[field.name]
        if field.made_by_hub:
            payload[field.name] = None
        elif isinstance(value, str) and field.text("pattern") is None and isinstance(field.shape, Scalar):
            payload[field.name] = f"Said of {field.name}"
        elif isinstance(value, list) and isinstance(value[0], dict) and "organisation" in value[0]:
            payload[field.name] = [
                _of(value[0], place, owner) for place, owner in enumerate((RUNG_1, RUNG_2, RUNG_3, RUNG_4))
            ]
    return payload


def _of(item: Mapping[str, object], place: int, owner: str) -> dict[str, object]:
    """Return an item of a list as somebody's, its texts unlike those of the others."""
    texts = {name: f"Said in {name} of {owner}" for name in item if name in {"title", "feedback"}}
    own = {"organisation": owner, "objective": (HELD_OBJECTIVE, "ob-2", "ob-3", "ob-4")[place]}
    return {**item, **texts, **{name: value for name, value in own.items() if name in item}}


def _record(shape: Record, chance: Chance) -> dict[str, object]:
    return {
        field.name: None
        if field.made_by_hub or (field.nullable and chance.random.random() < 0.25)
        else _value(field.shape, field, chance)
        for field in shape.fields
    }


def _value(shape: Shape, field: Field, chance: Chance) -> object:
    match shape:
        case Choice(symbols=symbols):
            return chance.random.choice(symbols)
        case ListOf(item):
            return [_value(item, field, chance) for _ in range(chance.random.randrange(4))]
        case Record():
            return _record(shape, chance)
        case Scalar("string"):
            return _text(field, chance)
        case Scalar("boolean"):
            return chance.random.random() < 0.5
    return chance.random.randint(field.bound("minimum") or 0, field.bound("maximum") or 1000)


def _text(field: Field, chance: Chance) -> str:
    if field.name in FORMS:
        return str(chance.random.choice(FORMS[field.name]))
    if field.text("pattern") == "^[0-9a-f]{32}$" or field.text("pairwise"):
        return derived_id("some", str(chance.random.randrange(3)))
    if chance.words and chance.random.random() < 0.3:
        return chance.random.choice(chance.words)
    return f"{field.name} {chance.random.randrange(10**9):x} said"
