"""Who is in scope of offender management: the rule of the jurisdiction's profile, applied (R-CASE-07).

What the author of the case says stands, and is reported where the rule says otherwise; where the author
says nothing, the rule decides. What is not known is never guessed: then nobody says anything.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from operator import attrgetter, is_
from typing import TYPE_CHECKING

from hub.cases import reports
from hub.cases.applied import Applied, Raised
from hub.cases.dates import day_number
from hub.cases.profile import DAY_MS
from hub.messages.case import SentenceType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.cases.case import Case
    from hub.cases.profile import Profile, ScopeClause
    from hub.messages.identifiers import Instant

WITHOUT_END = frozenset({SentenceType.INDETERMINATE_LIFE, SentenceType.INDETERMINATE_PUBLIC_PROTECTION})
"""Sentences that are longer than any number of days, and leave more than any to serve."""
rests_on = attrgetter("jurisdiction", "in_scope", "allocation", "custody", "rosh", "prolific", "integrated")
"""What of a case decides on scope; a message that leaves all of it alone leaves scope alone."""
_EPOCH = date(1970, 1, 1).toordinal()


def followed(before: Case | None, applied: Applied, profile: Profile, now: Instant) -> Applied:
    """Return what a change leads to for scope; where nothing it rests on has changed, nothing."""
    case = applied.case
    if before is not None and all(map(is_, rests_on(before), rests_on(case))):
        return applied
    found = in_scope(case, profile, now)
    allocation = case.allocation
    if case.in_scope is None or allocation.scope_rule is not None:
        rule = profile.scope_rule(now)
        name = None if rule is None or found is None else f"{rule.name} ({profile.name})"
        allocation = replace(allocation, scope_rule=name)
        return replace(applied, case=replace(case, in_scope=found, allocation=allocation))
    if found is None or found is case.in_scope or _was_at_odds(before, profile, now):
        return applied
    return replace(applied, exceptions=(*applied.exceptions, Raised(code=reports.SCOPE_AT_ODDS)))


def in_scope(case: Case, profile: Profile, now: Instant) -> bool | None:
    """Say whether the rule in force takes the case in; None: too little is known to say."""
    rule = profile.scope_rule(now)
    if rule is None:
        return None
    found = [_meets(case, clause, now) for clause in rule.any_of]
    if True in found:
        return True
    return None if None in found else False


def _was_at_odds(before: Case | None, profile: Profile, now: Instant) -> bool:
    """Say whether the author's word was at odds with the rule already: reported once."""
    if before is None or before.in_scope is None or before.jurisdiction != profile.jurisdiction:
        return False
    found = in_scope(before, profile, now)
    return found is not None and found is not before.in_scope


def _meets(case: Case, clause: ScopeClause, now: Instant) -> bool | None:
    """Say whether a case meets everything a clause states; None: something of it is not known."""
    found = list(_answers(case, clause, now))
    if False in found:
        return False
    return None if None in found else True


def _answers(case: Case, clause: ScopeClause, now: Instant) -> Iterator[bool | None]:
    said = case.allocation
    if clause.sentences:
        yield None if said.sentence is None else said.sentence in clause.sentences
    if clause.days_min is not None:
        days = said.days
        yield True if said.sentence in WITHOUT_END else None if days is None else days >= clause.days_min
    if clause.age_min is not None or clause.age_below is not None:
        yield _is_of_age(case, clause, now)
    if clause.days_left_over is not None:
        left = _days_left(case, now)
        yield True if said.sentence in WITHOUT_END else None if left is None else left > clause.days_left_over
    if clause.rosh:
        yield None if case.rosh is None else case.rosh in clause.rosh
    if clause.prolific is not None:
        yield None if case.prolific is None else case.prolific is clause.prolific
    if clause.routes:
        route = None if case.integrated is None else case.integrated.route
        yield None if route is None else route in clause.routes


def _is_of_age(case: Case, clause: ScopeClause, now: Instant) -> bool | None:
    if case.allocation.born is None:
        return None
    age = _age(case.allocation.born, now)
    return (clause.age_min or 0) <= age and (clause.age_below is None or age < clause.age_below)


def _age(born: int, now: Instant) -> int:
    """Return whole years since birth."""
    birth, today = date.fromordinal(_EPOCH + born), date.fromordinal(_EPOCH + now // DAY_MS)
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))


def _days_left(case: Case, now: Instant) -> int | None:
    """Return how many days are left to serve: to the expected release, else to the end of the sentence."""
    release = None if case.custody is None else case.custody.release_date
    ends = case.allocation.expiry if release is None else day_number(release)
    return None if ends is None else ends - now // DAY_MS
