"""The envelope: what every message says about itself, whatever its type (R-MSG-12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hub.messages.identifiers import CaseRef, DeliveryId, Instant, MessageId, OrganisationId
from hub.messages.records import record


class MessageName(StrEnum):
    """The message types; the same names in schemas/, routes and events (R-MSG-01…16)."""

    CASE = "case"
    ASSESSMENT = "assessment"
    REFERRAL = "referral"
    PROGRESS = "progress"
    RISK_CHANGE = "risk-change"
    PLAN = "plan"
    APPOINTMENT = "appointment"
    PRISON_EVENT = "prison-event"
    TEAM_CHANGE = "team-change"
    CONSENT = "consent"
    ENFORCEMENT = "enforcement"
    REVIEW = "review"
    EVALUATION = "evaluation"
    EXCEPTION = "exception"
    CORRECTION = "correction"
    RECEIPT = "receipt"


class Role(StrEnum):
    """What a person or unit is to a case; terms of the Offender Management glossary (002 App. D)."""

    OFFENDER_MANAGER = "offender_manager"
    OFFENDER_SUPERVISOR = "offender_supervisor"
    CASE_ADMINISTRATOR = "case_administrator"
    KEY_WORKER = "key_worker"
    OFFENDER_MANAGEMENT_UNIT = "offender_management_unit"
    LINE_MANAGER = "line_manager"
    SERVICE_MANAGER = "service_manager"
    SUBSCRIBER = "subscriber"
    SYSTEM = "system"
    PERSON = "person"
    """Whom the case is about: gets their own copy, writes nothing."""


class Statement(StrEnum):
    """Whether the author states a fact or gives an opinion (DPA 2018 s.38(2))."""

    FACT = "fact"
    OPINION = "opinion"


class InformationClass(StrEnum):
    """The ten information classes every field of every schema carries one of."""

    IDENTITY = "identity"
    CONTACT = "contact"
    OFFENCE = "offence"
    RISK = "risk"
    VICTIM = "victim"
    HEALTH = "health"
    THIRD_PARTY = "third_party"
    INTELLIGENCE = "intelligence"
    PLAN_OBJECTIVE = "plan_objective"
    PROGRESS = "progress"


class Subject(StrEnum):
    """Whose data a field is; the categories DPA 2018 s.38(3) tells apart, and staff."""

    PERSON = "person"
    VICTIM = "victim"
    WITNESS = "witness"
    FAMILY = "family"
    STAFF = "staff"
    OTHER = "other"


@record
class Envelope:
    """Who says what about which case, when, under which contract.

    `organisation` comes from the credential or the topic, never from the body. `digest` is the
    SHA-256 of what was sent, hexadecimal: the same id with another digest is a reused key.
    `declared` names payload fields (by path) to which the author gave a stricter class.
    """

    message_id: MessageId
    message: MessageName
    contract: str
    case: CaseRef
    organisation: OrganisationId
    author: str
    author_role: Role
    statement: Statement
    occurred_at: Instant
    recorded_at: Instant
    correlation: str
    causation: MessageId | None
    digest: str
    declared: Mapping[str, InformationClass] = field(default_factory=dict)


@record
class Submission:
    """A message as it stands in the log: its envelope and its payload by field name.

    The payload maps names to None, bool, int, float, str, list or dict, as Avro decodes them.
    """

    envelope: Envelope
    payload: Mapping[str, object]
    written: bytes | None = field(default=None, compare=False, repr=False)
    """The payload as it stands in the log, where it is written in the envelope's contract version."""
    sent_in: str | None = None
    """The contract version it was sent in, where it was brought up from that to the envelope's."""
    offset: int | None = field(default=None, compare=False, repr=False)
    """Where in its partition of the log it was read; None: it stands in none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A change that concerns all cases (an organisation, a policy release), in every partition."""

    control_id: MessageId
    kind: str
    name: str
    effective_at: Instant
    body: Mapping[str, object]
    offset: int | None = None
    """Where in its partition of the log it was taken; None: it has not been taken yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Says that a deadline has passed; appended by the partition's owner, fires when read."""

    tick_id: MessageId
    due_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """One delivery to be decided again: for whom it was, and what was decided before."""

    delivery_id: DeliveryId
    organisation: OrganisationId
    role: Role
    persons: frozenset[str]
    concern: str
    relevant: bool | None
    about: str | None
    """The referral the message was taken to be about."""
    outcomes: tuple[tuple[str, str, str], ...]
    """Path, scope and outcome of each field, the paths as `contract` names them."""
    contract: str | None
    """The version of the message's contract it was decided on in; None: its paths are today's."""
    caveats: tuple[str, ...]
    items_held: tuple[str, ...]
    part: bytes | None
    """The recipient's own part in the case as JSON, where the message told it that this had ended."""
    by_kafka: bool = False
    """Whether it stands on its recipient's own topic."""
    taken_back: tuple[str, ...] | None = None
    """Fields its author has taken back since; none named: the whole message; None: nothing."""
    finished: bool = False
    """Whether its recipient has acknowledged it: nothing narrower goes in its place."""


class Uncollected(StrEnum):
    """How late it is for a delivery that nobody has collected, or acknowledged."""

    LATE = "late"
    """Safety may hang on it; it waits on, and somebody has to be told in another way."""
    EXPIRED = "expired"
    """It waits no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redecide:
    """Asks the router to decide again on what is undelivered of one message (architecture 3).

    It holds the message whole: the hub makes some itself, and those stand nowhere in the log.
    """

    request_id: MessageId
    submission: Submission
    deliveries: tuple[Undelivered, ...]
    uncollected: Uncollected | None = None
    """Where nothing is to be decided again, but reported: nobody has collected these in their time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A record the codec could not read; it is set aside with its reason, never skipped."""

    record_id: MessageId
    organisation: OrganisationId
    code: str
    message: str | None = None


Entry = Submission | Control | Tick | Redecide | Unreadable
"""What a record of hub.intake can be: a closed union."""
