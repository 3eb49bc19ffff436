"""No new version lets out more than the one before, and no mark that holds back is given up unseen."""

from __future__ import annotations

import copy
from collections import Counter
from time import perf_counter
from typing import TYPE_CHECKING

import pytest

from hub.consent.decision import Scope
from hub.consent.looseness import Label
from hub.consent.matrix import SENSITIVE
from hub.messages.envelope import InformationClass, MessageName, Subject
from hub.topics.avro.errors import SchemaRefused
from hub.topics.avro.parse import parse
from hub.topics.findings import Finding, Weight
from hub.topics.gates.classes import class_gate, class_gates
from tests.unit.cell_oracle import POLICY, outcomes
from tests.unit.contract_mutations import (
    class_mutations,
    contracts,
    field,
    message,
    record_of,
    relabellings,
    spots,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.unit.contract_mutations import Json

CONTRACTS = contracts()
STOPS = {Weight.REFUSED, Weight.SIGN_OFF}


def gate(old: Json, new: Json) -> tuple[Finding, ...]:
    """What the gate says of two versions."""
    return class_gate(parse(old), parse(new), policy=POLICY, schema="progress 1.1")


def rules(findings: Sequence[Finding]) -> set[tuple[str, str, Weight]]:
    """Rule, place and weight of each finding."""
    return {(each.rule, each.where, each.weight) for each in findings}


@pytest.mark.requirement("R-MSG-12")
@pytest.mark.parametrize("name", CONTRACTS)
def test_no_spoilt_contract_passes_the_class_gate(name: str) -> None:
    """At every field of every contract; each is found by the rule for it and stopped."""
    schema = CONTRACTS[name]
    old = parse(schema)
    mutations = list(class_mutations(schema))
    survivors = []
    for each in mutations:
        found = class_gate(old, parse(each.new), policy=POLICY, schema=name)
        if not any((it.rule, it.where) == (each.rule, each.path) and it.weight in STOPS for it in found):
            survivors.append((each.name, each.path, each.rule))
    assert survivors == []


@pytest.mark.requirement("R-MSG-12")
@pytest.mark.parametrize("name", CONTRACTS)
def test_no_class_or_subject_by_which_more_goes_passes_unsigned(name: str) -> None:
    """Every other class and subject at every field, judged cell by cell from the rules themselves."""
    schema = CONTRACTS[name]
    old = parse(schema)
    kind = next((each for each in MessageName if name.startswith(f"{each} ")), None)
    said = {each.path: each.said for each in spots(schema)}
    counted: Counter[Weight] = Counter()
    for each, becomes in relabellings(schema):
        findings = class_gate(old, parse(each.new), policy=POLICY, schema=name)
        here = [it for it in findings if it.where == each.path and it.rule != "PARENT-LOOSER"]
        assert len(here) == 1, (each.name, each.path, here)
        counted[here[0].weight] += 1
        labels = label(each.path, said[each.path]), label(each.path, becomes)
        scopes = (Scope.THEIRS, Scope.OTHERS) if is_owned(schema, each.path) else (Scope.ALL,)
        if here[0].weight not in STOPS:
            assert here[0].rule == "CLASS-STRICTER"
            assert not more_goes(*labels, kind, scopes)
            assert not more_goes(*usual(labels), None, (Scope.ALL,))
        if here[0].weight is Weight.REFUSED:
            assert more_goes(*labels, kind, scopes) or more_goes(*usual(labels), None, (Scope.ALL,))
    assert counted[Weight.REFUSED] + counted[Weight.SIGN_OFF] > len(said)


def label(path: str, said: Json) -> Label:
    """What a field says, as the rules look at it."""
    return Label(
        information_class=InformationClass(said["infoClass"]),
        subject=Subject(said["subject"]),
        sensitive=said["sensitive"],
        field=path,
        general="general" in said,
    )


def usual(labels: tuple[Label, Label]) -> tuple[Label, Label]:
    """The classes alone: of any field of the person's, sensitive as such a class usually is."""
    old, new = (each.information_class for each in labels)
    return (
        Label(information_class=old, sensitive=old in SENSITIVE),
        Label(information_class=new, sensitive=new in SENSITIVE),
    )


def is_owned(schema: Json, path: str) -> bool:
    """Whether a field lies in a record that says to whom it belongs."""
    return any("own" in record_of(schema, each.steps) for each in spots(schema) if each.path == path)


def more_goes(old: Label, new: Label, kind: MessageName | None, scopes: Sequence[Scope]) -> bool:
    """Whether some cell is more open: in the message itself or, if nothing differs there, in any."""
    for messages in ((kind,) if kind else (), tuple(MessageName)):
        pairs = [
            (outcomes(old, each, scope), outcomes(new, each, scope)) for each in messages for scope in scopes
        ]
        if any(before != after for before, after in pairs):
            return any(after[spot] < before[spot] for before, after in pairs for spot in before)
    return False


def test_mutations_are_seeded_at_every_field_and_many() -> None:
    """No contract of kind message or envelope is left out; the number is of thousands."""
    seeded = {name: [*class_mutations(schema)] for name, schema in CONTRACTS.items()}
    classes = sum(1 for schema in CONTRACTS.values() for _ in relabellings(schema))
    marks = sum(map(len, seeded.values()))
    print(f"{marks} mutations of marks, {classes} of classes and subjects")
    assert set(MessageName) | {"envelope", "submission"} == {name.split()[0] for name in seeded}
    assert marks > 1_500
    assert classes > 3_000


@pytest.mark.parametrize("name", CONTRACTS)
def test_contract_that_did_not_change_has_no_findings(name: str) -> None:
    """The same file read twice."""
    schema = CONTRACTS[name]
    assert class_gate(parse(schema), parse(copy.deepcopy(schema)), policy=POLICY, schema=name) == ()


@pytest.mark.requirement("R-DIS-06")
def test_health_field_that_became_progress_is_refused_in_the_words_of_the_field() -> None:
    """What every schema registry passes."""
    mark, found = gate(message(field("note", "health")), message(field("note")))

    assert (mark.rule, mark.weight) == ("SENSITIVE-LOST", Weight.REFUSED)
    assert (found.rule, found.where, found.weight) == ("CLASS-LOOSER", "note", Weight.REFUSED)
    assert (found.old, found.new) == ("health", "progress")
    assert found.what.startswith(
        "Class health became progress, which is looser: a Key Worker of a mainstream"
    )
    assert "would get it disclosed for progress where today it is withheld" in found.what
    assert found.fix == "keep class health; what really is of class progress comes as a field of a new name"


def test_field_that_lost_its_class_is_refused() -> None:
    """No rule would hold it back."""
    bare = field("note")
    del bare["infoClass"]
    assert rules(gate(message(field("note")), message(bare))) == {("CLASS-LOST", "note", Weight.REFUSED)}


def test_stricter_class_is_allowed_and_says_who_may_no_longer_get_it() -> None:
    """A warning, no more."""
    (found,) = gate(message(field("note", "identity")), message(field("note", "victim")))

    assert (found.rule, found.weight) == ("CLASS-STRICTER", Weight.WARNING)
    assert "would have it withheld" in found.what


def test_class_that_is_stricter_only_as_things_usually_are_is_for_people_to_decide() -> None:
    """With consent a supervisor gets what is said of third parties, but no such identity: states count."""
    (found,) = gate(
        message(field("note", "identity")), message(field("note", "third_party", sensitive=False))
    )

    assert (found.rule, found.weight) == ("CLASS-NOT-COMPARABLE", Weight.SIGN_OFF)
    assert "stricter only usually" in found.what
    assert "more of it would go with" in found.what


def test_field_that_became_sensitive_is_a_warning() -> None:
    """Tightened."""
    found = gate(message(field("note", "risk")), message(field("note", "risk", sensitive=True)))
    assert rules(found) == {("SENSITIVE-GAINED", "note", Weight.WARNING)}
    unsaid = message(field("note", "risk", sensitive=None))
    assert gate(unsaid, message(field("note", "risk", sensitive=True))) == ()


def test_classes_that_no_cell_tells_apart_are_for_people_to_decide() -> None:
    """Consents and protocols are given for a class, so it is not nothing."""
    (found,) = gate(message(field("remark", "identity")), message(field("remark", "contact")))

    assert (found.rule, found.weight) == ("CLASS-NOT-COMPARABLE", Weight.SIGN_OFF)
    assert "consents and protocols are for a class" in found.what


def test_alias_does_not_hide_a_looser_class() -> None:
    """`note2` with alias `note` is `note`; so is a name that was an alias before."""
    old = message(field("note", "health"))
    new = message(field("note2", "progress", aliases=["note"]))
    assert ("CLASS-LOOSER", "note2", Weight.REFUSED) in rules(gate(old, new))

    before = message(field("note", "health", aliases=["remark"]))
    assert ("CLASS-LOOSER", "remark", Weight.REFUSED) in rules(gate(before, message(field("remark"))))


def test_field_dropped_while_one_of_its_type_appears_under_a_looser_class_is_for_sign_off() -> None:
    """Under the same class it is nothing."""
    old = message(field("note", "health"), field("other"))
    assert rules(gate(old, message(field("other"), field("text", "progress")))) == {
        ("CLASS-RELABELLED", "text", Weight.SIGN_OFF)
    }
    assert gate(old, message(field("other"), field("text", "health"))) == ()
    assert gate(old, message(field("other"), field("text", "progress", type=["null", "int"]))) == ()
    assert gate(old, message(field("other"))) == ()


def test_each_dropped_field_is_compared_whatever_its_name_opens() -> None:
    """A forename goes further than progress does; another of its class does not."""
    old = message(field("forename", "identity"), field("remark", "identity"), name="referral")
    (found,) = gate(old, message(field("text", "plan_objective"), name="referral"))
    assert found.old == "remark: identity"


def test_version_that_changes_hundreds_of_fields_each_way_is_refused() -> None:
    """It is another message, and comparing all with all has an end."""
    old = message(*(field(f"old_{number}", "health") for number in range(101)))
    new = message(*(field(f"new_{number}", "health") for number in range(101)))
    with pytest.raises(SchemaRefused, match="101 fields dropped and 101 added"):
        gate(old, new)


def test_rename_into_a_name_that_rules_open_is_refused() -> None:
    """The class stays, yet rules name fields."""
    old = message(field("remark", "identity"), name="referral")
    new = message(field("forename", "identity", aliases=["remark"]), name="referral")
    assert rules(gate(old, new)) == {("NAME-LOOSER", "forename", Weight.REFUSED)}


def test_looser_parent_is_a_warning_where_it_is_new() -> None:
    """A list of progress with a new victim field inside; one that was always so is left alone."""

    def listed(*inner: Json) -> Json:
        record = {"type": "record", "name": "Item", "fields": list(inner)}
        return message({**field("list"), "type": ["null", {"type": "array", "items": record}]})

    new = listed(field("note"), field("name", "victim", subject="victim"))
    assert rules(gate(listed(field("note")), new)) == {("PARENT-LOOSER", "list[].name", Weight.WARNING)}
    assert gate(new, copy.deepcopy(new)) == ()


@pytest.mark.parametrize(
    ("before", "after", "rule", "weight"),
    [
        ({}, {"key": True}, "KEY-CHANGED", Weight.WARNING),
        ({}, {"pairwise": "case"}, "PAIRWISE-GAINED", Weight.WARNING),
        ({"pairwise": "case"}, {"pairwise": "message"}, "PAIRWISE-LOST", Weight.REFUSED),
        ({}, {"general": "year", "generaliser": "year"}, "GENERAL-CHANGED", Weight.SIGN_OFF),
        ({"general": "year", "generaliser": "year"}, {}, "GENERAL-CHANGED", Weight.WARNING),
        ({"key": True}, {"key": 1}, "KEY-CHANGED", Weight.REFUSED),
        ({"sensitive": None}, {"sensitive": False}, "SENSITIVE-LOST", Weight.REFUSED),
        ({"subject": "victim"}, {"subject": "person"}, "SUBJECT-CHANGED", Weight.REFUSED),
        ({"subject": "person"}, {"subject": "victim"}, "SUBJECT-CHANGED", Weight.SIGN_OFF),
        ({"subject": "person"}, {"subject": "nobody"}, "SUBJECT-CHANGED", Weight.REFUSED),
    ],
)
def test_marks_are_weighed_by_what_they_let_out(before: Json, after: Json, rule: str, weight: Weight) -> None:
    """Given up is refused, taken on a warning, and what opens something by intent is signed."""
    found = gate(message(field("note", **before)), message(field("note", **after)))
    assert rules(found) == {(rule, "note", weight)}


def test_list_items_given_an_owner_are_for_sign_off() -> None:
    """From then on each organisation gets its own by other rules."""

    def listed(**more: str) -> Json:
        record = {"type": "record", "name": "Item", "fields": [field("who"), field("note")], **more}
        return message(field("list", type=["null", {"type": "array", "items": record}]))

    found = gate(listed(), listed(own="who"))
    assert rules(found) == {("OWN-CHANGED", "list[]", Weight.SIGN_OFF)}


@pytest.mark.requirement("R-MSG-12")
def test_name_dropped_and_given_again_is_held_to_its_first_class() -> None:
    """1.0 health, 1.1 without, 1.2 progress: the version before knows nothing of it."""
    first = parse(message(field("note", "health"), field("other")))
    second = parse(message(field("other")))
    third = parse(message(field("note", "progress"), field("other")))

    assert class_gate(second, third, policy=POLICY, schema="progress 1.2") == ()
    found = class_gates(third, [("1.0", first), ("1.1", second)], policy=POLICY, schema="progress 1.2")
    assert {each.rule for each in found} == {"CLASS-LOOSER", "SENSITIVE-LOST"}
    assert all("in 1.0" in each.what for each in found)


def test_warning_never_stands_for_what_is_refused_at_the_same_place() -> None:
    """One rule, two weights: a general form that became a field of its own and lost its own general form."""
    old = message(field("note", isGeneral=True, general="year", generaliser="year"))
    found = class_gates(parse(message(field("note"))), [("1.0", parse(old))], policy=POLICY, schema="x 1.1")
    assert rules(found) == {
        ("GENERAL-CHANGED", "note", Weight.REFUSED),
        ("GENERAL-CHANGED", "note", Weight.WARNING),
    }


def test_list_given_again_without_its_owner_is_held_to_the_owner_it_had() -> None:
    """Items would be decided as nobody's."""

    def listed(**more: str) -> Json:
        record = {"type": "record", "name": "Item", "fields": [field("who"), field("note")], **more}
        return message(field("list", type=["null", {"type": "array", "items": record}]))

    older = [("1.0", parse(listed(own="who"))), ("1.1", parse(message(field("other"))))]
    found = class_gates(parse(listed()), older, policy=POLICY, schema="progress 1.2")
    assert ("OWN-CHANGED", "list[]", Weight.REFUSED) in rules(found)


def test_what_the_version_before_has_is_not_judged_again() -> None:
    """What was signed off or warned of when that was released is no finding of the next."""
    first = parse(message(field("note", "identity")))
    second = parse(message(field("note", "intelligence", sensitive=False)))
    third = parse(message(field("note", "intelligence", sensitive=False), field("more")))
    older = [("1.0", first), ("1.1", second)]

    assert class_gates(third, older, policy=POLICY, schema="progress 1.2") == ()


def test_first_version_is_asked_for_classes_alone() -> None:
    """There is nothing to compare with."""
    bare = {"name": "bare", "type": "string"}
    found = class_gates(parse(message(field("note"), bare)), [], policy=POLICY, schema="progress 1.0")
    assert rules(found) == {("CLASS-MISSING", "bare", Weight.REFUSED)}


def test_gates_are_quick_enough_for_a_tree_of_fifty_versions() -> None:
    """Fifty versions of the largest contract, each with one field more, each against all before it."""
    largest = max(CONTRACTS.values(), key=lambda schema: len(str(schema)))
    versions = []
    for number in range(50):
        schema = copy.deepcopy(largest)
        schema["fields"] += [field(f"more_{each}") for each in range(number)]
        versions.append((f"1.{number}", parse(schema)))
    began = perf_counter()
    for number, (name, version) in enumerate(versions):
        assert class_gates(version, versions[:number], policy=POLICY, schema=name) == ()
    took = perf_counter() - began
    print(f"50 versions, 1,225 pairs: {took * 1000:.0f} ms")
    assert took < 1
