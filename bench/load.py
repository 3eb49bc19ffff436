"""The load of the router's bench: organisations, rules, teams and referrals, then a stream of progress."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from hub.demo.chapters.opening import Asked, accept, open_case, refer
from hub.demo.day import Day, Staff, Step
from hub.demo.organisations import RECOVERY, parties
from hub.demo.people import people
from hub.messages.envelope import Control, Envelope, MessageName, Submission
from hub.messages.identifiers import CaseRef, Instant, MessageId, OrganisationId, derived_id
from hub.topics.policy_files import read_policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.topics.library import SchemaLibrary

START = Instant(1_790_000_000_000)
ASKED = Asked(
    provider=RECOVERY,
    rung=2,
    typology="CHANGE_PROGRAMME",
    nature="REHABILITATIVE",
    category="DEPENDENCY_RECOVERY",
    intervention="Recovery group (bench)",
    extras={},
)


def controls() -> list[Control]:
    """The organisations and the policy, as control records."""
    bodies: list[tuple[str, str, dict[str, object]]] = [
        ("organisation", party.organisation, party.body(since=0)) for party in parties()
    ]
    rules: dict[str, object] = {"version": "bench", "author": "A", "approvers": ["B", "C"]}
    rules["documents"] = read_policy()
    bodies.append(("policy", "current", rules))
    return [
        Control(
            control_id=MessageId(derived_id("bench", kind, name)),
            kind=kind,
            name=name,
            effective_at=Instant(0),
            body=body,
        )
        for kind, name, body in bodies
    ]


class Load:
    """So many cases, opened and staffed, each with a Key Worker who posts progress."""

    def __init__(self, library: SchemaLibrary, *, cases: int, seed: int = 1) -> None:
        """Write the opening of every case."""
        self._library = library
        self._chance = Random(seed)  # noqa: S311 - a load, not a secret
        self.opening: list[Submission] = []
        self._workers: list[tuple[CaseRef, str, Staff]] = []
        persons = people(self._chance)
        for number in range(cases):
            day = Day(rng=self._chance, start=START)
            person = persons[number % len(persons)]
            case = CaseRef(derived_id("bench", str(seed), str(number)))
            offer = refer(day, person, open_case(day, person), name="r", asked=ASKED)
            worker = accept(day, person, offer, name="r")
            self._workers.append((case, str(offer.data["referral"]), worker))
            self.opening += [self._submission(step, case, index) for index, step in enumerate(day.steps)]

    def progress(self, count: int, *, first: int = 0) -> Iterator[Submission]:
        """Progress on cases in random turn."""
        for number in range(first, first + count):
            case, referral, worker = self._chance.choice(self._workers)
            step = Step(
                name=f"bench/{number}",
                likeness="bench",
                tale="",
                author=worker,
                message=MessageName.PROGRESS,
                occurred_at=Instant(START + number),
                data={
                    "referral": referral,
                    "kind": "SESSION",
                    "attendance": "ATTENDED",
                    "note": f"Session {number}: came on time and took part. " * 4,
                    "affects": ["LIFESTYLE_ASSOCIATES"],
                },
                key=str(number),
            )
            yield self._submission(step, case, 1_000 + number)

    def _submission(self, step: Step, case: CaseRef, number: int) -> Submission:
        contract = self._library.contract(step.message, step.contract)
        message_id = MessageId(derived_id("bench", case, str(number)))
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
        )
        return Submission(envelope=envelope, payload=self._library.from_json(contract, step.data))
