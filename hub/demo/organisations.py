"""The seven organisations of the demonstration: their kind, brokerage rung, legal status, protocol.

Rung and legal status are two facts (R-DIS-01, R-DIS-02): the rung is how the work was arranged
(002 3.19), the status is what the law says of the body (OMA 2007 s.14).
"""

from __future__ import annotations

from dataclasses import dataclass

from hub.consent.parties import EVERY_PRISON, Access, Kind, LegalStatus, Purpose
from hub.messages.envelope import InformationClass, MessageName
from hub.messages.identifiers import OrganisationId

PROBATION = OrganisationId("probation-n54")
MOORLAND = OrganisationId("hmp-moorland")
LEEDS = OrganisationId("hmp-leeds")
PRISON_SERVICE = OrganisationId("prison-service")
PROGRAMMES = OrganisationId("programmes-example")
RECOVERY = OrganisationId("recovery-example")
HOUSING = OrganisationId("housing-example")
DEBT = OrganisationId("debt-advice-example")

PARTNER_SENDS = frozenset(
    {
        MessageName.REFERRAL,
        MessageName.PROGRESS,
        MessageName.RISK_CHANGE,
        MessageName.APPOINTMENT,
        MessageName.ENFORCEMENT,
        MessageName.CORRECTION,
        MessageName.RECEIPT,
    }
)
PRISON_SENDS = frozenset(
    {
        MessageName.PRISON_EVENT,
        MessageName.PROGRESS,
        MessageName.RISK_CHANGE,
        MessageName.ASSESSMENT,
        MessageName.RECEIPT,
    }
)
PROBATION_SENDS = frozenset(MessageName) - {MessageName.PRISON_EVENT, MessageName.EXCEPTION}
PARTNER_PURPOSES = frozenset(
    {
        Purpose.CASE_ADMINISTRATION,
        Purpose.REFERRAL,
        Purpose.SENTENCE_PLAN,
        Purpose.PROGRESS,
        Purpose.RISK_ALERT,
        Purpose.TRANSFER_RELEASE,
        Purpose.RIGHTS,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """An information-sharing protocol the organisation has signed, and the classes it covers."""

    name: str
    classes: frozenset[InformationClass]


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One organisation as the demonstration registers it, before it has a key."""

    organisation: OrganisationId
    name: str
    kind: Kind
    rung: int
    legal_status: LegalStatus
    evidence: str
    sends: frozenset[MessageName]
    purposes: frozenset[Purpose]
    kafka: frozenset[MessageName] = frozenset()
    agreement: Agreement | None = None
    prison: str | None = None
    region: str | None = None
    policy_document: bool | None = None

    def body(self, *, since: int) -> dict[str, object]:
        """Return the control record's body; a protocol runs from `since` and is open ended."""
        protocols = [
            {"name": agreement.name, "classes": sorted(agreement.classes), "since": since, "until": None}
            for agreement in (self.agreement,)
            if agreement is not None
        ]
        return {
            "organisation": self.organisation,
            "name": self.name,
            "kind": self.kind.value,
            "rung": self.rung,
            "legal_status": self.legal_status.value,
            "status_evidence": self.evidence,
            "standing": "active",
            "purposes": sorted(self.purposes),
            "protocols": protocols,
            "sends": sorted(self.sends),
            "kafka": sorted(self.kafka),
            "prison": self.prison,
            "region": self.region,
            "access": Access.ALL_CASES.value,
            "policy_document": self.policy_document,
        }


def parties() -> tuple[Party, ...]:
    """Return a probation region, two prisons and four partners, one on each rung of the ladder."""
    return (_probation(), _prison(MOORLAND, "MDI"), _prison(LEEDS, "LEI"), *_partners())


def prison_service() -> Party:
    """Return the prison service's own system, which speaks for every prison and reads nothing."""
    return Party(
        organisation=PRISON_SERVICE,
        name="Prison service (demo)",
        kind=Kind.PRISON,
        rung=1,
        legal_status=LegalStatus.IN_HOUSE,
        evidence="OMA 2007 s.14(1): the Secretary of State",
        sends=frozenset({MessageName.CASE, MessageName.PRISON_EVENT}),
        purposes=frozenset(Purpose),
        prison=EVERY_PRISON,
        policy_document=True,
    )


def _probation() -> Party:
    return Party(
        organisation=PROBATION,
        name="Probation, North East (demo)",
        kind=Kind.PROBATION,
        rung=1,
        legal_status=LegalStatus.IN_HOUSE,
        evidence="OMA 2007 s.14(1): the Secretary of State",
        sends=PROBATION_SENDS,
        purposes=frozenset(Purpose),
        kafka=frozenset({MessageName.PROGRESS, MessageName.PRISON_EVENT}),
        region="N54",
        policy_document=True,
    )


def _prison(organisation: OrganisationId, code: str) -> Party:
    place = {"MDI": "Moorland", "LEI": "Leeds"}[code]
    return Party(
        organisation=organisation,
        name=f"HMP {place} (demo)",
        kind=Kind.PRISON,
        rung=1,
        legal_status=LegalStatus.IN_HOUSE,
        evidence="OMA 2007 s.14(1): the Secretary of State",
        sends=PRISON_SENDS,
        purposes=frozenset(Purpose),
        kafka=frozenset({MessageName.PRISON_EVENT}) if code == "LEI" else frozenset(),
        prison=code,
        policy_document=True,
    )


def _partners() -> tuple[Party, ...]:
    return (
        Party(
            organisation=PROGRAMMES,
            name="Example Programmes Team",
            kind=Kind.PARTNER,
            rung=1,
            legal_status=LegalStatus.IN_HOUSE,
            evidence="OMA 2007 s.14(1): staff of the Secretary of State",
            sends=PARTNER_SENDS,
            purposes=PARTNER_PURPOSES,
            policy_document=True,
        ),
        Party(
            organisation=RECOVERY,
            name="Example Recovery Service",
            kind=Kind.PARTNER,
            rung=2,
            legal_status=LegalStatus.UNDER_ARRANGEMENTS,
            evidence="OMA 2007 s.14(1)(d): provider contract DEMO-2",
            sends=PARTNER_SENDS,
            purposes=PARTNER_PURPOSES,
            kafka=frozenset({MessageName.RISK_CHANGE}),
            agreement=Agreement(name="Demo protocol 2", classes=frozenset({InformationClass.RISK})),
            policy_document=True,
        ),
        Party(
            organisation=HOUSING,
            name="Exampleton Council Housing",
            kind=Kind.PARTNER,
            rung=3,
            legal_status=LegalStatus.LISTED,
            evidence="OMA 2007 s.14(2): a local authority",
            sends=PARTNER_SENDS,
            purposes=PARTNER_PURPOSES,
        ),
        Party(
            organisation=DEBT,
            name="Example Debt Advice Charity",
            kind=Kind.PARTNER,
            rung=4,
            legal_status=LegalStatus.NONE,
            evidence="none: a voluntary body",
            sends=PARTNER_SENDS,
            purposes=frozenset({Purpose.REFERRAL, Purpose.SENTENCE_PLAN, Purpose.PROGRESS}),
        ),
    )
