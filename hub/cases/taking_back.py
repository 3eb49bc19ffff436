"""Takes a movement back that was told wrongly: by a retraction, or by a correction (decisions 0010, 0011)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases import claiming, claims, moved, reports
from hub.cases.applied import Applied, Raised
from hub.cases.placing import with_movement, without_date
from hub.messages.envelope import Role
from hub.messages.prison_event import PrisonEventStatus

if TYPE_CHECKING:
    from hub.cases.applied import Occasion
    from hub.cases.case import Case
    from hub.cases.movements import Movement
    from hub.messages.identifiers import MessageId


def taken_back(case: Case, known: Movement, at: Occasion) -> Applied:
    """Undo what followed from a movement that was wrong (a release recorded by mistake)."""
    movement = replace(
        known,
        status=PrisonEventStatus.RETRACTED,
        told=(),
        ended=(),
        ended_at=None,
        claimed=None,
        counted=False,
        said_in=(at.envelope.message_id,),
        said_in_more=False,
        borne_in=(),
    )
    after = without_date(with_movement(case, movement, instead_of=known), known)
    applied = Applied(case=after, is_news=known.claimed is None or known.counted)
    if known.claimed is not None:
        raised = Raised(code=reports.MOVEMENT_TAKEN_BACK, subject=known.fact)
        applied = replace(applied, exceptions=(raised,))
    if known.status is PrisonEventStatus.CONFIRMED:
        applied = moved.brought_back(after, known, at)
    return claiming.fallen(case, replace(applied, correlation=known.fact), at)


def undone(case: Case, known: Movement, at: Occasion) -> Applied:
    """Undo a movement because of a correction, which is told under its own correlation."""
    if known.status is PrisonEventStatus.RETRACTED:
        return Applied(case=case)
    return replace(taken_back(case, known, at), correlation="")


def unsaid(case: Case, message: MessageId, at: Occasion) -> Applied:
    """Take a message out of what is known of a movement: one that nobody else has told is undone.

    One that others have told stands by their word, as far as that goes without the one that is gone.
    """
    known = next((each for each in case.movements.known if message in (*each.said_in, *each.borne_in)), None)
    if known is None:
        return Applied(case=case)
    if known.status is PrisonEventStatus.RETRACTED:
        return Applied(case=case, exceptions=(Raised(code=reports.CORRECTION_CORRECTED, subject=known.fact),))
    left = _without(known, message, at)
    is_told = bool(left.said_in) or left.said_in_more
    if not is_told and (not left.said_by or known.claimed is not None or _manages(at)):
        return undone(case, known, at)
    after = with_movement(case, left, instead_of=known)
    if left.said_in and left.said_by == known.said_by:
        return Applied(case=after)
    asked = Applied(case=after, exceptions=(claiming.to_ask_about(left),))
    if claims.is_part(case, known, at.envelope.organisation):
        # As it cannot retract alone what others have said too, and by which another prison holds the person.
        return asked
    again = claiming.fallen(case, Applied(case=after), at, left=left)
    return again if again.exceptions else asked


def _without(known: Movement, message: MessageId, at: Occasion) -> Movement:
    """Return a movement without one message, and without the word of its author if no other bears it."""
    said_in = tuple(each for each in known.said_in if each != message)
    borne_in = tuple(each for each in known.borne_in if each != message)
    gone = at.directory.sender(message)
    others = tuple(at.directory.sender(each) for each in (*said_in, *borne_in))
    said_by = known.said_by
    if gone not in others and None not in others:
        said_by = tuple(each for each in said_by if each != gone)
    if known.said_by:
        # Whoever's word did not fit among the first is known by what they sent.
        said_by = tuple(dict.fromkeys((*said_by, *(each for each in others if each is not None))))
    return replace(known, said_in=said_in, borne_in=borne_in, said_by=said_by)


def _manages(at: Occasion) -> bool:
    return at.envelope.author_role is Role.OFFENDER_MANAGER
