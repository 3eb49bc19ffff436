"""A change left to people passes when somebody who answers for it has signed; nothing else does."""

from __future__ import annotations

from datetime import date

import pytest
import yaml

from hub.topics.findings import Finding, Weight
from hub.topics.gates.signing import signed

ENTRY = {
    "rule": "CLASS-RELABELLED",
    "where": "text",
    "old": "risk",
    "new": "progress",
    "by": "Jo Example, Head of Offender Management",
    "date": "2026-11-26",
    "why": "It says something else.",
}


def finding(
    rule: str = "CLASS-RELABELLED",
    weight: Weight = Weight.SIGN_OFF,
    *,
    old: str = "risk",
    new: str = "progress",
) -> Finding:
    """Something a gate found at `text`."""
    return Finding(
        rule=rule,
        schema="progress 1.1",
        where="text",
        what="It changed.",
        old=old,
        new=new,
        weight=weight,
    )


def sign(*findings: Finding, entries: object) -> dict[str, Weight]:
    """What is left of the findings, by rule."""
    return {each.rule: each.weight for each in signed(findings, entries, schema="progress 1.1")}


@pytest.mark.requirement("R-MSG-12")
def test_signed_finding_becomes_a_warning_that_says_so() -> None:
    """By rule, place and change."""
    (found,) = signed([finding()], [ENTRY], schema="progress 1.1")
    assert (found.weight, found.what) == (Weight.WARNING, "Signed off. It changed.")


def test_finding_that_nobody_signed_stays_as_it_is() -> None:
    """No entries, and entries for another place."""
    assert sign(finding(), entries=None) == {"CLASS-RELABELLED": Weight.SIGN_OFF}
    elsewhere = sign(finding(), entries=[{**ENTRY, "where": "other"}])
    assert elsewhere == {"CLASS-RELABELLED": Weight.SIGN_OFF, "SIGN-OFF-NEEDLESS": Weight.WARNING}


@pytest.mark.requirement("R-DIS-06")
@pytest.mark.parametrize(("old", "new"), [("health", "progress"), ("risk", "identity")])
def test_change_made_after_somebody_signed_is_not_signed_off(old: str, new: str) -> None:
    """The same rule at the same place finds another change: the signature was for something else."""
    first, second = signed([finding(old=old, new=new)], [ENTRY], schema="progress 1.1")
    assert (first.rule, first.weight) == ("CLASS-RELABELLED", Weight.SIGN_OFF)
    assert (second.rule, second.weight) == ("SIGN-OFF-NEEDLESS", Weight.WARNING)
    assert "another change than that from its old to its new" in second.what
    assert "--json" in second.fix


def test_each_of_two_changes_at_one_place_is_signed_for_by_itself() -> None:
    """Against two earlier versions a rule can find two."""
    findings = [finding(), finding(old="health")]
    one = signed(findings, [ENTRY], schema="progress 1.1")
    assert [each.weight for each in one] == [Weight.WARNING, Weight.SIGN_OFF]
    both = signed(findings, [ENTRY, {**ENTRY, "old": "health"}], schema="progress 1.1")
    assert [each.weight for each in both] == [Weight.WARNING, Weight.WARNING]


def test_change_of_something_new_is_signed_with_an_empty_old() -> None:
    """As the check prints it."""
    (found,) = signed([finding(old="")], [{**ENTRY, "old": ""}], schema="progress 1.1")
    assert found.weight is Weight.WARNING


@pytest.mark.requirement("R-DIS-06")
def test_what_is_refused_nobody_can_sign_off() -> None:
    """It stays refused, and the sign-off is told to release nothing."""
    entries = [{**ENTRY, "rule": "CLASS-LOOSER"}]
    first, second = signed([finding("CLASS-LOOSER", Weight.REFUSED)], entries, schema="progress 1.1")
    assert (first.rule, first.weight) == ("CLASS-LOOSER", Weight.REFUSED)
    assert (second.rule, second.weight) == ("SIGN-OFF-NEEDLESS", Weight.WARNING)
    assert "is refused, and nobody can sign that" in second.what


def test_warning_needs_no_signature() -> None:
    """It is told so."""
    first, second = signed([finding(weight=Weight.WARNING)], [ENTRY], schema="progress 1.1")
    assert first == finding(weight=Weight.WARNING)
    assert "what it names is a warning" in second.what


def test_rule_found_twice_at_one_place_with_two_weights_is_released_only_where_it_may_be() -> None:
    """The refused one stays refused."""
    found = signed([finding(), finding(weight=Weight.REFUSED)], [ENTRY], schema="progress 1.1")
    assert [each.weight for each in found] == [Weight.WARNING, Weight.REFUSED]


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ("CLASS-RELABELLED", "not a list"),
        ({"rule": "CLASS-RELABELLED"}, "not a list"),
        (["CLASS-RELABELLED"], "not a mapping"),
        ([{**ENTRY, "until": "2027-01-01"}], "until is no part of a sign-off"),
        ([{name: said for name, said in ENTRY.items() if name != "why"}], "why is missing"),
        ([{**ENTRY, "why": " "}], "why is missing"),
        ([{name: said for name, said in ENTRY.items() if name != "old"}], "old is missing"),
        ([{**ENTRY, "old": True, "new": None}], "old, new is missing or no text in quotation marks"),
        ([{**ENTRY, "by": 7}], "by is missing or no text"),
        ([{**ENTRY, "by": "Jo Example"}], "a name and a role"),
        ([{**ENTRY, "by": ", Head of Offender Management"}], "a name and a role"),
        ([{**ENTRY, "date": "26 November"}], "a date, year first"),
    ],
)
def test_sign_off_that_does_not_say_who_answers_for_what_does_not_count(entries: object, says: str) -> None:
    """It is refused, says what is wrong, and releases nothing."""
    first, second = signed([finding()], entries, schema="progress 1.1")
    assert first == finding()
    assert (second.rule, second.weight) == ("SIGN-OFF-MALFORMED", Weight.REFUSED)
    assert says in second.what


def test_date_without_quotation_marks_counts_as_yaml_reads_it() -> None:
    """As a date."""
    entries = yaml.safe_load(yaml.safe_dump([{**ENTRY, "date": date(2026, 11, 26)}]))
    assert sign(finding(), entries=entries) == {"CLASS-RELABELLED": Weight.WARNING}
