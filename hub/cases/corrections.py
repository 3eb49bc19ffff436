"""What was corrected, retracted, restricted or erased is not given to anybody who joins (R-MSG-16).

The message itself goes to everybody concerned; here it is only about what the case keeps to be given again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hub.cases import identity, reports, undoing
from hub.cases.applied import Applied, Occasion, Raised
from hub.cases.case import Case, Kept
from hub.cases.keeping import Message, field_of, without
from hub.messages.envelope import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.cases.allocation import Allocation
    from hub.cases.identity import Identity
    from hub.messages.correction import CorrectionMessage

SENTENCE: Mapping[str, str] = {
    "sentence_type": "sentence",
    "sentence_days": "days",
    "sentence_expiry": "expiry",
    "court_report": "report",
}
"""Fields of a case message that scope rests on, and what they are called there."""
BORN = "date_of_birth"
NUMBER = "noms_number"


def corrected(case: Case, body: CorrectionMessage, at: Occasion) -> Applied:
    """Blank the fields named in what the case keeps of the message; with none named, all of it.

    What holds instead is in words for people to act on, so the author states it anew in a message of its own.
    """

    def after(kept: Message) -> Message:
        return _without(kept, body) if _may_correct(kept, body, at) else kept

    known = _identity_without(case, body)
    facts = (after(held) for held in case.facts)
    risks = (after(held) for held in case.risks)
    kept = replace(
        case,
        identity=known,
        plan=None if case.plan is None else after(case.plan),
        facts=tuple(held for held in facts if held.fields),
        risks=tuple(held for held in risks if held.fields),
        allocation=_allocation_without(case.allocation, body),
    )
    undone = undoing.undone(kept, body, at, number=None if known.noms else case.identity.noms)
    is_said = any(each.code == reports.CORRECTION_CORRECTED for each in undone.exceptions)
    if is_said or not at.directory.is_correction(body.corrects):
        return undone
    # What another correction took back stays so: it is unknown until it is stated anew.
    raised = Raised(code=reports.CORRECTION_CORRECTED)
    return replace(undone, exceptions=(*undone.exceptions, raised))


def _identity_without(case: Case, body: CorrectionMessage) -> Identity:
    """Take back the prison number where it was wrong and nobody else said it (R-MSG-13)."""
    if body.fields and NUMBER not in map(field_of, body.fields):
        return case.identity
    return identity.unsaid(case.identity, case=case.ref, message=body.corrects)


def _allocation_without(allocation: Allocation, body: CorrectionMessage) -> Allocation:
    """Forget what was said of the sentence and of birth where that was wrong, or is to be erased."""
    names = frozenset(map(field_of, body.fields))
    if body.corrects == allocation.said_in:
        gone: dict[str, Any] = {
            attribute: None for name, attribute in SENTENCE.items() if not names or name in names
        }
        allocation = replace(allocation, **gone)
    if body.corrects == allocation.born_in and (not names or BORN in names):
        allocation = replace(allocation, born=None, born_in=None)
    return allocation


def _may_correct(kept: Kept, body: CorrectionMessage, at: Occasion) -> bool:
    """Say whether it is that message, by its author's organisation or the Offender Manager."""
    own = at.envelope.organisation == kept.author_organisation
    return kept.message == body.corrects and (own or at.envelope.author_role is Role.OFFENDER_MANAGER)


def _without(kept: Message, body: CorrectionMessage) -> Message:
    if not body.fields:
        return without(kept, kept.fields)
    return without(kept, map(field_of, body.fields))
