"""A small world in memory for tests of cases and routing: organisations, one log, one case at a time.

It keeps what the router's tables keep and nothing else; the contracts and the policy are the real ones.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from hub.cases.case import Case, Member
from hub.cases.membership import offender_manager
from hub.cases.profile import Profile
from hub.cases.state import from_json, to_json
from hub.consent.compile import Policy
from hub.consent.decision import Decision
from hub.consent.parties import Access, Kind, LegalStatus, Organisation, Purpose, Standing
from hub.consent.partner_contracts import Direction, PartnerContract
from hub.consent.release import COMING, CURRENT, release_in_force
from hub.messages.envelope import (
    Entry,
    Envelope,
    MessageName,
    Role,
    Statement,
    Submission,
    Tick,
    Unreadable,
)
from hub.messages.identifiers import HUB, CaseRef, Instant, MessageId, OrganisationId
from hub.routing.outcome import Contracts, Delivery, Result, Timer
from hub.routing.route import route
from hub.topics.library import SchemaLibrary
from hub.topics.policy_files import folder_policy, policy_from_control
from hub.topics.profile_files import profile_of

HOUR = 60 * 60 * 1000
DAY = 24 * HOUR
START = Instant(1_900_000_000_000)
CASE = CaseRef("c" * 32)

PROBATION = OrganisationId("probation-north")
OTHER_PROBATION = OrganisationId("probation-south")
MOORLAND = OrganisationId("hmp-moorland")
LEEDS = OrganisationId("hmp-leeds")
PROGRAMMES = OrganisationId("programmes")
RECOVERY = OrganisationId("recovery")
HOUSING = OrganisationId("housing")
DEBT = OrganisationId("debt-advice")


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody who sends: their organisation, the role they act in, their reference."""

    organisation: OrganisationId
    role: Role
    person: str


MANAGER = Staff(PROBATION, Role.OFFENDER_MANAGER, "om-1")
NEXT_MANAGER = Staff(PROBATION, Role.OFFENDER_MANAGER, "om-2")
ADMINISTRATOR = Staff(PROBATION, Role.CASE_ADMINISTRATOR, "ca-1")
LINE_MANAGER = Staff(PROBATION, Role.LINE_MANAGER, "lm-1")
SUPERVISOR = Staff(MOORLAND, Role.OFFENDER_SUPERVISOR, "os-1")
UNIT = Staff(MOORLAND, Role.OFFENDER_MANAGEMENT_UNIT, "omu-1")
LEEDS_UNIT = Staff(LEEDS, Role.OFFENDER_MANAGEMENT_UNIT, "omu-2")
COUNSELLOR = Staff(RECOVERY, Role.KEY_WORKER, "kw-recovery")
HOUSING_OFFICER = Staff(HOUSING, Role.KEY_WORKER, "kw-housing")
ADVISER = Staff(DEBT, Role.KEY_WORKER, "kw-debt")

RUNGS = {PROGRAMMES: 1, RECOVERY: 2, HOUSING: 3, DEBT: 4}
CATEGORIES = {
    RECOVERY: "DEPENDENCY_RECOVERY",
    HOUSING: "ACCOMMODATION",
    DEBT: "FINANCE_BENEFIT_DEBT",
    PROGRAMMES: "LIFESTYLE_ASSOCIATES",
}
NEEDS = ("DRUGS", "ACCOMMODATION")
"""What the usual assessment finds; the usual objectives answer it."""
STATUSES = {
    PROGRAMMES: LegalStatus.IN_HOUSE,
    RECOVERY: LegalStatus.UNDER_ARRANGEMENTS,
    HOUSING: LegalStatus.LISTED,
    DEBT: LegalStatus.NONE,
}


@cache
def library() -> SchemaLibrary:
    """Return the contracts of this repository."""
    return SchemaLibrary.load()


@cache
def policy() -> Policy:
    """Return the policy of this repository."""
    return folder_policy(version="test")


def organisation(name: OrganisationId, kind: Kind, **facts: object) -> Organisation:
    """Return an organisation in good standing that may send anything, but for the facts given."""
    usual: dict[str, object] = {
        "name": f"{name} (invented)",
        "rung": 1,
        "legal_status": LegalStatus.IN_HOUSE,
        "status_evidence": "invented",
        "standing": Standing.ACTIVE,
        "purposes": frozenset(Purpose),
        "sends": frozenset(MessageName),
        "access": Access.ALL_CASES,
        "policy_document": True,
    }
    return Organisation(organisation=name, kind=kind, **{**usual, **facts})  # type: ignore[arg-type]


def usual_organisations() -> Iterator[Organisation]:
    """Return two probation regions, two prisons, and a partner on each rung."""
    yield organisation(PROBATION, Kind.PROBATION, region="N54")
    yield organisation(OTHER_PROBATION, Kind.PROBATION, region="N07")
    yield organisation(MOORLAND, Kind.PRISON, prison="MDI")
    yield organisation(LEEDS, Kind.PRISON, prison="LEI")
    for partner, rung in RUNGS.items():
        yield organisation(partner, Kind.PARTNER, rung=rung, legal_status=STATUSES[partner])


@dataclass
class World:
    """The tables of one partition (hub.routing.outcome.View), and a hand to send messages with."""

    now: Instant = START
    contracts: Contracts = field(default_factory=library)
    cases: dict[CaseRef, bytes] = field(default_factory=dict)
    taken: dict[MessageId, str] = field(default_factory=dict)
    senders: dict[MessageId, OrganisationId] = field(default_factory=dict)
    sorts: dict[MessageId, MessageName] = field(default_factory=dict)
    timers: dict[str, Timer] = field(default_factory=dict)
    known: dict[OrganisationId, Organisation] = field(default_factory=dict)
    in_force: Policy | None = field(default_factory=policy)
    agreed: tuple[PartnerContract, ...] = ()
    profiles: tuple[Profile, ...] = ()
    released: dict[str, Mapping[str, object]] = field(default_factory=dict)
    log: list[Entry] = field(default_factory=list)
    """Every record taken, in order: what a case keeps the place of is read back from here."""
    sent: int = 0

    def __post_init__(self) -> None:
        """Register the usual organisations."""
        self.known |= {each.organisation: each for each in usual_organisations()}

    def case(self, ref: CaseRef) -> Case | None:
        """Return the case, decoded from its stored form every time."""
        return from_json(self.cases[ref]) if ref in self.cases else None

    def seen(self, message: MessageId) -> str | None:
        """Return the digest of a message taken before."""
        return self.taken.get(message)

    def sender(self, message: MessageId) -> OrganisationId | None:
        """Return who sent a message taken before."""
        return self.senders.get(message)

    def sort(self, message: MessageId) -> MessageName | None:
        """Return what sort of message was taken before."""
        return self.sorts.get(message)

    def organisation(self, organisation: OrganisationId) -> Organisation | None:
        """Return an organisation by its short name."""
        return self.known.get(organisation)

    def organisations(self) -> Iterable[Organisation]:
        """Return all organisations."""
        return tuple(self.known.values())

    def partner_contracts(
        self, organisation: OrganisationId, message: MessageName, direction: Direction
    ) -> Iterable[PartnerContract]:
        """Return what was agreed with an organisation on a message."""
        place = (organisation, message, direction)
        return tuple(each for each in self.agreed if (each.partner, each.message, each.direction) == place)

    def profile(self, jurisdiction: str) -> Profile:
        """Return the profile of a jurisdiction: of those released, else the one of this repository."""
        return profile_of(jurisdiction, self.profiles, self.now)

    def policy(self) -> Policy | None:
        """Return the policy in force: by the releases taken, else the one the world began with."""
        held = release_in_force(self.release(CURRENT), self.release(COMING), self.now)
        return self.in_force if held is None else policy_from_control(held)

    def release(self, name: str) -> Mapping[str, object] | None:
        """Return a policy release by its name."""
        return self.released.get(f"policy/{name}")

    def read_back(self, case: CaseRef, offset: int) -> Entry | None:
        """Return a record of the log in the version that decisions speak of, as the codec reads it."""
        entry = self.log[offset] if offset < len(self.log) else None
        if not isinstance(entry, Submission) or entry.envelope.case != case:
            return Unreadable(record_id=MessageId("0" * 32), organisation=HUB, code="RECORD-MISSING")
        return brought_up(entry, self.contracts)

    def timers_due(self, now: Instant) -> Iterable[Timer]:
        """Return the timers whose time has come."""
        due = (timer for timer in self.timers.values() if timer.due_at <= now)
        return tuple(sorted(due, key=lambda timer: (timer.due_at, timer.key)))

    @property
    def state(self) -> Case:
        """The case most tests are about."""
        case = self.case(CASE)
        assert case is not None
        return case

    @property
    def manager(self) -> Member | None:
        """Its Offender Manager now."""
        return offender_manager(self.state, self.now)

    def submission(
        self, by: Staff, message: MessageName, payload: Mapping[str, object], **envelope: object
    ) -> Submission:
        """Write a message as it stands in the log: every field of its contract is there."""
        self.sent += 1
        text = json.dumps(payload, sort_keys=True)
        usual: dict[str, object] = {
            "message_id": f"{self.sent:032x}",
            "contract": "1.0",
            "case": CASE,
            "statement": Statement.FACT,
            "occurred_at": self.now,
            "recorded_at": self.now,
            "correlation": f"cor-{self.sent}",
            "causation": None,
            "digest": hashlib.sha256(text.encode()).hexdigest(),
        }
        written = Envelope(
            message=message,
            organisation=by.organisation,
            author=by.person,
            author_role=by.role,
            **{**usual, **envelope},  # type: ignore[arg-type]
        )
        return Submission(envelope=written, payload=whole(message, payload), offset=len(self.log))

    def send(
        self, by: Staff, message: MessageName, payload: Mapping[str, object], **envelope: object
    ) -> Result:
        """Send a message one minute later, and keep what it causes."""
        self.now = Instant(self.now + 60_000)
        return self.take(self.submission(by, message, payload, **envelope))

    def take(self, entry: Entry) -> Result:
        """Route one record of the log, and keep what it causes."""
        if isinstance(entry, Submission):
            entry = replace(entry, offset=len(self.log))
        self.log.append(entry)
        result = route(entry, self, self.now)
        if result.seen is not None:
            self.taken[result.seen[0]] = result.seen[1]
            assert isinstance(entry, Submission)
            self.senders[result.seen[0]] = entry.envelope.organisation
            self.sorts[result.seen[0]] = entry.envelope.message
        self.cases |= {case.ref: to_json(case) for case in result.cases}
        self._keep_releases(result)
        for key in result.timers_cleared:
            self.timers.pop(key, None)
        self.timers |= {timer.key: timer for timer in result.timers_set}
        return result

    def _keep_releases(self, result: Result) -> None:
        for key, body in result.controls:
            self.released.pop(key, None)
            if body is not None and key.startswith("policy/"):
                self.released[key] = body

    def pass_time(self, milliseconds: int) -> Result:
        """Let time pass, and read a tick."""
        self.now = Instant(self.now + milliseconds)
        return self.take(Tick(tick_id=MessageId(f"{self.now:032x}"), due_at=self.now))


def brought_up(said: Submission, contracts: Contracts) -> Submission:
    """Return a message as the newest version of its contract has it."""
    envelope, newest = said.envelope, contracts.newest(said.envelope.message)
    declared = {
        path: of_class
        for old, of_class in envelope.declared.items()
        for path in contracts.current_paths(envelope.message, envelope.contract, frozenset({old}))
    }
    payload = contracts.cast(envelope.message, said.payload, source=envelope.contract, target=newest)
    return replace(said, envelope=replace(envelope, contract=newest, declared=declared), payload=payload)


def whole(message: MessageName, payload: Mapping[str, object]) -> dict[str, object]:
    """Return a payload with every field of the contract, those not given as None."""
    contract = library().contract(message, "1.0")
    names = {field.name: None for field in contract.shape.fields}
    assert set(payload) <= set(names), sorted(set(payload) - set(names))
    return {**names, **payload}


def to(result: Result, organisation: OrganisationId, role: Role | None = None) -> tuple[Delivery, ...]:
    """Return what an organisation is delivered, in one role or in any."""
    return tuple(d for d in result.deliveries if d.organisation == organisation and role in {None, d.role})


def asked(result: Result, message: MessageId | None = None) -> dict[tuple[str, str], Decision]:
    """Return the decisions on the message itself by organisation and role."""
    first = result.seen[0] if result.seen is not None else message
    return {
        (d.candidate.organisation, d.candidate.role.value): d for d in result.decisions if d.message == first
    }


def codes(result: Result) -> list[object]:
    """Return the codes of the exception reports made, each once per recipient."""
    return [d.payload["code"] for d in result.deliveries if d.message is MessageName.EXCEPTION]


def refused(result: Result) -> str | None:
    """Return the reason code with which a record was set aside, or None."""
    return None if result.rejection is None else result.rejection.code


def open_case(world: World, **fields: object) -> Result:
    """Open the case by the Case Administrator."""
    payload = {"action": "OPENED", "jurisdiction": "ENGLAND_AND_WALES", "tier": 2, "in_scope": True, **fields}
    return world.send(ADMINISTRATOR, MessageName.CASE, payload)


def appoint(world: World, whom: Staff, *, by: Staff = LINE_MANAGER, **fields: object) -> Result:
    """Appoint somebody to the team."""
    payload = {
        "action": "APPOINT",
        "role": whom.role.value,
        "organisation": whom.organisation,
        "person": whom.person,
        **fields,
    }
    return world.send(by, MessageName.TEAM_CHANGE, payload)


def staffed(**fields: object) -> World:
    """Return a world whose case is open and assessed, with an Offender Manager and a Case Administrator."""
    world = World()
    open_case(world, **fields)
    appoint(world, MANAGER, grade="PO")
    appoint(world, ADMINISTRATOR)
    assess(world)
    return world


def assess(world: World, *, by: Staff = MANAGER, needs: Iterable[str] = NEEDS, **fields: object) -> Result:
    """Send an assessment, by default the Offender Manager's own, that finds these needs."""
    found = [{"need": need, "severity": "SIGNIFICANT", "linked_to_harm": None} for need in needs]
    payload = {"assessment": f"a-{world.sent}", "kind": "OASYS", "needs": found, **fields}
    return world.send(by, MessageName.ASSESSMENT, payload)


def offer(world: World, provider: OrganisationId, /, *, by: Staff = MANAGER, **fields: object) -> Result:
    """Offer a referral named after its provider."""
    payload = {
        "referral": f"ref-{provider}",
        "action": "OFFER",
        "provider": provider,
        "rung": RUNGS.get(provider, 1),
        "typology": "BARRIER_FACTORS",
        "nature": "REHABILITATIVE",
        "category": CATEGORIES.get(provider),
        "intervention": "An invented intervention",
        **fields,
    }
    return world.send(by, MessageName.REFERRAL, payload)


def move(world: World, by: Staff, action: str, /, *, referral: str | None = None, **fields: object) -> Result:
    """Make a move on a referral, by default the one of the sender's own organisation."""
    payload = {"referral": referral or f"ref-{by.organisation}", "action": action, **fields}
    return world.send(by, MessageName.REFERRAL, payload)


def engage(world: World, worker: Staff) -> Result:
    """Offer a referral to a Key Worker's organisation and let it be accepted."""
    offer(world, worker.organisation)
    return move(world, worker, "ACCEPT", key_worker=worker.person)


def distribute(world: World, version: int = 1, *, by: Staff = MANAGER, **fields: object) -> Result:
    """Distribute a version of the Sentence Plan with an objective for each partner."""
    objectives = [
        {
            **dict.fromkeys(objective_fields()),
            "objective": f"objective-{provider}",
            "title": f"Invented aim of {provider}",
            "purpose": "REFORM",
            "need": need,
            "organisation": provider,
        }
        for provider, need in zip((RECOVERY, HOUSING), NEEDS, strict=True)
    ]
    payload = {"version": version, "change_summary": "First", "objectives": objectives, **fields}
    return world.send(by, MessageName.PLAN, payload)


def objective_fields() -> tuple[str, ...]:
    """Return the field names of a plan's objective."""
    specs = library().fields(MessageName.PLAN, "1.0")
    return tuple(s.path.removeprefix("objectives[].") for s in specs if s.path.startswith("objectives[]."))
