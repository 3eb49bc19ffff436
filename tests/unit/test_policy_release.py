"""A policy release: what its file must say, whose approval counts, and the commands that write it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub.cli.policy import app
from hub.consent.release import (
    Release,
    approved,
    check_release,
    digest_of,
    faults_of,
    is_due,
    release_from,
    release_in_force,
    release_plain,
    released_from,
)
from hub.consent.releases import State, listed
from hub.errors import NotConfigured, PolicyRefused
from hub.messages.identifiers import Instant
from hub.topics.policy_files import (
    POLICY,
    RELEASE,
    folder_policy,
    name_from_control,
    policy_from_control,
    read_policy,
    read_release,
)
from tests.unit import released as made

DIGEST, OTHER = "a" * 64, "b" * 64
GOOD: dict[str, object] = {
    "version": "1.1.0",
    "digest": DIGEST,
    "author": made.AUTHOR,
    "proposed": "2026-11-26",
    "approvals": [
        {"by": made.FIRST, "date": "2026-11-26", "digest": DIGEST},
        {"by": made.SECOND, "date": "2026-11-27", "digest": DIGEST},
    ],
}


def approval(**changes: object) -> dict[str, object]:
    """Return an approval with a field changed."""
    return {"by": made.FIRST, "date": "2026-11-26", "digest": DIGEST, **changes}


def run(*arguments: object) -> str:
    """Run a policy command and return what it printed."""
    result = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The hub's own rules in a folder that may be changed."""
    return shutil.copytree(POLICY, tmp_path / "policy")


def change_a_rule(folder: Path) -> None:
    """Change one word of a rule."""
    file = folder / "victim.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("carries the duty", "has the duty", 1), encoding="utf-8")


@pytest.mark.requirement("R-DIS-08")
def test_the_rules_that_come_with_the_hub_were_approved_as_they_are() -> None:
    """Whoever changes one has to propose and approve anew: else no hub would start with them."""
    documents = read_policy()
    assert RELEASE.removesuffix(".yaml") not in documents
    assert faults_of(read_release(), digest_of(documents)) == ()


@pytest.mark.requirement("R-DIS-08")
def test_release_is_read_and_written_alike_and_says_who_did_what() -> None:
    """The sentence names the author and both who approved."""
    release = release_from(GOOD)
    assert release_plain(release) == GOOD
    assert release.approvers == (made.FIRST, made.SECOND)
    assert all(each in release.sentence for each in ("1.1.0", made.AUTHOR, made.FIRST, "2026-11-27"))
    assert check_release(release, DIGEST) == release


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": 1.1}, "release.version: must be a version in quotation marks"),
        ({"version": "1/1"}, "release.version"),
        ({"digest": "abc"}, "release.digest: must be 64 hexadecimal digits"),
        ({"author": " "}, "release.author: must be a person's name"),
        ({"proposed": "26 November"}, "release.proposed: must be a date"),
        ({"approvals": "both"}, "release.approvals: must be a list"),
        ({"approvals": ["both"]}, "release.approvals[0]: must be a mapping"),
        ({"approvals": [approval(), approval(by=None)]}, "release.approvals[1].by: must be a person's name"),
        ({"approvals": [approval(date="2026-13-01")]}, "release.approvals[0].date: must be a date"),
        ({"approvals": [approval(digest=1)]}, "release.approvals[0].digest"),
        ({"approvals": [approval(wen="x")]}, "release.approvals[0].wen: not a field of it; allowed"),
        ({"authorz": "x"}, "release.authorz: not a field of it; did you mean author?"),
    ],
)
def test_release_is_refused_by_field_when_its_file_is_wrong(changes: dict[str, object], words: str) -> None:
    """Every fault names where it stands."""
    with pytest.raises(PolicyRefused, match=re.escape(words)):
        release_from({**GOOD, **changes})


@pytest.mark.requirement("R-DEL-03")
def test_release_tells_all_its_faults_at_once() -> None:
    """Also where it is no mapping at all."""
    with pytest.raises(PolicyRefused) as caught:
        release_from({})
    assert [
        name
        for name in ("version", "digest", "author", "proposed")
        if f"release.{name}:" in str(caught.value)
    ] == ["version", "digest", "author", "proposed"]
    with pytest.raises(PolicyRefused, match="release: must be a mapping"):
        release_from(["1.1.0"])


@pytest.mark.requirement("R-DIS-08")
@pytest.mark.parametrize(
    ("approvals", "words"),
    [
        ([], "release.approvals: 0 of 2 approvals"),
        ([approval()], "release.approvals: 1 of 2 approvals"),
        ([approval(), approval(by="tomasz  BIRCH")], "release.approvals[1].by: the same person twice"),
        ([approval(), approval(by=made.AUTHOR)], "release.approvals[1].by: the author does not approve"),
        ([approval(), approval(by=made.SECOND, digest=OTHER)], "release.approvals[1].digest: of other rules"),
    ],
)
def test_rules_are_not_released_without_two_other_people(
    approvals: list[dict[str, object]], words: str
) -> None:
    """Neither the author nor one person twice, and nobody who read other rules."""
    with pytest.raises(PolicyRefused, match=re.escape(words)) as caught:
        check_release(release_from({**GOOD, "approvals": approvals}), DIGEST)
    assert "hub policy approve" in caught.value.fix


@pytest.mark.requirement("R-DIS-08")
def test_approvals_are_void_when_a_rule_has_changed_since() -> None:
    """The next step is to propose them anew; so it is where nobody has proposed at all."""
    with pytest.raises(PolicyRefused, match="its approvals are void") as caught:
        check_release(release_from(GOOD), OTHER)
    assert "hub policy propose" in caught.value.fix
    with pytest.raises(PolicyRefused, match="nobody has proposed"):
        check_release(None, DIGEST)


@pytest.mark.requirement("R-DIS-08")
def test_an_approval_of_other_rules_does_not_outlive_the_next_one() -> None:
    """Who approves writes anew which of the earlier approvals still count."""
    before = release_from({**GOOD, "approvals": [approval(digest=OTHER)]})
    after = approved(before, DIGEST, by=made.SECOND, date="2026-11-28")
    assert after.approvers == (made.SECOND,)
    assert len(after.approvals) == 1


@pytest.mark.requirement("R-DIS-08")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"author": ...}, "policy.author: must be a person's name"),
        ({"approvers": ...}, "policy.approvers: must be a list of two people"),
        ({"approvers": [made.FIRST]}, "policy.approvers: 1 of 2 approvals"),
        ({"approvers": [made.FIRST, made.AUTHOR]}, "policy.approvers[1]: the author"),
        ({"approvers": [made.FIRST, made.FIRST]}, "policy.approvers[1]: the same person twice"),
        ({"approvers": [made.FIRST, 7]}, "policy.approvers[1]: must be a person's name"),
        ({"documents": []}, "policy.documents: must be a mapping"),
        ({"version": "a/b"}, "policy.version"),
        ({"effective_at": "tomorrow"}, "policy.effective_at: must be milliseconds"),
        ({"effective_at": True}, "policy.effective_at"),
    ],
)
def test_a_record_that_releases_rules_is_refused_by_field(changes: dict[str, object], words: str) -> None:
    """The record stands in the log for ever, and says itself who answers for it."""
    with pytest.raises(ValueError, match="policy") as caught:
        released_from(made.changed(made.body({}, "2"), changes))
    assert words in str(caught.value)


@pytest.mark.requirement("R-DIS-08")
def test_what_is_to_come_holds_from_its_effective_time_on() -> None:
    """That very moment counts; before it, and without anything to come, what is in force holds."""
    current, coming = made.body({}, "1"), made.body({}, "2", effective_at=Instant(10))
    assert release_in_force(current, coming, Instant(9)) is current
    assert release_in_force(current, coming, Instant(10)) is coming
    assert release_in_force(current, None, Instant(10)) is current
    assert release_in_force(None, None, Instant(10)) is None
    assert is_due(made.body({}, "2"), Instant(0))


@pytest.mark.requirement("R-DIS-08")
def test_past_rules_are_compiled_from_their_record_and_named_as_decisions_name_them() -> None:
    """With author and approvers or, in an old record, without."""
    documents = read_policy()
    old = {"version": "0.9", "documents": documents}
    assert policy_from_control(old).name == name_from_control(old) == f"0.9:{digest_of(documents)[:12]}"
    with pytest.raises(PolicyRefused, match="holds its documents"):
        policy_from_control({"version": "0.9"})


@pytest.mark.requirement("R-DIS-08")
def test_releases_are_listed_by_how_they_stand() -> None:
    """What held, holds, will hold, and what never did; what was released before people were named, too."""
    first: dict[str, object] = {"version": "1", "documents": {"a": 1}}
    current = made.body({"a": 2}, "2") | {"since": 20}
    coming = made.body({"a": 3}, "3", effective_at=Instant(40))
    never = made.body({"a": 4}, "4", effective_at=Instant(30)) | {"since": None}
    facts: dict[str, Mapping[str, object]] = {"current": current, "coming": coming}
    for each in (first, current, {**coming, "since": None}, never):
        facts[name_from_control(each)] = each

    found = {each.version: (each.state, each.effective, each.author) for each in listed(facts, Instant(39))}
    assert found == {
        "1": (State.PAST, None, None),
        "2": (State.IN_FORCE, 20, made.AUTHOR),
        "3": (State.COMING, 40, made.AUTHOR),
        "4": (State.REPLACED, 30, made.AUTHOR),
    }
    states = {each.version: each.state for each in listed(facts, Instant(40))}
    assert (states["2"], states["3"]) == (State.PAST, State.IN_FORCE)
    assert [each.version for each in listed({"current": current, "coming": current}, Instant(0))] == ["2"]


@pytest.mark.requirement("R-DIS-08")
def test_changed_rules_are_proposed_and_approved_on_the_command_line(folder: Path) -> None:
    """From the change to a release that may go out, each command saying what comes next."""
    change_a_rule(folder)
    with pytest.raises(PolicyRefused, match="approvals are void"):
        run("release", "--policy", folder)
    with pytest.raises(PolicyRefused, match="approvals are void"):
        run("approve", "--by", "Somebody Else", "--policy", folder)

    assert "approve" in run("propose", "--version", "9.1.0", "--author", made.AUTHOR, "--policy", folder)
    with pytest.raises(PolicyRefused, match="the author does not approve"):
        run("approve", "--by", made.AUTHOR.upper(), "--policy", folder)
    assert "one more approval" in run("approve", "--by", made.FIRST, "--policy", folder)
    with pytest.raises(PolicyRefused, match="has approved already"):
        run("approve", "--by", made.FIRST, "--policy", folder)
    with pytest.raises(PolicyRefused, match="1 of 2 approvals"):
        run("release", "--policy", folder)
    assert "hub policy release" in run("approve", "--by", made.SECOND, "--policy", folder)

    said = json.loads(run("check", "--policy", folder, "--json"))
    assert (said["version"], said["release faults"]) == ("9.1.0", [])
    assert made.SECOND in said["release"]
    change = folder / "gates.yaml"
    change.write_text(change.read_text(encoding="utf-8").replace("A gate that", "The gate that"), "utf-8")
    assert "its approvals are void" in run("check", "--policy", folder)


@pytest.mark.requirement("R-DIS-08")
def test_a_version_that_was_approved_is_not_given_to_other_rules(folder: Path) -> None:
    """A decision names version and digest; people name the version alone."""
    shipped = read_release(folder)
    assert shipped is not None
    with pytest.raises(PolicyRefused, match="names these rules already") as caught:
        run("propose", "--version", shipped.version, "--author", made.AUTHOR, "--policy", folder)
    assert "as they are" in caught.value.fix
    change_a_rule(folder)
    with pytest.raises(PolicyRefused, match="names other rules already") as caught:
        run("propose", "--version", shipped.version, "--author", made.AUTHOR, "--policy", folder)
    assert "next version" in caught.value.fix


@pytest.mark.requirement("R-DEL-03")
def test_a_broken_rule_is_not_even_proposed(folder: Path) -> None:
    """The proofs come first."""
    (folder / "intelligence.yaml").unlink()
    before = (folder / RELEASE).read_text(encoding="utf-8")
    with pytest.raises(PolicyRefused):
        run("propose", "--version", "2.0.0", "--author", made.AUTHOR, "--policy", folder)
    assert (folder / RELEASE).read_text(encoding="utf-8") == before


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize("moment", ["tomorrow", "2026-12-01T00:00", "2026-12-01"])
def test_an_effective_time_that_could_be_meant_in_two_ways_is_refused(moment: str) -> None:
    """With an example of one that could not."""
    with pytest.raises(NotConfigured, match="--effective") as caught:
        run("release", "--effective", moment)
    assert "2026-12-01T00:00Z" in caught.value.fix


@pytest.mark.requirement("R-DIS-08")
def test_rules_nobody_has_proposed_have_no_version_and_dates_need_no_quotation_marks(folder: Path) -> None:
    """YAML takes a date without them for something else; a person may leave them out."""
    file = folder / RELEASE
    shipped = read_release(folder)
    file.write_text(file.read_text(encoding="utf-8").replace("'", ""), encoding="utf-8")
    assert read_release(folder) == shipped
    file.unlink()
    assert folder_policy(folder).version == "unreleased"
    assert folder_policy(folder, version="9").version == "9"
    with pytest.raises(PolicyRefused, match="nobody has proposed"):
        run("release", "--policy", folder)


def test_a_release_is_a_value() -> None:
    """Nobody changes one that others hold."""
    release: Release = release_from(GOOD)
    assert replace(release, version="2") != release
    with pytest.raises(AttributeError):
        release.version = "2"  # type: ignore[misc]


@pytest.mark.requirement("R-DIS-08")
def test_an_office_behind_the_name_makes_nobody_another_person(folder: Path) -> None:
    """Neither the author nor the first approver approves again by naming another office."""
    change_a_rule(folder)
    run("propose", "--version", "9.2.0", "--author", "Imogen Vale, Head of Something", "--policy", folder)
    with pytest.raises(PolicyRefused, match="the author does not approve"):
        run("approve", "--by", "imogen vale, Data Protection Officer", "--policy", folder)
    run("approve", "--by", "Tomasz Birch", "--policy", folder)
    with pytest.raises(PolicyRefused, match="has approved already"):
        run("approve", "--by", "Tomasz  BIRCH, Head of Public Protection", "--policy", folder)


@pytest.mark.requirement("R-DIS-08")
def test_a_field_no_contract_has_is_not_proposed(folder: Path) -> None:
    """A slip in a forbid would hold back nothing, and nobody would see."""
    file = folder / "contact.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("[authorised_by]", "[authorized_by]"), "utf-8")
    with pytest.raises(NotConfigured, match="contact: authorized_by"):
        run("propose", "--version", "9.2.0", "--author", "Imogen Vale", "--policy", folder)


def test_before_the_first_release_none_is_listed() -> None:
    """`hub policy release` lists what held before it: nothing, the first time."""
    assert listed({}, Instant(40)) == ()
