"""Asserts what the envelope of each delivery says, and that no two organisations can compare theirs.

What leaves carries an allow-list of headers; who wrote a message is told only to those who may know it
(R-MSG-12, R-DIS-01; architecture 3, "Unlinkable").
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from hub.demo.difference import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hub.demo.day import Step
    from hub.demo.evidence import ByStep, Evidence, Received
    from hub.demo.expectations import Expectations, Share, Telling
    from hub.demo.world import World

ALWAYS = frozenset(
    {
        "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "ce_dataschema",
        "content-type", "hub-message", "hub-correlation", "hub-role", "hub-statement", "hub-recorded",
        "hub-urgency",
    }
)  # fmt: skip
WHO_WROTE = frozenset({"hub-author", "hub-author-role", "hub-author-organisation"})
BY_CONTRACT = frozenset({"hub-contract", "hub-contract-status"})
AT_MOST = ALWAYS | WHO_WROTE | BY_CONTRACT | {"hub-causation", "hub-redacted", "hub-caveats"}
PAIRWISE = ("ce_subject", "hub-message", "hub-correlation", "hub-causation")
"""Headers under which no two organisations may know the same thing."""


class Envelopes:
    """The comparison of all headers with what they may be."""

    def __init__(self, world: World, expectations: Expectations, evidence: Evidence, by_step: ByStep) -> None:
        """Take the deliveries sorted by step and recipient."""
        self.world, self.expectations, self.evidence, self.by_step = world, expectations, evidence, by_step
        self._kinds = {party.organisation: party.kind.value for party in world.parties}
        self._steps = {step.name: step for step in world.steps}

    def differences(self) -> Iterator[Difference]:
        """Yield whatever an envelope says too much or too little."""
        for received in self.evidence.received:
            for name in sorted(received.headers.keys() - AT_MOST):
                what = "is not a header that may leave"
                yield Difference(what=what, recipient=received.recipient, field=name)
            for name in sorted(ALWAYS - received.headers.keys()):
                yield Difference(what="is missing in the envelope", recipient=received.recipient, field=name)
        for step in self.world.steps:
            for recipient, got in self.by_step.get(step.name, {}).items():
                for received in got:
                    for field, what in self._of(step, received):
                        yield Difference(what=what, step=step.name, recipient=recipient, field=field)
            yield from self._thread(step)
        yield from self._linkable()
        yield from self._unheard_of()

    def _of(self, step: Step, received: Received) -> Iterator[tuple[str, str]]:
        if received.headers.get("hub-statement") != step.statement.value:
            yield "hub-statement", "does not say whether it is fact or opinion as its author did"
        share = self._share(step, received.recipient)
        rule = self._telling(step, received.organisation)
        if rule is None:
            yield "", "the expectations do not say who may know its author"
            return
        may = rule.may if share is None or share.envelope is None else share.envelope
        told = WHO_WROTE & received.headers.keys()
        for name in sorted(told - may):
            yield name, "is told, and may not be"
        for name in sorted((rule.must & may) - told):
            yield name, "is not told, and must be"
        for name, true in self._truth(step).items():
            if received.headers.get(name, true) != true:
                yield name, "is not true"

    def _truth(self, step: Step) -> Mapping[str, str]:
        author = step.author
        values = (author.reference, author.organisation, author.role.value)
        return dict(zip(sorted(WHO_WROTE), values, strict=True))

    def _share(self, step: Step, recipient: str) -> Share | None:
        expected = self.expectations.steps.get(step.likeness)
        return None if expected is None else expected.recipients.get(recipient)

    def _telling(self, step: Step, organisation: str) -> Telling | None:
        """Find the rule for this reader and this author; one's own organisation is a kind of its own."""
        by = "own" if step.author.organisation == organisation else self._kind(step.author.organisation)
        return next(
            (
                rule
                for rule in self.expectations.envelope
                if self._kind(organisation) in rule.to and by in rule.by
            ),
            None,
        )

    def _kind(self, organisation: str) -> str:
        return next((kind for name, kind in self._kinds.items() if name == organisation), "")

    def _thread(self, step: Step) -> Iterator[Difference]:
        """Assert that an answer bears the correlation of what it answers, for everybody who has both."""
        if step.follows is None:
            return
        before = {
            one.organisation: one.headers["hub-correlation"]
            for got in self.by_step.get(step.follows, {}).values()
            for one in got
        }
        for recipient, got in self.by_step.get(step.name, {}).items():
            for one in got:
                own = one.headers["hub-correlation"]
                if before.get(one.organisation, own) != own:
                    what = f"is another than that of {step.follows}, which it answers"
                    yield Difference(what=what, step=step.name, recipient=recipient, field="hub-correlation")

    def _linkable(self) -> Iterator[Difference]:
        """Find references under which two organisations know the same case, message or correlation."""
        for header in PAIRWISE:
            holders: dict[str, set[str]] = defaultdict(set)
            for received in self.evidence.received:
                if header in received.headers:
                    holders[received.headers[header]].add(received.organisation)
            for organisations in holders.values():
                if len(organisations) > 1:
                    both = ", ".join(sorted(organisations))
                    yield Difference(what="know it by the same reference", recipient=both, field=header)

    def _unheard_of(self) -> Iterator[Difference]:
        """Find causes named to somebody who was never told of them."""
        told: dict[str, set[str]] = defaultdict(set)
        for received in self.evidence.received:
            told[received.organisation].add(received.headers.get("hub-message", ""))
        for step in self.world.steps:
            answered = self.evidence.answers.get(step.name)
            if answered is not None:
                told[step.author.organisation].add(str(answered.body.get("message", "")))
        for received in self.evidence.received:
            cause = received.headers.get("hub-causation")
            in_house = self._kind(received.organisation) != "partner"
            if cause is not None and not in_house and cause not in told[received.organisation]:
                what = "names a message this recipient was never told of"
                yield Difference(what=what, recipient=received.recipient, field="hub-causation")
