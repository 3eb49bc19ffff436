"""Which changes of a case decide anew who may know: each is a turn, and deliveries name the turn they saw.

What is undelivered when a case takes a turn was decided on facts that hold no longer (R-DIS-05). A turn is
counted, not described: a number is compared in no time, and a fact that changes and changes back is two.
"""

from __future__ import annotations

from dataclasses import fields, replace
from operator import attrgetter
from typing import TYPE_CHECKING

from hub.cases.case import Case
from hub.messages.identifiers import Instant

if TYPE_CHECKING:
    from hub.messages.identifiers import OrganisationId

TOLD = frozenset(
    {
        "version", "turn", "plan", "facts", "risks", "om_transfers", "awaiting", "allocation", "integrated",
        "work", "movements", "identity", "held", "continuity",
    }
)  # fmt: skip
"""What a case keeps in order to tell it, or counts: no decision looks at it. All else is a turn."""
_decisive = attrgetter(*(each.name for each in fields(Case) if each.name not in TOLD))


def turned(before: Case | None, after: Case) -> int:
    """Return the turn of a case after a message or a deadline."""
    if before is None:
        return after.turn
    return before.turn + 1 if _decisive(before) != _decisive(after) else before.turn


FOR_GOOD = Instant(253_402_300_799_000)
"""The end of the year 9999: an end that never comes."""


def part_of(case: Case, organisation: OrganisationId) -> Case:
    """Return a case reduced to one organisation's own part in it: its members, referrals, custody, handover.

    It is what the organisation was when it was told that its part ends; so no handover ends in it.
    """
    custody, handover = case.custody, case.handover
    handing_over = handover is not None and handover.outgoing.organisation == organisation
    return Case(
        ref=case.ref,
        jurisdiction=case.jurisdiction,
        opened_at=case.opened_at,
        opened_by=case.opened_by,
        team=tuple(member for member in case.team if member.organisation == organisation),
        referrals=tuple(each for each in case.referrals if each.provider == organisation),
        custody=custody if custody is not None and custody.prison == organisation else None,
        handover=replace(handover, until=FOR_GOOD) if handover is not None and handing_over else None,
    )
