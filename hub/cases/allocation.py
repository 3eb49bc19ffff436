"""What scope, tier and continuity of a case rest on: facts of the sentence, and by which rules it was seen.

Codes, numbers and moments only; the words stay in the messages that said them.
"""

from __future__ import annotations

from dataclasses import dataclass

from hub.messages.case import CourtReport, SentenceType
from hub.messages.identifiers import Instant, MessageId

MOVES_MAX = 20
"""How many moves between jurisdictions a case remembers: the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A move of the case to another jurisdiction; everything before it stays as it was."""

    jurisdiction: str
    """Where the case was until then."""
    profile: str
    """Version of the profile it was managed by."""
    until: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """What is known of the sentence, and which rules were applied (R-CASE-07, R-CASE-08, R-CON-08)."""

    sentence: SentenceType | None = None
    days: int | None = None
    """Length of the sentence."""
    expiry: int | None = None
    """Its end, in days since 1970."""
    born: int | None = None
    """Date of birth, in days since 1970: age decides on scope."""
    said_in: MessageId | None = None
    """The message that last stated any of these; if it is corrected as a whole, they go."""
    born_in: MessageId | None = None
    scope_rule: str | None = None
    """The scope rule the hub applied, with the profile's version; None: the author's word stands."""
    tier_rules: str | None = None
    """The tiering rules by which the tier was reached, where its factors were given."""
    report: CourtReport | None = None
    """The report the court asked for before sentence."""
    continuity_from: Instant | None = None
    """Continuity of the Offender Manager begins here, where the report before it was exempt (003 ¶1)."""
    moves: tuple[Moved, ...] = ()


UNALLOCATED = Allocation()
"""Nothing is known yet."""
