"""What a new version of a schema is told: which rule, where, in which words, and what to do instead.

That the verdicts are Avro Java's is shown in tests/contract/test_avro_java.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from hub.topics.avro.compatibility import FINDINGS_MAX, Rule, check
from hub.topics.avro.modes import Mode, compare
from hub.topics.avro.parse import parse
from hub.topics.findings import Finding, Weight
from tests.unit.avro_sources import enum, field, fixed, record


def found(old: object, new: object, mode: Mode) -> Finding:
    """The one finding there is."""
    (finding,) = compare(parse(new), [("progress 1.0", parse(old))], mode, label="progress 1.1")
    return finding


TITLE = field("title", "string")
NULLABLE = ["null", "string"]


@pytest.mark.parametrize(
    ("old", "new", "rule", "where", "why", "fix"),
    [
        (
            record(),
            record(TITLE),
            "FIELD-NO-DEFAULT",
            "title",
            "the field was not there, and has no default",
            'give it a default: make it ["null", "string"] with default null',
        ),
        (
            record(field("name", "string")),
            record(TITLE),
            "FIELD-NO-DEFAULT",
            "title",
            "the field was not there",
            "if it is name renamed, give it that as an alias",
        ),
        (
            record(),
            record(field("due", {"type": "int", "logicalType": "date"})),
            "FIELD-NO-DEFAULT",
            "due",
            "the field was not there",
            'make it ["null", {"type": "int", "logicalType": "date"}] with default null',
        ),
        (record(), record(field("a", NULLABLE)), "FIELD-NO-DEFAULT", "a", "", "give it a default: null"),
        (
            record(),
            record(field("a", ["string", "null"])),
            "FIELD-NO-DEFAULT",
            "a",
            "",
            'null, with "null" the first of its types',
        ),
        (
            record(),
            record(field("a", ["int"])),
            "FIELD-NO-DEFAULT",
            "a",
            "",
            'put "null" first among its types',
        ),
        (
            record(),
            record(field("a", {"type": "array", "items": "int"})),
            "FIELD-NO-DEFAULT",
            "a",
            "",
            "give it a default: []",
        ),
        (
            record(),
            record(field("a", enum("LOW", default="LOW"))),
            "FIELD-NO-DEFAULT",
            "a",
            "",
            "an enum's own default is for unknown symbols only",
        ),
        (
            record(field("list", {"type": "array", "items": record(TITLE, name="p.Item")})),
            record(field("list", {"type": "array", "items": record(field("title", "int"), name="p.Item")})),
            "TYPE-MISMATCH",
            "list[].title",
            "it reads int, and finds string",
            "keep it string, and add a new field for the int beside title",
        ),
        (
            record(field("notes", {"type": "map", "values": NULLABLE})),
            record(field("notes", {"type": "map", "values": "string"})),
            "TYPE-MISMATCH",
            "notes{}",
            "it reads string, and finds null",
            'keep it nullable: make it ["null", "string"]',
        ),
        (
            record(field("risk", enum("LOW", "HIGH"))),
            record(field("risk", enum("LOW"))),
            "SYMBOL-MISSING",
            "risk",
            "it does not know HIGH, and the enum has no default",
            "keep HIGH and mark as deprecated in the enum's doc, or give the enum a default",
        ),
        (
            record(field("hash", fixed(4))),
            record(field("hash", fixed(8))),
            "FIXED-SIZE",
            "hash",
            "it reads fixed p.Hash of 8 bytes, and finds fixed p.Hash of 4 bytes",
            "keep fixed p.Hash of 4 bytes",
        ),
        (
            record(field("hash", fixed(4))),
            record(field("hash", fixed(4, "p.Sum"))),
            "NAME-MISMATCH",
            "hash",
            "it knows the type as p.Sum, and finds p.Hash",
            'keep the name p.Hash, or give the type "aliases": ["p.Hash"]',
        ),
        (
            record(field("a", ["null", "int", {"type": "array", "items": "int"}])),
            record(field("a", ["null", "int"])),
            "UNION-BRANCH-MISSING",
            "a",
            "none of [null, int] reads array of int",
            'keep {"type": "array", "items": "int"} among the types of the union',
        ),
        (
            record(TITLE, field("name", "string")),
            record(field("title", "string", aliases=["name"])),
            "ALIAS-AMBIGUOUS",
            "title",
            "by its name and aliases the field could be any of title, name",
            "remove aliases until only one of title, name is left",
        ),
    ],
)
def test_a_new_version_that_could_not_read_old_messages_is_told_why_and_what_to_do(
    old: object, new: object, rule: str, where: str, why: str, fix: str
) -> None:
    finding = found(old, new, Mode.BACKWARD)
    assert (finding.rule, finding.where, finding.schema) == (rule, where, "progress 1.1")
    assert finding.what.startswith("progress 1.1 could not read what was written with progress 1.0: ")
    assert why in finding.what
    assert fix in finding.fix
    assert finding.weight is Weight.REFUSED


@pytest.mark.parametrize(
    ("old", "new", "rule", "why", "fix"),
    [
        (
            record(TITLE),
            record(field("name", "string", aliases=["title"])),
            "FIELD-NO-DEFAULT",
            "the field is gone, and there it has no default",
            "keep the field and mark it as deprecated in its doc; name can stand beside it",
        ),
        (
            record(TITLE),
            record(field("title", NULLABLE, default=None)),
            "TYPE-MISMATCH",
            "it reads string, and finds null",
            'keep it string, and add a new field ["null", "string"] with default null beside title',
        ),
        (
            record(field("n", "int")),
            record(field("n", "long")),
            "TYPE-MISMATCH",
            "it reads int, and finds long",
            "keep it int, and add a new field for the long beside n",
        ),
        (
            record(field("risk", enum("LOW"))),
            record(field("risk", enum("LOW", "HIGH"))),
            "SYMBOL-MISSING",
            "it does not know HIGH",
            "keep the symbols, and add a new field beside risk for what HIGH would say",
        ),
        (
            record(field("hash", fixed(4))),
            record(field("hash", {**fixed(4, "p.Sum"), "aliases": ["p.Hash"]})),
            "NAME-MISMATCH",
            "it knows the type as p.Hash, and finds p.Sum",
            "keep the name p.Hash: aliases help only the reader that has them",
        ),
        (
            record(field("a", ["null", "int"])),
            record(field("a", ["null", "int", "string"])),
            "UNION-BRANCH-MISSING",
            "none of [null, int] reads string",
            'keep the union, and add a new field ["null", "string"] with default null beside a',
        ),
        (
            record(field("title", "string", aliases=["name"])),
            record(TITLE, field("name", "string")),
            "ALIAS-AMBIGUOUS",
            "any of title, name",
            "give the new field a name that is none of title, name",
        ),
    ],
)
def test_a_new_version_that_old_readers_could_not_read_is_told_why_and_what_to_do(
    old: object, new: object, rule: str, why: str, fix: str
) -> None:
    finding = found(old, new, Mode.FORWARD)
    assert finding.rule == rule
    assert finding.what.startswith("progress 1.0 could not read what is written with progress 1.1: ")
    assert why in finding.what
    assert fix in finding.fix


def test_old_and_new_are_told_from_the_point_of_view_of_the_version_that_changes() -> None:
    narrow, wide = record(field("n", "int")), record(field("n", "long"))
    backward, forward = found(wide, narrow, Mode.BACKWARD), found(narrow, wide, Mode.FORWARD)
    assert (backward.old, backward.new) == ("long", "int")
    assert (forward.old, forward.new) == ("int", "long")


@pytest.mark.parametrize(
    ("rule", "mend"),
    [
        (Rule.FIELD_NO_DEFAULT, record(field("b", NULLABLE, default=None), TITLE)),
        (Rule.TYPE_MISMATCH, record(TITLE, field("title_count", ["null", "int"], default=None))),
    ],
)
def test_the_change_that_is_advised_is_compatible_with_all(rule: Rule, mend: dict[str, Any]) -> None:
    broken = {
        Rule.FIELD_NO_DEFAULT: record(TITLE, field("b", "string")),
        Rule.TYPE_MISMATCH: record(field("title", "int")),
    }
    assert found(record(TITLE), broken[rule], Mode.BACKWARD).rule == rule
    assert compare(parse(mend), [("1", parse(record(TITLE)))], Mode.FULL_TRANSITIVE) == ()


def test_a_type_that_left_a_union_is_told_with_the_whole_union() -> None:
    required = found(record(field("a", NULLABLE)), record(field("a", "string")), Mode.BACKWARD)
    fewer = found(
        record(field("a", ["null", "int", "string"])), record(field("a", ["null", "int"])), Mode.BACKWARD
    )
    assert (required.old, required.new) == ("[null, string]", "string")
    assert (fewer.old, fewer.new) == ("[null, int, string]", "[null, int]")


def test_in_a_union_the_branch_that_was_meant_tells_what_is_wrong_with_it() -> None:
    old = record(field("who", ["null", record(TITLE, name="p.Person")]))
    new = record(field("who", ["null", record(TITLE, field("born", "int"), name="p.Person")]))
    assert found(old, new, Mode.BACKWARD).where == "who.born"


def test_a_problem_of_a_type_used_twice_is_told_once() -> None:
    old = record(field("x", record(name="p.B")), field("y", "p.B"))
    new = record(field("x", record(TITLE, name="p.B")), field("y", "p.B"))
    assert found(old, new, Mode.BACKWARD).where == "x.title"


def test_everything_that_is_wrong_is_told_at_once() -> None:
    old = record(TITLE, field("n", "long"), field("risk", enum("LOW", "HIGH")))
    new = record(field("title", "int"), field("n", "int"), field("risk", enum("LOW")), field("z", "int"))
    findings = check(parse(new), parse(old))
    assert [each.rule.value for each in findings] == [
        "TYPE-MISMATCH",
        "TYPE-MISMATCH",
        "SYMBOL-MISSING",
        "FIELD-NO-DEFAULT",
    ]


def test_findings_are_bounded() -> None:
    new = record(*(field(f"f{number}", "int") for number in range(FINDINGS_MAX + 5)))
    assert len(check(parse(new), parse(record()))) == FINDINGS_MAX


VERSIONS = [
    ("1.0", record(field("a", "int", default=0))),
    ("1.1", record()),
    ("1.2", record(field("a", "string", default=""))),
]


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        (Mode.NONE, []),
        (Mode.BACKWARD, []),
        (Mode.FORWARD, []),
        (Mode.FULL, []),
        (Mode.BACKWARD_TRANSITIVE, ["1.2 could not read what was written with 1.0"]),
        (Mode.FORWARD_TRANSITIVE, ["1.0 could not read what is written with 1.2"]),
        (
            Mode.FULL_TRANSITIVE,
            ["1.2 could not read what was written with 1.0", "1.0 could not read what is written with 1.2"],
        ),
    ],
)
def test_a_mode_decides_which_versions_and_which_directions_count(mode: Mode, told: list[str]) -> None:
    *older, (label, new) = [(label, parse(schema)) for label, schema in VERSIONS]
    findings = compare(new, older, mode, label=label)
    assert [finding.what.partition(":")[0] for finding in findings] == told


def test_a_first_version_has_nothing_in_its_way() -> None:
    assert compare(parse(record(TITLE)), [], Mode.FULL_TRANSITIVE) == ()


def test_a_record_that_contains_itself_is_compared_to_its_end() -> None:
    old = record(TITLE, field("next", ["null", "p.R"]))
    new = record(TITLE, field("next", ["null", "p.R"]), field("b", "int"))
    assert found(old, new, Mode.BACKWARD).where == "b"
    assert check(parse(old), parse(new)) == ()
