"""Whether a contract holds: those of contracts/ do, and every fault that is put into one is found."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from hub.consent.ceiling import ceiling
from hub.consent.decision import Outcome
from hub.consent.vocabulary import Value
from hub.messages.envelope import MessageName
from hub.topics import cutter, samples, verification
from hub.topics.contract_files import ContractFile, ContractFolder
from hub.topics.library import SchemaLibrary
from hub.topics.published import message_schemas, view_schemas
from hub.topics.shapes import leaves
from hub.topics.verification import verify
from hub.topics.views import view_of
from tests.unit.agreements import (
    add_version,
    agreed,
    append,
    contract_document,
    contracts_of,
    drop,
    schemas_in,
    write_contract,
)
from tests.unit.avro_values import a_choice, optional
from tests.unit.worlds import policy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LIBRARY = SchemaLibrary.load()
FILES = ContractFolder.load().files
REFERRAL = {"message": "referral", "purposes": ["referral"]}
SERVICE: Mapping[str, frozenset[Value]] = {
    "kind": frozenset({"partner"}),
    "rung": frozenset({2}),
    "legal_status": frozenset({"under_arrangements"}),
    "role": frozenset({"key_worker"}),
}


def found(file: ContractFile, library: SchemaLibrary = LIBRARY) -> list[tuple[str, str]]:
    """Return rule and place of everything in which a contract does not hold."""
    findings = verify(file, library, policy())
    assert all(each.what and each.fix and each.schema.startswith(file.label) for each in findings)
    return [(each.rule, each.where) for each in findings]


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("file", FILES, ids=[each.label for each in FILES])
def test_every_contract_that_comes_with_the_hub_holds(file: ContractFile) -> None:
    """Its view is below the ceiling, its golden records come out as agreed, and so on."""
    assert verify(file, LIBRARY, policy()) == ()


def test_the_contract_the_faults_are_put_into_holds(tmp_path: Path) -> None:
    """So that each finding below is that of its fault."""
    assert found(contracts_of(tmp_path)) == []


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("path", ["risk_management", "victim_safety", "contingency"])
def test_a_field_that_the_rules_never_let_go_is_found_in_the_view(tmp_path: Path, path: str) -> None:
    """By name, whatever state a case is in."""
    view = [*contract_document()["view"], path]
    assert ("CEILING", path) in found(contracts_of(tmp_path, view=view))


@pytest.mark.requirement("R-DIS-01")
def test_what_a_real_contract_leaves_out_is_above_its_ceiling_or_could_be_added() -> None:
    """Field by field, for the plan that the recovery service receives."""
    (file,) = (each for each in FILES if each.label == "recovery-example/plan.v1")
    whole = LIBRARY.current("plan")
    most = ceiling(policy(), MessageName.PLAN, whole.specs, SERVICE)
    assert file.terms.view is not None
    for path in {each for each, _, _ in leaves(whole.shape)} - file.terms.view:
        wider = replace(file, terms=replace(file.terms, view=file.terms.view | {path}), golden=())
        expected = [("CEILING", path)] if most[path] > Outcome.GENERALISE else []
        assert found(wider) == expected


@pytest.mark.parametrize(
    ("expectation", "where"),
    [
        ({"field": "contingency"}, "contingency"),
        ({"field": "gossip"}, "gossip"),
        ({"field": "objectives"}, "objectives"),
        ({"field": "objectives[].purpose", "values": ["REFORM", "GOSSIP"]}, "objectives[].purpose"),
        ({"field": "objectives[].purpose", "values": ["REFORM"]}, "objectives[].purpose"),
        ({"field": "version", "values": ["1"]}, "version"),
    ],
)
def test_an_expectation_that_is_not_met_is_found(
    tmp_path: Path, expectation: dict[str, Any], where: str
) -> None:
    """A field the view lacks, a symbol there is not, and one the partner would not know what to do with."""
    file = contracts_of(tmp_path, expects=[{**expectation, "because": "It relies on it."}])
    assert {*found(file)} == {("EXPECTATION", where)}


def test_an_expectation_that_is_met_is_not_found(tmp_path: Path) -> None:
    """All symbols known, or none named."""
    shape = {path: field.shape for path, field, _ in leaves(LIBRARY.current("plan").shape)}
    symbols = list(shape["objectives[].purpose"].symbols)  # type: ignore[union-attr]
    expects = [
        {"field": "objectives[].purpose", "values": symbols, "because": "x"},
        {"field": "objectives[].purpose", "because": "x"},
    ]
    assert found(contracts_of(tmp_path, expects=expects)) == []


@pytest.mark.parametrize("by", [[], ["Avery"], ["Avery", "Avery"]])
def test_fewer_than_two_people_who_approved_are_found(tmp_path: Path, by: list[str]) -> None:
    """The same person twice is one."""
    approvals = [{**contract_document()["approvals"][0], "by": name} for name in by]
    assert found(contracts_of(tmp_path, approvals=approvals)) == [("APPROVALS", "approvals")]


@pytest.mark.requirement("R-MSG-12")
def test_an_end_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    """No alternative named, or one there is not beside it."""
    ending = {"deprecated": contract_document()["effective"]}
    assert found(contracts_of(tmp_path, **ending)) == [("ALTERNATIVE", "alternative")]
    file = contracts_of(tmp_path, **ending, alternative="plan.v2")
    assert found(file) == [("ALTERNATIVE", "alternative")]
    write_contract(tmp_path, contract_document(contract=2), name="recovery/plan.v2.yaml")
    assert found(file) == []


@pytest.mark.parametrize(
    "view",
    [["change_summary"], ["version", "objectives[].title"], ["version", "gossip"], ["version", "objectives"]],
)
def test_a_view_nothing_could_be_written_by_is_found(tmp_path: Path, view: list[str]) -> None:
    """Without a key, or with a field there is not."""
    assert found(contracts_of(tmp_path, view=view)) == [("VIEW", "view")]


def test_a_range_without_a_version_is_found(tmp_path: Path) -> None:
    """Nothing could be delivered by it."""
    file = contracts_of(tmp_path, versions={"oldest": "7.0", "newest": "7.9"})
    assert found(file) == [("RANGE-EMPTY", "versions")]


def test_a_view_that_changed_after_a_registry_gave_it_an_id_is_found(tmp_path: Path) -> None:
    """As drift, with the command that mends it."""
    contracts_of(tmp_path)
    ids = {"ids": {"recovery/plan.v1.yaml": {"1.0": {"id": 70_001, "digest": "0" * 64}}}}
    (tmp_path / "registry.yaml").write_text(json.dumps(ids), "utf-8")
    (file,) = ContractFolder.load(tmp_path).files
    assert found(file) == [("VIEW", "view")]


def golden(tmp_path: Path, record: object) -> ContractFile:
    """Return the contract with one golden record."""
    file = tmp_path / "recovery" / "golden" / "one.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(record if isinstance(record, str) else json.dumps(record), "utf-8")
    return contracts_of(tmp_path, golden=["golden/one.json"])


WHOLE = {"version": 1, "change_summary": "First", "contingency": "Call"}
AGREED = {"version": 1, "change_summary": "First"}


@pytest.mark.requirement("R-MSG-12")
@pytest.mark.parametrize(
    "view",
    [{"version": 1}, {**AGREED, "change_summary": "Second"}, {**AGREED, "contingency": "Call"}, {}],
)
def test_a_golden_record_that_comes_out_otherwise_than_agreed_is_found(
    tmp_path: Path, view: dict[str, object]
) -> None:
    """A value, a name too few or too many; what is as agreed is not, null or left out."""
    assert (
        found(golden(tmp_path, {"version": "1.0", "whole": WHOLE, "view": {**AGREED, "objectives": None}}))
        == []
    )
    assert found(golden(tmp_path, {"version": "1.0", "whole": WHOLE, "view": view})) == [
        ("GOLDEN", "golden/one.json")
    ]


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize(
    "record",
    [
        "{",
        "[]",
        {"version": "1.0", "whole": WHOLE},
        {"version": "1.0", "whole": [], "view": {}},
        {"version": "1.0", "whole": WHOLE, "view": []},
        {"version": "1.0", "whole": WHOLE, "view": None},
        {"version": "9.9", "whole": WHOLE, "view": AGREED},
        {"version": "1.0", "whole": {}, "view": {}},
        {"version": "1.0", "whole": {"version": "one"}, "view": {}},
        {"version": "1.0", "whole": {"version": 1, "objectives": ["o"]}, "view": {}},
        {
            "version": "1.0",
            "whole": {"version": 1, "objectives": [{"objective": "o", "by": "soon"}]},
            "view": {},
        },
    ],
)
def test_a_golden_record_that_is_none_is_found_and_stops_nothing(tmp_path: Path, record: object) -> None:
    """Nor one that is not there."""
    assert found(golden(tmp_path, record)) == [("GOLDEN", "golden/one.json")]
    (tmp_path / "recovery" / "golden" / "one.json").unlink()
    assert found(ContractFolder.load(tmp_path).files[0]) == [("GOLDEN", "golden/one.json")]


@pytest.mark.requirement("R-MSG-12")
def test_golden_records_of_an_earlier_version_are_still_read_by_the_next(tmp_path: Path) -> None:
    """Compared in their own version; a fault of the view in one version names that version."""
    folder = schemas_in(tmp_path)
    mood = a_choice("Mood", "GOOD", "BAD", default="BAD")
    add_version(folder, "plan", "1.1", append(optional("mood", mood, statement="fact")))
    library = SchemaLibrary.load(folder)
    file = golden(tmp_path / "contracts", {"version": "1.0", "whole": WHOLE, "view": {"version": 1}})
    findings = verify(file, library, policy())
    assert [(each.rule, each.schema) for each in findings] == [("GOLDEN", "recovery/plan.v1 in 1.0")]


@pytest.mark.requirement("R-DIS-01")
def test_a_view_with_only_the_longer_of_two_names_holds(tmp_path: Path) -> None:
    """`key_worker_name` without `key_worker`: the canary of one begins that of the other."""
    view = ["referral", "action", "key_worker_name"]
    write_contract(tmp_path, contract_document(**REFERRAL, view=view), name="recovery/referral.v1.yaml")
    (file,) = ContractFolder.load(tmp_path).files
    assert found(file) == []


@pytest.mark.requirement("R-DIS-01")
def test_a_cutter_that_lets_a_field_through_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes are looked at, not the code: here a cutter that writes one field in another's place."""
    plan = LIBRARY.current("plan")

    class Leaky(cutter.Cutter):
        """Cuts to the view, and puts the contingency where the change summary was."""

        def cut(self, data: bytes, offsets: Any, changes: Mapping[str, object]) -> bytes:  # noqa: ANN401 - of the guard
            leaked = LIBRARY.decode(plan, data)["contingency"]
            return super().cut(data, offsets, {**changes, "change_summary": leaked})

    monkeypatch.setattr(verification, "cutter_for", Leaky)
    assert ("CANARY", "contingency") in found(contracts_of(tmp_path))


@pytest.mark.parametrize("name", list(MessageName))
def test_a_sample_is_a_record_of_its_contract_and_each_canary_stands_in_it_once(name: MessageName) -> None:
    """Full and least alike can be written and read back."""
    contract = LIBRARY.current(name)
    for payload in (samples.full(contract.shape), samples.least(contract.shape)):
        assert LIBRARY.decode(contract, LIBRARY.encode(contract, payload)) == payload
    canaries = samples.canaries(contract.shape, samples.full(contract.shape))
    assert len({*canaries.values()}) == len(canaries)
    assert {*canaries} <= {path for path, _, _ in leaves(contract.shape)}


@pytest.mark.requirement("R-DIS-01")
def test_the_ceiling_lets_a_general_form_go_where_its_exact_field_goes() -> None:
    """And never more than the rules would in any state: what nobody on that rung may know is withheld."""
    specs = LIBRARY.fields(MessageName.REFERRAL, "1.0")
    most = ceiling(policy(), MessageName.REFERRAL, specs, SERVICE)
    assert most["date_of_birth"] <= Outcome.GENERALISE
    assert most["birth_year"] is Outcome.DISCLOSE
    distant = {**SERVICE, "rung": frozenset({4}), "legal_status": frozenset({"none"})}
    least = ceiling(policy(), MessageName.REFERRAL, specs, distant)
    assert all(least[path] >= most[path] for path in most)
    assert least["risk_information"] is Outcome.WITHHOLD


@pytest.mark.requirement("R-MSG-12")
def test_published_schemas_are_numbered_by_subject_and_stand_there_once(tmp_path: Path) -> None:
    """The same view in two contracts is one version; what a partner sends has no view."""
    folder = schemas_in(tmp_path)
    add_version(folder, "plan", "1.1", drop("contingency"))
    library = SchemaLibrary.load(folder)
    terms = agreed(view=["version", "change_summary"], newest="1.0")
    again = replace(terms, number=2)
    wider = replace(terms, number=3, view=frozenset({"version"}))
    schemas = view_schemas(library, (wider, again, terms, replace(terms, partner="housing")))  # type: ignore[arg-type]
    subject = "hub.to.recovery-hub.plan.v1.PlanMessage"
    assert [(each.subject, each.version) for each in schemas] == [
        (subject.replace("recovery", "housing"), 1),
        (subject, 1),
        (subject, 2),
    ]
    whole = library.contract("plan", "1.0")
    assert json.loads(schemas[1].schema) == view_of(whole, terms.view).schema
    assert view_schemas(library, (agreed(direction="sends"),)) == ()
    plans = [each for each in message_schemas(library) if each.subject == "hub.plan.v1.PlanMessage"]
    assert [(each.id, each.version) for each in plans] == [
        (library.contract("plan", version).id, at) for at, version in enumerate(("1.0", "1.1"), 1)
    ]
