"""The stream of all simulated cases in the order of time, as messages stand in the log of a hub."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import merge
from typing import TYPE_CHECKING

from hub.demo.simulated.life import life
from hub.demo.simulated.said import REFUSED
from hub.messages.envelope import Envelope, Submission
from hub.messages.identifiers import CaseRef, MessageId, OrganisationId, derived_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.demo.day import Step
    from hub.messages.identifiers import Instant
    from hub.topics.library import SchemaLibrary


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """So many cases over so many days; the same three numbers and start give the same messages."""

    cases: int
    days: int
    seed: int
    start: Instant
    still: bool = False
    """Whether all of it is said on one day, for a hub whose clock is the real one."""

    def case(self, number: int) -> Iterator[Step]:
        """Yield what is said on one case, in order."""
        return life(number=number, seed=self.seed, start=self.start, days=self.days, still=self.still)

    def steps(self) -> Iterator[tuple[int, Step]]:
        """Yield everything said on any case, earliest first, with the case's number."""
        return merge(
            *(self._numbered(number) for number in range(self.cases)),
            key=lambda said: (said[1].occurred_at, said[0]),
        )

    def _numbered(self, number: int) -> Iterator[tuple[int, Step]]:
        return ((number, step) for step in self.case(number))


def is_meant_to_be_refused(step: Step) -> bool:
    """Say whether the hub is to refuse it: somebody tries what they may not do."""
    return step.likeness.startswith(REFUSED)


def case_reference(simulation: Simulation, number: int) -> CaseRef:
    """Return the reference of a case, where no hub gives it another."""
    return CaseRef(derived_id("simulated", str(simulation.seed), str(simulation.start), str(number)))


def submission(step: Step, case: CaseRef, *, library: SchemaLibrary) -> Submission:
    """Return a step as it stands in the log once the gateway has taken it."""
    contract = library.contract(step.message, step.contract)
    message_id = MessageId(derived_id("simulated", case, step.key))
    envelope = Envelope(
        message_id=message_id,
        message=step.message,
        contract=step.contract,
        case=case,
        organisation=OrganisationId(step.author.organisation),
        author=step.author.reference,
        author_role=step.author.role,
        statement=step.statement,
        occurred_at=step.occurred_at,
        recorded_at=step.occurred_at,
        correlation=message_id,
        causation=None,
        digest=derived_id("digest", message_id),
        declared=step.classes,
    )
    return Submission(envelope=envelope, payload=library.from_json(contract, step.data))
