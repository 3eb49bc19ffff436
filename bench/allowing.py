"""What the recipients of a bench may be given, as routing works it out before anything is written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.consent.allowance import Allowance, allowance
from hub.consent.decision import Candidate, Concern, Decision, FieldDecision, Outcome, Scope
from hub.consent.parties import Purpose
from hub.consent.partner_contracts import NOT_IN_VIEW
from hub.messages.envelope import Role
from hub.messages.identifiers import CaseRef, Instant, MessageId, OrganisationId
from hub.topics.shapes import leaves

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from hub.messages.envelope import Envelope
    from hub.topics.library import Contract

DECISION = Decision(
    decision_id="bench",
    message=MessageId("0" * 32),
    case=CaseRef("0" * 32),
    candidate=Candidate(
        organisation=OrganisationId("partner-0"),
        role=Role.KEY_WORKER,
        persons=frozenset(),
        concern=Concern.TEAM,
    ),
    purpose=Purpose.PROGRESS,
    delivers=True,
    gate=None,
    fields=(),
    policy="bench",
    case_version=1,
    facts={},
    decided_at=Instant(0),
)


def allowed(
    whole: Contract,
    view: Contract,
    changed: Collection[str],
    *,
    said: Mapping[str, object],
    envelope: Envelope,
) -> Allowance:
    """Return what may be given by a view where some fields are held back, too."""
    known = {path for path, _, _ in leaves(view.shape)}

    def decided(path: str) -> FieldDecision:
        goes = path in known and path not in changed
        reason = "NEED" if goes or path in changed else NOT_IN_VIEW
        outcome = Outcome.DISCLOSE if goes else Outcome.WITHHOLD
        return FieldDecision(path=path, scope=Scope.ALL, outcome=outcome, reason=reason, basis=None, rules=())

    fields = tuple(decided(spec.path) for spec in whole.specs)
    return allowance(said, whole.specs, replace(DECISION, fields=fields), envelope=envelope)
