"""What would be seen of a hub that does all that is expected of it: made by hand from the expectations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from hub.demo.check import Checked, general_form
from hub.demo.day import Door, Step, iso
from hub.demo.evidence import Answered, Channel, Evidence, Ground, Judgement, Received, SetAside, Why
from hub.demo.expectations import End, Expectations, Expected, Share, load_expectations
from hub.demo.leaves import covers, in_contract, leaves, plain
from hub.demo.parts import parts_at
from hub.demo.world import make_world
from hub.messages.identifiers import Instant

WORLD = make_world(seed=1, start=Instant(1_790_000_000_000))
EXPECTATIONS = load_expectations()
PRISONS = {party.prison: str(party.organisation) for party in WORLD.parties if party.prison}
NOT_AS_SENT = "not-as-it-was-sent"


def cut(step: Step, share: Share) -> dict[str, object]:
    """Return a payload cut as a share says, done by hand for these tests."""

    def keep(value: object, path: str) -> object:
        if isinstance(value, Mapping):
            return {
                name: keep(inner, f"{path}.{name}" if path else str(name)) for name, inner in value.items()
            }
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            return [keep(item, f"{path}.{item.get('objective') or item['need']}") for item in value]
        if path in share.replaced:
            return NOT_AS_SENT
        return value if any(covers(pattern, path) for pattern in share.shown) else None

    payload = keep(step.data, "")
    assert isinstance(payload, dict)
    return payload | {
        sibling: general_form(sibling, step.data[exact]) for exact, sibling in share.general.items()
    }


def marked(payload: dict[str, object], recipient: str) -> dict[str, object]:
    """Mark the objectives of a plan that are the recipient's own, as the hub does."""
    organisation, _, role = recipient.partition("/")
    objectives = payload.get("objectives")
    for each in objectives if isinstance(objectives, list) else []:
        if each["objective"] is None:
            continue
        own = each["organisation"] == organisation and each["role"] in {None, role}
        each["yours"] = True if own else None
    return payload


def envelope(step: Step, organisation: str, role: str, number: int) -> dict[str, str]:
    """Return the headers of a delivery, who wrote it only in house."""
    in_house = not organisation.endswith("-example")
    headers = dict.fromkeys(
        ("ce_specversion", "ce_source", "ce_dataschema", "content-type", "hub-urgency"), ""
    )
    if in_house:
        headers |= {
            "hub-author-role": step.author.role.value,
            "hub-author-organisation": step.author.organisation,
        }
    return headers | {
        "ce_id": f"{step.name}-{organisation}/{role}-{number}",
        "ce_type": f"hub.{step.message.value}",
        "ce_time": iso(step.occurred_at),
        "ce_subject": f"case_{organisation}_{step.person}",
        "hub-message": f"msg_{organisation}_{step.name}_{number}",
        "hub-correlation": f"cor_{organisation}_{step.follows or step.name}",
        "hub-statement": step.statement.value,
        "hub-recorded": iso(step.occurred_at),
        "hub-role": role,
    }


def delivered(step: Step, recipient: str, share: Share) -> Iterator[Received]:
    """Yield the deliveries of one step for one recipient, on each channel it chose."""
    organisation, _, role = recipient.partition("/")
    payload = marked(cut(step, share), recipient)
    chosen = next(party.kafka for party in WORLD.parties if party.organisation == organisation)
    for number in range(1 + len(share.again)):
        for channel in (Channel.MAILBOX, *((Channel.KAFKA,) if step.message in chosen else ())):
            yield Received(
                organisation=organisation,
                channel=channel,
                headers=envelope(step, organisation, role, number),
                payload=payload,
                raw=json.dumps(payload).encode(),
            )


def exception_reports() -> Iterator[Received]:
    """Yield the reports the hub makes of its own accord."""
    some = next(iter(WORLD.steps))
    for raised in EXPECTATIONS.raised:
        for recipient in sorted(raised.recipients):
            organisation, _, role = recipient.partition("/")
            mark = f"{organisation}-{raised.person}-{raised.code}"
            yield Received(
                organisation=organisation,
                channel=Channel.MAILBOX,
                headers=envelope(some, organisation, role, 0)
                | {
                    "ce_id": f"{mark}-{role}",
                    "ce_type": "hub.exception",
                    "ce_time": "2026-01-01T00:00:00Z",
                    "ce_subject": f"case_{organisation}_{raised.person}",
                    "hub-message": f"msg_{mark}",
                    "hub-correlation": f"cor_{mark}",
                },
                payload={"code": raised.code},
                raw=b"",
            )


def judged(received: Received, *, message: str, place: int) -> Judgement:
    """Return the ledger record of a delivery."""
    return Judgement(
        message=message,
        delivery=received.delivery,
        recipient=received.recipient,
        gate=None,
        fields={},
        general=frozenset(),
        delivers=True,
        grounds=tuple(
            Ground(path=in_contract(path), information_class="progress", basis="OMA14")
            for path in leaves(received.payload)
        ),
        place=place,
    )


def ledger(received: tuple[Received, ...]) -> Iterator[Judgement]:
    """Yield a record for each delivery, and for everybody with a part in the case who got nothing."""
    steps = {str(plain(iso(step.occurred_at))): step.name for step in reversed(WORLD.steps)}
    told: set[tuple[str, str]] = set()
    for place, one in enumerate(received):
        message = steps.get(str(plain(one.headers["ce_time"])), one.delivery)
        told.add((message, one.recipient))
        if one.channel is Channel.MAILBOX:
            yield judged(one, message=message, place=place)
    for person in WORLD.people:
        for step, concerned in parts_at(WORLD.chapter(person), EXPECTATIONS, PRISONS).items():
            for recipient in concerned:
                if (step, recipient) not in told:
                    yield Judgement(
                        message=step,
                        delivery=None,
                        recipient=recipient,
                        gate=Why(code="NEED-NONE", says="has no need of it"),
                        fields={},
                        general=frozenset(),
                        delivers=False,
                        grounds=(),
                        place=None,
                    )


def answered(step: Step, expected: Expected) -> Answered:
    """Return what a hub that does as expected answers the sender."""
    if step.door is Door.KAFKA:
        return Answered(status=None, body={}, state=None)
    if expected.end is End.AT_THE_DOOR:
        return Answered(
            status=expected.status, body={"code": expected.code, "errors": [expected.pointer]}, state=None
        )
    return Answered(
        status=202, body={"message": "m"}, state="refused" if expected.end is End.REFUSED else "routed"
    )


def whole_evidence() -> Evidence:
    """Return what would be seen, the Offender Manager told first of everything."""
    wanted = [(step, EXPECTATIONS.steps[step.likeness]) for step in WORLD.steps]
    received = (
        *(
            one
            for step, expected in wanted
            for recipient, share in sorted(
                expected.recipients.items(), key=lambda item: not item[0].endswith("offender_manager")
            )
            for one in delivered(step, recipient, share)
        ),
        *exception_reports(),
    )
    return Evidence(
        answers={step.name: answered(step, expected) for step, expected in wanted},
        received=received,
        quarantine=tuple(
            SetAside(organisation=step.author.organisation, code=str(expected.code))
            for step, expected in wanted
            if expected.end in {End.REFUSED, End.SET_ASIDE}
        ),
        cases={
            person.key: frozenset(f"case_{party.organisation}_{person.key}" for party in WORLD.parties)
            for person in WORLD.people
        },
        judgements=tuple(ledger(received)),
    )


def differences(checked: Checked) -> list[tuple[str, str, str]]:
    """Return where the story does not hold."""
    return [(one.step, one.recipient, one.field) for one in checked.differences]


def altered(
    evidence: Evidence, *, step: str, recipient: str, alter: Callable[[Received], Received]
) -> Evidence:
    """Return evidence in which one delivery is another."""
    moment = next(str(plain(iso(one.occurred_at))) for one in WORLD.steps if one.name == step)
    return replace(
        evidence,
        received=tuple(
            alter(one) if one.recipient == recipient and str(plain(one.headers["ce_time"])) == moment else one
            for one in evidence.received
        ),
    )


def shared(expectations: Expectations, *, step: str, recipient: str, share: Share) -> Expectations:
    """Return expectations in which one recipient's share is another."""
    expected = expectations.steps[step]
    recipients = {**expected.recipients, recipient: share}
    return replace(expectations, steps={**expectations.steps, step: replace(expected, recipients=recipients)})
