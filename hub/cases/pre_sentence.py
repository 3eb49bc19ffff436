"""Before sentence: which court report continuity begins with (R-CON-08; 003 ¶1, ¶2).

A standard delivery report is allocated by the likely tier, to the Offender Manager who is to keep the case.
Oral and fast delivery reports are made by court staff: whoever wrote one is no Offender Manager to be kept,
and a case with nobody on it yet is no exception.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.messages.case import CourtReport, SentenceType

if TYPE_CHECKING:
    from hub.cases.case import Case, Member

EXEMPT = frozenset({CourtReport.FAST_DELIVERY, CourtReport.ORAL})


def is_exempt(case: Case) -> bool:
    """Say whether the case is before sentence with a report that continuity does not apply to."""
    said = case.allocation
    return said.sentence is SentenceType.PRE_SENTENCE and said.report in EXEMPT


def lacks_likely_tier(case: Case) -> bool:
    """Say whether a standard delivery report was asked for and nobody has said which tier is likely."""
    said = case.allocation
    standard = said.report is CourtReport.STANDARD_DELIVERY
    return said.sentence is SentenceType.PRE_SENTENCE and standard and case.tier is None


def is_kept(case: Case, member: Member) -> bool:
    """Say whether continuity holds for an Offender Manager: not for whoever only wrote an exempt report.

    Whoever has stayed on after the sentence and made its plan is the one to keep.
    """
    if is_exempt(case):
        return False
    begins = case.allocation.continuity_from
    return begins is None or member.since >= begins or case.plan is not None
