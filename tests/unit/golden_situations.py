"""What a golden case is given, made into an invented case, an organisation, a candidate and a message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hub.cases.case import (
    Case,
    ConsentState,
    Custody,
    Mappa,
    Member,
    ReferralState,
    RestrictionKind,
    Rosh,
)
from hub.cases.grants import Act, Grant, GrantKind
from hub.consent.decision import Candidate, Concern
from hub.consent.parties import Kind, LegalStatus, Organisation, Protocol, Standing
from hub.messages.envelope import Envelope, InformationClass, MessageName, Role, Statement
from hub.messages.identifiers import Instant, MessageId, OrganisationId
from tests.unit.consent_cases import (
    BEFORE,
    CASE,
    NOW,
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

AT = {
    "probation": REGION,
    "prison": PRISON,
    "in house": RUNG_1,
    "contracted": RUNG_2,
    "listed": RUNG_3,
    "voluntary": RUNG_4,
    "home": OrganisationId("the-person"),
}
"""Organisations of the cases: the last four are partners on rungs 1 to 4."""
SPEAKS_OF_REFERRAL = frozenset(
    {
        MessageName.REFERRAL,
        MessageName.PROGRESS,
        MessageName.APPOINTMENT,
        MessageName.ENFORCEMENT,
        MessageName.TEAM_CHANGE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything a decision looks at."""

    envelope: Envelope
    case: Case
    organisation: Organisation
    candidate: Candidate
    about: str | None
    now: Instant = NOW


def situation(recipient: Mapping[str, Any], given: Mapping[str, Any], message: MessageName) -> Situation:
    """Build the situation of a case; every word of it must be known."""
    facts = {**_ORDINARY, **given}
    unknown = {*(set(facts) - set(_ORDINARY)), *(set(recipient) - {"role", "at", "rung", "legal status"})}
    assert not unknown, f"{unknown} is not known of a golden case"
    role = Role(recipient["role"].lower().replace(" ", "_"))
    name = AT[recipient["at"]]
    return Situation(
        envelope=_envelope(message, facts),
        case=_case(facts, role, name, recipient.get("rung")),
        organisation=_organisation(recipient, facts, name),
        candidate=Candidate(
            organisation=name,
            role=role,
            persons=frozenset(),
            concern=Concern(facts["concern"]),
            relevant={"yes": True, "no": False, "not known": None}[yes_or_no(facts["concerns their work"])],
        ),
        about=_about(facts["about"], message, name),
    )


_ORDINARY: Mapping[str, Any] = {
    "on the team": "as usual",
    "referral": "started",
    "about": "own referral",
    "concern": "team",
    "concerns their work": "yes",
    "written by": "Offender Manager",
    "consent": {},
    "protocol": [],
    "MAPPA level": 0,
    "risk of serious harm": "medium",
    "tier": 2,
    "held": "in the prison",
    "threatened": "no",
    "excluded": "no",
    "limited to others": "no",
    "confidential": [],
    "standing": "active",
    "registered": "yes",
    "policy document": "yes",
    "court order": [],
    "override": [],
}
"""What a case is given if it does not say otherwise."""
_AUTHORS = {
    "Offender Manager": (Role.OFFENDER_MANAGER, REGION),
    "prison": (Role.OFFENDER_MANAGEMENT_UNIT, PRISON),
    "another provider": (Role.KEY_WORKER, SOMEBODY_ELSE),
}


def yes_or_no(said: object) -> str:
    """Return yes or no as YAML may have read it."""
    return {True: "yes", False: "no"}.get(said, str(said)) if isinstance(said, bool) else str(said)


def _classes(said: Any) -> frozenset[InformationClass]:  # noqa: ANN401 - as YAML has it
    """Read some classes, or all."""
    return frozenset(InformationClass) if said == "everything" else frozenset(map(InformationClass, said))


def _envelope(message: MessageName, facts: Mapping[str, Any]) -> Envelope:
    """Return what the message says of itself."""
    role, by = _AUTHORS[facts["written by"]]
    return Envelope(
        message_id=MessageId("a" * 32),
        message=message,
        contract="1.0",
        case=CASE.ref,
        organisation=by,
        author="st-9",
        author_role=role,
        statement=Statement.FACT,
        occurred_at=NOW,
        recorded_at=NOW,
        correlation="d" * 32,
        causation=None,
        digest="",
    )


def _about(said: str, message: MessageName, name: OrganisationId) -> str | None:
    """Return the referral the message is about."""
    if message not in SPEAKS_OF_REFERRAL or said == "not said":
        return None
    other = RUNG_2 if name != RUNG_2 else RUNG_3
    return f"ref-{name if said == 'own referral' and name.startswith('partner') else other}"


def _organisation(
    recipient: Mapping[str, Any], facts: Mapping[str, Any], name: OrganisationId
) -> Organisation:
    """Return the recipient's organisation."""
    protocol = Protocol(name="p", classes=_classes(facts["protocol"]), since=BEFORE, until=None)
    changes: dict[str, Any] = {
        "standing": Standing(facts["standing"]),
        "protocols": (protocol,) if protocol.classes else (),
        "policy_document": {"yes": True, "no": False, "not known": None}[yes_or_no(facts["policy document"])],
    }
    if "rung" in recipient:
        changes["rung"] = recipient["rung"]
    if "legal status" in recipient:
        changes["legal_status"] = LegalStatus(recipient["legal status"].replace(" ", "_"))
    if yes_or_no(facts["registered"]) == "no":
        changes["purposes"] = frozenset()
    if name == AT["home"]:
        # Not a body: whom the case is about, who may have their own copy.
        return organisation(REGION, organisation=name, kind=Kind.PERSON, **changes)
    return organisation(name, **changes)


def _case(facts: Mapping[str, Any], role: Role, name: OrganisationId, rung: int | None) -> Case:
    """Return the case."""
    return replace(
        CASE,
        team=_team(yes_or_no(facts["on the team"]), role, name),
        referrals=tuple(
            replace(each, state=ReferralState(facts["referral"].upper()), rung=rung or each.rung)
            if each.provider == name
            else each
            for each in CASE.referrals
            if each.provider != name or facts["referral"] != "none"
        ),
        custody={
            "in the prison": CASE.custody,
            "there": Custody(prison=name, since=BEFORE),
            "elsewhere": Custody(prison=OrganisationId("hmp-other"), since=BEFORE),
            "nowhere": None,
        }[facts["held"]],
        mappa=Mappa(category=1, level=facts["MAPPA level"]) if facts["MAPPA level"] else None,
        rosh=Rosh(facts["risk of serious harm"].upper().replace(" ", "_")),
        tier=facts["tier"],
        consents=tuple(
            consent(
                *_classes(classes),
                state=ConsentState.GIVEN if state == "expired" else ConsentState(state.upper()),
                until=NOW if state == "expired" else None,
            )
            for state, classes in facts["consent"].items()
        ),
        restrictions=_restrictions(facts, name),
        grants=tuple(
            _grant(kind, name, _classes(facts[word]))
            for word, kind in (("court order", GrantKind.COURT_ORDER), ("override", GrantKind.OVERRIDE))
            if facts[word]
        ),
    )


def _team(said: str, role: Role, name: OrganisationId) -> tuple[Member, ...]:
    """Return the team, with or without the recipient."""
    others = tuple(each for each in CASE.team if (each.role, each.organisation) != (role, name))
    if said == "no":
        return others
    return (
        (*others, Member(role=role, organisation=name, person="st-0", since=BEFORE))
        if said == "yes"
        else CASE.team
    )


def _restrictions(facts: Mapping[str, Any], name: OrganisationId) -> tuple[Any, ...]:
    """Return what holds information back."""
    other = frozenset({SOMEBODY_ELSE})
    found = []
    if yes_or_no(facts["threatened"]) != "no":
        named = frozenset({name} if facts["threatened"] == "by name" else ())
        found.append(restriction(RestrictionKind.OM_THREATENED, organisations=named))
    if yes_or_no(facts["excluded"]) == "yes":
        found.append(restriction(RestrictionKind.EXCLUSION, organisations=frozenset({name})))
    if yes_or_no(facts["limited to others"]) == "yes":
        found.append(restriction(RestrictionKind.RESTRICTION, organisations=other))
    if facts["confidential"]:
        classes = _classes(facts["confidential"])
        found.append(
            restriction(RestrictionKind.CONFIDENTIALITY, organisations=frozenset({name}), classes=classes)
        )
    return tuple(found)


def _grant(kind: GrantKind, name: OrganisationId, classes: frozenset[InformationClass]) -> Grant:
    """Return a grant in force for the recipient."""
    act = Act(organisation=REGION, role=Role.LINE_MANAGER, person="st-8", at=BEFORE)
    return Grant(
        grant="gr-1",
        kind=kind,
        organisation=name,
        classes=classes,
        roles=frozenset(),
        purposes=frozenset(),
        evidence="example",
        asked=act,
        since=BEFORE,
        until=Instant(NOW + 1000),
        agreed=act,
    )
