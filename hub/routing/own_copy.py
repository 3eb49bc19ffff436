"""The person's own copy of the Sentence Plan: what of it they may see (R-PLAN-03; DPA 2018 s.45).

It is decided by the same rules as every delivery, for the one party that is no organisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.consent.allowance import allowance
from hub.consent.decide import decide
from hub.consent.decision import Candidate, Concern, Decision
from hub.consent.parties import Access, Kind, LegalStatus, Organisation, Purpose, Standing
from hub.consent.redact import cut
from hub.errors import DomainRefusal
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import OrganisationId
from hub.routing.bringing_up import brought_up
from hub.routing.saying_again import read_back, said_again

if TYPE_CHECKING:
    from hub.cases.case import Case
    from hub.consent.allowance import Allowance
    from hub.consent.compile import Policy
    from hub.messages.envelope import Envelope
    from hub.messages.identifiers import Instant
    from hub.routing.outcome import View

THE_PERSON = Organisation(
    organisation=OrganisationId("@person"),
    name="The person under supervision",
    kind=Kind.PERSON,
    rung=1,
    legal_status=LegalStatus.NONE,
    status_evidence="DPA 2018 s.45",
    standing=Standing.ACTIVE,
    purposes=frozenset(Purpose),
    access=Access.ALL_CASES,
)
"""A party to decisions under a name no organisation can have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCopy:
    """The plan as the person may have it, and why."""

    decision: Decision
    payload: Mapping[str, object]
    """By field; empty where nothing may be given."""
    redacted: tuple[str, ...]
    """Paths the person may know were held back."""
    allowed: Allowance
    """What may be in it, worked out apart from the cutting: what is written is held against it."""
    source: Envelope
    """Of the plan it was cut from."""


def own_copy(case: Case, *, policy: Policy, view: View, now: Instant) -> OwnCopy:
    """Return the current plan as the person may see it now.

    Raises:
        DomainRefusal: The case has no plan that may still be given.
        ReadBackNeeded: The view does not have the plan's message yet.
    """
    plan = brought_up(case, view.contracts).plan
    read = None
    if plan is not None and plan.fields:
        read = read_back((plan,), case.ref, MessageName.PLAN, view)
    if plan is None or read is None:
        code = "PLAN-NONE"
        raise DomainRefusal(
            code, "the case has no Sentence Plan in force", fix="the Offender Manager sends one"
        )
    submission, specs = said_again((plan,), read, view=view, cause="own-copy")
    candidate = Candidate(
        organisation=THE_PERSON.organisation, role=Role.PERSON, persons=frozenset(), concern=Concern.TEAM
    )
    decision = decide(
        policy,
        envelope=submission.envelope,
        specs=specs,
        case=case,
        organisation=THE_PERSON,
        candidate=candidate,
        now=now,
        payload=submission.payload,
    )
    payload, redacted = cut(submission.payload, specs, decision, candidate) if decision.delivers else ({}, ())
    allowed = allowance(submission.payload, specs, decision, envelope=submission.envelope)
    return OwnCopy(
        decision=decision,
        payload=payload,
        redacted=redacted,
        allowed=allowed,
        source=submission.envelope,
    )
