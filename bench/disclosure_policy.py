"""What bench/disclosure.py decides on: a policy of 24 rules or more, a message of 20 fields, contexts."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from hub.cases.case import (
    Case,
    ConsentGiven,
    ConsentState,
    Custody,
    Mappa,
    Member,
    Referral,
    ReferralState,
    Restriction,
    RestrictionKind,
    Rosh,
)
from hub.consent.decision import Candidate, Concern, FieldSpec
from hub.consent.parties import Access, Kind, LegalStatus, Organisation, Protocol, Purpose, Standing
from hub.messages.envelope import Envelope, InformationClass, MessageName, Role, Statement, Subject
from hub.messages.identifiers import CaseRef, Instant, MessageId, OrganisationId
from hub.topics.policy_files import read_policy

NOW = Instant(1_790_000_000_000)
MESSAGE = MessageName.PROGRESS
RECIPIENTS = 5
"""Recipients of each message."""
CASES = 200
"""Cases whose keys are in the key store, as the router has just opened each."""
_ROLES = (Role.OFFENDER_MANAGER, Role.OFFENDER_SUPERVISOR, Role.KEY_WORKER, Role.SERVICE_MANAGER)
_MANAGERS = ["offender_manager", "offender_supervisor"]
_PROVIDERS = ["key_worker", "service_manager"]
_OFFICIAL = ["probation", "prison"]
_ENGAGED = {"role": _PROVIDERS, "engaged": True}
_TEAM = {"role": _MANAGERS, "kind": _OFFICIAL, "on_team": True}
_EVERYWHERE = (
    "everywhere.confidential",
    "everywhere.policy-document",
    "everywhere.policy-document-authority",
)


def _permit(name: str, when: dict[str, Any], basis: list[str], **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "id": name,
        "effect": "permit",
        "outcome": "disclose",
        "when": when,
        "basis": basis,
        "reason": "NEED-BENCH",
        "says": "Measured.",
        **more,
    }


def _hold(name: str, effect: str, when: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"id": name, "effect": effect, "when": when, "reason": "HOLD-BENCH", "says": "Measured.", **more}


_SENSITIVE = {"sensitive": True, "strictly_necessary": "DPA 2018 Sch.8 para 1, administration of justice"}
RULES: Mapping[str, list[dict[str, Any]]] = {
    "identity": [
        _permit("identity.team", _TEAM, ["DPA35T", "OMA14"]),
        _permit("identity.provider", {**_ENGAGED, "rung": [1, 2, 3]}, ["OMA14", "CDA115", "DSP"]),
    ],
    "contact": [
        _permit("contact.engaged", {"engaged": True}, ["DPA35T", "OMA14", "CDA115", "DSP", "CONSENT"]),
        _hold("contact.om-threatened", "forbid", {"om_threatened": True}, subjects=["staff"]),
        _hold(
            "contact.other-provider",
            "forbid",
            {"kind": "partner", "from_other_provider": True},
            fields=["@author", "@author_organisation"],
        ),
    ],
    "offence": [
        _permit("offence.team", _TEAM, ["DPA35T", "OMA14"]),
        _permit("offence.provider", {**_ENGAGED, "rung": [1, 2]}, ["OMA14", "DSP"], outcome="generalise"),
        _hold("offence.tier", "ceiling", {"tier": 1, "role": "offender_supervisor"}, outcome="redact"),
    ],
    "risk": [
        _permit("risk.team", _TEAM, ["CJA325", "DPA35T", "OMA14"]),
        _permit(
            "risk.provider",
            {**_ENGAGED, "relevant": True, "rung": [1, 2, 3]},
            ["CJA325", "OMA14", "CDA115", "VITAL", "DSP"],
            caveats=["NO-ONWARD-DISCLOSURE"],
        ),
        _hold("risk.unjudged", "ceiling", {"kind": "partner", "from_other_provider": True}, outcome="redact"),
    ],
    "victim": [
        _permit(
            "victim.manager", {"role": "offender_manager", "on_team": True}, ["CJA325", "DPA35T", "OMA14"]
        ),
        _hold("victim.guard-protocol", "forbid", {"kind": "partner", "protocol": False}, guard=True),
        _hold(
            "victim.guard-identity",
            "forbid",
            {"kind": "partner"},
            fields=["victim_name", "victim_contact"],
            guard=True,
        ),
    ],
    "health": [
        _permit(
            "health.consent",
            {"role": [*_MANAGERS, *_PROVIDERS], "engaged": True, "consent": "given"},
            ["CONSENT"],
            sensitive=True,
        ),
    ],
    "third_party": [
        _permit("third-party.team", {**_TEAM, "rung": 1}, ["DSP", "CONSENT"]),
        _hold("third-party.guard-partner", "forbid", {"kind": "partner", "protocol": False}, guard=True),
    ],
    "intelligence": [
        _permit("intelligence.team", {**_TEAM, "rung": 1}, ["CJA325", "DPA35T"], **_SENSITIVE),
        _hold("intelligence.guard-partner", "forbid", {"kind": "partner"}, guard=True),
    ],
    "plan_objective": [
        _permit("plan.engaged", {"engaged": True, "relevant": True}, ["DPA35T", "OMA14", "CDA115", "DSP"]),
    ],
    "progress": [
        _permit("progress.engaged", {"engaged": True}, ["DPA35T", "OMA14", "CDA115", "DSP", "CONSENT"]),
    ],
}
"""The 21 rules of classes: 13 permits and 8 that hold back; three more stand under `everywhere`."""


def documents(rules: int) -> dict[str, Any]:
    """Return policy documents with so many rules besides the four gates, in the hub's own vocabulary.

    Beyond 24 there are variants of the rules, narrowed to tiers and risks of serious harm: all of them speak
    of the message's fields, so each class has as many to look at.
    """
    head = {"owner": "bench", "review_by": "2030-01-01"}
    gates = dict(read_policy()["gates"])  # type: ignore[call-overload]
    gates["everywhere"] = [each for each in gates["everywhere"] if each["id"] in _EVERYWHERE]
    classes = {name: [*own] for name, own in RULES.items()}
    base = sum(map(len, classes.values())) + len(_EVERYWHERE)
    for name, rule in islice(_variants(), rules - base):
        classes[name].append(rule)
    return {"gates": gates} | {name: {**head, "class": name, "rules": own} for name, own in classes.items()}


def _variants() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every rule narrowed to each tier and risk, rule by rule in turn."""
    for tier in (1, 2, 3, 4):
        for rosh in Rosh:
            for name, own in RULES.items():
                for rule in own:
                    more = {"tier": tier, "rosh": str(rosh)}
                    if not more.keys() & rule["when"].keys():
                        yield (
                            name,
                            {
                                **rule,
                                "id": f"{rule['id']}-{tier}-{str(rosh).lower()}".replace("_", "-"),
                                "when": {**rule["when"], **more},
                                "guard": False,
                            },
                        )


def _spec(path: str, name: InformationClass, subject: Subject = Subject.PERSON, **more: Any) -> FieldSpec:  # noqa: ANN401
    sensitive = name in {InformationClass.HEALTH, InformationClass.INTELLIGENCE}
    return FieldSpec(path=path, information_class=name, subject=subject, sensitive=sensitive, **more)


_C = InformationClass
SPECS: tuple[FieldSpec, ...] = (
    _spec("session", _C.PROGRESS, key=True),
    _spec("attended", _C.PROGRESS),
    _spec("forename", _C.IDENTITY),
    _spec("surname", _C.IDENTITY),
    _spec("phone", _C.CONTACT),
    _spec("staff_phone", _C.CONTACT, Subject.STAFF),
    _spec("offence", _C.OFFENCE),
    _spec("sentence_date", _C.OFFENCE, general="sentence_year", generaliser="year"),
    _spec("rosh_level", _C.RISK),
    _spec("factor", _C.RISK),
    _spec("victim_name", _C.VICTIM, Subject.VICTIM),
    _spec("victim_conditions", _C.VICTIM, Subject.VICTIM),
    _spec("diagnosis", _C.HEALTH),
    _spec("medication", _C.HEALTH),
    _spec("partner_name", _C.THIRD_PARTY, Subject.FAMILY),
    _spec("witness_note", _C.THIRD_PARTY, Subject.WITNESS),
    _spec("source", _C.INTELLIGENCE),
    _spec("report", _C.INTELLIGENCE),
    _spec("objective", _C.PLAN_OBJECTIVE),
    _spec("target", _C.PLAN_OBJECTIVE),
)
"""Twenty fields, two of each class."""
PAYLOAD: Mapping[str, object] = {spec.path: f"what is said of {spec.path} this time" for spec in SPECS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What one decision is about."""

    envelope: Envelope
    case: Case
    organisation: Organisation
    candidate: Candidate
    payload: Mapping[str, object]
    offset: int
    """Where the message stands in its partition."""


class Contexts:
    """Draws random contexts."""

    def __init__(self, seed: int) -> None:
        """Draw from this seed."""
        self._chance = random.Random(seed)  # noqa: S311 - a seed, so that runs are alike

    def some(self, count: int) -> list[Context]:
        """Return so many: messages on a case of their own, each to some recipients of their own."""
        return list(islice(chain.from_iterable(iter(self._message, None)), count))

    def _message(self) -> list[Context]:
        chance = self._chance
        parties = [(role, self._organisation(role)) for role in chance.choices(_ROLES, k=RECIPIENTS)]
        case = self._case(parties)
        envelope = Envelope(
            message_id=MessageId(f"{chance.getrandbits(128):032x}"),
            message=MESSAGE,
            contract="1.0",
            case=case.ref,
            organisation=OrganisationId("somebody-else"),
            author="kw-1",
            author_role=chance.choice([Role.KEY_WORKER, Role.OFFENDER_MANAGER]),
            statement=chance.choice(list(Statement)),
            occurred_at=NOW,
            recorded_at=NOW,
            correlation="0" * 32,
            causation=None,
            digest="0" * 64,
        )
        payload = dict(PAYLOAD)
        offset = chance.randrange(1 << 24)
        return [
            Context(
                envelope=envelope,
                case=case,
                organisation=organisation,
                candidate=Candidate(
                    organisation=organisation.organisation,
                    role=role,
                    persons=frozenset(),
                    concern=chance.choice(list(Concern)),
                    relevant=chance.choice([True, True, True, False, None]),
                ),
                payload=payload,
                offset=offset,
            )
            for role, organisation in parties
        ]

    def _organisation(self, role: Role) -> Organisation:
        chance = self._chance
        official = role in {Role.OFFENDER_MANAGER, Role.OFFENDER_SUPERVISOR}
        kind = chance.choice([Kind.PROBATION, Kind.PRISON]) if official else Kind.PARTNER
        classes = frozenset(name for name in InformationClass if chance.random() < 0.4)  # noqa: PLR2004
        protocols = (Protocol(name="p", classes=classes, since=Instant(0), until=None),)
        return Organisation(
            organisation=OrganisationId(f"{kind}-{chance.randrange(40)}"),
            name="Example",
            kind=kind,
            rung=1 if official else chance.choice([1, 2, 3, 4]),
            legal_status=LegalStatus.IN_HOUSE if official else chance.choice(list(LegalStatus)),
            status_evidence="example",
            standing=Standing.ACTIVE,
            purposes=frozenset(Purpose),
            protocols=chance.choice([(), protocols]),
            access=Access.ALL_CASES if chance.random() < 0.97 else None,  # noqa: PLR2004
            policy_document=chance.choice([True, True, False, None]),
        )

    def _case(self, parties: list[tuple[Role, Organisation]]) -> Case:
        chance = self._chance
        names = [organisation.organisation for _, organisation in parties]
        team = [
            Member(role=role, organisation=organisation.organisation, person="st", since=Instant(0))
            for role, organisation in parties
            if chance.random() < 0.7  # noqa: PLR2004 - most are on the team
        ]
        referrals = [self._referral(name) for name in chance.sample(names, 3)]
        return Case(
            ref=CaseRef(f"{chance.randrange(CASES):032x}"),
            jurisdiction="ENGLAND_AND_WALES",
            opened_at=Instant(0),
            opened_by=OrganisationId("region"),
            tier=chance.choice([1, 2, 3, 4, None]),
            rosh=chance.choice([*Rosh, None]),
            mappa=chance.choice([None, Mappa(category=1, level=chance.choice([1, 2, 3]))]),
            team=tuple(team),
            referrals=tuple(referrals),
            custody=Custody(prison=chance.choice(names), since=Instant(0)),
            consents=tuple(self._consent() for _ in range(chance.choice([0, 1, 2]))),
            restrictions=tuple(self._restrictions()),
            version=chance.randrange(1, 200),
        )

    def _referral(self, provider: OrganisationId) -> Referral:
        return Referral(
            referral=f"ref-{provider}",
            provider=provider,
            rung=self._chance.choice([1, 2, 3, 4]),
            intervention="example",
            category="ACCOMMODATION",
            state=self._chance.choice([ReferralState.STARTED, ReferralState.ACCEPTED, ReferralState.ENDED]),
            offered_at=Instant(0),
        )

    def _consent(self) -> ConsentGiven:
        chance = self._chance
        return ConsentGiven(
            consent="cn",
            state=chance.choice([ConsentState.GIVEN, ConsentState.GIVEN, *ConsentState]),
            organisation=None,
            classes=frozenset(name for name in InformationClass if chance.random() < 0.5),  # noqa: PLR2004
            purposes=frozenset(),
            since=Instant(NOW - chance.randrange(1, 1000)),
            until=chance.choice([None, None, Instant(NOW)]),
        )

    def _restrictions(self) -> Iterator[Restriction]:
        chance = self._chance
        if chance.random() < 0.3:  # noqa: PLR2004
            yield Restriction(
                restriction="rs",
                kind=chance.choice([RestrictionKind.CONFIDENTIALITY, RestrictionKind.OM_THREATENED]),
                organisations=frozenset(),
                roles=frozenset(),
                classes=frozenset({chance.choice(list(InformationClass))}),
                objective=None,
                since=Instant(0),
                until=None,
            )
