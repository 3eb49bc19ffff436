"""`hub contracts register`, against a real registry: published, compared, its ids taken over."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from hub.cli.contracts import app
from hub.errors import Unreachable
from hub.topics.contract_files import CONTRACTS, REGISTRY_IDS, ContractFolder
from hub.topics.library import SchemaLibrary
from hub.topics.views import derived_id
from tests.registry.apicurio import RELEASES, running

if TYPE_CHECKING:
    from typer.testing import Result

# A first run fetches the registry itself.
pytestmark = pytest.mark.timeout(600)
RUN = CliRunner()


def hub(*arguments: object) -> Result:
    """Run a command."""
    return RUN.invoke(app, [str(each) for each in arguments])


@pytest.mark.requirement("R-MSG-12")
def test_a_registrys_ids_are_taken_over_once_and_what_it_has_is_compared(tmp_path: Path) -> None:
    """Told first that ids differ, then adopted; a second time nothing is new; a changed view is found."""
    contracts = shutil.copytree(CONTRACTS, tmp_path / "contracts")
    with running(RELEASES["3.0.9"], tmp_path) as apicurio:
        here = ("--registry", apicurio.url, "--contracts", contracts)
        empty = hub("verify", *here, "--json")
        first = hub("register", *here)
        as_json = hub("register", *here, "--json")
        adopted = hub("register", *here, "--adopt", "--json")
        again = hub("register", *here)
        same = hub("verify", *here)
    assert {each["rule"] for each in json.loads(empty.stdout)["findings"]} == {"REGISTRY-LACKS"}
    assert first.exit_code == as_json.exit_code == 4
    assert "have another id there than in the hub's records" in first.stderr
    others = json.loads(as_json.stdout)["other_ids"]
    assert others
    assert all(each["subject"].startswith("hub.to.") and each["registry"] != each["hub"] for each in others)
    assert json.loads(adopted.stdout)["other_ids"] == []
    assert adopted.exit_code == 0
    assert (again.exit_code, "0 new" in again.output) == (0, True)
    assert "REGISTRY-LACKS" not in same.output
    library = SchemaLibrary.load()
    given = {each["subject"]: each["id"] for each in json.loads(adopted.stdout)["registered"]}
    folder = ContractFolder.load(contracts)
    views = [view for file in folder.of("housing-example") for view in file.views(library)]
    framed = {view.id for view in views if view.kind == "view"}
    assert framed == {number for subject, number in given.items() if subject.startswith("hub.to.housing")}
    assert not framed & {derived_id(view.digest) for view in views}
    assert (contracts / REGISTRY_IDS).exists()


def test_a_registry_that_does_not_answer_is_named(tmp_path: Path) -> None:
    """Within the client's own time limits, with what to check."""
    contracts = shutil.copytree(CONTRACTS, tmp_path / "contracts")
    found = hub("register", "--registry", "http://127.0.0.1:9", "--contracts", contracts)
    assert isinstance(found.exception, Unreachable)
    assert found.exception.fix
