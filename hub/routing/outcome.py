"""Everything one record of the log causes: the router writes all of it in one transaction, or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from hub.cases.case import Case
from hub.cases.profile import Profile
from hub.consent.allowance import Allowance
from hub.consent.compile import Policy
from hub.consent.decision import Candidate, Decision, FieldSpec
from hub.consent.parties import Organisation
from hub.consent.partner_contracts import Direction, PartnerContract
from hub.messages.envelope import Entry, MessageName, Role, Statement, Submission
from hub.messages.identifiers import CaseRef, DeliveryId, Instant, MessageId, OrganisationId
from hub.messages.records import maker, record
from hub.routing.terms import Terms


class Urgency(StrEnum):
    """How a delivery is handled on its way: safety may overtake, routine waits its turn."""

    SAFETY = "safety"
    CASE = "case"
    ROUTINE = "routine"


@record
class Grounds:
    """What a delivery was decided on, as far as it takes to decide it again."""

    decision_id: str
    candidate: Candidate
    about: str | None
    items_held: tuple[str, ...]
    turn: int
    """The case's turn: what is decided at an earlier one than the case's is held."""
    until: Instant | None
    """From when on the decision may be wrong by time alone."""
    part: Case | None = None
    """The recipient's own part in the case, where the message tells it that this has ended."""
    replaces: DeliveryId | None = None
    """The wider delivery of the same message that this one takes the place of."""


make_grounds = maker(Grounds)


class Verdict(StrEnum):
    """What becomes of a delivery that was decided again."""

    RELEASE = "release"
    """It may go as it is."""
    REPLACE = "replace"
    """A narrower one goes in its place."""
    STOP = "stop"
    """Nothing goes."""


@record
class Settled:
    """The verdict on one delivery, and the decision it follows from."""

    delivery_id: DeliveryId
    verdict: Verdict
    decision: Decision
    turn: int
    until: Instant | None
    by_kafka: bool = False
    """Whether it stands on its recipient's own topic: there a tombstone takes it back."""


@record
class Delivery:
    """One message cut for one recipient. Internal ids here; the codec makes them pairwise."""

    delivery_id: DeliveryId
    message_id: MessageId
    case: CaseRef
    organisation: OrganisationId
    role: Role
    message: MessageName
    contract: str
    """Schema version of `payload`, the one decided on."""
    urgency: Urgency
    payload: Mapping[str, object]
    redacted: tuple[str, ...]
    """Paths the recipient may know were held back; withheld ones are not named."""
    author: str | None
    author_role: Role | None
    author_organisation: OrganisationId | None
    statement: Statement
    occurred_at: Instant
    recorded_at: Instant
    correlation: str
    causation: MessageId | None
    caveats: tuple[str, ...]
    """Handling conditions that travel with it, e.g. NO-ONWARD-DISCLOSURE."""
    obligations: tuple[str, ...] = ()
    """What the hub sees to because of it, e.g. ACKNOWLEDGE-WITHIN:24h."""
    by_kafka: bool
    """True: also goes to hub.to.<organisation>."""
    terms: Terms
    """The contract it goes by, and the schema version it is written in."""
    source: Submission
    """The whole message it was cut from."""
    allowed: Allowance
    """What may be in it, worked out apart from the cutting: what is written is held against it."""
    grounds: Grounds | None = None
    """Without them it is never decided again, and held for good once anything changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A message set aside: a reason for staff; its sender sees only that it was refused."""

    message_id: MessageId
    organisation: OrganisationId
    code: str
    detail: str
    """For staff; never a value from the message."""


@record
class Timer:
    """Something to be looked at when its time comes, e.g. a provider's answer to a referral."""

    case: CaseRef
    kind: str
    subject: str
    due_at: Instant

    @property
    def key(self) -> str:
        """Its key in the timers table: setting the same timer again replaces it."""
        return f"{self.case}/{self.kind}/{self.subject}"


@record
class Result:
    """What `route` returns for one record. Empty for a duplicate."""

    duplicate: bool = False
    seen: tuple[MessageId, str] | None = None
    cases: tuple[Case, ...] = ()
    """Cases as they are after the record."""
    controls: tuple[tuple[str, Mapping[str, object] | None], ...] = ()
    """Key and body of each control fact changed, None where gone; the policy and organisations live here."""
    deliveries: tuple[Delivery, ...] = ()
    decisions: tuple[Decision, ...] = ()
    settled: tuple[Settled, ...] = ()
    """Verdicts on deliveries made earlier; each has its decision, which is not among `decisions`."""
    timers_set: tuple[Timer, ...] = ()
    timers_cleared: tuple[str, ...] = ()
    rejection: Rejection | None = None
    only_with: tuple[tuple[MessageId, DeliveryId], ...] = ()
    """Reports the hub made of a delivery, each with that one: it goes only if the delivery really goes."""


class Contracts(Protocol):
    """What routing needs to know of the schemas."""

    def fields(self, message: MessageName, contract: str) -> tuple[FieldSpec, ...]:
        """Return every leaf field of that contract, payload order."""

    def versions(self, message: MessageName) -> Sequence[str]:
        """Return the schema versions a message may be delivered in, oldest first."""

    def newest(self, message: MessageName) -> str:
        """Return the version that decisions speak of: the newest in use, else the newest there ever was."""

    def every_version(self, message: MessageName) -> Sequence[str]:
        """Return all versions of a message there ever were, oldest first."""

    def cast(
        self, name: str, payload: Mapping[str, object], *, source: str, target: str
    ) -> Mapping[str, object]:
        """Return a payload of one version as another has it."""

    def current_paths(self, message: MessageName, version: str, paths: frozenset[str]) -> frozenset[str]:
        """Return the paths, in the newest version, of the fields that have these in another."""


class View(Protocol):
    """What routing may look at: this partition's tables, with the changes of the batch so far."""

    @property
    def contracts(self) -> Contracts:
        """Return the fields of every contract; routing only reads them."""

    def case(self, ref: CaseRef) -> Case | None:
        """Return the case as it now stands, or None."""

    def seen(self, message: MessageId) -> str | None:
        """Return the digest under which this message id was taken, or None."""

    def sender(self, message: MessageId) -> OrganisationId | None:
        """Return who sent the message taken under this id, or None if none was."""

    def sort(self, message: MessageId) -> MessageName | None:
        """Return what sort of message was taken under this id, or None if none was."""

    def organisation(self, organisation: OrganisationId) -> Organisation | None:
        """Return the organisation as the control records in force describe it, or None."""

    def organisations(self) -> Iterable[Organisation]:
        """Return all organisations in force."""

    def partner_contracts(
        self, organisation: OrganisationId, message: MessageName, direction: Direction
    ) -> Iterable[PartnerContract]:
        """Return what was agreed with an organisation on this message, in force or not."""

    def profile(self, jurisdiction: str) -> Profile:
        """Return the profile of a jurisdiction in force at the moment of the record in work."""

    def policy(self) -> Policy | None:
        """Return the policy in force at the moment of the record in work, which may have put it in force.

        None before the first release: then nothing is disclosed.
        """

    def release(self, name: str) -> Mapping[str, object] | None:
        """Return a policy release: `current`, `coming`, or one by the name that decisions bear."""

    def read_back(self, case: CaseRef, offset: int) -> Entry | None:
        """Return the record of a case at an offset of its partition; None: it has not been read back yet.

        One that is not there, or can no longer be read, is an `Unreadable`.
        """

    def timers_due(self, now: Instant) -> Iterable[Timer]:
        """Return the timers whose time has come, earliest first, those of one moment by key."""
