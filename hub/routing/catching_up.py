"""Gives whoever joins what holds now, without anyone asking: case facts, risk, the plan.

R-CASE-06, R-RTE-06, R-PLAN-02; that public protection information was kept apart from those who had to
act on it is the fault 004 found. Each is a message of its own, with a decision for every joiner; its id
follows from the message it gives again and from what made somebody join, so that a replay makes the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.cases.applied import Raised
from hub.cases.case import ReferralState
from hub.cases.reports import NOT_GIVEN_AGAIN
from hub.consent.decision import Candidate, Concern
from hub.consent.parties import Kind
from hub.messages.envelope import MessageName, Role
from hub.routing.concern import Concerned
from hub.routing.disclosing import NOTHING_TOLD, Telling, Told, tell
from hub.routing.reporting import report
from hub.routing.saying_again import read_all_back, said_again

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.cases.applied import Applied
    from hub.cases.case import Case, Kept
    from hub.messages.identifiers import Instant, OrganisationId
    from hub.routing.outcome import View
    from hub.routing.reporting import Cause

TAKEN_ON = frozenset({ReferralState.ACCEPTED, ReferralState.STARTED})
FACTS_FOR = frozenset(
    {
        Role.OFFENDER_MANAGER,
        Role.OFFENDER_SUPERVISOR,
        Role.CASE_ADMINISTRATOR,
        Role.OFFENDER_MANAGEMENT_UNIT,
    }
)
"""Who is given the facts of the case; a Key Worker has what it needs of them from the referral."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Again:
    """Something said before that a joiner is to be given: one message, or several as one."""

    message: MessageName
    kept: tuple[Kept, ...]
    to: tuple[Candidate, ...]


def catch_up(before: Case | None, applied: Applied, *, cause: Cause, view: View, now: Instant) -> Told:
    """Give everybody who has joined the facts of the case, what is known of risk, and the plan in force.

    Raises:
        ReadBackNeeded: The log has to be read first; it names all that is needed at once.
    """
    told = NOTHING_TOLD
    if before is None or not _may_join(before, applied):
        return told
    case, joiners = applied.case, tuple(_joining(before, applied, view))
    if not joiners:
        return told
    current = tuple(_current(before, case, joiners))
    pieces = [(again.message, again.kept) for again in current]
    for again, read in zip(current, read_all_back(pieces, case.ref, view), strict=True):
        if read is None:
            told += _not_given(again, case, cause=cause, view=view, now=now)
            continue
        submission, specs = said_again(again.kept, read, view=view, cause=cause.identity)
        if any(spec.key and submission.payload.get(spec.path, "") is None for spec in specs):
            continue  # a key was corrected away: what is left names nothing
        telling = Telling(
            submission=submission,
            specs=specs,
        )
        to = tuple(Concerned(candidate=candidate, case=case) for candidate in again.to)
        told += tell(telling, to, view=view, now=now)
    return told


def _not_given(again: _Again, case: Case, *, cause: Cause, view: View, now: Instant) -> Told:
    """Report that joiners could not be given something: nobody may believe that they know it."""
    what = f"It was a {again.message} message."
    raised = Raised(code=NOT_GIVEN_AGAIN, subject=again.kept[-1].message, about=what)
    return report((raised,), case, cause=cause, view=view, now=now)


def _current(before: Case, case: Case, joiners: tuple[Candidate, ...]) -> Iterator[_Again]:
    """Return what holds now and was said before whoever joins did, in the order to read it in.

    What this very message says goes to them as to everybody.
    """
    managing = tuple(joiner for joiner in joiners if joiner.role in FACTS_FOR)
    if case.facts and case.facts == before.facts and managing:
        yield _Again(message=MessageName.CASE, kept=case.facts, to=managing)
    for risk in case.risks:
        if risk in before.risks:
            yield _Again(message=MessageName.RISK_CHANGE, kept=(risk,), to=joiners)
    if case.plan is not None and case.plan == before.plan and _gives(case.plan):
        yield _Again(message=MessageName.PLAN, kept=(case.plan,), to=joiners)


def _gives(kept: Kept) -> bool:
    """Say whether anything of a message may still be given; of one nobody can find, nobody knows."""
    return bool(kept.fields) or kept.offset is None


def _joining(before: Case, applied: Applied, view: View) -> Iterator[Candidate]:
    """Return who has joined: members, a provider that took a referral on, a prison that now holds."""
    persons: dict[tuple[OrganisationId, Role], set[str]] = {}
    for member in applied.joiners:
        persons.setdefault((member.organisation, member.role), set()).add(member.person)
    taking_on = () if applied.case.referrals is before.referrals else _taking_on(before, applied.case)
    for organisation in taking_on:
        persons.setdefault((organisation, Role.KEY_WORKER), set())
    members = {(member.organisation, member.role) for member in applied.joiners}
    for place, people in persons.items():
        yield Candidate(
            organisation=place[0],
            role=place[1],
            persons=frozenset(people),
            concern=Concern.TEAM if place in members else Concern.REFERRED,
        )
    prison = _receiving(before, applied.case, view)
    if prison is not None:
        yield Candidate(
            organisation=prison,
            role=Role.OFFENDER_MANAGEMENT_UNIT,
            persons=frozenset(),
            concern=Concern.HELD_THERE,
        )


def _may_join(before: Case, applied: Applied) -> bool:
    """Say whether anybody could have joined: most messages leave everybody's part alone."""
    case = applied.case
    return bool(applied.joiners) or case.referrals is not before.referrals or case.custody != before.custody


def _taking_on(before: Case, case: Case) -> Iterator[OrganisationId]:
    """Return the providers that took on a referral, whether they named a Key Worker or not."""
    earlier = {referral.referral: referral.state for referral in before.referrals}
    for referral in case.referrals:
        if referral.state in TAKEN_ON and earlier.get(referral.referral) not in {None, *TAKEN_ON}:
            yield referral.provider


def _receiving(before: Case, case: Case, view: View) -> OrganisationId | None:
    """Return the prison that holds the person now and did not before, where it is on the hub."""
    custody, earlier = case.custody, before.custody
    if custody is None or custody.prison is None or (earlier and earlier.prison == custody.prison):
        return None
    prison = view.organisation(custody.prison)
    return custody.prison if prison is not None and prison.kind is Kind.PRISON else None
