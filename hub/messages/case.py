"""The case message as the model sees it; schemas/case says what each field means."""

from dataclasses import dataclass
from enum import StrEnum

from hub.messages.identifiers import CaseRef


class CaseAction(StrEnum):
    """What happens to the case; an unmerged case goes back to the two it was made from."""

    OPENED = "OPENED"
    CHANGED = "CHANGED"
    MERGED = "MERGED"
    UNMERGED = "UNMERGED"
    CLOSED = "CLOSED"


class Jurisdiction(StrEnum):
    """Whose offender management rules hold."""

    ENGLAND_AND_WALES = "ENGLAND_AND_WALES"
    SCOTLAND = "SCOTLAND"


class SentenceType(StrEnum):
    """Kind of sentence or order; scope follows from it (R-CASE-07)."""

    PRE_SENTENCE = "PRE_SENTENCE"
    COMMUNITY_ORDER = "COMMUNITY_ORDER"
    SUSPENDED_SENTENCE_ORDER = "SUSPENDED_SENTENCE_ORDER"
    DETERMINATE = "DETERMINATE"
    EXTENDED_DETERMINATE = "EXTENDED_DETERMINATE"
    INDETERMINATE_LIFE = "INDETERMINATE_LIFE"
    INDETERMINATE_PUBLIC_PROTECTION = "INDETERMINATE_PUBLIC_PROTECTION"
    OTHER = "OTHER"


class CourtReport(StrEnum):
    """Which report a court asks for before sentence (R-CON-08; 003 ¶1, ¶2)."""

    STANDARD_DELIVERY = "STANDARD_DELIVERY"
    FAST_DELIVERY = "FAST_DELIVERY"
    ORAL = "ORAL"


class IcmRoute(StrEnum):
    """The two routes of Integrated Case Management in Scotland (R-SCO-01; 001)."""

    STANDARD = "STANDARD"
    ENHANCED = "ENHANCED"


class CloseReason(StrEnum):
    """Why the period of engagement ends."""

    SENTENCE_ENDED = "SENTENCE_ENDED"
    ORDER_REVOKED = "ORDER_REVOKED"
    ACQUITTED = "ACQUITTED"
    TRANSFERRED_OUT = "TRANSFERRED_OUT"
    DEPORTED = "DEPORTED"
    DIED = "DIED"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseMessage:
    """The case itself: opened, changed, merged, closed (R-MSG-13)."""

    action: CaseAction
    forename: str | None = None
    surname: str | None = None
    aliases: tuple[str, ...] = ()
    date_of_birth: int | None = None
    birth_year: int | None = None
    crn: str | None = None
    noms_number: str | None = None
    pnc: str | None = None
    cro: str | None = None
    preferred_language: str | None = None
    address: str | None = None
    postcode: str | None = None
    postcode_area: str | None = None
    phone: str | None = None
    jurisdiction: Jurisdiction | None = None
    region: str | None = None
    sentence_type: SentenceType | None = None
    sentence_date: int | None = None
    sentence_days: int | None = None
    sentence_expiry: int | None = None
    release_date: int | None = None
    release_month: str | None = None
    offence_summary: str | None = None
    requirements: tuple[str, ...] = ()
    tier: int | None = None
    tier_factors: tuple[str, ...] = ()
    tier_rules: str | None = None
    in_scope: bool | None = None
    court_report: CourtReport | None = None
    icm_route: IcmRoute | None = None
    icm_participates: bool | None = None
    merged_case: CaseRef | None = None
    close_reason: CloseReason | None = None
    diversity_needs: str | None = None
