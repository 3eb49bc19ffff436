"""An invented case, its organisations, and a way to ask what one of them may know."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hub.cases.case import (
    Case,
    ConsentGiven,
    ConsentState,
    Custody,
    Member,
    Referral,
    ReferralState,
    Restriction,
    RestrictionKind,
    Rosh,
)
from hub.consent.compile import compile_policy
from hub.consent.decide import decide
from hub.consent.decision import Candidate, Concern, Decision, FieldDecision, FieldSpec, Outcome, Scope
from hub.consent.parties import Access, Kind, LegalStatus, Organisation, Purpose, Standing
from hub.messages.envelope import Envelope, InformationClass, MessageName, Role, Statement
from hub.messages.identifiers import CaseRef, Instant, MessageId, OrganisationId
from hub.topics.library import SchemaLibrary
from hub.topics.policy_files import read_policy

NOW = Instant(1_790_000_000_000)
BEFORE = Instant(NOW - 1000)
POLICY = compile_policy(read_policy(), version="1.0.0")
LIBRARY = SchemaLibrary.load()
REGION, PRISON = OrganisationId("probation-example"), OrganisationId("hmp-example")
RUNG_1, RUNG_2, RUNG_3, RUNG_4 = (OrganisationId(f"partner-{rung}") for rung in (1, 2, 3, 4))
SOMEBODY_ELSE = OrganisationId("somebody-else")
STATUS = dict(zip((RUNG_1, RUNG_2, RUNG_3, RUNG_4), LegalStatus, strict=True))
HEALTH_CONSENT = frozenset({InformationClass.HEALTH})
EVERYTHING = frozenset(InformationClass)


def organisation(name: OrganisationId, **changes: Any) -> Organisation:  # noqa: ANN401 - any field of it
    """Return a party, active and registered for every purpose."""
    kind = {REGION: Kind.PROBATION, PRISON: Kind.PRISON}.get(name, Kind.PARTNER)
    party = Organisation(
        organisation=name,
        name=f"Example {name}",
        kind=kind,
        rung=int(name[-1]) if kind is Kind.PARTNER else 1,
        legal_status=STATUS.get(name, LegalStatus.IN_HOUSE),
        status_evidence="example",
        standing=Standing.ACTIVE,
        purposes=frozenset(Purpose),
        sends=frozenset(MessageName),
        access=Access.ALL_CASES,
        policy_document=name not in {RUNG_3, RUNG_4},
    )
    return replace(party, **changes)


def referral(provider: OrganisationId, state: ReferralState = ReferralState.STARTED) -> Referral:
    """Return a referral to a provider, named after it."""
    return Referral(
        referral=f"ref-{provider}",
        provider=provider,
        rung=int(provider[-1]),
        intervention="example",
        category="ACCOMMODATION",
        state=state,
        offered_at=BEFORE,
    )


PARTNERS = (RUNG_1, RUNG_2, RUNG_3, RUNG_4)
TEAM = (
    Member(role=Role.OFFENDER_MANAGER, organisation=REGION, person="st-1", since=BEFORE),
    Member(role=Role.CASE_ADMINISTRATOR, organisation=REGION, person="st-2", since=BEFORE),
    Member(role=Role.OFFENDER_SUPERVISOR, organisation=PRISON, person="st-3", since=BEFORE),
    *(
        Member(role=Role.KEY_WORKER, organisation=name, person=f"kw-{name}", since=BEFORE)
        for name in PARTNERS
    ),
)
CASE = Case(
    ref=CaseRef("c" * 32),
    jurisdiction="ENGLAND_AND_WALES",
    opened_at=BEFORE,
    opened_by=REGION,
    rosh=Rosh.MEDIUM,
    team=TEAM,
    referrals=tuple(referral(name) for name in PARTNERS),
    custody=Custody(prison=PRISON, since=BEFORE),
)


def consent(*classes: InformationClass, **changes: Any) -> ConsentGiven:  # noqa: ANN401 - any field of it
    """Return a consent in force for some classes, with every organisation."""
    given = ConsentGiven(
        consent="cn-1",
        state=ConsentState.GIVEN,
        organisation=None,
        classes=frozenset(classes),
        purposes=frozenset(),
        since=BEFORE,
        until=None,
    )
    return replace(given, **changes)


def restriction(kind: RestrictionKind, **changes: Any) -> Restriction:  # noqa: ANN401 - any field of it
    """Return a restriction in force that names nobody."""
    held = Restriction(
        restriction="rs-1",
        kind=kind,
        organisations=frozenset(),
        roles=frozenset(),
        classes=frozenset(),
        objective=None,
        since=BEFORE,
        until=None,
    )
    return replace(held, **changes)


def ask(  # noqa: PLR0913 - a question has that many sides
    message: MessageName,
    role: Role,
    name: OrganisationId,
    *,
    case: Case = CASE,
    party: Organisation | None = None,
    concern: Concern = Concern.TEAM,
    relevant: bool | None = True,
    about: str | None = None,
    declared: dict[str, InformationClass] | None = None,
    payload: dict[str, object] | None = None,
    author: Role = Role.KEY_WORKER,
    by: OrganisationId = SOMEBODY_ELSE,
    specs: tuple[FieldSpec, ...] | None = None,
) -> Decision:
    """Ask what a role of an organisation may know of a message that somebody else wrote, or `by` did."""
    envelope = Envelope(
        message_id=MessageId("a" * 32),
        message=message,
        contract="1.0",
        case=case.ref,
        organisation=by,
        author="st-9",
        author_role=author,
        statement=Statement.FACT,
        occurred_at=NOW,
        recorded_at=NOW,
        correlation="d" * 32,
        causation=None,
        digest="",
        declared=declared or {},
    )
    return decide(
        POLICY,
        envelope=envelope,
        specs=specs or LIBRARY.fields(message, "1.0"),
        case=case,
        organisation=party or organisation(name),
        candidate=Candidate(
            organisation=name, role=role, persons=frozenset(), concern=concern, relevant=relevant
        ),
        now=NOW,
        about=about,
        payload=payload,
    )


def field(decision: Decision, path: str, scope: Scope = Scope.ALL) -> FieldDecision:
    """Return the decision on one field."""
    return next(item for item in decision.fields if item.path == path and item.scope is scope)


def goes(decision: Decision) -> set[str]:
    """Return every payload field disclosed as it is."""
    return {
        item.path
        for item in decision.fields
        if item.outcome is Outcome.DISCLOSE and not item.path.startswith("@")
    }
