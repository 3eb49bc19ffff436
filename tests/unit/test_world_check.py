"""The demonstration's check can fail: each kind of untruth is found, by step, recipient and field."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import hub.demo
from hub.demo.check import Checked, check, general_form
from hub.demo.day import Door, Step, iso
from hub.demo.evidence import Answered, Channel, Evidence, Received, SetAside
from hub.demo.expectations import End, Expectations, Expected, NotExpectationsError, Share, expectations_from
from hub.demo.leaves import covers, leaves, plain
from hub.demo.world import make_world
from hub.messages.identifiers import Instant

DOCUMENT = Path(hub.demo.__file__).with_name("expected.yaml")
WORLD = make_world(seed=1, start=Instant(1_790_000_000_000))
ROSH = "testo/rosh"
HOUSING = "housing-example/key_worker"


@pytest.fixture(scope="module")
def expectations() -> Expectations:
    """The hand-written file."""
    return expectations_from(yaml.safe_load(DOCUMENT.read_text()))


def cut(step: Step, share: Share) -> dict[str, object]:
    """Return a payload cut as a share says, done by hand for these tests."""

    def keep(value: object, path: str) -> object:
        if isinstance(value, Mapping):
            return {
                name: keep(inner, f"{path}.{name}" if path else str(name)) for name, inner in value.items()
            }
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            return [keep(item, f"{path}.{item['objective']}") for item in value]
        return value if any(covers(pattern, path) for pattern in share.shown) else None

    payload = keep(step.data, "")
    assert isinstance(payload, dict)
    return payload | {
        sibling: general_form(sibling, step.data[exact]) for exact, sibling in share.general.items()
    }


def delivered(step: Step, recipient: str, share: Share) -> Iterator[Received]:
    """Yield the deliveries of one step for one recipient, on each channel it chose."""
    organisation, _, role = recipient.partition("/")
    headers = {
        "ce_id": f"{step.name}-{recipient}",
        "ce_type": f"hub.{step.message.value}",
        "ce_time": iso(step.occurred_at),
        "ce_subject": f"case_{organisation}_{step.person}",
        "hub-role": role,
    }
    payload = cut(step, share)
    chosen = next(party.kafka for party in WORLD.parties if party.organisation == organisation)
    for channel in (Channel.MAILBOX, *((Channel.KAFKA,) if step.message in chosen else ())):
        yield Received(
            organisation=organisation,
            channel=channel,
            headers=headers,
            payload=payload,
            raw=json.dumps(payload).encode(),
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


@pytest.fixture(scope="module")
def evidence(expectations: Expectations) -> Evidence:
    """What would be seen of a hub that does all that is expected."""
    wanted = [(step, expectations.steps[step.likeness]) for step in WORLD.steps]
    received = [
        one
        for step, expected in wanted
        for recipient, share in expected.recipients.items()
        for one in delivered(step, recipient, share)
    ]
    received += [
        Received(
            organisation=recipient.partition("/")[0],
            channel=Channel.MAILBOX,
            headers={
                "ce_id": f"{raised.person}{raised.code}{recipient}",
                "ce_type": "hub.exception",
                "ce_time": "2026-01-01T00:00:00Z",
                "ce_subject": f"case_{recipient.partition('/')[0]}_{raised.person}",
                "hub-role": recipient.partition("/")[2],
            },
            payload={"code": raised.code},
            raw=b"",
        )
        for raised in expectations.raised
        for recipient in raised.recipients
    ]
    return Evidence(
        answers={step.name: answered(step, expected) for step, expected in wanted},
        received=tuple(received),
        quarantine=tuple(
            SetAside(organisation=step.author.organisation, code=str(expected.code))
            for step, expected in wanted
            if expected.end in {End.REFUSED, End.SET_ASIDE}
        ),
        cases={
            person.key: frozenset(f"case_{party.organisation}_{person.key}" for party in WORLD.parties)
            for person in WORLD.people
        },
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


def test_the_check_holds_when_everything_is_as_expected(
    expectations: Expectations, evidence: Evidence
) -> None:
    """The expectations do not contradict themselves, and all is counted."""
    checked = check(WORLD, expectations, evidence)
    assert checked.differences == ()
    assert checked.steps == len(WORLD.steps)
    assert min(checked.deliveries, checked.shown, checked.general, checked.held) > 0


@pytest.mark.requirement("R-DIS-01")
def test_the_check_fails_when_a_field_held_back_is_expected(
    expectations: Expectations, evidence: Evidence
) -> None:
    """A tampered expectation: the victim's name is said to be shown."""
    share = expectations.steps[ROSH].recipients[HOUSING]
    held = {path: why for path, why in share.held.items() if path != "victim_name"}
    tampered = shared(
        expectations,
        step=ROSH,
        recipient=HOUSING,
        share=replace(share, shown=(*share.shown, "victim_name"), held=held),
    )
    assert differences(check(WORLD, tampered, evidence)) == [(ROSH, HOUSING, "victim_name")]


@pytest.mark.requirement("R-DIS-01")
def test_the_check_fails_when_an_expected_field_is_said_to_be_held_back(
    expectations: Expectations, evidence: Evidence
) -> None:
    """A tampered expectation: what keeps staff safe is said to be held back; it is there, and leaks."""
    share = expectations.steps[ROSH].recipients[HOUSING]
    shown = tuple(path for path in share.shown if path != "staff_safety")
    tampered = shared(
        expectations,
        step=ROSH,
        recipient=HOUSING,
        share=replace(share, shown=shown, held={**share.held, "staff_safety": "tampered"}),
    )
    found = differences(check(WORLD, tampered, evidence))
    assert found == [(ROSH, HOUSING, "staff_safety")] * 2


@pytest.mark.requirement("R-DIS-06")
def test_the_check_finds_a_held_back_value_hidden_in_another_field(
    expectations: Expectations, evidence: Evidence
) -> None:
    """A name in a free text, or anywhere in the bytes, is a leak of the field it belongs to."""
    secret = next(step.data["victim_name"] for step in WORLD.steps if step.name == ROSH)
    leaking = altered(
        evidence,
        step=ROSH,
        recipient=HOUSING,
        alter=lambda one: replace(one, raw=one.raw + str(secret).encode()),
    )
    assert differences(check(WORLD, expectations, leaking)) == [(ROSH, HOUSING, "victim_name")]


def test_the_check_finds_a_wrong_value_and_a_missing_one(
    expectations: Expectations, evidence: Evidence
) -> None:
    """What is shown is shown as it was sent."""
    wrong = altered(
        evidence,
        step=ROSH,
        recipient=HOUSING,
        alter=lambda one: replace(one, payload={**one.payload, "rosh_level": "LOW", "factor": None}),
    )
    found = differences(check(WORLD, expectations, wrong))
    assert sorted(found) == [(ROSH, HOUSING, "factor"), (ROSH, HOUSING, "rosh_level")]


def test_the_check_finds_a_delivery_that_does_not_come_and_one_that_should_not(
    expectations: Expectations, evidence: Evidence
) -> None:
    """To whom is asserted both ways, like what."""
    elsewhere = altered(
        evidence,
        step=ROSH,
        recipient=HOUSING,
        alter=lambda one: replace(one, headers={**one.headers, "hub-role": "subscriber"}),
    )
    found = differences(check(WORLD, expectations, elsewhere))
    assert (ROSH, "housing-example/subscriber", "") in found
    assert (ROSH, HOUSING, "") in found


@pytest.mark.requirement("R-DEL-02")
def test_the_check_finds_a_second_delivery_of_the_same(
    expectations: Expectations, evidence: Evidence
) -> None:
    """Twice under two ids is once too often."""
    twice = [
        replace(one, headers={**one.headers, "ce_id": "another"})
        for one in evidence.received
        if one.recipient == HOUSING and one.message == "risk-change"
    ]
    found = check(WORLD, expectations, replace(evidence, received=(*evidence.received, *twice)))
    assert (ROSH, HOUSING, "") in differences(found)


@pytest.mark.requirement("R-DEL-01")
def test_the_check_finds_channels_that_differ(expectations: Expectations, evidence: Evidence) -> None:
    """The mailbox and Kafka must hold the same."""
    kafka_only = [one for one in evidence.received if one.channel is Channel.KAFKA]
    mailbox_only = [one for one in evidence.received if one.channel is Channel.MAILBOX]
    without = check(WORLD, expectations, replace(evidence, received=tuple(mailbox_only)))
    assert len(without.differences) == len(kafka_only)


@pytest.mark.requirement("R-DEL-03")
def test_the_check_finds_a_refusal_without_reason_or_one_too_many(
    expectations: Expectations, evidence: Evidence
) -> None:
    """The quarantine holds what was refused, and nothing else."""
    assert not check(WORLD, expectations, replace(evidence, quarantine=evidence.quarantine[1:])).holds
    more = (*evidence.quarantine, SetAside(organisation="hmp-leeds", code="NOT-AVRO"))
    assert not check(WORLD, expectations, replace(evidence, quarantine=more)).holds


@pytest.mark.requirement("R-DEL-03")
def test_the_check_finds_a_problem_that_echoes_a_value(
    expectations: Expectations, evidence: Evidence
) -> None:
    """What was wrong is named, never repeated."""
    name = "specimen/wrong-field"
    secret = next(step.data["notte"] for step in WORLD.steps if step.name == name)
    answers = dict(evidence.answers)
    answers[name] = replace(answers[name], body={**answers[name].body, "input": secret})
    found = differences(check(WORLD, expectations, replace(evidence, answers=answers)))
    assert found == [(name, "", "notte")]


def test_the_check_finds_refusals_a_sender_can_tell_apart(
    expectations: Expectations, evidence: Evidence
) -> None:
    """Unknown and not entitled look the same."""
    name = "specimen/unknown-case"
    answers = dict(evidence.answers)
    answers[name] = replace(answers[name], body={"message": "m", "hint": "no such case"})
    assert not check(WORLD, expectations, replace(evidence, answers=answers)).holds


@pytest.mark.requirement("R-RTE-07")
def test_the_check_finds_an_older_state_after_a_newer(expectations: Expectations, evidence: Evidence) -> None:
    """A mailbox in the wrong order is a difference."""
    turned = replace(evidence, received=tuple(reversed(evidence.received)))
    assert any(one.what == "came after a newer one" for one in check(WORLD, expectations, turned).differences)


def test_the_check_finds_a_case_reference_two_organisations_share(
    expectations: Expectations, evidence: Evidence
) -> None:
    """What two organisations hold can not be put together by its headers."""
    linked = tuple(
        replace(one, headers={**one.headers, "ce_subject": "case_shared"})
        if one.message == "risk-change" and "testo" in one.headers["ce_subject"]
        else one
        for one in evidence.received
    )
    found = check(WORLD, expectations, replace(evidence, received=linked)).differences
    assert [one.what for one in found] == ["know a case by the same reference"]


def test_the_check_finds_an_exception_report_that_is_not_made(
    expectations: Expectations, evidence: Evidence
) -> None:
    """What the hub must say of its own accord is asserted too."""
    silent = tuple(one for one in evidence.received if one.message != "exception")
    checked = check(WORLD, expectations, replace(evidence, received=silent))
    assert len(checked.differences) == sum(len(raised.recipients) for raised in expectations.raised)


def test_expectations_without_a_source_are_refused() -> None:
    """Every line says where it comes from."""
    with pytest.raises(NotExpectationsError, match="names no source"):
        expectations_from({"steps": {"a": {"status": 202}}})


def test_general_forms_are_worked_out_by_hand() -> None:
    """Month, year and postcode area, independent of the hub's own."""
    assert general_form("release_month", "2027-03-14") == "2027-03"
    assert general_form("birth_year", "1990-01-02") == 1990
    assert general_form("postcode_area", "ZZ10 1ZZ") == "ZZ10"


def test_leaves_name_the_items_of_a_list_by_their_own_id() -> None:
    """A plan's objective is the same leaf wherever it stands in the list."""
    found = leaves({"objectives": [{"objective": "home", "title": "t", "need": None}], "affects": ["A"]})
    assert found == {"objectives.home.objective": "home", "objectives.home.title": "t", "affects": ["A"]}
