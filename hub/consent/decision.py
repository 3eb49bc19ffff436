"""What disclosure decides: per message, recipient and field an outcome, a reason, a basis (R-DIS-01)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from hub.messages.envelope import InformationClass, MessageName, Role, Subject
from hub.messages.identifiers import CaseRef, Instant, MessageId, OrganisationId
from hub.messages.records import maker, record


class Outcome(IntEnum):
    """Least to most held back; joining outcomes takes the greatest.

    GENERALISE nulls the exact field and fills its general sibling (`release_date` → `release_month`).
    REDACT nulls the field and names it to the recipient as held back. WITHHOLD nulls it, and nothing
    the recipient gets tells that there was a value.
    """

    DISCLOSE = 0
    GENERALISE = 1
    REDACT = 2
    WITHHOLD = 3


class Scope(StrEnum):
    """Which items of a list a field decision speaks of: all, the recipient's own, or the others'."""

    ALL = "all"
    THEIRS = "theirs"
    OTHERS = "others"


class Concern(StrEnum):
    """Why somebody is a candidate recipient of a message."""

    TEAM = "team"
    HANDOVER = "handover"
    REFERRED = "referred"
    HELD_THERE = "held_there"
    MOVED = "moved"
    EXCEPTION = "exception"
    SUBSCRIBED = "subscribed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """One leaf field of a contract, as disclosure sees it.

    `path` is dotted, with `[]` after a list: `objectives[].title`. `own` is the path, inside the
    same list item, of the organisation the item belongs to (None: items belong to nobody).
    """

    path: str
    information_class: InformationClass
    subject: Subject
    sensitive: bool
    key: bool = False
    general: str | None = None
    """Sibling field that may carry the generalised form of this one."""
    generaliser: str | None = None
    """How the general form is made: month, year, band, area, mask, pseudonym."""
    is_general: bool = False
    """True for the general sibling itself; the hub fills it, senders do not."""
    own: str | None = None


@record
class Candidate:
    """Somebody a message concerns: one role of one organisation."""

    organisation: OrganisationId
    role: Role
    persons: frozenset[str]
    concern: Concern
    relevant: bool | None = True
    """Whether the message bears on this recipient's own work (R-RTE-02); None: not known."""


make_candidate = maker(Candidate)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDecision:
    """The outcome for one field: why, on which legal basis, by which rules."""

    path: str
    scope: Scope
    outcome: Outcome
    reason: str
    basis: str | None
    rules: tuple[str, ...]
    alternates: tuple[str, ...] = ()
    """Other bases that would have sufficed."""
    terms: tuple[str, ...] = field(default=(), compare=False)
    """Caveats and obligations it goes with; the ledger keeps those of the whole, not of each field."""


@record
class Decision:
    """One decision for one message and one candidate; it is written to the ledger whatever it says."""

    # These without their names: with more than fifteen, `maker` gains nothing.
    decision_id: str = field(kw_only=False)
    message: MessageId = field(kw_only=False)
    case: CaseRef = field(kw_only=False)
    candidate: Candidate = field(kw_only=False)
    purpose: str
    delivers: bool
    """False: nothing leaves for this candidate, and `gate` or the fields say why."""
    gate: str | None
    """Reason code of the message gate that closed, if one did."""
    fields: tuple[FieldDecision, ...]
    policy: str
    """Version and hash of the policy in force."""
    case_version: int
    facts: Mapping[str, object]
    """Every fact the decision looked at, by name; sealed in the ledger."""
    decided_at: Instant
    caveats: tuple[str, ...] = ()
    """Handling conditions that go with what is disclosed, e.g. NO-ONWARD-DISCLOSURE."""
    obligations: tuple[str, ...] = ()
    """What the hub sees to because of what really goes: ACKNOWLEDGE-WITHIN:24h, NOTIFY-OM."""
    items_held: tuple[str, ...] = ()
    """Plan objectives the Offender Manager holds back from this candidate (R-DIS-03)."""
    message_name: MessageName | None = None
    """Type of the message decided on."""
    contract: str | None = None
    """Version of its contract: what the paths of `fields` mean."""


make_decision = maker(Decision)
