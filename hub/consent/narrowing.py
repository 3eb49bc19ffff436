"""Joins what is decided again with what was decided before: what is held back once stays held back.

What has been put on its way may become narrower, or not go at all; wider is always another delivery
(architecture 3). So whatever changed, nothing that is decided again tells more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from hub.consent.compile import Policy
from hub.consent.decide import ENVELOPE_SPECS, may_know, nothing_left
from hub.consent.decision import Decision, FieldDecision, FieldSpec, Outcome, Scope
from hub.consent.obligations import is_owed, strictest
from hub.consent.owing import carried, owed
from hub.consent.paths import general_of
from hub.consent.plan import answer_of
from hub.consent.reading import read_payload
from hub.consent.redact import WithheldValueFound, cut
from hub.consent.screen import named_in_text
from hub.consent.weighing import Weighed
from hub.messages.envelope import MessageName, Submission

HELD_BACK_BEFORE = "HELD-BACK-BEFORE"
"""Reason of a field that today's facts would disclose, and earlier ones did not."""
Place = tuple[str, Scope]


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What was decided before of the same message and candidate."""

    outcomes: Mapping[Place, Outcome]
    """By path and scope, the paths as today's contract names them; what is not here was withheld."""
    caveats: frozenset[str]
    """The terms it went on, those the hub sees to among them."""
    items_held: frozenset[str]


def narrowed(
    decision: Decision,
    before: Before,
    *,
    policy: Policy,
    specs: Sequence[FieldSpec],
    submission: Submission,
) -> Decision:
    """Return today's decision, with everything held back that was held back before.

    A text that names what is held back by the one decision or the other is held back, too.
    """
    payload, items_held = submission.payload, before.items_held.union(decision.items_held)
    joined = (_joined(each, before) for each in decision.fields)
    fields = named_in_text(
        payload,
        specs,
        tuple(_with_general_forms(joined, specs)),
        decision.candidate,
        author=submission.envelope.author,
        items_held=items_held,
    )
    narrow = replace(decision, fields=fields, items_held=tuple(sorted(items_held)))
    if not decision.delivers:
        return narrow
    candidate, reading = decision.candidate, read_payload(payload, specs)
    keys = frozenset(spec.path for spec in specs if spec.key)
    answer = answer_of(Weighed(gate=None, fields=fields, caveats=carried(fields)), keys)
    reason = nothing_left(policy, MessageName(str(decision.message_name)), answer, reading, candidate)
    if reason is not None:
        return replace(narrow, delivers=False, gate=reason, caveats=(), obligations=())
    kept = (term for term in sorted(before.caveats) if not is_owed(term))
    return replace(
        narrow,
        caveats=strictest((*answer.caveats, *kept)),
        obligations=owed(fields, partial(reading.there, candidate)),
    )


def is_as_before(
    decision: Decision, before: Before, *, specs: Sequence[FieldSpec], payload: Mapping[str, object]
) -> bool:
    """Tell whether what was let go before is what may go now, on no further terms.

    What of the message is not there makes no difference: only what would be delivered is compared.
    """
    terms = (*decision.caveats, *decision.obligations)
    if not (decision.delivers and before.caveats.issuperset(terms)):
        return False
    earlier = replace(
        decision,
        fields=tuple(
            FieldDecision(path=path, scope=scope, outcome=outcome, reason="", basis=None, rules=())
            for (path, scope), outcome in before.outcomes.items()
        ),
        items_held=tuple(before.items_held),
    )
    if any(may_know(decision, each.path) != may_know(earlier, each.path) for each in ENVELOPE_SPECS):
        return False
    try:
        now, then = (cut(payload, specs, each, decision.candidate) for each in (decision, earlier))
    except WithheldValueFound:
        return False
    return now == then


def _joined(each: FieldDecision, before: Before) -> FieldDecision:
    was = before.outcomes.get((each.path, each.scope), Outcome.WITHHOLD)
    if was <= each.outcome:
        return each
    goes = was < Outcome.REDACT
    return replace(
        each,
        outcome=was,
        reason=HELD_BACK_BEFORE,
        basis=each.basis if goes else None,
        alternates=each.alternates if goes else (),
        terms=each.terms if goes else (),
    )


def _with_general_forms(
    fields: Iterable[FieldDecision], specs: Iterable[FieldSpec]
) -> Iterator[FieldDecision]:
    """Let a general form go exactly where its exact field is generalised, by whichever decision."""
    general = {spec.path: general_of(spec) for spec in specs if spec.general and spec.generaliser}
    forms = frozenset(general.values())
    for each in fields:
        if each.path in forms:
            continue
        yield each
        if each.outcome is Outcome.GENERALISE and each.path in general:
            yield replace(each, path=general[each.path], outcome=Outcome.DISCLOSE)
