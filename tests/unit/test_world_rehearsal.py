"""The day rehearsed on the pure core alone: no Kafka, no HTTP, the same expectations.

`hub demo --once` asserts the same from what recipients really received; here a rule that drifts from
the hand-written expectations is found in a second.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pytest

from hub.cases.case import Case
from hub.cases.profile import Profile
from hub.consent.compile import Policy, compile_policy
from hub.consent.decision import Outcome
from hub.consent.parties import Organisation, organisation_from
from hub.consent.partner_contracts import Direction, PartnerContract
from hub.demo.check import check
from hub.demo.day import Spoiling, Step
from hub.demo.evidence import Answered, Channel, Evidence, Ground, Judgement, Received, SetAside, Why
from hub.demo.expectations import End, Expectations, load_expectations
from hub.demo.leaves import step_time, time_of
from hub.demo.references import Known
from hub.demo.submissions import http_body
from hub.demo.world import World, make_world
from hub.errors import InvalidBody, NotReadable
from hub.messages.envelope import Entry, MessageName, Submission
from hub.messages.identifiers import CaseRef, Instant, MessageId, OrganisationId, derived_id
from hub.routing.outcome import Delivery, Result, Timer
from hub.routing.route import route
from hub.topics.bodies import check_payload, check_submission
from hub.topics.codec import Codec
from hub.topics.contract_files import ContractFolder
from hub.topics.dispatch import Dispatch, delivered
from hub.topics.library import SchemaLibrary, unframe
from hub.topics.policy_files import read_policy
from hub.topics.profile_files import shipped
from hub.topics.references import Origin, References
from hub.topics.views import schema_on_wire


@dataclass
class Tables:
    """The router's tables, in memory."""

    contracts: SchemaLibrary
    rules: Policy
    parties: Mapping[OrganisationId, Organisation]
    agreed: tuple[PartnerContract, ...]
    cases: dict[CaseRef, Case] = field(default_factory=dict)
    taken: dict[MessageId, str] = field(default_factory=dict)
    senders: dict[MessageId, OrganisationId] = field(default_factory=dict)
    sorts: dict[MessageId, MessageName] = field(default_factory=dict)
    log: list[Submission] = field(default_factory=list)

    def case(self, ref: CaseRef) -> Case | None:
        """Return a case."""
        return self.cases.get(ref)

    def seen(self, message: MessageId) -> str | None:
        """Return a digest taken."""
        return self.taken.get(message)

    def sender(self, message: MessageId) -> OrganisationId | None:
        """Return who sent a message taken before."""
        return self.senders.get(message)

    def sort(self, message: MessageId) -> MessageName | None:
        """Return what sort of message was taken before."""
        return self.sorts.get(message)

    def organisation(self, organisation: OrganisationId) -> Organisation | None:
        """Return an organisation."""
        return self.parties.get(organisation)

    def organisations(self) -> Iterable[Organisation]:
        """Return all organisations."""
        return self.parties.values()

    def partner_contracts(
        self, organisation: OrganisationId, message: MessageName, direction: Direction
    ) -> Iterable[PartnerContract]:
        """Return what was agreed with an organisation on a message."""
        place = (organisation, message, direction)
        return tuple(each for each in self.agreed if (each.partner, each.message, each.direction) == place)

    def profile(self, jurisdiction: str) -> Profile:
        """The shipped profile of a jurisdiction."""
        return shipped()[jurisdiction]

    def policy(self) -> Policy | None:
        """Return the rules."""
        return self.rules

    def release(self, name: str) -> None:
        """Return nothing: no policy is released within the day."""

    def read_back(self, case: CaseRef, offset: int) -> Entry | None:
        """Return a message of the day by its place in it."""
        entry = self.log[offset]
        return entry if entry.envelope.case == case else None

    def timers_due(self, now: Instant) -> Iterable[Timer]:  # noqa: ARG002 - the day is shorter than any deadline
        """Return nothing: no deadline passes within the day."""
        return ()


class Keys(dict[str, bytes]):
    """A key store in memory."""

    def get_or_create(self, key_id: str) -> bytes:
        """Return the key; here it follows from its name."""
        return self.setdefault(key_id, hashlib.sha256(key_id.encode()).digest())


class Rehearsal:
    """Plays the day on `route` and gathers the evidence the check wants."""

    def __init__(self, world: World, tables: Tables) -> None:
        """Take the world and empty tables."""
        self.world, self.tables = world, tables
        self.keys = Keys()
        self.codec = Codec(library=tables.contracts, keys=self.keys)
        self.dispatch = Dispatch(self.codec)
        self.opened: dict[str, CaseRef] = {}
        self.steps = {step_time(step): step for step in reversed(world.steps)}
        self.known = Known()
        self.sent: dict[str, dict[str, object]] = {}
        self.answers: dict[str, Answered] = {}
        self.received: list[Received] = []
        self.judgements: list[Judgement] = []
        self.quarantine: list[SetAside] = []
        self.bodies: dict[str, str] = {}

    def play(self) -> Evidence:
        """Play every step in order."""
        for step in self.world.steps:
            self.answers[step.name] = self._step(step)
        return Evidence(
            answers=self.answers,
            received=tuple(self.received),
            quarantine=tuple(self.quarantine),
            cases={
                person: frozenset(
                    self.codec.pairwise.case(party.organisation, case) for party in self.world.parties
                )
                for person, case in self.opened.items()
            },
            sent=self.sent,
            judgements=tuple(self.judgements),
        )

    def _step(self, step: Step) -> Answered:
        at_the_door = step.door.value == "http"
        assert self.known.ready(step), f"{step.name} names what its sender was never told"
        self.sent[step.name] = self.known.data(step)
        fault = self._fault_of_form(step)
        if fault is not None and at_the_door:
            return Answered(status=422, body=fault, state=None)
        if fault is not None or step.spoiling is Spoiling.TRUNCATED:
            code = "AVRO-TRUNCATED" if fault is None else str(fault["code"])
            self.quarantine.append(SetAside(organisation=step.author.organisation, code=code.upper()))
            return Answered(status=None, body={}, state=None)
        message = self._message(step)
        self.known.posted(step, self.codec.pairwise.message(step.author.organisation, message))
        result = self._routed(step, message)
        if result.rejection is not None:
            rejection = result.rejection
            self.quarantine.append(SetAside(organisation=rejection.organisation, code=rejection.code))
        state = "refused" if result.rejection is not None else "routed"
        return Answered(status=202 if at_the_door else None, body={"message": ""}, state=state)

    def _message(self, step: Step) -> MessageId:
        return MessageId(derived_id("rehearsal", step.author.organisation, step.key))

    def _fault_of_form(self, step: Step) -> Mapping[str, object] | None:
        """Say what the gateway and the feed say before anything reaches the router."""
        body = json.dumps(self.sent[step.name], sort_keys=True)
        if self.bodies.setdefault(step.key, body) != body:
            return {"code": "idempotency-mismatch"}
        try:
            contract = self.tables.contracts.contract(step.message, step.contract)
            check_payload(contract, self.sent[step.name])
        except NotReadable:
            return {"code": "contract-unknown", "errors": ["/contract"]}
        except InvalidBody as refused:
            return {"code": "payload-invalid", "errors": [fault.pointer for fault in refused.faults]}
        return None

    def _routed(self, step: Step, message: MessageId) -> Result:
        organisation = step.author.organisation
        case = self.opened.setdefault(step.person, CaseRef(derived_id("case", message)))
        reference = (
            None if step.data.get("action") == "OPENED" else self.codec.pairwise.case(organisation, case)
        )
        body = http_body(step, case=reference, data=self.sent[step.name], thread=self.known.thread(step))
        checked = check_submission(self.tables.contracts, step.message, body)
        references = References(self.codec.pairwise, self.keys, organisation)
        origin = Origin(
            message_id=message,
            organisation=organisation,
            digest=derived_id(json.dumps(body, sort_keys=True)),
            recorded_at=step.occurred_at,
        )
        assert not references.faults(checked)
        submission = Submission(
            envelope=references.envelope(checked, origin),
            payload=references.in_payload(checked.payload, checked.contract),
            offset=len(self.tables.log),
        )
        self.tables.log.append(submission)
        result = route(submission, self.tables, step.occurred_at)
        self.tables.cases |= {one.ref: one for one in result.cases}
        if result.seen is not None:
            self.tables.taken[result.seen[0]] = result.seen[1]
            self.tables.senders[result.seen[0]] = organisation
        for delivery in result.deliveries:
            self._deliver(delivery)
        self._enter(result)
        return result

    def _deliver(self, delivery: Delivery) -> None:
        view = self.dispatch.view(delivery)
        number, body = unframe(view.value)
        contract = schema_on_wire(self.tables.contracts, self.tables.agreed, number)
        for channel in (Channel.MAILBOX, *((Channel.KAFKA,) if delivery.by_kafka else ())):
            received = Received(
                organisation=delivery.organisation,
                channel=channel,
                headers=view.headers,
                payload=self.tables.contracts.to_json(contract, self.tables.contracts.decode(contract, body)),
                raw=view.value,
            )
            self.received.append(received)
            step = self.steps.get(time_of(received.headers))
            if step is not None:
                self.known.took(step, received)

    def _enter(self, result: Result) -> None:
        """Write the ledger, as staff read it."""
        made = delivered(result.deliveries)
        order = [delivery.delivery_id for delivery in result.deliveries]
        for decision in result.decisions:
            candidate = decision.candidate
            found = made.get((decision.message, candidate.organisation, candidate.role))
            delivery = found if decision.delivers else None
            specs = (
                () if delivery is None else self.tables.contracts.fields(delivery.message, delivery.contract)
            )
            classes = {spec.path: spec.information_class.value for spec in specs}
            self.judgements.append(
                Judgement(
                    message=decision.message,
                    delivery=None if delivery is None else delivery.delivery_id,
                    recipient=f"{candidate.organisation}/{candidate.role.value}",
                    gate=None if decision.gate is None else Why(code=decision.gate, says=""),
                    fields={},
                    general=frozenset(),
                    delivers=decision.delivers,
                    grounds=tuple(
                        Ground(path=one.path, information_class=classes.get(one.path, ""), basis=one.basis)
                        for one in decision.fields
                        if delivery is not None and one.outcome <= Outcome.GENERALISE
                    ),
                    place=None if delivery is None else order.index(delivery.delivery_id),
                )
            )


@pytest.fixture(scope="module")
def expectations() -> Expectations:
    """The hand-written file."""
    return load_expectations()


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
        agreed=tuple(each.terms for each in ContractFolder.load().files),
    )
    checked = check(world, expectations, Rehearsal(world, tables).play())
    assert [str(difference) for difference in checked.differences] == []


def test_every_refusal_of_the_story_is_one_of_each_kind(expectations: Expectations) -> None:
    """At the door, alike from outside, set aside from Kafka, and known already."""
    assert {expected.end for expected in expectations.steps.values()} == set(End)


def test_the_day_has_real_messages_of_every_kind() -> None:
    """Each message type an organisation can send is sent; exception reports the hub makes itself."""
    world = make_world(seed=1, start=Instant(1_790_000_000_000))
    assert {step.message for step in world.steps} == set(MessageName) - {MessageName.EXCEPTION}
