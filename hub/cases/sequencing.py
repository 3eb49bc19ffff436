"""Whether an intervention comes in its natural order and its best setting (R-REF-04; 002 3.33 to 3.39).

It warns and refuses nothing: the Offender Manager weighs the sequence (002 3.33). Which category comes after
which, and where it belongs, stands in the jurisdiction's profile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.cases.applied import Occasion, Raised
from hub.cases.dates import iso_date
from hub.cases.membership import OPEN_STATES
from hub.cases.profile import DAY_MS, Place
from hub.cases.team_reports import SEQUENCE_PREREQUISITE, SEQUENCE_SETTING

if TYPE_CHECKING:
    from hub.cases.case import Case, Referral
    from hub.messages.identifiers import Instant

NEAR_RELEASE_DAYS = 28
"""So close to release an intervention for the community is arranged from custody."""


def warnings(case: Case, referral: Referral, at: Occasion) -> tuple[Raised, ...]:
    """Return what whoever brokers should know of the order and the setting of an intervention offered."""
    rule = at.directory.profile(case.jurisdiction).intervention(referral.category)
    if rule is None:
        return ()
    broker = ((at.envelope.organisation, at.envelope.author_role),)
    found: list[str] = []
    if any(each.category in rule.after and each.state in OPEN_STATES for each in case.referrals):
        found.append(SEQUENCE_PREREQUISITE)
    if rule.best_in is not None and rule.best_in not in _settings(case, at.now):
        found.append(SEQUENCE_SETTING)
    return tuple(Raised(code=code, subject=referral.referral, also_to=broker) for code in found)


def _settings(case: Case, now: Instant) -> frozenset[Place]:
    """Return where the person is, or soon will be."""
    custody = case.custody
    if custody is None or custody.prison is None:
        return frozenset({Place.COMMUNITY})
    last = iso_date(now // DAY_MS + NEAR_RELEASE_DAYS)
    if custody.release_date is not None and custody.release_date <= last:
        return frozenset(Place)
    return frozenset({Place.CUSTODY})
