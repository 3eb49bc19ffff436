"""Organisations as parties to a disclosure: kind, brokerage rung, legal status, protocols, purposes.

Rung and legal status are two facts with separate evidence: the rung says how the work was arranged
(R-DIS-02; 002 3.19), the legal status says which legal gateways there are (OMA 2007 s.14).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TypeVar

from hub.consent.subscriptions import Subscription, subscription_from
from hub.errors import WrongArgument
from hub.messages.envelope import InformationClass, MessageName
from hub.messages.identifiers import Instant, OrganisationId, is_organisation

EVERY_PRISON = "every"
"""In place of a prison code: its system speaks for every prison. Nobody comes to that by a slip."""


class Kind(StrEnum):
    """What sort of body an organisation is."""

    PROBATION = "probation"
    PRISON = "prison"
    PARTNER = "partner"
    PERSON = "person"
    """Not a body: the person under supervision, who may have their own copy (DPA 2018 s.45)."""


class LegalStatus(StrEnum):
    """Which legal gateways an organisation has by what it is (OMA 2007 s.14(1) to (4))."""

    IN_HOUSE = "in_house"
    UNDER_ARRANGEMENTS = "under_arrangements"
    LISTED = "listed"
    NONE = "none"


class Standing(StrEnum):
    """Whether the hub deals with an organisation now."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class Access(StrEnum):
    """Of which cases an organisation may learn anything at all."""

    ALL_CASES = "all_cases"
    """Of every case that concerns it."""
    NAMED_CASES = "named_cases"
    """Only of cases on which those who manage them have named it: on the team, by a referral that is open,
    in a restriction. What comes about by itself, such as a movement to its prison, does not name it."""


class Purpose(StrEnum):
    """What a disclosure is for (DPA 2018 s.36); every message type has exactly one."""

    CASE_ADMINISTRATION = "case_administration"
    ASSESSMENT = "assessment"
    REFERRAL = "referral"
    SENTENCE_PLAN = "sentence_plan"
    PROGRESS = "progress"
    RISK_ALERT = "risk_alert"
    TRANSFER_RELEASE = "transfer_release"
    ENFORCEMENT = "enforcement"
    RIGHTS = "rights"


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """An information-sharing protocol in force from … to, for some classes."""

    name: str
    classes: frozenset[InformationClass]
    since: Instant
    until: Instant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """A party the hub exchanges messages with, as the control record in force describes it."""

    organisation: OrganisationId
    name: str
    kind: Kind
    rung: int
    """Brokerage rung 1 to 4 (R-DIS-02)."""
    legal_status: LegalStatus
    status_evidence: str
    standing: Standing
    purposes: frozenset[Purpose]
    protocols: tuple[Protocol, ...] = ()
    sends: frozenset[MessageName] = frozenset()
    """Message types it may send; empty: none."""
    kafka: frozenset[MessageName] = frozenset()
    """Message types it takes on its own topic hub.to.<organisation>; the rest wait in its mailbox."""
    prison: str | None = None
    """Prison code, e.g. MDI, where it is a prison; EVERY_PRISON for the prison service's system."""
    region: str | None = None
    """Probation region code where the organisation is one."""
    access: Access | None = None
    """None: not known, and so limited; nothing goes to it."""
    policy_document: bool | None = None
    """Whether it has the policy document that DPA 2018 s.42 asks for where sensitive data are processed."""
    subscriptions: tuple[Subscription, ...] = ()
    """Alerts it has asked for and staff have approved: what comes of them is decided for each case."""


RUNGS = (1, 2, 3, 4)
"""The rungs of the brokerage ladder (002 3.19): 1 in house … 4 mainstream with no priority."""

_FIELDS = frozenset(item.name for item in fields(Organisation))


def organisation_from(body: Mapping[str, object]) -> Organisation:
    """Build an organisation from a control record's body; raises ValueError naming the field."""
    for name in body:
        if name not in _FIELDS:
            message = f"organisation.{name}: not a field of an organisation{nearest(name, _FIELDS)}"
            raise ValueError(message)
    return Organisation(
        organisation=_identifier(_text(body, "organisation")),
        name=_text(body, "name"),
        kind=_body(body.get("kind")),
        rung=_rung(body.get("rung")),
        legal_status=word(LegalStatus, "organisation.legal_status", body.get("legal_status")),
        status_evidence=_text(body, "status_evidence"),
        standing=word(Standing, "organisation.standing", body.get("standing")),
        purposes=frozenset(word(Purpose, "organisation.purposes", item) for item in _items(body, "purposes")),
        protocols=tuple(_protocol(item) for item in _items(body, "protocols")),
        sends=frozenset(word(MessageName, "organisation.sends", item) for item in _items(body, "sends")),
        kafka=frozenset(word(MessageName, "organisation.kafka", item) for item in _items(body, "kafka")),
        prison=_optional_text(body, "prison"),
        region=_optional_text(body, "region"),
        access=None if body.get("access") is None else word(Access, "organisation.access", body["access"]),
        policy_document=_yes_no(body, "policy_document"),
        subscriptions=_subscriptions(body),
    )


def nearest(word: object, allowed: Iterable[str]) -> str:
    """Say which allowed word is meant, if one is near: `; did you mean …?`, else the allowed words."""
    known = sorted(allowed)
    near = difflib.get_close_matches(str(word), known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; allowed: {', '.join(known)}"


def not_among(argument: str, said: str, what: str, allowed: Iterable[str], *, fix: str = "") -> WrongArgument:
    """Return the error for a word that is none of a closed list, with the one probably meant.

    Args:
        argument: Where it stands, as it is typed: `--consent`.
        said: The word.
        what: What it is not: `information class`.
        allowed: The words there are.
        fix: How to go on; without it, the words there are.
    """
    known = sorted(allowed)
    near = difflib.get_close_matches(said, known, n=1)
    meant = f"; did you mean {near[0]}?" if near else ""
    return WrongArgument(
        argument, f"there is no {what} {said}{meant}", fix=fix or f"give one of: {', '.join(known)}"
    )


Word = TypeVar("Word", bound=StrEnum)


def word(kind: type[Word], where: str, value: object) -> Word:
    """Read one word of a closed list; ValueError names where it stands and the word probably meant."""
    words = {str(item): item for item in kind}
    if isinstance(value, str) and value in words:
        return words[value]
    message = f"{where}: not one of its words{nearest(value, words)}"
    raise ValueError(message)


def _text(body: Mapping[str, object], name: str) -> str:
    """Read a text that must be there."""
    value = body.get(name)
    if isinstance(value, str) and value.strip():
        return value
    message = f"organisation.{name}: must be a text that is not empty"
    raise ValueError(message)


def _optional_text(body: Mapping[str, object], name: str) -> str | None:
    """Read a text that may be absent."""
    return None if body.get(name) is None else _text(body, name)


def _body(value: object) -> Kind:
    """Read what sort of body an organisation is; the person under supervision is none."""
    kind = word(Kind, "organisation.kind", value)
    if kind is Kind.PERSON:
        message = "organisation.kind: an organisation is probation, prison or partner; a person is none"
        raise ValueError(message)
    return kind


def _yes_no(body: Mapping[str, object], name: str) -> bool | None:
    """Read a yes or no; absent, it is not known."""
    value = body.get(name)
    if value is None or isinstance(value, bool):
        return value
    message = f"organisation.{name}: must be true or false"
    raise ValueError(message)


def _identifier(value: str) -> OrganisationId:
    """Check the form of an organisation's short name."""
    if is_organisation(value):
        return OrganisationId(value)
    message = "organisation.organisation: lower-case letters, digits and hyphens, at most 40"
    raise ValueError(message)


def _rung(value: object) -> int:
    """Read the brokerage rung, 1 to 4."""
    if isinstance(value, int) and not isinstance(value, bool) and value in RUNGS:
        return value
    message = "organisation.rung: must be 1, 2, 3 or 4"
    raise ValueError(message)


def _items(body: Mapping[str, object], name: str) -> tuple[object, ...]:
    """Read a list; an absent one is empty."""
    value = body.get(name, ())
    if isinstance(value, list | tuple | set | frozenset):
        return tuple(value)
    message = f"organisation.{name}: must be a list"
    raise ValueError(message)


def _subscriptions(body: Mapping[str, object]) -> tuple[Subscription, ...]:
    """Read what it has subscribed to."""
    try:
        return tuple(subscription_from(item) for item in _items(body, "subscriptions"))
    except ValueError as error:
        message = f"organisation.{error}"
        raise ValueError(message) from None


def _instant(value: object, name: str) -> Instant:
    """Read an instant: milliseconds since 1970-01-01 UTC."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Instant(value)
    message = f"organisation.protocols.{name}: must be milliseconds since 1970-01-01 UTC"
    raise ValueError(message)


def _protocol(item: object) -> Protocol:
    """Read one information-sharing protocol."""
    if isinstance(item, Protocol):
        return item
    if not isinstance(item, Mapping):
        message = "organisation.protocols: each must have name, classes, since and until"
        raise ValueError(message)  # noqa: TRY004 - callers are promised ValueError
    until = item.get("until")
    return Protocol(
        name=_text(item, "name"),
        classes=frozenset(
            word(InformationClass, "organisation.protocols.classes", c) for c in _items(item, "classes")
        ),
        since=_instant(item.get("since"), "since"),
        until=None if until is None else _instant(until, "until"),
    )
