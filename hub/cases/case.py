"""What the hub knows of one case: team, referrals, plan, custody, tier, risk, consents.

A case is one period of continuous engagement of one person (R-CASE-01). All values are immutable;
a message makes a new case from an old one (`hub.cases.apply`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from hub.cases.allocation import UNALLOCATED, Allocation
from hub.cases.engagement import UNTROUBLED, Continuity
from hub.cases.grants import Grant
from hub.cases.held import NOTHING_HELD, Held
from hub.cases.identity import NOBODY, Identity
from hub.cases.integrated import Integrated
from hub.cases.movements import NONE, Movements
from hub.cases.work import NO_WORK, Work
from hub.messages.envelope import InformationClass, MessageName, Role
from hub.messages.identifiers import CaseRef, DeliveryId, Instant, MessageId, OrganisationId
from hub.messages.records import record


class Rosh(StrEnum):
    """Risk of serious harm, as registered (register codes RLRH, RMRH, RHRH, RVHR)."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    VERY_HIGH = "VERY_HIGH"


class ReferralState(StrEnum):
    """Life cycle of a referral (R-MSG-01)."""

    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    WAITING = "WAITING"
    STARTED = "STARTED"
    COMPLETED = "COMPLETED"
    WITHDRAWN = "WITHDRAWN"
    ENDED = "ENDED"


class ConsentState(StrEnum):
    """What the person said, and whether it still holds (R-MSG-07)."""

    GIVEN = "GIVEN"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


class RestrictionKind(StrEnum):
    """What holds information back from somebody whatever else would permit it."""

    EXCLUSION = "EXCLUSION"
    """A named organisation may learn nothing of the case."""
    RESTRICTION = "RESTRICTION"
    """Only the named organisations may learn of the case (limited access)."""
    CONFIDENTIALITY = "CONFIDENTIALITY"
    """The OM's flag on a plan, objective or class (R-DIS-03; 002 3.54)."""
    OM_THREATENED = "OM_THREATENED"
    """Staff contact details of the OM are held back (R-CON-02; 003 ¶4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One role on the Offender Management Team, held by one person of one organisation from … to."""

    role: Role
    organisation: OrganisationId
    person: str
    """Staff reference, opaque to the hub."""
    since: Instant
    until: Instant | None = None
    referral: str | None = None
    """For a Key Worker: the referral whose intervention this person delivers."""
    grade: str | None = None
    """PO, PSO, … where stated; a tier sets the least grade of an OM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """A request for one intervention at one rung of the brokerage ladder (R-REF-01)."""

    referral: str
    provider: OrganisationId
    rung: int
    intervention: str
    category: str | None
    state: ReferralState
    offered_at: Instant
    answer_due: Instant | None = None
    key_worker: str | None = None
    broker: OrganisationId | None = None
    """The organisation that offered it."""
    said_in: MessageId | None = None
    """The message that offered it."""
    moved_in: MessageId | None = None
    """The message that brought it where it is."""
    named_in: MessageId | None = None
    """The message that named who delivers it."""
    corrected: bool = False
    """Its offer was taken back: nothing of it is shown any more."""
    declared: tuple[str, ...] = ()
    """Stricter classes its author declared (hub.cases.declaring)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A message that joiners can be given (R-CASE-06): where it stands in the log, not what it says."""

    FORMER: ClassVar = frozenset(
        {"payload", "author", "statement", "occurred_at", "recorded_at", "correlation", "declared"}
    )
    """What earlier versions of the hub kept instead; passed over, the message cannot be given again."""
    message: MessageId
    offset: int | None = None
    """Where in its partition of the log; None: nobody knows, and it cannot be given again."""
    fields: frozenset[str] = frozenset()
    """The fields it still gives; none: nobody may be given it any more."""
    contract: str = "1.0"
    """The version in whose names the fields are named."""
    author_role: Role = Role.OFFENDER_MANAGER
    author_organisation: OrganisationId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Kept):
    """The single Sentence Plan of the case: which version is current, and whose objectives (R-PLAN-01)."""

    version: int
    organisations: frozenset[OrganisationId]
    """Organisations with a responsibility of their own in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk(Kept):
    """The latest word on one kind of risk, or on one risk factor (R-MSG-03)."""

    kind: str
    factor: str = ""
    """Which factor, where it is about one: a name that follows from its words and does not show them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Custody:
    """Where the person is held, if anywhere, and the expected release date."""

    prison: OrganisationId | None
    since: Instant | None
    release_date: str | None = None
    previous: OrganisationId | None = None
    """The prison left last; it still hears of the move it was part of (R-RTE-05)."""
    dated_in: MessageId | None = field(default=None, compare=False)
    """The message that last stated the release date; stating the same one again changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mappa:
    """Multi-Agency Public Protection Arrangements: category 1 to 4 and level 1 to 3 (CJA 2003 s.325)."""

    category: int
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven:
    """The person's word on sharing some classes with some organisation for some purpose."""

    consent: str
    state: ConsentState
    organisation: OrganisationId | None
    """None: with every organisation on the team."""
    classes: frozenset[InformationClass]
    purposes: frozenset[str]
    """Empty: for every registered purpose."""
    since: Instant
    until: Instant | None
    evidence: str = ""
    """Where what the person signed or said is kept."""
    ended_at: Instant | None = None
    """When one that was given was taken back or ran out."""
    said_in: tuple[MessageId, ...] = ()
    """The message that recorded it, and the one that took it back."""
    corrected: bool = False
    """Recorded by mistake: it opens nothing, goes on saying no, and is shown to nobody."""
    declared: tuple[str, ...] = ()
    """Stricter classes its author declared (hub.cases.declaring)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """Something held back: from whom (none: from every partner), which classes, which plan objective."""

    restriction: str
    kind: RestrictionKind
    organisations: frozenset[OrganisationId]
    roles: frozenset[Role]
    classes: frozenset[InformationClass]
    objective: str | None
    since: Instant
    until: Instant | None
    said_in: MessageId | None = None
    """The message that recorded it."""
    corrected: bool = False
    """Recorded by mistake: it holds back until it is lifted or stated anew, and what it said is not shown."""
    declared: tuple[str, ...] = ()
    """Stricter classes its author declared (hub.cases.declaring)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """A managed transfer of the OM in progress: both are recipients until it ends (R-CON-03)."""

    outgoing: Member
    until: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """A delivery that its recipient is to acknowledge, and until when."""

    delivery: DeliveryId
    organisation: OrganisationId
    role: Role
    message: MessageName
    due_at: Instant
    since: Instant | None = None
    """When it was made; escalation counts from there."""
    step: int = 0
    """How many reports have been made that it is late, the first to the Offender Manager (R-ADM-03)."""
    taken: tuple[str, ...] = ()
    """Steps of the escalation taken, each as `role/hours`: another tier asks for others."""
    reports: tuple[DeliveryId, ...] = ()
    """Reports that it was not acknowledged: whoever takes one of them on ends the waiting."""
    digest: str | None = None
    """SHA-256 of what was sent; None where that was not noted."""


@record
class Case:
    """Everything of one case that routing and disclosure look at."""

    ref: CaseRef
    jurisdiction: str
    opened_at: Instant
    opened_by: OrganisationId
    region: str | None = None
    """Probation region code, e.g. N54."""
    closed_at: Instant | None = None
    in_scope: bool | None = None
    tier: int | None = None
    rosh: Rosh | None = None
    mappa: Mappa | None = None
    prolific: bool | None = None
    """Prolific and other Priority Offender (PPO)."""
    team: tuple[Member, ...] = ()
    referrals: tuple[Referral, ...] = ()
    plan: Plan | None = None
    facts: tuple[Kept, ...] = ()
    """Case messages, each with the facts it states that no later one states anew."""
    risks: tuple[Risk, ...] = ()
    """What is known of risk now, in the order it was said."""
    custody: Custody | None = None
    consents: tuple[ConsentGiven, ...] = ()
    restrictions: tuple[Restriction, ...] = ()
    grants: tuple[Grant, ...] = ()
    """Orders of a court, and overrides."""
    awaiting: tuple[Awaited, ...] = ()
    """Deliveries not yet acknowledged that are to be (R-ADM-03)."""
    handover: Handover | None = None
    om_transfers: int = 0
    merged: frozenset[CaseRef] = frozenset()
    """Cases found to be of the same person and merged into this one (R-MSG-13)."""
    version: int = 0
    """Grows by one with each message applied; decisions name the version they saw."""
    turn: int = 0
    """Grows by one with each change of what decides who may know (hub.cases.turning)."""
    allocation: Allocation = UNALLOCATED
    """What scope, tier and continuity rest on (R-CASE-07, R-CASE-08)."""
    integrated: Integrated | None = None
    """Where it stands in Integrated Case Management (R-SCO-01…03)."""
    work: Work = NO_WORK
    """What should be happening, and how far it is (R-ADM-01)."""
    movements: Movements = NONE
    """What prisons said of where the person is, each movement as one fact (R-MSG-05)."""
    identity: Identity = NOBODY
    """The prison number, and mergers with other cases (R-MSG-13)."""
    plan_past: int = 0
    """The latest version of the plan superseded or recalled: what is undelivered of it goes to nobody."""
    held: Held = NOTHING_HELD
    """Who holds which version of the plan, and who was given anything (R-PLAN-02, R-CASE-06)."""
    continuity: Continuity = UNTROUBLED
    """What a transfer of the Offender Manager is still to be followed by, and what it may be too close to."""
