"""Looser is what the matrix says it is: some cell more open, none less; and it says itself in words."""

from __future__ import annotations

from functools import cache
from itertools import product
from time import perf_counter

import pytest

from hub.consent.compile import Policy, compile_policy
from hub.consent.decision import Outcome, Scope
from hub.consent.looseness import USUAL, Comparison, Label, Relation, compare
from hub.consent.matrix import cells
from hub.consent.prove import OTHER_FIELD
from hub.messages.envelope import InformationClass, MessageName, Subject
from hub.topics.policy_files import read_policy
from tests.unit.cell_oracle import POLICY, outcomes

HEALTH = Label(information_class=InformationClass.HEALTH, sensitive=True, field="health_note")
PROGRESS = Label(information_class=InformationClass.PROGRESS, field="health_note")
PAIRS = tuple(product(InformationClass, repeat=2))


@cache
def label(information_class: InformationClass, field: str = OTHER_FIELD) -> Label:
    """A field as the schemas label those of a class."""
    victim = information_class is InformationClass.VICTIM
    return Label(
        information_class=information_class,
        sensitive=information_class in {InformationClass.HEALTH, InformationClass.INTELLIGENCE},
        subject=Subject.VICTIM if victim else Subject.PERSON,
        field=field,
        general=True,
    )


@pytest.mark.requirement("R-DIS-01")
def test_health_that_became_progress_is_looser_and_says_for_whom() -> None:
    """A policy officer reads role, rung, purpose, and both outcomes."""
    found = compare(POLICY, HEALTH, PROGRESS, message=MessageName.PROGRESS)

    assert found.relation is Relation.LOOSER
    assert found.sentence.startswith(
        "a Key Worker of a mainstream service with a duty to reach out (rung 3) would get it disclosed for"
        " progress where today it is withheld; but with consent, an Offender Management Unit would have it"
        " withheld for progress where today it is disclosed ("
    )


@pytest.mark.requirement("R-DIS-06")
def test_victim_data_under_any_other_class_of_the_person_is_never_stricter_or_equal() -> None:
    """What protects a victim cannot be given up by a change of class."""
    victim = Label(information_class=InformationClass.VICTIM)
    for other in InformationClass:
        if other is not InformationClass.VICTIM:
            found = compare(POLICY, victim, Label(information_class=other))
            assert found.relation in {Relation.LOOSER, Relation.NOT_COMPARABLE}, other


@pytest.mark.requirement("R-DIS-06")
def test_subject_counts_as_disclosure_counts_it() -> None:
    """Data about a victim is held to the victims' rules whatever its class; about the person it is not."""
    about_victim = Label(information_class=InformationClass.CONTACT, subject=Subject.VICTIM)
    about_person = Label(information_class=InformationClass.CONTACT)

    assert compare(POLICY, about_victim, about_person).relation is Relation.LOOSER
    assert compare(POLICY, about_person, about_victim).relation is Relation.STRICTER


def test_sensitive_mark_given_up_is_looser_where_rules_ask_for_it() -> None:
    """Permits are for ordinary data unless they say otherwise."""
    marked = Label(information_class=InformationClass.RISK, sensitive=True)
    plain = Label(information_class=InformationClass.RISK)

    assert compare(POLICY, marked, plain).relation is Relation.LOOSER
    assert compare(POLICY, plain, marked).relation is Relation.STRICTER


def test_name_counts_where_rules_name_fields() -> None:
    """A forename goes where no other identity does."""
    forename = Label(information_class=InformationClass.IDENTITY, field="forename")
    other = Label(information_class=InformationClass.IDENTITY)

    assert compare(POLICY, other, forename).relation is Relation.LOOSER


def test_general_form_counts_where_the_rules_generalise() -> None:
    """Without one, what should be generalised is withheld."""
    with_form = Label(information_class=InformationClass.IDENTITY, field="date_of_birth", general=True)
    without = Label(information_class=InformationClass.IDENTITY, field="date_of_birth")
    found = compare(POLICY, without, with_form)

    assert found.relation is Relation.LOOSER
    assert {each.after for each in found.differences} == {Outcome.GENERALISE}
    assert "would get it generalised" in found.sentence


def test_items_of_others_count_apart_where_a_list_has_owners() -> None:
    """The cell says whose item it is."""
    old, new = label(InformationClass.RISK), label(InformationClass.PLAN_OBJECTIVE)
    found = compare(POLICY, old, new, message=MessageName.PLAN, own=True)

    assert {each.scope for each in found.differences} == {Scope.THEIRS, Scope.OTHERS}
    assert "in items of" in found.sentence


def test_no_message_of_its_own_to_differ_in_leaves_it_to_the_others() -> None:
    """Two labels alike in one message are compared by what they mean elsewhere."""
    forename = Label(information_class=InformationClass.CONTACT, field="phone")
    other = Label(information_class=InformationClass.CONTACT, field="fax")
    found = compare(POLICY, other, forename, message=MessageName.PROGRESS)

    assert found.relation is Relation.LOOSER
    assert MessageName.PROGRESS not in {each.message for each in found.differences}


@pytest.mark.parametrize("message", [MessageName.PROGRESS, MessageName.RISK_CHANGE, MessageName.CASE])
def test_relation_is_what_the_rules_say_cell_by_cell(message: MessageName) -> None:
    """Every pair of classes, against outcomes worked out rule by rule."""
    for one, other in PAIRS:
        before, after = outcomes(label(one), message), outcomes(label(other), message)
        expected = {spot: (before[spot], after[spot]) for spot in before if before[spot] != after[spot]}
        if not expected:
            continue
        found = compare(POLICY, label(one), label(other), message=message)
        evidence = {
            (each.role, each.rung, each.situation): (each.before, each.after) for each in found.differences
        }
        assert evidence == expected
        opens = {was > becomes for was, becomes in expected.values()}
        values = {
            was > becomes
            for (_, _, situation), (was, becomes) in expected.items()
            if situation == USUAL and min(was, becomes) < Outcome.REDACT
        }
        if opens == {True} or values == {True}:
            assert found.relation is Relation.LOOSER
        else:
            assert found.relation is (Relation.STRICTER if opens == {False} else Relation.NOT_COMPARABLE)


def test_what_the_matrix_shows_as_more_open_is_never_called_stricter() -> None:
    """The cells people read and the comparison agree, class by class, for fields no rule names."""
    shown = {
        information_class: {
            (cell.role, cell.rung, cell.purpose): cell.outcome
            for cell in cells(POLICY, classes=[information_class])
            if cell.field == OTHER_FIELD
        }
        for information_class in InformationClass
    }
    # The matrix takes intelligence and health as sensitive, and every field as about the person.
    for one, other in PAIRS:
        if any(shown[other][spot] < shown[one][spot] for spot in shown[one]):
            old = Label(information_class=one, sensitive=label(one).sensitive, general=True)
            new = Label(information_class=other, sensitive=label(other).sensitive, general=True)
            found = compare(POLICY, old, new)
            assert found.relation in {Relation.LOOSER, Relation.NOT_COMPARABLE}, (one, other)


def test_comparison_is_the_same_both_ways_round() -> None:
    """Equal both ways or neither; the cells are the same ones, turned round; stricter one way opens back."""
    for one, other in PAIRS:
        there, back = (
            compare(POLICY, label(one), label(other)),
            compare(POLICY, label(other), label(one)),
        )
        assert (there.relation is Relation.EQUAL) == (back.relation is Relation.EQUAL)
        assert [(each.before, each.after) for each in there.differences] == [
            (each.after, each.before) for each in back.differences
        ]
        if there.relation is Relation.STRICTER:
            assert back.relation is Relation.LOOSER


def test_stricter_twice_is_stricter_than_at_first() -> None:
    """No chain of allowed steps leads to more being let out."""
    stricter = {
        (one, other)
        for one, other in PAIRS
        if compare(POLICY, label(one), label(other)).relation is Relation.STRICTER
    }
    assert stricter
    for one, between in stricter:
        for start, last in stricter:
            if start == between:
                assert compare(POLICY, label(one), label(last)).relation is Relation.STRICTER


def test_label_compared_with_itself_is_equal_and_says_so() -> None:
    """Nothing differs."""
    for each in InformationClass:
        found = compare(POLICY, label(each), label(each))
        assert found == Comparison(relation=Relation.EQUAL, differences=())
        assert found.sentence == "nobody would get more or less"


def test_classes_are_compared_with_each_other_in_well_under_a_second() -> None:
    """By rules nobody looked at before."""
    fresh = compile_policy(read_policy(), version="of this test alone")
    began = perf_counter()
    found = [_compared(fresh, one, other) for one, other in PAIRS]

    assert len(found) == 100
    assert perf_counter() - began < 0.5


def _compared(policy: Policy, one: InformationClass, other: InformationClass) -> Relation:
    """Compare two classes."""
    return compare(policy, label(one), label(other)).relation
