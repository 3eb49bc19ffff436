"""Steps between versions: what is well protected is never moved to where more people get to know it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from hub.app.running import running
from hub.errors import NotConfigured
from hub.settings import load
from hub.topics.contract_files import ContractFolder
from hub.topics.findings import Weight
from hub.topics.gates.casts import check_casts
from hub.topics.library import SchemaLibrary
from hub.topics.releasing import effects
from tests.unit.agreements import add_version, append, declare_steps, drop, field_of, schemas_in, set_status
from tests.unit.worlds import policy

if TYPE_CHECKING:
    from pathlib import Path


def moved(folder: Path, name: str, **said: object) -> Path:
    """Return schemas in which a field of a plan has another name, and properties as said."""
    schemas = schemas_in(folder)

    def change(schema: dict[str, Any]) -> None:
        """Drop the field, and add it under its new name."""
        before = dict(field_of(schema, name))
        drop(name)(schema)
        append({**before, "name": "handling", **said})(schema)

    add_version(schemas, "plan", "2.0", change)
    declare_steps(
        schemas,
        "plan",
        {"from": "1.0", "to": "2.0", "moves": {name: "handling"}},
        {"from": "2.0", "to": "1.0", "moves": {"handling": name}},
    )
    return schemas


def test_a_field_that_only_has_another_name_is_moved(tmp_path: Path) -> None:
    """The other side of the rule."""
    assert check_casts(SchemaLibrary.load(moved(tmp_path, "change_reason")), policy()) == ()


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.requirement("R-MSG-12")
def test_a_step_to_where_more_people_would_know_it_is_refused(tmp_path: Path) -> None:
    """One way: back to where fewer do is no fault. The sentence says who, and what today is."""
    library = SchemaLibrary.load(
        moved(tmp_path, "victim_safety", infoClass="plan_objective", subject="person")
    )
    (found,) = check_casts(library, policy())
    assert (found.rule, found.weight, found.schema) == ("CAST-LOOSER", Weight.REFUSED, "plan 1.0 to 2.0")
    assert found.what.startswith("What was said as victim_safety would be known as handling: ")
    assert "withheld" in found.what
    assert found.fix


@pytest.mark.requirement("R-DIS-01")
def test_such_a_step_stands_in_the_way_of_releasing_the_version_it_leads_to(tmp_path: Path) -> None:
    """The step is named by both versions; whoever asks after the newer one is told."""
    schemas = moved(tmp_path, "victim_safety", infoClass="plan_objective", subject="person")
    (tmp_path / "contracts").mkdir()
    contracts = ContractFolder.load(tmp_path / "contracts")
    _, found = effects(schemas, contracts, name="plan", version="2.0", policy=policy())
    assert ("CAST-LOOSER", "plan 1.0 to 2.0") in {(each.rule, each.schema) for each in found}


@pytest.mark.requirement("R-DIS-01")
def test_a_step_that_loses_what_protects_a_field_besides_its_class_is_refused(tmp_path: Path) -> None:
    """A reference made for each recipient would go out as the hub's own, the same to all."""
    schemas = schemas_in(tmp_path)

    def change(schema: dict[str, Any]) -> None:
        """Give the reference another name, and forget that it is one."""
        field = field_of(schema, "corrects")
        field["name"] = "mended"
        del field["pairwise"]

    add_version(schemas, "correction", "2.0", change)
    declare_steps(
        schemas,
        "correction",
        {"from": "1.0", "to": "2.0", "moves": {"corrects": "mended"}},
        {"from": "2.0", "to": "1.0", "moves": {"mended": "corrects"}},
    )
    found = check_casts(SchemaLibrary.load(schemas), policy())
    assert "CAST-MARKS" in {each.rule for each in found}


@pytest.mark.requirement("R-RTE-01")
def test_a_step_to_a_version_with_room_for_fewer_items_is_refused(tmp_path: Path) -> None:
    """Until that version is retired: a longer list could not be written for whoever has it."""
    schemas = schemas_in(tmp_path)

    def longer(schema: dict[str, Any]) -> None:
        """Take more objectives."""
        field_of(schema, "objectives")["maxItems"] += 1

    add_version(schemas, "plan", "2.0", longer)
    declare_steps(schemas, "plan", {"from": "1.0", "to": "2.0"}, {"from": "2.0", "to": "1.0"})
    found = check_casts(SchemaLibrary.load(schemas), policy())
    assert [(each.rule, each.schema, each.where) for each in found] == [
        ("CAST-COUNT", "plan 2.0 to 1.0", "objectives")
    ]
    set_status(schemas, "plan", "1.0", "retired")
    assert check_casts(SchemaLibrary.load(schemas), policy()) == ()


@pytest.mark.requirement("R-DIS-01")
async def test_a_hub_does_not_start_with_such_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever did not run `hub contracts check` is told at the start, before anything is read."""
    schemas = moved(tmp_path, "victim_safety", infoClass="plan_objective", subject="person")
    monkeypatch.setenv("HUB_SCHEMAS", str(schemas))
    monkeypatch.setenv("HUB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HUB_KAFKA", "127.0.0.1:1")
    monkeypatch.setenv("HUB_DATABASE", "postgresql://127.0.0.1:1/none")
    with pytest.raises(NotConfigured, match=r"plan 1.0 to 2.0: What was said as victim_safety") as found:
        async with running(load(), roles=()):
            pass
    assert found.value.fix
    shutil.rmtree(schemas)
