"""The demonstration's check can fail: each kind of untruth is found, by step, recipient and field."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hub.demo.check import check, general_form
from hub.demo.evidence import Channel, Evidence, SetAside
from hub.demo.expectations import Expectations, NotExpectationsError, expectations_from, load_expectations
from hub.demo.leaves import leaves
from tests.unit.demo_evidence import EXPECTATIONS, WORLD, altered, differences, shared, whole_evidence

ROSH = "testo/rosh"
HOUSING = "housing-example/key_worker"


@pytest.fixture(scope="module")
def expectations() -> Expectations:
    """The hand-written files."""
    return EXPECTATIONS


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    """What would be seen of a hub that does all that is expected."""
    return whole_evidence()


def test_the_check_holds_when_everything_is_as_expected(
    expectations: Expectations, evidence: Evidence
) -> None:
    """The expectations do not contradict themselves, and all is counted."""
    checked = check(WORLD, expectations, evidence)
    assert checked.differences == ()
    assert checked.steps == len(WORLD.steps)
    assert min(checked.deliveries, checked.shown, checked.general, checked.held, checked.ledger) > 0


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


def test_the_check_finds_an_exception_report_that_is_not_made(
    expectations: Expectations, evidence: Evidence
) -> None:
    """What the hub must say of its own accord is asserted too."""
    silent = tuple(one for one in evidence.received if one.message != "exception")
    told = {one.delivery for one in silent}
    entered = tuple(one for one in evidence.judgements if one.delivery is None or one.delivery in told)
    checked = check(WORLD, expectations, replace(evidence, received=silent, judgements=entered))
    assert len(checked.differences) == sum(len(raised.recipients) for raised in expectations.raised)


def test_expectations_without_a_source_are_refused() -> None:
    """Every line says where it comes from."""
    with pytest.raises(NotExpectationsError, match="names no source"):
        expectations_from({"steps": {"a": {"status": 202}}})


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a.yaml": "steps: {x: {source: s}, x: {source: t}}"}, "x is said twice"),
        ({"a.yaml": "steps: {x: {source: s}}", "b.yaml": "steps: {x: {source: t}}"}, r"b.yaml repeats x"),
    ],
)
def test_expectations_said_twice_are_refused(tmp_path: Path, files: dict[str, str], says: str) -> None:
    """Of two entries for the same step neither quietly wins."""
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(NotExpectationsError, match=says):
        load_expectations(tmp_path)


def test_general_forms_are_worked_out_by_hand() -> None:
    """Month, year, postcode area and band, independent of the hub's own."""
    assert general_form("release_month", "2027-03-14") == "2027-03"
    assert general_form("noms_number_end", "A1234BC") == "***4BC"
    assert general_form("birth_year", "1990-01-02") == 1990
    assert general_form("postcode_area", "ZZ10 1ZZ") == "ZZ10"
    bands = [general_form("likelihood_score_band", score) for score in (24.9, 25.0, 61.5, 75.0)]
    assert bands == ["LOW", "MEDIUM", "HIGH", "VERY_HIGH"]


def test_leaves_name_the_items_of_a_list_by_their_own_id() -> None:
    """A plan's objective is the same leaf wherever it stands in the list."""
    found = leaves({"objectives": [{"objective": "home", "title": "t", "need": None}], "affects": ["A"]})
    assert found == {"objectives.home.objective": "home", "objectives.home.title": "t", "affects": ["A"]}
