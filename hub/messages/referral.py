"""The referral message as the model sees it; schemas/referral says what each field means."""

from enum import StrEnum

from hub.messages.identifiers import Instant, OrganisationId
from hub.messages.records import record
from hub.messages.vocabulary import Need, ServiceCategory


class ReferralAction(StrEnum):
    """What happens to it; END is an end without completion."""

    OFFER = "OFFER"
    ACCEPT = "ACCEPT"
    DECLINE = "DECLINE"
    WAIT = "WAIT"
    START = "START"
    COMPLETE = "COMPLETE"
    WITHDRAW = "WITHDRAW"
    END = "END"


class Typology(StrEnum):
    """Its type in the typology of interventions."""

    PUNITIVE = "PUNITIVE"
    PROTECTIVE_FACTORS = "PROTECTIVE_FACTORS"
    BARRIER_FACTORS = "BARRIER_FACTORS"
    CHANGE_PROGRAMME = "CHANGE_PROGRAMME"
    REINTEGRATION = "REINTEGRATION"
    RESTRICTIVE = "RESTRICTIVE"


class Nature(StrEnum):
    """What it is meant to do."""

    RESTRICTIVE_PUNITIVE = "RESTRICTIVE_PUNITIVE"
    REHABILITATIVE = "REHABILITATIVE"
    RESTORATIVE = "RESTORATIVE"


class Complexity(StrEnum):
    """How complex the person's need in this category is."""

    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


class WithdrawalCode(StrEnum):
    """Why a referral was withdrawn, by code: ineligible, mistaken, not engaged and others."""

    INE = "INE"
    MIS = "MIS"
    NOT = "NOT"
    NEE = "NEE"
    MOV = "MOV"
    WOR = "WOR"
    USE = "USE"
    ACQ = "ACQ"
    RET = "RET"
    SER = "SER"
    SEE = "SEE"
    EAR = "EAR"
    ANO = "ANO"


@record
class ReferralMessage:
    """A referral to an intervention provider (R-MSG-01, R-REF-01)."""

    referral: str
    action: ReferralAction
    provider: OrganisationId | None = None
    rung: int | None = None
    typology: Typology | None = None
    nature: Nature | None = None
    category: ServiceCategory | None = None
    intervention: str | None = None
    complexity: Complexity | None = None
    mandatory_for_om: bool | None = None
    mandatory_for_person: bool | None = None
    reason: str | None = None
    desired_outcomes: tuple[str, ...] = ()
    answer_by: Instant | None = None
    forename: str | None = None
    surname: str | None = None
    date_of_birth: int | None = None
    birth_year: int | None = None
    noms_number: str | None = None
    crn: str | None = None
    address: str | None = None
    postcode: str | None = None
    postcode_area: str | None = None
    phone: str | None = None
    needs: tuple[Need, ...] = ()
    risk_information: str | None = None
    staff_safety: str | None = None
    offence_summary: str | None = None
    health_needs: str | None = None
    victim_conditions: str | None = None
    key_worker: str | None = None
    key_worker_name: str | None = None
    end_reason: str | None = None
    withdrawal_code: WithdrawalCode | None = None
    note: str | None = None
