"""`hub contracts` on what is wrong in files people write: each fault is named with its place and its fix."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner

from hub.cli.contracts import app
from hub.errors import NotConfigured
from hub.topics.contract_files import CONTRACTS
from hub.topics.history import Tree
from hub.topics.library import SCHEMAS, SchemaLibrary, read_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

RUN = CliRunner()


@pytest.fixture(autouse=True)
def nothing_runs_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands look for a running hub; here is none."""
    monkeypatch.setenv("HUB_INSTANCE", "none-of-that-name")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    """A copy of schemas/ that a test may spoil."""
    return shutil.copytree(SCHEMAS, tmp_path / "elsewhere")


def hub(*arguments: str | Path) -> Result:
    """Run a command."""
    return RUN.invoke(app, [str(each) for each in arguments])


def refused(*arguments: str | Path) -> NotConfigured:
    """Run a command that cannot be carried out; returns why."""
    found = hub(*arguments)
    assert isinstance(found.exception, NotConfigured), (found.output, found.exception)
    return found.exception


def entry(schemas: Path, **said: object) -> None:
    """Change the manifest's entry of progress; None takes a part out."""
    file = schemas / "manifest.yaml"
    manifest = yaml.safe_load(file.read_text(encoding="utf-8"))
    one = next(each for each in manifest["schemas"] if each["name"] == "progress")
    one.update(said)
    for name in (name for name, value in said.items() if value is None):
        del one[name]
    file.write_text(yaml.safe_dump(manifest), encoding="utf-8")


@pytest.mark.parametrize("name", ["id", "name", "version", "kind", "file", "status", "digest"])
def test_manifest_entry_that_lacks_a_part_is_named_with_its_place(schemas: Path, name: str) -> None:
    """By every command that reads the manifest."""
    entry(schemas, **{name: None})
    for command in ("lint", "check", "stamp", "list"):
        fault = refused(command, "--schemas", schemas)
        assert str(fault).startswith(f"{schemas / 'manifest.yaml'}: schemas[")
        assert str(fault).endswith(f"]: {name} is missing or not usable")
        assert fault.fix.startswith("write ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", "one"),
        ("version", 1.0),
        ("kind", "massage"),
        ("status", "drafft"),
        ("id", "101"),
        ("id", True),
        ("id", 0),
        ("name", "Progress message"),
        ("digest", "not known yet"),
    ],
)
def test_manifest_entry_with_an_impossible_value_is_refused(schemas: Path, name: str, value: object) -> None:
    """The part is named, and what to write; the value is not repeated."""
    entry(schemas, **{name: value})
    fault = refused("lint", "--schemas", schemas)
    assert str(fault).endswith(f"]: {name} is missing or not usable")
    assert fault.fix


@pytest.mark.requirement("R-MSG-12")
def test_message_that_has_no_version_in_use_is_named(schemas: Path) -> None:
    """Retired, or taken out of the manifest: nobody could send it any more."""
    entry(schemas, status="retired")
    found = hub("check", "--schemas", schemas)
    assert found.exit_code == 4
    assert "progress manifest [MESSAGE-MISSING]" in " ".join(found.output.split())
    entry(schemas, status="draft", name="another")
    assert "MESSAGE-MISSING" in hub("check", "--schemas", schemas).output


def test_a_schema_file_that_the_manifest_does_not_list_is_named(schemas: Path) -> None:
    """Nothing would read it, and its author would think it checked."""
    shutil.copy(schemas / "progress" / "v1.0.avsc", schemas / "progress" / "v1.2.avsc")
    found = hub("lint", "--schemas", schemas)
    assert found.exit_code == 4
    assert "progress/v1.2.avsc manifest [NOT-LISTED]" in " ".join(found.output.split())


def test_who_uses_says_which_messages_there_are(schemas: Path) -> None:
    """A word that is no message is not taken for one without fields."""
    fault = refused("who-uses", "progression.note", "--schemas", schemas)
    assert str(fault) == "FIELD: there is no message progression"
    assert "progress" in fault.fix


@pytest.mark.parametrize("text", [None, "schemas", "schemas: 7", "other: []", "schemas: [[]]", "[", "\x00"])
def test_manifest_that_is_none_is_named_by_the_folder_that_was_given(
    tmp_path: Path, text: str | None
) -> None:
    """Not by the folder of the hub's own, and with what to do."""
    if text is not None:
        (tmp_path / "manifest.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(NotConfigured) as found:
        read_manifest(tmp_path)
    assert str(found.value).startswith(str(tmp_path / "manifest.yaml"))
    assert found.value.fix


def test_stamp_names_a_schema_that_is_not_json(schemas: Path) -> None:
    """Nothing is written."""
    before = (schemas / "manifest.yaml").read_bytes()
    for text in ("{", "[" * 3_000 + "]" * 3_000):
        (schemas / "progress" / "v1.0.avsc").write_text(text, encoding="utf-8")
        fault = refused("stamp", "--schemas", schemas)
        assert str(schemas / "progress" / "v1.0.avsc") in str(fault)
        assert fault.fix
    assert (schemas / "manifest.yaml").read_bytes() == before


@pytest.mark.parametrize(
    "text", ["{", "[" * 3_000 + "]" * 3_000, '"string"', '["null", "string"]', '{"type": "record"}']
)
def test_schema_that_is_no_contract_is_named_by_whoever_loads_it(schemas: Path, text: str) -> None:
    """Not with a traceback, whatever stands there: the file, what is wrong, what to write."""
    file = schemas / "progress" / "v1.0.avsc"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(NotConfigured) as found:
        SchemaLibrary.load(schemas)
    assert "progress" in str(found.value)
    assert found.value.fix
    if text != '"string"' and not text.startswith('["null"'):
        with pytest.raises(NotConfigured) as read:
            Tree.read(schemas)
        assert str(read.value).startswith(str(file))


def test_stamp_fills_in_the_digests_of_drafts_and_touches_nothing_else(schemas: Path) -> None:
    """Two drafts without a digest get one each; comments, order and what is released stay."""
    file = schemas / "manifest.yaml"
    before = file.read_text(encoding="utf-8")
    manifest = yaml.safe_load(before)
    drafts = [each for each in manifest["schemas"] if each["status"] == "draft"][:2]
    bare = before
    for each in drafts:
        bare = bare.replace(each["digest"], "")
    file.write_text(bare, encoding="utf-8")
    found = hub("stamp", "--schemas", schemas)
    names = ", ".join(f"{each['name']} {each['version']}" for each in drafts)
    assert found.output == f"stamped: {names}\n"
    assert file.read_text(encoding="utf-8") == before
    assert hub("stamp", "--schemas", schemas).output == "stamped: nothing had changed\n"


NESTED = '{"type":"array","items":' * 3_000 + '"int"' + "}" * 3_000


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (NESTED, "too many levels of JSON"),
        ("[" * 3_000 + "]" * 3_000, "too many levels of JSON"),
        ("[" * 900 + "]" * 900, "too many levels of JSON"),
        ('"string"', "no record"),
        ("7", ""),
        ("{", "not JSON"),
        ('{"type": "record", "name": "A", "fields": 7}', ""),
        (
            json.dumps(
                {"type": "record", "name": "A", "fields": [{"name": "a", "type": "int", "infoClass": []}]}
            ),
            "",
        ),
        (
            json.dumps(
                {
                    "type": "record",
                    "name": "A",
                    "fields": [{"name": "a", "type": {"type": "int", "logicalType": []}}],
                }
            ),
            "",
        ),
    ],
)
def test_lint_finds_what_no_contract_can_be_made_of(tmp_path: Path, text: str, says: str) -> None:
    """As a finding with a fix, whatever stands in the file; the message is the hub's own, not Python's."""
    file = tmp_path / "new.avsc"
    file.write_text(text, encoding="utf-8")
    found = hub("lint", file, "--json")
    assert found.exit_code == 4
    findings = json.loads(found.stdout)["findings"]
    assert findings
    assert says in " ".join(each["what"] for each in findings)
    assert not re.search(r"\bobject\b", " ".join(each["what"] for each in findings))


def test_lint_of_a_folder_finds_them_too(schemas: Path) -> None:
    """By the file's message and version."""
    (schemas / "progress" / "v1.0.avsc").write_text(NESTED, encoding="utf-8")
    found = hub("lint", "--schemas", schemas, "--json")
    (finding,) = json.loads(found.stdout)["findings"]
    assert (finding["rule"], finding["schema"]) == ("NOT-READABLE", "progress 1.0")
    assert finding["fix"]


def a_field_fewer(schemas: Path) -> None:
    """Take the last field of progress out, so that its digest is wrong."""
    file = schemas / "progress" / "v1.0.avsc"
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    document["doc"] = "Told apart by this."
    document["fields"].pop()
    file.write_text(json.dumps(document), encoding="utf-8")


def test_every_command_reads_the_folders_of_the_settings(
    schemas: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`HUB_SCHEMAS` for check, lint, stamp, list, show and diff, as for verify and views."""
    a_field_fewer(schemas)
    monkeypatch.setenv("HUB_SCHEMAS", str(schemas))
    assert "[DIGEST]" in hub("lint").output
    assert "[DIGEST]" in hub("check").output
    assert "Told apart by this." in hub("show", "progress").output
    assert hub("stamp").output == "stamped: progress 1.0\n"
    fields = {each["name"]: each["fields"] for each in json.loads(hub("list", "--json").stdout)}
    own = {
        each["name"]: each["fields"]
        for each in json.loads(hub("list", "--schemas", SCHEMAS, "--json").stdout)
    }
    assert fields == own | {"progress": own["progress"] - 1}
    (schemas / "progress" / "example.json").write_text('{"of": "this folder"}', encoding="utf-8")
    assert '{"of": "this folder"}' in hub("show", "progress").output
    assert '{"of": "this folder"}' not in hub("show", "progress", "--schemas", SCHEMAS).output


def test_a_flag_wins_over_the_settings(
    schemas: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings name a folder there is not; the flag one there is."""
    monkeypatch.setenv("HUB_SCHEMAS", str(tmp_path / "nowhere"))
    assert "nowhere" in str(refused("lint"))
    assert hub("lint", "--schemas", schemas).exit_code == 0


def test_diff_and_check_read_the_partners_contracts_of_the_settings(
    schemas: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`HUB_CONTRACTS`, and `--contracts` before it."""
    contracts = tmp_path / "agreed"
    shutil.copytree(CONTRACTS / "housing-example", contracts / "housing-example")
    monkeypatch.setenv("HUB_CONTRACTS", str(contracts))
    asked = ("diff", "progress", "1.0", "1.0", "--schemas", schemas)
    assert "Contracts on progress: housing-example/progress.v1." in hub(*asked).output
    more = json.loads(hub(*asked, "--contracts", CONTRACTS, "--json").stdout)["partners"]
    assert "recovery-example/progress.v1" in more
    file = contracts / "housing-example" / "progress.v1.yaml"
    said = yaml.safe_load(file.read_text(encoding="utf-8"))
    file.write_text(yaml.safe_dump({**said, "approvals": []}), encoding="utf-8")
    assert "[APPROVALS]" in hub("check", "--schemas", schemas).output
    assert "[APPROVALS]" not in hub("check", "--schemas", schemas, "--contracts", CONTRACTS).output


def test_release_looks_at_the_contracts_of_the_partner_named_alone(tmp_path: Path) -> None:
    """Another's that does not hold is no hindrance; a partner without a contract is told so."""
    contracts = shutil.copytree(CONTRACTS, tmp_path / "contracts")
    file = contracts / "housing-example" / "progress.v1.yaml"
    said = yaml.safe_load(file.read_text(encoding="utf-8"))
    file.write_text(yaml.safe_dump({**said, "approvals": []}), encoding="utf-8")
    all_of_them = hub("release", "--contracts", contracts)
    assert (all_of_them.exit_code, "[APPROVALS]" in all_of_them.output) == (4, True)
    one = hub("release", "recovery-example", "--contracts", contracts)
    assert one.output.startswith("The contracts hold.\n")
    assert "no hub is running" in str(one.exception)
    nobody = refused("release", "nobody-example", "--contracts", contracts)
    assert str(nobody) == "PARTNER: there is no contract with nobody-example"
    assert "recovery-example" in nobody.fix


def test_help_says_what_each_exit_code_means() -> None:
    """Of the group, for whoever writes a pipeline."""
    said = " ".join(hub("--help").output.split())
    assert "0 where all is well" in said
    assert "2 where it was not called as its --help says" in said
    assert "4 where something stops a release, or a file cannot be used" in said
    assert "the reason stands on standard error" in said
    assert "5 where something, such as a database or a registry, did not answer" in said
