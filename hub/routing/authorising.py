"""Whether whoever asks for an override, or agrees to one, may (R-DIS-07): as the policy in force has it.

A refusal says which limit it met; the entry of the policy it names says where the limit comes from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.cases.membership import current_team, open_referrals
from hub.consent.overriding import authority_over
from hub.errors import DomainRefusal
from hub.messages.consent import ConsentAction, ConsentMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.cases.case import Case
    from hub.cases.grants import Grant
    from hub.consent.overriding import Authority
    from hub.messages.envelope import Envelope, InformationClass, Role
    from hub.messages.identifiers import Instant, OrganisationId
    from hub.messages.read import Body
    from hub.routing.outcome import View

HOUR_MS = 3_600_000
ASKING = frozenset({ConsentAction.OVERRIDE_REQUESTED, ConsentAction.BREAK_GLASS})
AGREEING = frozenset({ConsentAction.OVERRIDE_APPROVED, ConsentAction.BREAK_GLASS_REVIEWED})
RECORDING = frozenset({ConsentAction.COURT_ORDER})


def check_authority(envelope: Envelope, body: Body, *, case: Case, view: View, now: Instant) -> None:
    """Refuse an override that the policy does not let this role ask for, agree to or have so long."""
    if not isinstance(body, ConsentMessage) or body.action not in ASKING | AGREEING | RECORDING:
        return
    if body.action in AGREEING:
        grant = next((each for each in case.grants if each.grant == body.consent), None)
        if grant is not None:
            _check_second(envelope.author_role, body, grant, case=case, view=view)
        return
    for organisation in body.organisations:
        _check_part(organisation, case=case, view=view, now=now)
        if body.action in ASKING:
            _check_asked(envelope, body, _opening(organisation, body.classes, case=case, view=view), now)


def _check_asked(envelope: Envelope, body: ConsentMessage, authority: Authority, now: Instant) -> None:
    at_once = body.action is ConsentAction.BREAK_GLASS
    roles = authority.break_glass_by if at_once else authority.asked_by
    _check_role(envelope.author_role, roles, authority, "ask for it")
    hours = authority.break_glass_hours_max if at_once else authority.days_max * 24
    if body.until is not None and body.until > now + hours * HOUR_MS:
        code = "OVERRIDE-TOO-LONG"
        raise DomainRefusal(
            code,
            f"{authority.authority} allows it for {hours} hours at most",
            fix="give an earlier end; ask anew when it comes",
        )


def _check_second(role: Role, body: ConsentMessage, grant: Grant, *, case: Case, view: View) -> None:
    """Refuse a second person whom the policy does not name; a review is owed whatever it opens by now."""
    if body.action is ConsentAction.OVERRIDE_APPROVED:
        authority: Authority | None = _opening(grant.organisation, grant.classes, case=case, view=view)
    else:
        authority = _authority(grant.organisation, case=case, view=view)
    if authority is not None:
        _check_role(role, authority.agreed_by, authority, "agree to it or review it")


def _check_role(role: Role, allowed: Iterable[Role], authority: Authority, what: str) -> None:
    named = sorted(allowed)
    if role in named:
        return
    code = "OVERRIDE-NOT-AUTHORISED"
    raise DomainRefusal(
        code,
        f"by {authority.authority} a {role.replace('_', ' ')} may not {what}",
        fix=f"have it done by: {', '.join(named).replace('_', ' ')}",
    )


def _check_part(organisation: OrganisationId, *, case: Case, view: View, now: Instant) -> None:
    """Refuse to open anything to whoever has no part in the case: messages on it would not reach them."""
    custody = case.custody
    has_part = (
        any(member.organisation == organisation for member in current_team(case, now))
        or bool(open_referrals(case, organisation))
        or (custody is not None and custody.prison == organisation)
    )
    if view.organisation(organisation) is None or not has_part:
        code = "GRANT-NO-PART-IN-CASE"
        raise DomainRefusal(
            code,
            "the organisation has no part in the case, so nothing on it is sent there",
            fix="refer the person to it or name its people on the team first; in danger, tell it yourself",
        )


def _authority(organisation: OrganisationId, *, case: Case, view: View) -> Authority | None:
    """Return the entry of the policy for a recipient, on the highest rung of its referrals on the case."""
    party, policy = view.organisation(organisation), view.policy()
    if party is None or policy is None:
        return None
    rungs = (each.rung for each in case.referrals if each.provider == organisation)
    return authority_over(policy.authorities, party.kind, max((party.rung, *rungs)))


def _opening(
    organisation: OrganisationId, classes: Iterable[InformationClass], *, case: Case, view: View
) -> Authority:
    """Return the entry that lets these classes be opened; raises DomainRefusal where there is none."""
    found = _authority(organisation, case=case, view=view)
    if found is None:
        code = "OVERRIDE-NOT-PROVIDED"
        raise DomainRefusal(
            code,
            "the policy in force has no override for such an organisation",
            fix="see `overrides` in the policy's gates.yaml",
        )
    closed = sorted(frozenset(classes) - found.classes)
    if closed:
        code = "OVERRIDE-CLASS-CLOSED"
        raise DomainRefusal(
            code,
            f"{found.authority} never opens {', '.join(closed)}",
            fix=f"ask for some of: {', '.join(sorted(found.classes))}",
        )
    return found
