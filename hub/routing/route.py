"""Everything one record of the log causes (architecture 5.3): the hub's one decider.

Same entry, same view, same moment: same Result. A record that breaks a rule becomes a rejection with its
reason, never an exception that stops the line.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, assert_never

from hub.cases.applied import Ended
from hub.cases.apply import apply
from hub.cases.due import fall_due
from hub.cases.profile_reader import profile_from
from hub.cases.refusals import case_unknown
from hub.consent.parties import organisation_from
from hub.consent.partner_contracts import contract_from
from hub.errors import DomainRefusal, NotReadable, PolicyRefused, ReadBackNeeded, Refused
from hub.messages.case import CaseAction, CaseMessage
from hub.messages.correction import CorrectionMessage
from hub.messages.envelope import Control, Redecide, Role, Submission, Tick, Unreadable
from hub.messages.identifiers import HUB, Instant, MessageId
from hub.messages.read import read
from hub.routing.agreeing import check_sending, check_view
from hub.routing.announcing import announce
from hub.routing.authorising import check_authority
from hub.routing.bringing_up import at_prisons_of_today, brought_up, naming_today
from hub.routing.catching_up import catch_up
from hub.routing.concern import Concerned, concerned
from hub.routing.directory import ViewDirectory
from hub.routing.disclosing import NOTHING_TOLD, Telling, tell
from hub.routing.disposing import dispose
from hub.routing.entitlement import is_entitled
from hub.routing.expiring import uncollected
from hub.routing.outcome import Rejection, Result, Timer
from hub.routing.redeciding import redecide
from hub.routing.releasing import begun, released
from hub.routing.reporting import Cause, report
from hub.routing.settling import not_told, settle

if TYPE_CHECKING:
    from hub.cases.applied import Applied
    from hub.cases.case import Case
    from hub.messages.envelope import Entry, Envelope
    from hub.messages.identifiers import CaseRef, OrganisationId
    from hub.messages.read import Body
    from hub.routing.outcome import View

DEADLINES_A_TICK_MAX = 500
"""How many deadlines one tick settles; what is due beyond that waits for the next, which follows at once."""
DECISIONS_A_TICK_MAX = 1_000
"""Once a tick has caused so many decisions, what else is due waits for the next, too."""


def route(entry: Entry, view: View, now: Instant) -> Result:
    """Return everything the record causes; it changes nothing itself.

    The first record after the effective time of a policy release also puts that in force, whatever it is.

    Raises:
        ReadBackNeeded: Messages of the log have to be read back first (`View.read_back`); ask again then.
    """
    result = _routed(entry, view, now)
    changed = begun(view, now)
    return (
        replace(result, controls=tuple({**changed, **dict(result.controls)}.items())) if changed else result
    )


def _routed(entry: Entry, view: View, now: Instant) -> Result:
    match entry:
        case Submission():
            return _submitted(entry, view, now)
        case Tick():
            return _ticked(view, now)
        case Control():
            return _controlled(entry, view, now)
        case Redecide():
            return _redecided(entry, view, now)
        case Unreadable():
            detail = "the record cannot be read as what it claims to be"
            return _set_aside(entry.record_id, entry.organisation, entry.code, detail)
        case _:
            assert_never(entry)


def _submitted(submission: Submission, view: View, now: Instant) -> Result:
    envelope = submission.envelope
    seen = view.seen(envelope.message_id)
    if seen == envelope.digest:
        return Result(duplicate=True)
    try:
        if seen is not None:
            code = "KEY-REUSED"
            message = "another message was taken under this id"
            raise DomainRefusal(code, message, fix="send it under an id of its own")
        return _taken(submission, view, now)
    except Refused as refusal:
        detail = f"{refusal}; {refusal.fix}" if refusal.fix else str(refusal)
        return _set_aside(envelope.message_id, envelope.organisation, refusal.code, detail)


def _taken(submission: Submission, view: View, now: Instant) -> Result:
    envelope = submission.envelope
    if view.policy() is None:
        code = "NO-POLICY"
        message = "no rules on who may know what are in force, and decided without any it is lost to all"
        raise DomainRefusal(code, message, fix="release a policy, then have the message sent again")
    check_sending(submission, view, now)
    specs = view.contracts.fields(envelope.message, envelope.contract)
    body = read(submission)
    before = _case(view, envelope.case)
    if isinstance(body, CorrectionMessage) and before is not None:
        body = naming_today(body, before, view.contracts)
    applied = _applied(submission, body, before, view=view, now=now)
    if applied.correlation:
        envelope = replace(envelope, correlation=applied.correlation)
        submission = replace(submission, envelope=envelope)
    telling = Telling(
        submission=submission,
        specs=specs,
        about=getattr(body, "referral", None),
    )
    to: tuple[Concerned, ...] = ()
    if applied.is_news:
        to = concerned(envelope, body, before=before, applied=applied, view=view, now=now)
    cause = Cause(identity=envelope.message_id, message=envelope.message_id, correlation=envelope.correlation)
    told = (
        tell(telling, to, view=view, now=now)
        + catch_up(before, applied, cause=cause, view=view, now=now)
        + report(applied.exceptions, applied.case, cause=cause, view=view, now=now)
    )
    told += report(not_told(body, applied.case, told), applied.case, cause=cause, view=view, now=now)
    applied, told = settle(applied, told, cause=cause, view=view, now=now)
    applied, notices = dispose(before, applied, was=now, cause=cause, view=view, now=now)
    told += notices
    return Result(
        seen=(envelope.message_id, envelope.digest),
        cases=(applied.case,),
        deliveries=told.deliveries,
        decisions=told.decisions,
        timers_set=_timers(applied),
        timers_cleared=_cleared(applied),
        only_with=told.only_with,
    )


def _case(view: View, ref: CaseRef) -> Case | None:
    """Return a case as it stands, what it keeps under the names of today."""
    found = view.case(ref)
    return None if found is None else at_prisons_of_today(brought_up(found, view.contracts), view)


def _applied(
    submission: Submission,
    body: Body,
    before: Case | None,
    *,
    view: View,
    now: Instant,
) -> Applied:
    """Apply the message if its sender may send it; raises DomainRefusal."""
    envelope, directory = submission.envelope, ViewDirectory(view)
    opens = isinstance(body, CaseMessage) and body.action is CaseAction.OPENED
    if before is None and not opens:
        raise case_unknown()
    entitled = is_entitled(
        envelope,
        body,
        case=before,
        organisation=view.organisation(envelope.organisation),
        prisons=directory.prison,
        now=now,
    )
    if not entitled:
        code = "NOT-ENTITLED"
        message = "the organisation may not send this on this case in the role its author claims"
        fix = "see to it that the author's role on the team is recorded, and that the type may be sent"
        raise DomainRefusal(code, message, fix=fix)
    if isinstance(body, CorrectionMessage):
        _check_correction(envelope, body, view)
    if before is not None:
        check_authority(envelope, body, case=before, view=view, now=now)
    return apply(before, submission, body=body, now=now, directory=directory)


def _check_correction(envelope: Envelope, body: CorrectionMessage, view: View) -> None:
    """Refuse to correct what was never taken, or was somebody else's word and the author is not the OM."""
    sender = view.sender(MessageId(body.corrects))
    by_manager = envelope.author_role is Role.OFFENDER_MANAGER
    if sender is None or (sender != envelope.organisation and not by_manager):
        code = "CORRECTION-NOT-YOURS"
        message = "the message to be corrected was not sent by this organisation on this case"
        raise DomainRefusal(code, message, fix="name a message of yours by the reference its 202 answer gave")


def _ticked(view: View, now: Instant) -> Result:
    """Let deadlines that have passed take effect, earliest first, each on the case the last one left."""
    cases: dict[CaseRef, Case] = {}
    set_: dict[str, Timer] = {}
    cleared: list[str] = []
    told, directory = NOTHING_TOLD, ViewDirectory(view)
    wanted: frozenset[tuple[str, int]] = frozenset()
    for timer in islice(view.timers_due(now), DEADLINES_A_TICK_MAX):
        if len(told.decisions) >= DECISIONS_A_TICK_MAX:
            break
        cleared.append(timer.key)
        try:
            before = cases.get(timer.case) or _case(view, timer.case)
        except NotReadable:
            continue  # its key is erased: nothing is awaited of it, and the other deadlines pass
        if before is None:
            continue
        applied = fall_due(before, Ended(timer.kind, timer.subject), now, directory)
        cause = Cause(identity=f"{timer.key}/{timer.due_at}", message=None, correlation="")
        try:
            follows = catch_up(before, applied, cause=cause, view=view, now=now)
        except ReadBackNeeded as needed:
            wanted |= needed.records  # go on, so that the log is read for all deadlines at once
            continue
        follows += announce(before, applied, cause=cause, view=view, now=now)
        follows += report(applied.exceptions, applied.case, cause=cause, view=view, now=now)
        applied, follows = settle(applied, follows, cause=cause, view=view, now=now)
        was = Instant(timer.due_at - 1)
        applied, notices = dispose(before, applied, was=was, cause=cause, view=view, now=now)
        follows += notices
        if applied.case is not before and applied.case != before:
            cases[timer.case] = applied.case
        for key in _cleared(applied):
            if key != timer.key:
                cleared.append(key)
                set_.pop(key, None)
        set_ |= {each.key: each for each in _timers(applied)}
        told += follows
    if wanted:
        raise ReadBackNeeded(wanted)
    return Result(
        cases=tuple(cases.values()),
        deliveries=told.deliveries,
        decisions=told.decisions,
        timers_set=tuple(set_.values()),
        timers_cleared=tuple(cleared),
        only_with=told.only_with,
    )


def _controlled(control: Control, view: View, now: Instant) -> Result:
    """Put an organisation, contract, profile or policy in force from this record on, or set it aside."""
    try:
        if control.kind == "organisation":
            organisation = organisation_from(control.body)
            return Result(controls=((f"organisation/{organisation.organisation}", control.body),))
        if control.kind == "contract":
            contract = contract_from(control.body)
            check_view(contract, view.contracts)
            name = f"contract/{contract.partner}/{contract.direction}/{contract.name}"
            return Result(controls=((name, control.body),))
        if control.kind == "profile":
            profile = profile_from(control.body)
            return Result(controls=((f"profile/{profile.name}", control.body),))
        if control.kind == "policy":
            return Result(controls=tuple(released(control.body, view, now).items()))
    except (ValueError, PolicyRefused) as fault:
        return _set_aside(control.control_id, HUB, "CONTROL-INVALID", str(fault))
    return _set_aside(control.control_id, HUB, "CONTROL-UNKNOWN", "no such kind of control record")


def _redecided(asked: Redecide, view: View, now: Instant) -> Result:
    """Decide again on what is undelivered, or report that nobody collects it.

    A request that cannot be followed is set aside; what is held stays so.
    """
    before = _case(view, asked.submission.envelope.case)
    try:
        if before is None:
            raise case_unknown()
        if asked.uncollected is not None:
            told = uncollected(asked, before, view=view, now=now)
            return Result(deliveries=told.deliveries, decisions=told.decisions)
        found = redecide(asked, before, view=view, now=now)
    except Refused as refusal:
        return _set_aside(asked.request_id, HUB, refusal.code, str(refusal))
    return Result(
        cases=() if found.applied.case == before else (found.applied.case,),
        deliveries=found.told.deliveries,
        decisions=found.told.decisions,
        settled=found.settled,
        timers_set=_timers(found.applied),
        timers_cleared=_cleared(found.applied),
    )


def _timers(applied: Applied) -> tuple[Timer, ...]:
    if not applied.timers_set:
        return ()
    case = applied.case.ref
    return tuple(
        Timer(case=case, kind=due.kind, subject=due.subject, due_at=due.due_at) for due in applied.timers_set
    )


def _cleared(applied: Applied) -> tuple[str, ...]:
    """Return the keys of timers no longer awaited, but for those set anew by the same message."""
    if not applied.timers_cleared:
        return ()
    case = applied.case.ref
    again = {(due.kind, due.subject) for due in applied.timers_set}
    return tuple(
        Timer(case=case, kind=ended.kind, subject=ended.subject, due_at=Instant(0)).key
        for ended in applied.timers_cleared
        if ended not in again
    )


def _set_aside(record: MessageId, organisation: OrganisationId, code: str, detail: str) -> Result:
    return Result(rejection=Rejection(message_id=record, organisation=organisation, code=code, detail=detail))
