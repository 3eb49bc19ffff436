"""`hub contracts`: what people and pipelines are told, and with which exit code it leaves."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner

from hub.cli.contracts import app
from hub.errors import NotConfigured
from hub.topics.contract_files import CONTRACTS
from hub.topics.library import SCHEMAS

if TYPE_CHECKING:
    from typer.testing import Result

RUN = CliRunner()
ANY = {"doc": "x", "subject": "person", "sensitive": False, "statement": "fact"}


@pytest.fixture(autouse=True)
def nothing_runs_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands look for a running hub; here is none."""
    monkeypatch.setenv("HUB_INSTANCE", "none-of-that-name")
    monkeypatch.chdir(tmp_path)


def hub(*arguments: str | Path) -> Result:
    """Run a command."""
    return RUN.invoke(app, [str(each) for each in arguments])


def schema(folder: Path, name: str, *fields: dict[str, object]) -> Path:
    """Write a schema of a progress message."""
    file = folder / name
    said = {
        "type": "record",
        "name": "ProgressMessage",
        "namespace": "hub.progress.v1",
        "fields": list(fields),
    }
    file.write_text(json.dumps(said), encoding="utf-8")
    return file


def optional(name: str, kind: object = "string", **said: object) -> dict[str, object]:
    """A field that may be left out."""
    return {"name": name, "type": ["null", kind], "default": None, **ANY, **said}


def read(result: Result) -> dict[str, Any]:
    """What a command printed as JSON."""
    return dict(json.loads(result.output))


@pytest.mark.requirement("R-MSG-12")
def test_compat_takes_a_field_more_and_says_so(tmp_path: Path) -> None:
    """An optional field with a class is compatible in every direction."""
    old = schema(tmp_path, "old.avsc", optional("note", infoClass="progress"))
    new = schema(
        tmp_path, "new.avsc", optional("note", infoClass="progress"), optional("more", infoClass="health")
    )
    found = hub("compat", old, new)
    assert found.exit_code == 0
    assert found.output == f"{new} may be released after {old} (FULL_TRANSITIVE).\n"
    assert read(hub("compat", old, new, "--json")) == {
        "verdict": "ok",
        "mode": "FULL_TRANSITIVE",
        "compatible": True,
        "gates": True,
        "findings": [],
    }


def test_compat_names_rule_path_and_a_compatible_alternative(tmp_path: Path) -> None:
    """As JSON, with exit code 4; plain Avro needs no classes with --no-gates."""
    old = schema(tmp_path, "old.avsc", {"name": "a", "type": "int"})
    new = schema(tmp_path, "new.avsc", {"name": "a", "type": "int"}, {"name": "b", "type": "string"})
    found = hub("compat", old, new, "--mode", "backward", "--no-gates", "--json")
    assert found.exit_code == 4
    (finding,) = read(found)["findings"]
    assert (finding["rule"], finding["path"], finding["weight"]) == ("FIELD-NO-DEFAULT", "b", "refused")
    assert '["null", "string"] with default null' in finding["fix"]
    assert hub("compat", old, new, "--mode", "FORWARD", "--no-gates").exit_code == 0
    assert "CLASS-MISSING" in hub("compat", old, new).output


def test_compat_asks_every_older_version_only_where_the_mode_is_transitive(tmp_path: Path) -> None:
    """A field dropped and given again with another type: the step passes, the whole way does not."""
    first = schema(tmp_path, "1.avsc", {"name": "a", "type": "int", "default": 0})
    second = schema(tmp_path, "2.avsc", {"name": "x", "type": "int", "default": 0})
    third = schema(tmp_path, "3.avsc", {"name": "a", "type": "string", "default": ""})
    given = ("compat", second, third, "--older", first, "--no-gates", "--mode")
    assert hub(*given, "FULL").exit_code == 0
    found = hub(*given, "FULL_TRANSITIVE", "--json")
    assert found.exit_code == 4
    assert {each["rule"] for each in read(found)["findings"]} == {"TYPE-MISMATCH"}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("nowhere.avsc", "nowhere.avsc"), "nowhere.avsc"),
        (("broken.avsc", "broken.avsc"), "broken.avsc"),
        (("good.avsc", "good.avsc", "--mode", "SOMEHOW"), "SOMEHOW"),
    ],
)
def test_compat_names_what_it_cannot_use(tmp_path: Path, arguments: tuple[str, ...], named: str) -> None:
    """A missing file, one that is no schema, a mode there is not; each with what to do."""
    (tmp_path / "broken.avsc").write_text('{"type": "record"}', encoding="utf-8")
    schema(tmp_path, "good.avsc", optional("note"))
    found = hub("compat", *arguments)
    assert isinstance(found.exception, NotConfigured)
    assert named in str(found.exception)
    assert found.exception.fix


def test_lint_names_the_rule_a_schema_breaks(tmp_path: Path) -> None:
    """A file of one's own, by rule and path; the hub's own schemas keep every rule."""
    found = hub("lint", schema(tmp_path, "new.avsc", optional("note")), "--json")
    assert found.exit_code == 4
    assert ("CLASS", "note") in {(each["rule"], each["path"]) for each in read(found)["findings"]}
    assert hub("lint").output == "Every rule is kept.\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with the hub's schemas and contracts, as they are, committed."""
    shutil.copytree(SCHEMAS, tmp_path / "schemas")
    shutil.copytree(CONTRACTS, tmp_path / "contracts")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=Example", "-c", "user.email=example@hub.example"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "As it was."]):
        subprocess.run([*git, *command], check=True, timeout=60)
    return tmp_path


def changed(repository: Path, name: str, field: str, **said: object) -> None:
    """Change what a schema of the repository says of a field, and stamp it."""
    file = repository / "schemas" / name / "v1.0.avsc"
    document = json.loads(file.read_text(encoding="utf-8"))
    next(each for each in document["fields"] if each["name"] == field).update(said)
    file.write_text(json.dumps(document), encoding="utf-8")
    assert hub("stamp", "--schemas", repository / "schemas").exit_code == 0


def check(repository: Path, *more: str) -> Result:
    """Check a repository against what is committed in it."""
    folders = ("--schemas", repository / "schemas", "--contracts", repository / "contracts")
    return hub("check", *folders, "--against", "HEAD", *more)


@pytest.mark.requirement("R-DIS-01")
def test_a_change_that_loosens_a_class_is_stopped_with_a_sentence_a_policy_officer_understands(
    repository: Path,
) -> None:
    """Though Avro calls it the same, and though the schema is a draft."""
    assert check(repository).exit_code == 0
    changed(repository, "referral", "victim_conditions", infoClass="progress", subject="person")
    found = check(repository)
    said = " ".join(found.output.split())
    assert found.exit_code == 4
    assert "victim_conditions [CLASS-LOOSER]" in said
    assert "Class victim became progress, which is looser: a Key Worker of a mainstream service" in said
    assert "would get it disclosed for referral where today it is withheld" in said
    assert "to mend it: keep class victim" in said


def test_a_loosened_draft_passes_once_somebody_has_signed_for_it(repository: Path) -> None:
    """By rule, path and change, with name, role, date and reason; not for what is changed after that."""
    changed(repository, "progress", "health_note", sensitive=False)
    (finding,) = [
        each for each in read(check(repository, "--json"))["findings"] if each["rule"] != "SENSITIVE"
    ]
    assert (finding["rule"], finding["weight"]) == ("SENSITIVE-LOST", "sign-off")
    changed(repository, "progress", "health_note", sensitive=True)
    changed(repository, "progress", "concern", infoClass="progress")
    findings = read(check(repository, "--json"))["findings"]
    file = repository / "schemas" / "manifest.yaml"
    manifest = yaml.safe_load(file.read_text(encoding="utf-8"))
    entry = next(each for each in manifest["schemas"] if each["name"] == "progress")
    entry["signed_off"] = [
        {
            "rule": each["rule"],
            "where": each["path"],
            "old": each["old"],
            "new": each["new"],
            "by": "Avery Fictional, Head of Offender Management",
            "date": "2026-11-26",
            "why": "It was never about harm.",
        }
        for each in findings
    ]
    assert findings
    file.write_text(yaml.safe_dump(manifest), encoding="utf-8")
    after = check(repository, "--json")
    assert (after.exit_code, read(after)["verdict"]) == (0, "warning")
    changed(repository, "progress", "concern", infoClass="plan_objective")
    later = check(repository, "--json")
    assert (later.exit_code, read(later)["verdict"]) == (4, "sign-off")


def test_what_was_released_is_neither_edited_nor_taken_away(repository: Path) -> None:
    """The envelope is active: an edit and a removal are found against what is committed."""
    file = repository / "schemas" / "envelope" / "v1.0.avsc"
    document = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(document | {"doc": "Another word."}), encoding="utf-8")
    assert "RELEASED-EDITED" in check(repository).output
    manifest = repository / "schemas" / "manifest.yaml"
    entries = yaml.safe_load(manifest.read_text(encoding="utf-8"))
    entries["schemas"] = [each for each in entries["schemas"] if each["name"] != "envelope"]
    manifest.write_text(yaml.safe_dump(entries), encoding="utf-8")
    assert "RELEASED-GONE" in check(repository).output


def manifest_entry(repository: Path, name: str, **said: object) -> None:
    """Change what the manifest of the repository says of a schema."""
    file = repository / "schemas" / "manifest.yaml"
    manifest = yaml.safe_load(file.read_text(encoding="utf-8"))
    next(each for each in manifest["schemas"] if each["name"] == name).update(said)
    file.write_text(yaml.safe_dump(manifest), encoding="utf-8")


def test_what_was_released_keeps_its_id_and_does_not_go_back(repository: Path) -> None:
    """Every record framed with the id would be misread; a draft could be edited again."""
    manifest_entry(repository, "envelope", id=4_711)
    moved = check(repository)
    assert (moved.exit_code, "RELEASED-MOVED" in moved.output) == (4, True)
    manifest_entry(repository, "envelope", id=1, status="draft")
    assert "STATUS-BACK" in check(repository).output


@pytest.mark.requirement("R-DIS-01")
def test_a_draft_loosened_under_a_new_number_is_held_against_the_one_it_takes_the_place_of(
    repository: Path,
) -> None:
    """Otherwise a loosened class would only need another version in its file's name."""
    changed(repository, "referral", "victim_conditions", infoClass="progress", subject="person")
    folder = repository / "schemas" / "referral"
    (folder / "v1.0.avsc").rename(folder / "v1.5.avsc")
    manifest_entry(repository, "referral", version="1.5", file="referral/v1.5.avsc")
    found = read(check(repository, "--json"))["findings"]
    said = {(each["rule"], each["schema"]) for each in found if each["path"] == "victim_conditions"}
    assert ("CLASS-LOOSER", "referral 1.5") in said


def test_a_contract_in_effect_is_neither_edited_nor_taken_away(repository: Path) -> None:
    """Its partner signed what it lets through: another range or view is a contract of its own."""
    file = repository / "contracts" / "recovery-example" / "plan.v1.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('newest: "1.0"', 'newest: "1.9"'), encoding="utf-8")
    edited = check(repository)
    assert edited.exit_code == 4
    assert "CONTRACT-EDITED" in edited.output
    assert "plan.v1 is in effect, and its newest would change" in " ".join(edited.output.split())
    assert "leave it and agree plan.v2" in " ".join(edited.output.split())
    sends = repository / "contracts" / "housing-example" / "progress.v1.yaml"
    sends.write_text(
        sends.read_text(encoding="utf-8").replace("direction: sends", "direction: receives"), encoding="utf-8"
    )
    assert "its direction would change" in " ".join(check(repository).output.split())
    file.unlink()
    assert "It is in effect, and its file is gone." in " ".join(check(repository).output.split())


def test_contracts_that_were_not_there_before_are_no_change_to_any(repository: Path) -> None:
    """A revision from before the folder: the schemas are compared, and nothing is made up about contracts."""
    elsewhere = shutil.copytree(CONTRACTS, repository / "agreed")
    found = hub("check", "--schemas", repository / "schemas", "--contracts", elsewhere, "--against", "HEAD")
    assert (found.exit_code, "CONTRACT-EDITED" in found.output) == (0, False)


def test_check_names_a_revision_there_is_not(repository: Path) -> None:
    """And what to name instead; an option in its place is not taken for one."""
    for revision in ("no-such-branch", "--output=x"):
        found = hub("check", "--schemas", repository / "schemas", f"--against={revision}")
        assert isinstance(found.exception, NotConfigured)
        assert "branch, tag or commit" in found.exception.fix
    assert not Path("x").exists()


def versions(folder: Path, name: str = "progress", **said: object) -> None:
    """Give a message a second version with one more field."""
    older = json.loads((folder / name / "v1.0.avsc").read_text(encoding="utf-8"))
    more = {**optional("more"), "infoClass": "progress", "maxLength": 100, **said}
    newer = older | {"fields": [*older["fields"], more]}
    (folder / name / "v1.1.avsc").write_text(json.dumps(newer), encoding="utf-8")
    file = folder / "manifest.yaml"
    manifest = yaml.safe_load(file.read_text(encoding="utf-8"))
    entry = next(each for each in manifest["schemas"] if each["name"] == name)
    second = entry | {"id": 9_101, "version": "1.1", "file": f"{name}/v1.1.avsc"}
    manifest["schemas"].append(second)
    file.write_text(yaml.safe_dump(manifest), encoding="utf-8")


def test_can_i_release_says_for_each_partner_what_becomes_of_it(repository: Path) -> None:
    """A version that passes breaks nobody; one that does not names those it would break."""
    schemas, contracts = repository / "schemas", repository / "contracts"
    versions(schemas)
    shutil.copy(schemas / "progress" / "v1.0.avsc", schemas / "progress" / "v1.1.avsc")
    assert hub("stamp", "--schemas", schemas).exit_code == 0
    folders = ("--schemas", schemas, "--contracts", contracts)
    good = hub("can-i-release", "progress", "1.1", *folders, "--json")
    assert (good.exit_code, read(good)["version"]) == (0, "progress 1.1")
    assert {row["contract"]: (row["gets"], row["broken"]) for row in read(good)["contracts"]} == {
        "housing-example/progress.v1": ("1.0", False),
        "recovery-example/progress.v1": ("1.0", False),
    }
    file = contracts / "recovery-example" / "progress.v1.yaml"
    file.write_text(
        file.read_text(encoding="utf-8").replace('newest: "1.0"', 'newest: "1.1"'), encoding="utf-8"
    )
    document = json.loads((schemas / "progress" / "v1.1.avsc").read_text(encoding="utf-8"))
    document["fields"] = [each for each in document["fields"] if each["name"] != "referral"]
    (schemas / "progress" / "v1.1.avsc").write_text(json.dumps(document), encoding="utf-8")
    bad = hub("can-i-release", "progress", "1.1", *folders)
    assert bad.exit_code == 4
    assert "It would break: recovery-example/progress.v1." in bad.output
    assert "FIELD-NO-DEFAULT" in bad.output
    assert "nothing gives the key referral" in bad.output


def test_can_i_release_says_no_where_a_rule_is_broken_or_the_model_lacks_a_field(repository: Path) -> None:
    """It answers alone: nobody has to run another command to learn that the answer was yes but."""
    folders = ("--schemas", repository / "schemas", "--contracts", repository / "contracts")
    versions(repository / "schemas")
    found = hub("can-i-release", "progress", "1.1", *folders)
    said = " ".join(found.output.split())
    assert (found.exit_code, "[PARITY]" in said) == (4, True)
    assert "change hub/messages/progress.py with it" in said
    file = repository / "schemas" / "plan" / "v1.0.avsc"
    file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert hub("can-i-release", "plan", "1.0", *folders).exit_code == 0
    file.write_text(
        file.read_text(encoding="utf-8").replace("Why it changed.", "Why it is so."), encoding="utf-8"
    )
    assert "DIGEST" in hub("can-i-release", "plan", "1.0", *folders).output


def test_diff_shows_what_was_added_and_whom_it_reaches(repository: Path) -> None:
    """Field by field, with class; then the contracts on the message."""
    versions(repository / "schemas")
    found = hub("diff", "progress", "1.0", "1.1", "--schemas", repository / "schemas")
    assert re.search(r"added +more", found.output)
    assert "recovery-example/progress.v1" in found.output


def test_can_i_release_says_that_golden_records_of_another_version_were_only_read(repository: Path) -> None:
    """Those of the version the partner gets hold, others are read; nobody compared them."""
    folders = ("--schemas", repository / "schemas", "--contracts", repository / "contracts")

    def golden(version: str) -> str:
        """What is said of a partner's golden records."""
        rows = read(hub("can-i-release", "plan", version, *folders, "--json"))["contracts"]
        return str(next(row for row in rows if row["contract"] == "recovery-example/plan.v1")["golden"])

    assert golden("1.0") == "2 hold"
    spoilt = repository / "schemas" / "progress" / "v1.0.avsc"
    sound = spoilt.read_bytes()
    spoilt.write_text('{"type": "string"}', encoding="utf-8")
    assert golden("1.0") == "not tried"
    spoilt.write_bytes(sound)
    versions(repository / "schemas", "plan")
    file = repository / "contracts" / "recovery-example" / "plan.v1.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('newest: "1.0"', 'newest: "1.1"'), encoding="utf-8")
    assert golden("1.1") == "2 read"
    said = hub("can-i-release", "plan", "1.1", *folders).output
    assert re.search(
        r"recovery-example/plan\.v1 +gets 1\.1 +golden records: 2 read +last sent: not known", said
    )


@pytest.mark.parametrize("asked", ["plan.objectives", "plan.objectives[]"])
def test_who_uses_a_record_lists_the_contracts_that_have_anything_in_it(asked: str) -> None:
    """A list of records has no class and no cell of its own, and is asked for all the same."""
    rows = read(hub("who-uses", asked, "--json"))["contracts"]
    assert [row["contract"] for row in rows] == [
        "debt-advice-example/plan.v1",
        "debt-advice-example/plan.v2",
        "recovery-example/plan.v1",
        "recovery-example/plan.v2",
    ]
    for row in rows:
        assert row["fields"]
        assert all(each.startswith("objectives[].") for each in row["fields"])
    one = read(hub("who-uses", "plan.objectives[].title", "--json"))["contracts"]
    assert [row["fields"] for row in one] == [["objectives[].title"]] * 4
    assert isinstance(hub("who-uses", "plan.objective").exception, NotConfigured)


def test_who_uses_leaves_out_a_contract_whose_versions_lack_the_field(repository: Path) -> None:
    """Though it takes every field there is in them."""
    versions(repository / "schemas")
    folders = ("--schemas", repository / "schemas", "--contracts", repository / "contracts")
    assert read(hub("who-uses", "progress.more", *folders, "--json"))["contracts"] == []
    assert len(read(hub("who-uses", "progress.referral", *folders, "--json"))["contracts"]) == 2


def test_where_no_hub_runs_what_was_sent_is_not_known_and_said_so() -> None:
    """In words, never as None; of what a partner sends nothing is said to be sent to it."""
    said = hub("who-uses", "plan.objectives").output
    assert said.count("last sent: not known, no hub runs here\n") == 4
    sends = read(hub("who-uses", "progress.referral", "--json"))["contracts"]
    assert {(row["last"], row["last_posted"], row["parked"]) for row in sends} == {
        (None, "not known, no hub runs here", None)
    }


def test_who_uses_lists_the_contracts_that_have_a_field_and_why() -> None:
    """And names a field there is not."""
    found = read(hub("who-uses", "referral.risk_information", "--json"))
    assert [row["contract"] for row in found["contracts"]] == ["recovery-example/referral.v1"]
    relies = read(hub("who-uses", "referral.referral", "--json"))["contracts"]
    assert any(row["relies_on_it"] for row in relies)
    assert isinstance(hub("who-uses", "referral.gossip").exception, NotConfigured)


def test_sunset_report_puts_first_what_ends_first(repository: Path) -> None:
    """With the days that are left and what follows; contracts without an end are not in it."""
    contracts = repository / "contracts"
    for partner, year in (("housing-example", 2099), ("recovery-example", 2098)):
        file = contracts / partner / "referral.v1.yaml"
        end = f"deprecated: 2026-01-02\nsunset: {year}-01-01\nalternative: referral.v2\n"
        file.write_text(file.read_text(encoding="utf-8") + end, encoding="utf-8")
    rows = read(hub("sunset-report", "--contracts", contracts, "--json"))["contracts"]
    assert [row["contract"] for row in rows] == [
        "recovery-example/referral.v1",
        "housing-example/referral.v1",
    ]
    assert all(row["days_left"] > 20_000 and row["phase"] == "deprecated" for row in rows)
    told = hub("sunset-report", "--contracts", contracts).output
    assert re.search(r"sunset 2098-01-01, in [0-9]+ days +then: referral\.v2", told)
    assert "parked: not known\n" in hub("sunset-report", "--contracts", contracts).output
    assert hub("sunset-report", "--contracts", contracts, "--within", "30").output == (
        "No contract comes to its end.\n"
    )


def test_views_leave_with_4_until_what_is_generated_is_written(repository: Path) -> None:
    """A field taken out of a contract shows in the generated files."""
    folders = ("--schemas", repository / "schemas", "--contracts", repository / "contracts")
    assert hub("views", *folders).exit_code == 0
    file = repository / "contracts" / "housing-example" / "risk-change.v1.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("  - staff_safety\n", ""), encoding="utf-8")
    before = hub("views", *folders)
    assert before.exit_code == 4
    assert "housing-example/views/risk-change.v1-1.0.avsc" in before.output
    assert "wrote housing-example/views/risk-change.v1-1.0.avsc" in hub("views", "--write", *folders).output
    assert hub("views", *folders).exit_code == 0


def test_views_print_one_json_object(repository: Path) -> None:
    """What differs, what was written, and the verdict."""
    folders = ("--schemas", repository / "schemas", "--contracts", repository / "contracts")
    hub("views", "--write", *folders)
    assert read(hub("views", *folders, "--json")) == {"verdict": "ok", "differing": [], "wrote": []}
    file = repository / "contracts" / "housing-example" / "risk-change.v1.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("  - staff_safety\n", ""), encoding="utf-8")
    before = hub("views", *folders, "--json")
    assert (before.exit_code, read(before)["verdict"], read(before)["wrote"]) == (4, "refused", [])
    assert any("risk-change.v1-1.0.avsc" in line for line in read(before)["differing"])
    after = read(hub("views", "--write", *folders, "--json"))
    assert (after["verdict"], after["differing"]) == ("ok", [])
    assert "housing-example/views/risk-change.v1-1.0.avsc" in after["wrote"]


def test_verify_names_a_partner_there_is_no_contract_with() -> None:
    """And those there are."""
    found = hub("verify", "gossip")
    assert isinstance(found.exception, NotConfigured)
    assert "recovery-example" in found.exception.fix
