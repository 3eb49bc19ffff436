"""The day rehearsed on the pure core alone: no Kafka, no HTTP, the same expectations.

`hub demo --once` asserts the same from what recipients really received; here a rule that drifts from
the hand-written expectations is found in a second.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

import hub.demo
from hub.cases.case import Case
from hub.consent.compile import Policy, compile_policy
from hub.consent.parties import Organisation, organisation_from
from hub.demo.check import check
from hub.demo.day import Spoiling, Step, iso
from hub.demo.evidence import Answered, Channel, Evidence, Received, SetAside
from hub.demo.expectations import End, Expectations, expectations_from
from hub.demo.world import World, make_world
from hub.errors import InvalidBody, NotReadable
from hub.messages.envelope import Envelope, Submission
from hub.messages.identifiers import CaseRef, Instant, MessageId, OrganisationId, derived_id
from hub.routing.outcome import Delivery, Result, Timer
from hub.routing.route import route
from hub.topics.bodies import check_payload
from hub.topics.library import SchemaLibrary
from hub.topics.policy_files import read_policy

DOCUMENT = Path(hub.demo.__file__).with_name("expected.yaml")


@dataclass
class Tables:
    """The router's tables, in memory."""

    contracts: SchemaLibrary
    rules: Policy
    parties: Mapping[OrganisationId, Organisation]
    cases: dict[CaseRef, Case] = field(default_factory=dict)
    taken: dict[MessageId, str] = field(default_factory=dict)

    def case(self, ref: CaseRef) -> Case | None:
        """Return a case."""
        return self.cases.get(ref)

    def seen(self, message: MessageId) -> str | None:
        """Return a digest taken."""
        return self.taken.get(message)

    def organisation(self, organisation: OrganisationId) -> Organisation | None:
        """Return an organisation."""
        return self.parties.get(organisation)

    def organisations(self) -> Iterable[Organisation]:
        """Return all organisations."""
        return self.parties.values()

    def policy(self) -> Policy | None:
        """Return the rules."""
        return self.rules

    def timers_due(self, now: Instant) -> Iterable[Timer]:  # noqa: ARG002 - the day is shorter than any deadline
        """Return nothing: no deadline passes within the day."""
        return ()


@dataclass
class Rehearsal:
    """Plays the day on `route` and gathers the evidence the check wants."""

    world: World
    tables: Tables
    opened: dict[str, CaseRef] = field(default_factory=dict)
    answers: dict[str, Answered] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    quarantine: list[SetAside] = field(default_factory=list)
    bodies: dict[str, str] = field(default_factory=dict)

    def play(self) -> Evidence:
        """Play every step in order."""
        for step in self.world.steps:
            self.answers[step.name] = self._step(step)
        return Evidence(
            answers=self.answers,
            received=tuple(self.received),
            quarantine=tuple(self.quarantine),
            cases={
                person: frozenset(f"{party.organisation}:{case}" for party in self.world.parties)
                for person, case in self.opened.items()
            },
        )

    def _step(self, step: Step) -> Answered:
        at_the_door = step.door.value == "http"
        fault = self._fault_of_form(step)
        if fault is not None and at_the_door:
            return Answered(status=422, body=fault, state=None)
        if fault is not None or step.spoiling is Spoiling.TRUNCATED:
            code = "AVRO-TRUNCATED" if fault is None else str(fault["code"])
            self.quarantine.append(SetAside(organisation=step.author.organisation, code=code.upper()))
            return Answered(status=None, body={}, state=None)
        result = self._routed(step)
        if result.rejection is not None:
            rejection = result.rejection
            self.quarantine.append(SetAside(organisation=rejection.organisation, code=rejection.code))
        state = "refused" if result.rejection is not None else "routed"
        return Answered(status=202 if at_the_door else None, body={"message": ""}, state=state)

    def _fault_of_form(self, step: Step) -> Mapping[str, object] | None:
        """Say what the gateway and the feed say before anything reaches the router."""
        body = json.dumps(step.data, sort_keys=True)
        if self.bodies.setdefault(step.key, body) != body:
            return {"code": "idempotency-mismatch"}
        try:
            contract = self.tables.contracts.contract(step.message, step.contract)
            check_payload(contract, step.data)
        except NotReadable:
            return {"code": "contract-unknown", "errors": ["/contract"]}
        except InvalidBody as refused:
            return {"code": "payload-invalid", "errors": [fault.pointer for fault in refused.faults]}
        return None

    def _routed(self, step: Step) -> Result:
        message = MessageId(derived_id("rehearsal", step.author.organisation, step.key))
        case = self.opened.setdefault(step.person, CaseRef(derived_id("case", message)))
        contract = self.tables.contracts.contract(step.message, step.contract)
        envelope = Envelope(
            message_id=message,
            message=step.message,
            contract=step.contract,
            case=CaseRef("0" * 32) if step.spoiling is Spoiling.UNKNOWN_CASE else case,
            organisation=step.author.organisation,
            author=step.author.reference,
            author_role=step.author.role,
            statement=step.statement,
            occurred_at=step.occurred_at,
            recorded_at=step.occurred_at,
            correlation=message,
            causation=None,
            digest=derived_id(json.dumps(step.data, sort_keys=True)),
            declared=step.classes,
        )
        submission = Submission(envelope=envelope, payload=check_payload(contract, step.data))
        result = route(submission, self.tables, step.occurred_at)
        self.tables.cases |= {one.ref: one for one in result.cases}
        if result.seen is not None:
            self.tables.taken[result.seen[0]] = result.seen[1]
        for delivery in result.deliveries:
            self._deliver(delivery)
        return result

    def _deliver(self, delivery: Delivery) -> None:
        contract = self.tables.contracts.contract(delivery.message, delivery.contract)
        encoded = self.tables.contracts.encode(contract, delivery.payload)
        headers = {
            "ce_id": delivery.delivery_id,
            "ce_type": f"hub.{delivery.message.value}",
            "ce_time": iso(delivery.occurred_at),
            "ce_subject": f"{delivery.organisation}:{delivery.case}",
            "hub-role": delivery.role.value,
            "hub-redacted": ",".join(delivery.redacted),
        }
        for channel in (Channel.MAILBOX, *((Channel.KAFKA,) if delivery.by_kafka else ())):
            self.received.append(
                Received(
                    organisation=delivery.organisation,
                    channel=channel,
                    headers=headers,
                    payload=self.tables.contracts.to_json(contract, delivery.payload),
                    raw=encoded,
                )
            )


@pytest.fixture(scope="module")
def expectations() -> Expectations:
    """The hand-written file."""
    return expectations_from(yaml.safe_load(DOCUMENT.read_text()))


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.requirement("R-RTE-01")
@pytest.mark.parametrize("seed", [1, 7])
def test_the_day_comes_out_as_expected_on_the_pure_core(expectations: Expectations, seed: int) -> None:
    """Every line of the story holds, whatever the seed."""
    world = make_world(seed=seed, start=Instant(1_790_000_000_000))
    bodies = [party.body(since=world.start) for party in world.parties]
    tables = Tables(
        contracts=SchemaLibrary.load(),
        rules=compile_policy(read_policy(), version="1.0.0"),
        parties={one.organisation: one for one in map(organisation_from, bodies)},
    )
    checked = check(world, expectations, Rehearsal(world, tables).play())
    assert [str(difference) for difference in checked.differences] == []


def test_every_refusal_of_the_story_is_one_of_each_kind(expectations: Expectations) -> None:
    """At the door, alike from outside, set aside from Kafka, and known already."""
    assert {expected.end for expected in expectations.steps.values()} == set(End)
