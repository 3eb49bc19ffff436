"""The folder contracts/: what a file says, every way it can be wrong, what may be put in force."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from hub.consent.contract_changes import check_change, check_open_to_new, to_put_in_force
from hub.consent.parties import Kind, LegalStatus
from hub.consent.partner_contracts import Direction, contract_from
from hub.errors import Drift, NotConfigured, NotReadable
from hub.messages.envelope import Role
from hub.messages.identifiers import Instant
from hub.routing.agreeing import serves_not
from hub.topics.contract_files import ContractFolder, control_body, write_registry_ids
from hub.topics.library import SchemaLibrary
from hub.topics.published import view_schemas
from hub.topics.shapes import leaves
from hub.topics.views import derived_id, schema_on_wire, view_in
from tests.unit.agreements import (
    BEGIN,
    add_version,
    agreed,
    append,
    contract_document,
    contracts_of,
    declare_steps,
    drop,
    field_of,
    schemas_in,
    set_status,
    write_contract,
)
from tests.unit.avro_values import optional

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY = SchemaLibrary.load()
DAY = 86_400_000
APPROVAL = {"by": "A", "role": "B", "date": date(2026, 1, 1)}
RECIPIENT = contract_document()["recipient"]
VERSIONS = {"oldest": "1.0", "newest": "1.9"}


def recipient(**said: object) -> dict[str, Any]:
    """Return what the partner is, but for what is said."""
    return {"recipient": {**RECIPIENT, **said}}


def without(name: str, inside: str | None = None) -> dict[str, Any]:
    """Return the document without a field, or without one of a field's own."""
    document = contract_document()
    del (document[inside] if inside else document)[name]
    return document


@pytest.mark.requirement("R-MSG-12")
def test_a_file_says_what_was_agreed(tmp_path: Path) -> None:
    """Terms, recipient, expectations, golden records, owner and who approved it."""
    file = contracts_of(
        tmp_path,
        expects=[{"field": "version", "because": "It sorts by it.", "values": ["A", "B"]}],
        golden=["golden/plan.v1-full.json"],
        deprecated=datetime(2027, 1, 1, 12, tzinfo=UTC),
        sunset=date(2027, 7, 1),
        alternative="plan.v2",
    )
    assert file.label == "recovery/plan.v1"
    assert (file.terms.effective, file.terms.removal) == (1_767_225_600_000, None)
    assert (file.terms.deprecated, file.terms.sunset) == (1_798_804_800_000, 1_814_400_000_000)
    assert file.terms.view is not None
    assert len(file.terms.view) == 4
    assert (file.recipient.kind, file.recipient.rung) == (Kind.PARTNER, 2)
    assert (file.recipient.legal_status, file.recipient.roles) == (
        LegalStatus.UNDER_ARRANGEMENTS,
        (Role.KEY_WORKER,),
    )
    assert [(each.field, each.values) for each in file.expects] == [("version", ("A", "B"))]
    assert file.golden == (tmp_path / "recovery" / "golden" / "plan.v1-full.json",)
    assert [each.by for each in file.approvals] == ["Avery Fictional", "Blake Invented"]
    assert file.versions(LIBRARY) == ("1.0",)
    assert contract_from(control_body(file.terms)) == file.terms


def test_the_contracts_of_the_demonstration_come_back_from_their_control_records() -> None:
    """Every file of contracts/; one partner's are found by its name."""
    folder = ContractFolder.load()
    assert folder.files
    for file in folder.files:
        assert contract_from(control_body(file.terms)) == file.terms
        assert file in folder.of(file.terms.partner)
    assert {*folder.partners()} == {file.terms.partner for file in folder.files}


def test_a_folder_that_is_not_there_is_refused_and_an_empty_one_has_no_contracts(tmp_path: Path) -> None:
    """A mistyped name must not pass for no contracts: nothing would narrow what goes."""
    assert ContractFolder.load(tmp_path).files == ()
    with pytest.raises(NotConfigured, match="nowhere"):
        ContractFolder.load(tmp_path / "nowhere")


WRONG: dict[str, tuple[object, str]] = {
    "no YAML": ("partner: [", "recovery/plan.v1.yaml"),
    "a list": ([contract_document()], "not a mapping"),
    "empty": ("", "not a mapping"),
    "too long": ("#" * 1_100_000, "larger than"),
    "an unknown field": (
        contract_document(effective_at="x"),
        "effective_at: not a field of a contract; did you mean",
    ),
    "another message": (contract_document(message="referral"), "message and contract must be those of"),
    "another number": (contract_document(contract=2), "message and contract must be those of"),
    "true for its number": (contract_document(contract=True), "contract.number"),
    "another partner": (
        contract_document(partner="housing"),
        "partner must be the name of the file's folder",
    ),
    "no direction": (without("direction"), "direction"),
    "an unknown direction": (contract_document(direction="both"), "contract.direction"),
    "no recipient": (without("recipient"), "recipient"),
    "a recipient that is text": (contract_document(recipient="partner"), "recipient: must be fields"),
    "a recipient without kind": (without("kind", "recipient"), "kind"),
    "an unknown kind": (contract_document(**recipient(kind="friend")), "recipient.kind"),
    "a rung that is text": (contract_document(**recipient(rung="two")), "recipient.rung"),
    "a rung there is not": (contract_document(**recipient(rung=7)), "recipient.rung"),
    "a rung between two": (contract_document(**recipient(rung=2.5)), "recipient.rung"),
    "an unknown status": (contract_document(**recipient(legal_status="some")), "recipient.legal_status"),
    "an unknown role": (contract_document(**recipient(roles=["uncle"])), "recipient.roles"),
    "a role that is text": (contract_document(**recipient(roles="key_worker")), "recipient.roles: must be"),
    "no role": (contract_document(**recipient(roles=[])), "recipient.roles"),
    "no versions": (without("versions"), "versions"),
    "versions that are a list": (contract_document(versions=["1.0", "1.9"]), "versions: must be fields"),
    "no newest version": (without("newest", "versions"), "newest"),
    "a version that is a number": (
        contract_document(versions={**VERSIONS, "oldest": 1.0}),
        "contract.oldest",
    ),
    "no purposes": (without("purposes"), "purposes"),
    "an unknown purpose": (contract_document(purposes=["gossip"]), "contract.purposes"),
    "purposes without its own": (contract_document(purposes=["progress"]), "contract.purposes"),
    "an empty view": (contract_document(view=[]), "contract.view"),
    "a view that is text": (contract_document(view="version"), "contract.view"),
    "a view of numbers": (contract_document(view=[1]), "contract.view"),
    "no effective date": (without("effective"), "contract.effective"),
    "a date that is text": (contract_document(effective="soon"), "effective: must be a date"),
    "a date that is true": (contract_document(effective=True), "effective: must be a date"),
    "an instant without offset": (contract_document(effective=datetime(2026, 1, 1, 12)), "effective"),  # noqa: DTZ001 - what is wrong
    "a sunset without warning": (contract_document(sunset=date(2027, 1, 1)), "contract.deprecated"),
    "a day before its beginning": (contract_document(deprecated=date(2025, 1, 1)), "contract.deprecated"),
    "an alternative of no contract": (contract_document(alternative="another"), "contract.alternative"),
    "expectations that are text": (contract_document(expects="version"), "expects: must be a list"),
    "an expectation that is text": (contract_document(expects=["version"]), "expects: must be fields"),
    "an expectation without reason": (contract_document(expects=[{"field": "version"}]), "because"),
    "an expectation of nothing": (
        contract_document(expects=[{"field": " ", "because": "x"}]),
        "expects.field",
    ),
    "expected values that are text": (
        contract_document(expects=[{"field": "a", "because": "x", "values": "LOW"}]),
        "expects.values",
    ),
    "golden records that are text": (contract_document(golden="golden/a.json"), "golden: must be a list"),
    "a golden record that is a number": (contract_document(golden=[1]), "golden: must be a text"),
    "no owner": (without("owner"), "owner"),
    "an owner that is a number": (contract_document(owner=1), "owner: must be a text"),
    "an approval that is text": (contract_document(approvals=["Avery"]), "approvals: must be fields"),
    "an approval without date": (contract_document(approvals=[{"by": "A", "role": "B"}]), "date"),
    "an approval by nobody": (contract_document(approvals=[{**APPROVAL, "by": ""}]), "approvals.by"),
    "an approval some day": (
        contract_document(approvals=[{**APPROVAL, "date": "some day"}]),
        "approvals.date",
    ),
}


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_is_wrong_is_refused_by_file_and_field(tmp_path: Path, name: str) -> None:
    """With what to do about it; the folder is not loaded in part."""
    document, said = WRONG[name]
    write_contract(tmp_path, document)
    with pytest.raises(NotConfigured) as refused:
        ContractFolder.load(tmp_path)
    assert str(refused.value).startswith("contracts/recovery/plan.v1.yaml: ")
    assert said in str(refused.value)
    assert refused.value.fix


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize(
    "name", ["Plan.v1.yaml", "plan.v01.yaml", "plan.v1000.yaml", "plan.v.yaml", "plan.v1.0.yaml"]
)
def test_a_file_with_another_kind_of_name_is_refused(tmp_path: Path, name: str) -> None:
    """Two names for one contract would be two contracts."""
    write_contract(tmp_path, contract_document(), name=f"recovery/{name}")
    with pytest.raises(NotConfigured, match="named like"):
        ContractFolder.load(tmp_path)


def test_a_file_that_is_not_text_is_refused_by_name(tmp_path: Path) -> None:
    """Bytes that are no UTF-8."""
    write_contract(tmp_path, contract_document()).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(NotConfigured, match=r"recovery/plan\.v1\.yaml"):
        ContractFolder.load(tmp_path)


@pytest.mark.requirement("R-MSG-12")
@pytest.mark.parametrize("name", ["oldest", "newest", "view", "purposes", "effective"])
def test_what_a_contract_in_effect_lets_through_does_not_change(name: str) -> None:
    """Only before it is in effect; after that, a contract of the next number."""
    before = agreed(deprecated=BEGIN + DAY, alternative="plan.v2")
    changes: dict[str, object] = {
        "oldest": "0.9",
        "newest": "2.9",
        "view": ["version"],
        "purposes": ["sentence_plan", "progress"],
        "effective": BEGIN - 1,
    }
    after = agreed(deprecated=BEGIN + DAY, alternative="plan.v2", **{name: changes[name]})
    check_change(before, after, now=Instant(BEGIN - 2))
    for now in (BEGIN, BEGIN + 2 * DAY):
        with pytest.raises(NotConfigured, match=name) as refused:
            check_change(before, after, now=Instant(now))
        assert "plan.v2" in refused.value.fix
    with pytest.raises(NotConfigured, match=name):
        check_change(after, before, now=BEGIN)


@pytest.mark.requirement("R-MSG-12")
def test_dates_of_a_contract_in_effect_may_change_and_ids_only_be_added() -> None:
    """Its end is announced in it; records already bear the ids it has."""
    before = agreed(ids={"1.0": 70_001})
    announced = agreed(ids={"1.0": 70_001, "1.1": 70_002}, deprecated=BEGIN + DAY, alternative="plan.v2")
    check_change(before, announced, now=BEGIN)
    for ids in ({"1.0": 70_009}, None, {"1.1": 70_002}):
        with pytest.raises(NotConfigured, match="an id that its records bear"):
            check_change(before, agreed(ids=ids), now=BEGIN)


@pytest.mark.requirement("R-MSG-12")
def test_nobody_new_gets_a_contract_that_comes_to_its_end() -> None:
    """From the instant it is deprecated; the refusal names what to take instead."""
    life = {"deprecated": BEGIN + DAY, "sunset": BEGIN + 2 * DAY, "removal": BEGIN + 3 * DAY}
    terms = agreed(**life, alternative="plan.v2")
    for now in (BEGIN - 1, BEGIN, BEGIN + DAY - 1):
        check_open_to_new(terms, now=Instant(now))
        check_change(None, terms, now=Instant(now))
    for now, phase in (
        (BEGIN + DAY, "deprecated"),
        (BEGIN + 2 * DAY, "sunset"),
        (BEGIN + 3 * DAY, "removed"),
    ):
        for check in (check_open_to_new, lambda new, *, now: check_change(None, new, now=now)):
            with pytest.raises(NotConfigured, match=f"is {phase}") as refused:
                check(terms, now=Instant(now))
            assert refused.value.fix == "agree plan.v2"
    nothing_after = agreed(**life)
    with pytest.raises(NotConfigured) as refused:
        check_open_to_new(nothing_after, now=Instant(BEGIN + DAY))
    assert "follows" in refused.value.fix


def write_ids(folder: Path, ids: object) -> None:
    """Write what an outside registry gave."""
    (folder / "registry.yaml").write_text(yaml.safe_dump({"ids": ids}), "utf-8")


@pytest.mark.requirement("R-MSG-12")
def test_the_id_of_an_outside_registry_holds_for_the_view_it_was_given_to(tmp_path: Path) -> None:
    """A view changed since has another digest: it is drift, not a record under the wrong id."""
    (view,) = contracts_of(tmp_path).views(LIBRARY)
    given = {"recovery/plan.v1.yaml": {"1.0": {"id": 70_001, "digest": view.digest}}}
    write_ids(tmp_path, given)
    (file,) = ContractFolder.load(tmp_path).files
    (numbered,) = file.views(LIBRARY)
    assert (numbered.id, numbered.digest) == (70_001, view.digest)
    assert file.terms.ids == {"1.0": 70_001}
    write_contract(tmp_path, contract_document(view=["version", "change_summary"]))
    (changed,) = ContractFolder.load(tmp_path).files
    with pytest.raises(Drift, match=r"recovery/plan\.v1: the view of 1\.0 changed") as drift:
        changed.views(LIBRARY)
    assert "register" in drift.value.fix


@pytest.mark.parametrize(
    "ids",
    [None, ["1.0"], {"recovery/plan.v1.yaml": {"1.0": 5}}, {"recovery/plan.v1.yaml": {"1.0": {"id": "x"}}}],
)
@pytest.mark.requirement("R-DEL-03")
def test_a_file_of_ids_that_is_none_is_refused_by_name(tmp_path: Path, ids: object) -> None:
    """It is written by a command, which writes it anew."""
    write_ids(tmp_path, ids)
    with pytest.raises(NotConfigured, match=r"registry\.yaml") as refused:
        ContractFolder.load(tmp_path)
    assert "register --adopt" in refused.value.fix


@pytest.mark.requirement("R-MSG-12")
def test_an_id_of_the_hubs_own_is_taken_over_by_nobody_and_one_already_borne_is_still_read(
    tmp_path: Path,
) -> None:
    """A record could be read as that schema; where one stands already, the partner's view comes first."""
    own = LIBRARY.current("referral").id
    terms = agreed(ids={"1.0": own})
    assert schema_on_wire(LIBRARY, [terms], own).name == "plan"
    write_contract(tmp_path, contract_document())
    folder = ContractFolder.load(tmp_path)
    (view,) = folder.files[0].views(LIBRARY)
    for number in (own, 0, -1, 2**31):
        with pytest.raises(NotConfigured, match="the hub's own, or none"):
            write_registry_ids(folder, LIBRARY, {view.digest: number})


@pytest.mark.requirement("R-RTE-01")
@pytest.mark.parametrize("status", ["draft", "active"])
def test_a_contract_the_schemas_left_behind_takes_nothing_else_of_its_partners_mailbox_with_it(
    tmp_path: Path, status: str
) -> None:
    """What it was sent before, and what it is sent of other messages, is read; the registry serves it."""
    schemas = schemas_in(tmp_path)

    def renamed(schema: dict[str, Any]) -> None:
        """Give a field of the view another name."""
        field_of(schema, "change_summary")["name"] = "summary"

    moves = {"change_summary": "summary"}
    terms = agreed(view=["version", "change_summary"])
    before = view_in(SchemaLibrary.load(schemas), terms, "1.0")
    add_version(schemas, "plan", "1.1", renamed)
    declare_steps(
        schemas,
        "plan",
        {"from": "1.0", "to": "1.1", "moves": moves},
        {"from": "1.1", "to": "1.0", "moves": {"summary": "change_summary"}},
    )
    set_status(schemas, "plan", "1.0", "active")
    set_status(schemas, "plan", "1.1", status)
    library = SchemaLibrary.load(schemas)
    assert serves_not(terms, library, BEGIN) == (None if status == "draft" else "CONTRACT-VIEW-UNFIT")
    assert schema_on_wire(library, [terms], before.id).digest == before.digest
    own = library.current("exception")
    assert schema_on_wire(library, [terms], own.id) is own
    assert before.id in {each.id for each in view_schemas(library, [terms])}
    if status == "draft":
        # Routing and the checks name the view alike: by the newest version in use.
        assert view_in(library, terms, "1.0").digest == before.digest


@pytest.mark.parametrize("name", ["recovery/plan.v2.yml", "recovery/plan.yaml", "recovery/plan.v0.yaml"])
def test_a_file_that_is_not_named_as_a_contract_is_refused(tmp_path: Path, name: str) -> None:
    """Left out without a word, it would pass for agreed."""
    write_contract(tmp_path, contract_document(), name=name)
    with pytest.raises(NotConfigured, match=re.escape(name)):
        ContractFolder.load(tmp_path)


@pytest.mark.requirement("R-MSG-12")
def test_a_contract_agreed_for_later_is_not_made_one_that_has_ended() -> None:
    """Its dates may still change, but not to an end nobody was told of: all before it would be parked."""
    later = agreed(number=2, effective=BEGIN + 9 * DAY)
    now = Instant(BEGIN + DAY)
    gone = {"number": 2, "effective": BEGIN, "deprecated": BEGIN + 1, "alternative": "plan.v3"}
    with pytest.raises(NotConfigured, match="nobody was told"):
        check_change(later, agreed(**gone, sunset=BEGIN + 2), now=now)
    with pytest.raises(NotConfigured, match="takes no new subscriber"):
        check_change(later, agreed(**gone), now=now)
    check_change(later, agreed(number=2, effective=BEGIN + 5 * DAY), now=now)


@pytest.mark.requirement("R-MSG-12")
def test_what_has_ended_is_not_begun_again_under_its_number() -> None:
    """Renewing is a contract of its own: the next number, signed anew."""
    life = {"deprecated": BEGIN + 1, "sunset": BEGIN + 2, "alternative": "plan.v2"}
    for again in (agreed(), agreed(**{**life, "sunset": BEGIN + 9 * DAY})):
        with pytest.raises(NotConfigured, match="has ended, and would hold again") as found:
            check_change(agreed(**life), again, now=Instant(BEGIN + DAY))
        assert found.value.fix == "leave it and agree plan.v2"


@pytest.mark.requirement("R-MSG-12")
def test_an_end_that_nobody_was_told_of_is_refused() -> None:
    """A sunset is set before it comes, so that everything sent till then says so."""
    before = agreed()
    now = Instant(BEGIN + 2 * DAY)
    past = {"deprecated": BEGIN + 1, "alternative": "plan.v2"}
    with pytest.raises(NotConfigured, match="nobody was told"):
        check_change(before, agreed(**past, sunset=now), now=now)
    announced = agreed(**past, sunset=now + 1)
    check_change(before, announced, now=now)
    check_change(announced, announced, now=Instant(now + DAY))


@pytest.mark.requirement("R-MSG-12")
def test_on_a_new_hub_what_has_ended_is_left_out_where_something_follows() -> None:
    """A rebuilt hub takes the folder as it is; all is checked before anything is put in force."""
    life = {"deprecated": BEGIN + 1, "sunset": BEGIN + 2, "alternative": "plan.v2"}
    ended, later = agreed(**life), agreed(number=2)
    now = Instant(BEGIN + DAY)
    assert to_put_in_force([ended, later], [], now=now) == (later,)
    assert to_put_in_force([ended, later], [later], now=now) == ()
    with pytest.raises(NotConfigured, match="takes no new subscriber"):
        to_put_in_force([ended], [], now=now)


@pytest.mark.requirement("R-MSG-12")
@pytest.mark.parametrize(
    "text",
    [
        "a: &x [1, 2]\nb: *x\n",
        "a: &a [1]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        "[" * 900 + "]" * 900,
        "view: [a]\nview: [b]\n",
    ],
)
def test_yaml_that_could_explode_or_says_a_thing_twice_is_refused(tmp_path: Path, text: str) -> None:
    """Aliases, deep nesting and doubled names, at once and with the file's name."""
    write_contract(tmp_path, contract_document()).write_text(text, encoding="utf-8")
    with pytest.raises(NotConfigured, match=r"recovery/plan\.v1\.yaml"):
        ContractFolder.load(tmp_path)


@pytest.mark.requirement("R-MSG-12")
def test_a_record_is_read_by_the_schema_its_id_stands_for(tmp_path: Path) -> None:
    """In every version of the range; also by the id it bore before a registry gave one, and with no view."""
    folder = schemas_in(tmp_path)

    def change(schema: dict[str, Any]) -> None:
        drop("contingency")(schema)
        append(optional("mood", "string", statement="fact", maxLength=40))(schema)

    add_version(folder, "plan", "1.1", change)
    library = SchemaLibrary.load(folder)
    terms = agreed(view=["version", "change_summary", "mood"], ids={"1.1": 70_001})
    older, newer = (view_in(library, terms, version) for version in ("1.0", "1.1"))
    assert [path for path, _, _ in leaves(older.shape)] == ["version", "change_summary"]
    assert [path for path, _, _ in leaves(newer.shape)] == ["version", "change_summary", "mood"]
    for number, view in ((older.id, older), (70_001, newer), (derived_id(newer.digest), newer)):
        assert schema_on_wire(library, (terms,), number) is view
    whole = library.current("plan")
    assert schema_on_wire(library, (), whole.id) is whole
    for unknown in (older.id, 70_001):
        with pytest.raises(NotReadable):
            schema_on_wire(library, (agreed(direction="sends"),), unknown)


def test_a_view_of_a_field_its_newest_version_lacks_is_refused(tmp_path: Path) -> None:
    """It is read in the paths of the newest version of its range."""
    folder = schemas_in(tmp_path)
    add_version(folder, "plan", "1.1", drop("contingency"))
    library = SchemaLibrary.load(folder)
    terms = agreed(view=["version", "contingency"])
    with pytest.raises(NotConfigured, match=r"plan 1\.1 has no field contingency"):
        view_in(library, terms, "1.0")
    kept = agreed(view=["version", "contingency"], newest="1.0")
    assert view_in(library, kept, "1.0").specs[-1].path == "contingency"
    assert kept.direction is Direction.RECEIVES
