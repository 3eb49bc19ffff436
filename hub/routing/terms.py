"""On which terms a message goes to an organisation: its contract, the schema version, or why it is parked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.consent.decision import Candidate
    from hub.consent.partner_contracts import PartnerContract, Phase
    from hub.messages.envelope import MessageName

SUNSET = "CONTRACT-SUNSET"
NO_VERSION = "CONTRACT-NO-VERSION"
UNFIT = "CONTRACT-VIEW-UNFIT"
PARKED = (SUNSET, NO_VERSION, UNFIT)
"""Every reason for which what would go is parked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for one organisation and one message at one moment."""

    version: str
    """The schema version the organisation gets."""
    contract: PartnerContract | None = None
    """What was agreed, its view in the paths of `version`; None: the rules alone."""
    decided: frozenset[str] | None = None
    """That view in the paths of the newest version, which decisions speak of."""
    phase: Phase | None = None
    parked: str | None = None
    """Why nothing goes out though the rules would let it; None: it goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A delivery that was not made because of the recipient's contract."""

    candidate: Candidate
    message: MessageName
    contract: PartnerContract
    reason: str
    safety: bool
    """Whether somebody's safety may hang on it."""
