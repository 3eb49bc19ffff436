"""A tiny world for the fault tests: messages that say which number they are, and a routing that counts them.

The routing keeps a number per case in the case's own state, so a lost or doubled message, a stale
table and a wrong order all show in what recipients get.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases.case import Case
from hub.consent.allowance import Allowance
from hub.consent.decision import Candidate, Concern, Decision
from hub.messages.envelope import Envelope, MessageName, Role, Statement, Submission, Tick
from hub.messages.identifiers import CaseRef, DeliveryId, Instant, MessageId, OrganisationId, derived_id
from hub.routing.outcome import Delivery, Result, Timer, Urgency, View
from hub.routing.terms import Terms
from hub.topics.codec import Codec
from hub.topics.keys import FileKeyStore
from hub.topics.library import SchemaLibrary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hub.messages.envelope import Entry

BY_KAFKA = (OrganisationId("north-prison"), OrganisationId("harbour-trust"))
BY_MAILBOX = OrganisationId("quay-service")
NOT_ENTITLED = OrganisationId("far-office")
RECIPIENTS = (*BY_KAFKA, BY_MAILBOX)
SENDER = OrganisationId("quay-service")
CONTRACT = "1.0"


def codec_in(folder: Path) -> Codec:
    """A codec with keys of its own in this folder."""
    return Codec(library=SchemaLibrary.load(), keys=FileKeyStore(folder))


def message(case: CaseRef, number: int, *, note: str = "") -> Submission:
    """The message of a case with this number, counted from 1."""
    message_id = MessageId(derived_id("message", case, str(number)))
    envelope = Envelope(
        message_id=message_id,
        message=MessageName.PROGRESS,
        contract=CONTRACT,
        case=case,
        organisation=SENDER,
        author="staff-1",
        author_role=Role.KEY_WORKER,
        statement=Statement.FACT,
        occurred_at=Instant(1_790_000_000_000),
        recorded_at=Instant(1_790_000_000_000),
        correlation=message_id,
        causation=None,
        digest=derived_id("digest", case, str(number)),
    )
    return Submission(
        envelope=envelope, payload={"referral": "R1", "kind": "SESSION", "note": note or str(number)}
    )


def load(*, seed: int, messages: int, cases: int) -> Iterator[Submission]:
    """A seeded load: cases in random turn, each case's messages numbered in order."""
    chance = random.Random(seed)  # noqa: S311 - a test load, not a secret
    refs = [CaseRef(derived_id("case", str(seed), str(index))) for index in range(cases)]
    sent = dict.fromkeys(refs, 0)
    for _ in range(messages):
        ref = chance.choice(refs)
        sent[ref] += 1
        yield message(ref, sent[ref])


def route(entry: Entry, view: View, now: Instant) -> Result:
    """Count the case's messages; give each recipient one delivery that tells the count."""
    if isinstance(entry, Tick):
        return _ring(view, now)
    if not isinstance(entry, Submission):
        return Result()
    envelope = entry.envelope
    if view.seen(envelope.message_id) is not None:
        return Result(duplicate=True)
    note = str(entry.payload["note"])
    if note == "poison":
        message_ = "a fault of ours"
        raise RuntimeError(message_)
    found = view.case(envelope.case) or _opened(envelope.case, now)
    case = replace(found, version=found.version + 1)
    return Result(
        seen=(envelope.message_id, envelope.digest),
        cases=(case,),
        deliveries=tuple(
            _delivery(entry, organisation, f"{note}/{case.version}") for organisation in RECIPIENTS
        ),
        decisions=tuple(_decision(entry, organisation, now) for organisation in (*RECIPIENTS, NOT_ENTITLED)),
        timers_set=_timers(entry, now),
    )


def _opened(ref: CaseRef, now: Instant) -> Case:
    return Case(ref=ref, jurisdiction="ENGLAND_AND_WALES", opened_at=now, opened_by=SENDER)


def _delivery(entry: Submission, organisation: OrganisationId, note: str) -> Delivery:
    envelope = entry.envelope
    return Delivery(
        delivery_id=DeliveryId(derived_id(envelope.message_id, organisation, note)),
        message_id=envelope.message_id,
        case=envelope.case,
        organisation=organisation,
        role=Role.OFFENDER_MANAGER,
        message=envelope.message,
        contract=CONTRACT,
        urgency=Urgency.CASE,
        payload=dict(entry.payload) | {"note": note},
        redacted=(),
        author=None,
        author_role=envelope.author_role,
        author_organisation=envelope.organisation,
        statement=envelope.statement,
        occurred_at=envelope.occurred_at,
        recorded_at=envelope.recorded_at,
        correlation=envelope.correlation,
        causation=None,
        caveats=(),
        by_kafka=organisation in BY_KAFKA,
        terms=Terms(version=CONTRACT),
        source=entry,
        allowed=Allowance(),
    )


def _decision(entry: Submission, organisation: OrganisationId, now: Instant) -> Decision:
    delivers = organisation in RECIPIENTS
    return Decision(
        decision_id=derived_id("decision", entry.envelope.message_id, organisation),
        message=entry.envelope.message_id,
        case=entry.envelope.case,
        candidate=Candidate(
            organisation=organisation, role=Role.OFFENDER_MANAGER, persons=frozenset(), concern=Concern.TEAM
        ),
        purpose="progress",
        delivers=delivers,
        gate=None if delivers else "NOT-ENTITLED",
        fields=(),
        policy="test:0",
        case_version=1,
        facts={"role": "offender_manager"},
        decided_at=now,
    )


def _timers(entry: Submission, now: Instant) -> tuple[Timer, ...]:
    """A note `ring:<milliseconds>` sets a timer."""
    word, _, delay_ms = str(entry.payload["note"]).partition(":")
    if word != "ring":
        return ()
    return (
        Timer(case=entry.envelope.case, kind="answer", subject="R1", due_at=Instant(now + int(delay_ms))),
    )


def _ring(view: View, now: Instant) -> Result:
    """Every timer due makes one delivery and is cleared."""
    due = tuple(view.timers_due(now))
    rung = [message(timer.case, 0, note=f"rang:{timer.due_at}") for timer in due]
    return Result(
        timers_cleared=tuple(timer.key for timer in due),
        deliveries=tuple(_delivery(entry, BY_KAFKA[0], str(entry.payload["note"])) for entry in rung),
        decisions=tuple(_decision(entry, BY_KAFKA[0], now) for entry in rung),
    )
