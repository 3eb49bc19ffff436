"""Asserts that the disclosure ledger tells the whole truth of what was received (R-DIS-01, R-DIS-09).

Every candidate has a record; every delivery has one, with a legal basis for each field that went; consent
is never the basis for risk (R-DIS-04); and the ledger knows of no delivery that nobody received.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from hub.demo.difference import Difference
from hub.demo.leaves import in_contract, leaves
from hub.demo.parts import parts_at
from hub.messages.envelope import MessageName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.demo.evidence import ByStep, Evidence, Received
    from hub.demo.expectations import Expectations
    from hub.demo.world import World

CONSENT = "CONSENT"
NEVER_ON_CONSENT = frozenset({"risk", "intelligence"})
GENERAL = ("_month", "_year", "_band", "_area")
FIRST_OF_ALL = frozenset({MessageName.RISK_CHANGE, MessageName.PROGRESS})
"""What reaches the Offender Manager first and always (R-RTE-03)."""
MANAGER = "offender_manager"


class Ledger:
    """The comparison of the ledger with what was received."""

    def __init__(self, world: World, expectations: Expectations, evidence: Evidence, by_step: ByStep) -> None:
        """Sort the ledger by delivery and by step."""
        self.world, self.expectations, self.evidence, self.by_step = world, expectations, evidence, by_step
        self._of = {one.delivery: one for one in evidence.judgements if one.delivery is not None}
        self._messages: dict[str, set[str]] = defaultdict(set)
        for step, recipients in by_step.items():
            for got in recipients.values():
                for received in got:
                    if (judged := self._of.get(received.delivery)) is not None:
                        self._messages[step].add(judged.message)

    def differences(self) -> Iterator[Difference]:
        """Yield whatever the ledger does not say, or says and is not so."""
        yield from self._same_deliveries()
        yield from self._on_consent()
        for received in self.evidence.received:
            yield from self._grounded(received)
        yield from self._candidates()
        yield from self._manager_first()

    def _same_deliveries(self) -> Iterator[Difference]:
        got = {received.delivery: received.recipient for received in self.evidence.received}
        told = {str(one.delivery): one.recipient for one in self.evidence.judgements if one.delivers}
        for one, recipient in got.items():
            if one not in told:
                yield Difference(what="was received and is not in the ledger", recipient=recipient)
            elif told[one] != recipient:
                yield Difference(what="is in the ledger for somebody else", recipient=recipient)
        for one, recipient in told.items():
            if one not in got:
                yield Difference(what="is in the ledger and was not received", recipient=recipient)

    def _grounded(self, received: Received) -> Iterator[Difference]:
        judged = self._of.get(received.delivery)
        if judged is None:
            return
        on = {ground.path for ground in judged.grounds if ground.basis}
        for path in sorted({in_contract(path) for path in leaves(received.payload)} - on):
            if not path.endswith(GENERAL):
                what = f"went in a {received.message} without a legal basis in the ledger"
                yield Difference(what=what, recipient=received.recipient, field=path)

    def _on_consent(self) -> Iterator[Difference]:
        for one in self.evidence.judgements:
            for ground in one.grounds:
                if ground.basis == CONSENT and ground.information_class in NEVER_ON_CONSENT:
                    what = "consent is shown as the basis for risk"
                    yield Difference(what=what, recipient=one.recipient, field=ground.path)

    def _candidates(self) -> Iterator[Difference]:
        """Assert a record for everybody with a part in the case, whatever it says."""
        judged: dict[str, set[str]] = defaultdict(set)
        for one in self.evidence.judgements:
            judged[one.message].add(one.recipient)
        prisons = {party.prison: str(party.organisation) for party in self.world.parties if party.prison}
        for person in self.world.people:
            parts = parts_at(self.world.chapter(person), self.expectations, prisons)
            for step, concerned in parts.items():
                known = {who for message in self._messages.get(step, ()) for who in judged[message]}
                for recipient in sorted(concerned - known if known else ()):
                    what = "had a part in the case, and the ledger has no record of a decision"
                    yield Difference(what=what, step=step, recipient=recipient)

    def _manager_first(self) -> Iterator[Difference]:
        for step in self.world.steps:
            if step.message not in FIRST_OF_ALL:
                continue
            expected = self.expectations.steps.get(step.likeness)
            shares = {} if expected is None else expected.recipients
            places = {
                recipient: min(places)
                for recipient, got in self.by_step.get(step.name, {}).items()
                if (places := [*self._places(got)])
                and (recipient not in shares or shares[recipient].joined is None)
            }
            first = min(places, key=places.__getitem__, default="")
            managers = [recipient for recipient in places if recipient.endswith(f"/{MANAGER}")]
            if managers and first not in managers:
                what = "was told before the Offender Manager"
                yield Difference(what=what, step=step.name, recipient=first)

    def _places(self, got: list[Received]) -> Iterator[int]:
        for received in got:
            judged = self._of.get(received.delivery)
            if judged is not None and judged.place is not None:
                yield judged.place
