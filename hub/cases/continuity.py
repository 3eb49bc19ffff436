"""Continuity of the Offender Manager: who may change, why, and how it is handed over (003 ¶3 to ¶8)."""

from __future__ import annotations

from dataclasses import replace

from hub.cases import reports
from hub.cases.applied import Applied, Occasion, Raised
from hub.cases.case import Case, Handover, Member, Restriction, RestrictionKind
from hub.cases.pre_sentence import is_kept
from hub.cases.refusals import incomplete
from hub.errors import DomainRefusal
from hub.messages.envelope import InformationClass, Role
from hub.messages.identifiers import Instant
from hub.messages.team_change import TeamChangeMessage, TeamChangeReason

ACCEPTABLE_REASONS = frozenset(
    {
        TeamChangeReason.INCOMPATIBILITY,
        TeamChangeReason.THREATENED,
        TeamChangeReason.COLLUSION,
        TeamChangeReason.LOSS_OF_MOMENTUM,
        TeamChangeReason.BEYOND_CONTROL,
    }
)
"""The reasons of 003 ¶4, and factors beyond the provider's control (¶5)."""


def check_authority(body: TeamChangeMessage, parties: set[str]) -> None:
    """Refuse a change of OM without a sound reason, or not authorised by a line manager (R-CON-01).

    `parties` are the staff who come or go: nobody authorises their own transfer.
    """
    if body.reason not in ACCEPTABLE_REASONS:
        code = "OM-TRANSFER-NO-REASON"
        message = "an Offender Manager changes for one of the reasons of PC03/2009 only (003 ¶4, ¶5)"
        raise DomainRefusal(code, message, fix=f"give reason: {', '.join(sorted(ACCEPTABLE_REASONS))}")
    if (
        body.authorised_by is None
        or body.authorised_role is not Role.LINE_MANAGER
        or body.authorised_by in parties
    ):
        code = "OM-TRANSFER-UNAUTHORISED"
        message = "a change of Offender Manager is authorised and recorded by a line manager (003 ¶5)"
        fix = "give authorised_by, with authorised_role line_manager, somebody who neither comes nor goes"
        raise DomainRefusal(code, message, fix=fix)


def check_transfer(case: Case, body: TeamChangeMessage, incoming: Member) -> Member:
    """Return the OM who hands the case over, or refuse the transfer."""
    outgoing = _manager_until_further_notice(case)
    if outgoing is None or outgoing.since > incoming.since:
        code = "OM-TRANSFER-NO-OM"
        message = "the case has no Offender Manager at that time who could hand it over"
        raise DomainRefusal(code, message, fix="appoint an Offender Manager, or give a later effective_at")
    if body.outgoing_person not in {None, outgoing.person}:
        code = "OM-TRANSFER-OUTGOING"
        message = "the Offender Manager of the case is somebody else than the one named as outgoing"
        raise DomainRefusal(code, message, fix="fetch the current team and name its Offender Manager")
    if (incoming.organisation, incoming.person) == (outgoing.organisation, outgoing.person):
        what = "TEAM-CHANGE"
        raise incomplete(what, "person, somebody else than the Offender Manager of the case")
    if is_kept(case, outgoing):
        check_authority(body, {outgoing.person, incoming.person})
    return outgoing


def manager_appointed(added: Applied, member: Member) -> Applied:
    """Check that the case has one OM at a time, and count a later one as a transfer (R-CASE-02, R-CON-04)."""
    others = [m for m in added.case.team if m.role is Role.OFFENDER_MANAGER and m is not member]
    if any(other.until is None or other.until > member.since for other in others):
        code = "OM-ALREADY-HELD"
        message = "the case has an Offender Manager at that time; it has one at a time (002 2.4.5)"
        raise DomainRefusal(code, message, fix="send TRANSFER_OM, authorised by a line manager")
    kept = [other for other in others if is_kept(added.case, other)]
    if all(other.person == member.person for other in kept):
        return added
    transfers = added.case.om_transfers + 1
    return replace(
        added,
        case=replace(added.case, om_transfers=transfers),
        exceptions=(Raised(code=reports.OM_SECOND_TRANSFER),) if transfers > 1 else (),
    )


def with_handover(case: Case, body: TeamChangeMessage, outgoing: Member) -> Case:
    """Count the transfer and begin its handover, in which both OMs are recipients (R-CON-03)."""
    starts = outgoing.until or Instant(0)
    handover = None
    if body.handover_until is not None and body.handover_until > starts:
        handover = Handover(outgoing=outgoing, until=body.handover_until)
    counted = case.om_transfers + (1 if is_kept(case, outgoing) else 0)
    return replace(case, om_transfers=counted, handover=handover)


def with_protection(case: Case, body: TeamChangeMessage, at: Occasion) -> Case:
    """Hold the new OM's details back from every partner where the last one was threatened (R-CON-02)."""
    if body.reason is not TeamChangeReason.THREATENED:
        return case
    restriction = Restriction(
        restriction=f"om-threatened-{at.envelope.message_id}",
        kind=RestrictionKind.OM_THREATENED,
        organisations=frozenset(),
        roles=frozenset(),
        classes=frozenset({InformationClass.CONTACT}),
        objective=None,
        since=at.now,
        until=None,
    )
    return replace(case, restrictions=(*case.restrictions, restriction))


def _manager_until_further_notice(case: Case) -> Member | None:
    for member in case.team:
        if member.role is Role.OFFENDER_MANAGER and member.until is None:
            return member
    return None
