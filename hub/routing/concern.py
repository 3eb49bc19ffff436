"""Who is concerned by a message: the sender never has to know (R-RTE-01 to R-RTE-05, R-RTE-09).

Everybody with a part in the case is a candidate and gets a decision, also one that says no; `relevant`
tells the rules whether the message bears on that recipient's own work.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from hub.cases.membership import (
    OPEN_STATES,
    current_team,
    line_managers,
    offender_manager,
    open_referrals,
    outgoing_manager,
    referral_named,
)
from hub.cases.overrides import CHANGES as GRANTS
from hub.cases.reports import FOR_LINE_MANAGER, FOR_SOME_LINE_MANAGER
from hub.consent.decision import Candidate, Concern, make_candidate
from hub.consent.parties import Kind
from hub.messages.consent import ConsentMessage
from hub.messages.correction import CorrectionMessage
from hub.messages.envelope import Role
from hub.messages.evaluation import EvaluationMessage
from hub.messages.identifiers import HUB
from hub.messages.prison_event import PrisonEventMessage
from hub.messages.receipt import ReceiptMessage
from hub.messages.records import maker, record
from hub.messages.referral import ReferralMessage
from hub.routing.directory import ViewDirectory
from hub.routing.relevance import ALWAYS, is_relevant
from hub.routing.subscribing import subscribers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.cases.applied import Applied
    from hub.cases.case import Case
    from hub.messages.envelope import Envelope
    from hub.messages.identifiers import Instant, OrganisationId
    from hub.messages.read import Body
    from hub.routing.outcome import View

ORDER = (
    Role.OFFENDER_MANAGER,
    Role.CASE_ADMINISTRATOR,
    Role.OFFENDER_SUPERVISOR,
    Role.OFFENDER_MANAGEMENT_UNIT,
    Role.KEY_WORKER,
)
"""The order in which a message goes out: the Offender Manager first, always (R-RTE-03)."""
Place = tuple["OrganisationId", Role]


@record
class Concerned:
    """A candidate, and the case in which its part in it is to be seen."""

    candidate: Candidate
    case: Case
    """As it is after the message; for somebody whose part ends by it, as it was before."""
    after: Case | None = None
    """As it is after the message, where `case` is the one before."""


_make = maker(Concerned)


@dataclass(slots=True)
class _Gathering:
    """Candidates by organisation and role; the first reason found for somebody is kept."""

    found: dict[Place, tuple[Concern, tuple[str, ...]]]

    def add(
        self, organisation: OrganisationId, role: Role, concern: Concern, persons: tuple[str, ...] = ()
    ) -> None:
        """Add somebody, or more persons to an organisation's role already found."""
        place = (organisation, role)
        known = self.found.get(place)
        if known is None:
            self.found[place] = (concern, persons)
        elif persons:
            self.found[place] = (known[0], known[1] + persons)


def concerned(
    envelope: Envelope,
    body: Body,
    *,
    before: Case | None,
    applied: Applied,
    view: View,
    now: Instant,
) -> tuple[Concerned, ...]:
    """Return everybody a message concerns, the Offender Manager first."""
    after = applied.case
    gathering = _Gathering(found={})
    _add_parts(gathering, after, view, now)
    staying = frozenset(gathering.found)
    for leaver in applied.leavers:
        gathering.add(leaver.organisation, leaver.role, Concern.TEAM, (leaver.person,))
    _add_named(gathering, body, after, view)
    if isinstance(body, CorrectionMessage) and before is not None:
        _add_no_longer_referred(gathering, before, after)
    if isinstance(body, ConsentMessage) and body.action in GRANTS:
        _add_line_managers(gathering, after, now)
    if before is not None and before.custody is not None and before.custody != after.custody:
        _add_unit(gathering, before.custody.prison, Concern.MOVED, view)
    _add_subscribers(gathering, envelope, body, after, view, now)
    found = []
    for_all, author = not isinstance(body, ReceiptMessage), (envelope.organisation, envelope.author_role)
    for place in sorted(gathering.found, key=_rank):
        # Receipts are for those who manage the case.
        if not (for_all or place[1] in ALWAYS) or (place == author and _hears_not(envelope, after, now)):
            continue
        concern, persons = gathering.found[place]
        case = after if place in staying else _seen_in(place, before, after, now=now)
        candidate = make_candidate(
            organisation=place[0],
            role=place[1],
            persons=frozenset(persons),
            concern=concern,
            # Whose part ends by the message is affected as what they still were.
            relevant=is_relevant(body, place, case=case),
        )
        found.append(_make(candidate=candidate, case=case, after=None if case is after else after))
    return tuple(found)


def candidates(
    envelope: Envelope,
    body: Body,
    *,
    before: Case | None,
    applied: Applied,
    view: View,
    now: Instant,
) -> tuple[Candidate, ...]:
    """Return the candidates alone, in order; for those who ask in advance who would be concerned."""
    found = concerned(envelope, body, before=before, applied=applied, view=view, now=now)
    return tuple(each.candidate for each in found)


def attending(
    case: Case,
    view: View,
    now: Instant,
    *,
    code: str = "",
    role: Role | None = None,
    also_to: Iterable[Place] = (),
) -> tuple[Candidate, ...]:
    """Return who gets an exception report: OM and CA, else whoever opened the case (R-MSG-11).

    During a handover both OMs do (R-CON-03); of some, a line manager named on the case (003 ¶5, ¶7), and of
    all in a tier whose profile says so (002 3.68); of one that is escalated, whoever holds the role it is
    escalated to (R-ADM-03).
    """
    gathering = _Gathering(found={})
    outgoing = outgoing_manager(case, now)
    for member in (*current_team(case, now), *(() if outgoing is None else (outgoing,))):
        if member.role in {Role.OFFENDER_MANAGER, Role.CASE_ADMINISTRATOR, role}:
            gathering.add(member.organisation, member.role, Concern.EXCEPTION, (member.person,))
    if not gathering.found and view.organisation(case.opened_by) is not None:
        gathering.add(case.opened_by, Role.CASE_ADMINISTRATOR, Concern.EXCEPTION)
    for organisation, also in also_to:
        gathering.add(organisation, also, Concern.EXCEPTION)
    if code in FOR_SOME_LINE_MANAGER or role is Role.LINE_MANAGER:
        _add_line_managers(gathering, case, now)
    closely = case.tier is not None and view.profile(case.jurisdiction).tier(case.tier).line_manager
    for member in line_managers(case, now) if closely or code in FOR_LINE_MANAGER else ():
        gathering.add(member.organisation, member.role, Concern.EXCEPTION, (member.person,))
    return tuple(
        Candidate(organisation=place[0], role=place[1], persons=frozenset(persons), concern=concern)
        for place, (concern, persons) in sorted(gathering.found.items(), key=lambda item: _rank(item[0]))
    )


def having_part(case: Case, view: View, now: Instant) -> tuple[Candidate, ...]:
    """Return everybody with a part in the case now, whom every message on it concerns; in their order."""
    gathering = _Gathering(found={})
    _add_parts(gathering, case, view, now)
    return tuple(
        Candidate(
            organisation=place[0],
            role=place[1],
            persons=frozenset(persons),
            concern=concern,
            relevant=None,
        )
        for place, (concern, persons) in sorted(gathering.found.items(), key=lambda item: _rank(item[0]))
    )


def organisations_in(case: Case, view: View, now: Instant) -> set[OrganisationId]:
    """Return every organisation with a part in the case now."""
    gathering = _Gathering(found={})
    _add_parts(gathering, case, view, now)
    return {organisation for organisation, _ in gathering.found}


def _add_parts(gathering: _Gathering, case: Case, view: View, now: Instant) -> None:
    """Add the team, an outgoing OM, providers without a member yet, and the prison that holds the person."""
    for member in current_team(case, now):
        gathering.add(member.organisation, member.role, Concern.TEAM, (member.person,))
    outgoing = outgoing_manager(case, now)
    if outgoing is not None:
        gathering.add(outgoing.organisation, outgoing.role, Concern.HANDOVER, (outgoing.person,))
    for referral in case.referrals:
        if referral.state in OPEN_STATES:
            named = () if referral.key_worker is None else (referral.key_worker,)
            gathering.add(referral.provider, Role.KEY_WORKER, Concern.REFERRED, named)
    if case.custody is not None:
        _add_unit(gathering, case.custody.prison, Concern.HELD_THERE, view)


def _add_named(gathering: _Gathering, body: Body, case: Case, view: View) -> None:
    """Add those the message itself names: the referral's provider, the prisons, who is evaluated."""
    if isinstance(body, ReferralMessage):
        referral = referral_named(case, body.referral)
        if referral is not None:
            gathering.add(referral.provider, Role.KEY_WORKER, Concern.REFERRED)
    elif isinstance(body, PrisonEventMessage):
        for code in (body.prison_from, body.prison_to):
            prison = None if code is None else ViewDirectory(view).prison(code)
            _add_unit(gathering, prison, Concern.MOVED, view)
    elif isinstance(body, EvaluationMessage):
        providers = {referral.provider for referral in case.referrals}
        for outcome in body.outcomes:
            if outcome.organisation in providers:
                gathering.add(outcome.organisation, Role.SERVICE_MANAGER, Concern.REFERRED)


def _add_subscribers(
    gathering: _Gathering, envelope: Envelope, body: Body, case: Case, view: View, now: Instant
) -> None:
    """Add those who have subscribed to such alerts, unless a part in the case lets them hear of it."""
    found = [*subscribers(envelope.message, body, case, view=view, now=now)]
    having_part_ = {organisation for organisation, _ in gathering.found} if found else ()
    for organisation in found:
        if organisation not in having_part_ and organisation != envelope.organisation:
            gathering.add(organisation, Role.SUBSCRIBER, Concern.SUBSCRIBED)


def _add_no_longer_referred(gathering: _Gathering, before: Case, after: Case) -> None:
    """Add providers whose referral a correction has taken back: they were told of it before."""
    for referral in before.referrals:
        if referral.state in OPEN_STATES and not open_referrals(after, referral.provider):
            gathering.add(referral.provider, Role.KEY_WORKER, Concern.REFERRED)


def _add_line_managers(gathering: _Gathering, case: Case, now: Instant) -> None:
    """Add the line managers named on the case, else whoever is one where the case is managed, or was opened.

    What is opened beyond the rules must not go unseen because nobody named a line manager (R-DIS-07).
    """
    named = line_managers(case, now)
    for member in named:
        gathering.add(member.organisation, member.role, Concern.EXCEPTION, (member.person,))
    manager = offender_manager(case, now)
    if not named:
        managing = case.opened_by if manager is None else manager.organisation
        gathering.add(managing, Role.LINE_MANAGER, Concern.EXCEPTION)


def _add_unit(gathering: _Gathering, prison: OrganisationId | None, concern: Concern, view: View) -> None:
    """Add the Offender Management Unit of a prison, where the prison is on the hub (004)."""
    if prison is None:
        return
    organisation = view.organisation(prison)
    if organisation is not None and organisation.kind is Kind.PRISON:
        gathering.add(prison, Role.OFFENDER_MANAGEMENT_UNIT, concern)


def _seen_in(place: Place, before: Case | None, after: Case, *, now: Instant) -> Case:
    """Choose the case in which the part of who does not stay is seen: the one before, if it ends theirs.

    Whoever is taken off the team, or whose referral ends, is told so as what they still were.
    """
    if before is None:
        return after
    organisation, role = place
    was_member = any((m.organisation, m.role) == (organisation, role) for m in current_team(before, now))
    was_engaged = role is Role.KEY_WORKER and bool(open_referrals(before, organisation))
    was_held = role is Role.OFFENDER_MANAGEMENT_UNIT and _holds(before, organisation)
    return before if was_member or was_engaged or was_held else after


def _holds(case: Case, prison: OrganisationId) -> bool:
    return case.custody is not None and case.custody.prison == prison


def _hears_not(envelope: Envelope, case: Case, now: Instant) -> bool:
    """Say whether its author is not told of a message; two OMs in a handover hear from each other."""
    if envelope.organisation == HUB:
        return False
    handing_over = outgoing_manager(case, now) is not None
    return not (handing_over and envelope.author_role is Role.OFFENDER_MANAGER)


@lru_cache(maxsize=4096)
def _rank(place: Place) -> tuple[int, str]:
    organisation, role = place
    return (ORDER.index(role) if role in ORDER else len(ORDER), f"{organisation}/{role}")
