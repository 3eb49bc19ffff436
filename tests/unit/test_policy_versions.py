"""Versions and effective times that are no good are refused, by flag and with what to write instead."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub.cli.policy import app
from hub.consent.versions import check_above
from hub.errors import WrongArgument
from hub.topics.policy_files import POLICY, RELEASE, read_release

KNOWN = {"a" * 64: "1.0.0", "b" * 64: "1.1.0"}
"""Version by digest of what a hub has seen, the last in force."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The hub's own rules in a folder that may be changed."""
    return shutil.copytree(POLICY, tmp_path / "policy")


def refused(*arguments: object) -> WrongArgument:
    """Run a policy command that is refused for an argument."""
    found = CliRunner().invoke(app, [str(each) for each in arguments]).exception
    assert isinstance(found, WrongArgument), found
    return found


@pytest.mark.requirement("R-DIS-08")
@pytest.mark.parametrize(
    "version", ["abc", "1", "1.1", "01.2.0", "1.2.0-draft", "1.2.0.4", "", "9999999.0.0"]
)
def test_a_version_that_is_not_three_numbers_is_not_proposed(folder: Path, version: str) -> None:
    """Nobody could tell whether it is newer; nothing is written."""
    before = (folder / RELEASE).read_text(encoding="utf-8")
    found = refused("propose", "--version", version, "--author", "Imogen Vale", "--policy", folder)
    assert str(found).startswith("--version: ")
    assert "three numbers" in found.fix
    assert (folder / RELEASE).read_text(encoding="utf-8") == before


@pytest.mark.requirement("R-DIS-08")
def test_a_version_below_the_one_that_was_approved_is_not_proposed(folder: Path) -> None:
    """By number, not by letter; the next ones are named."""
    release = read_release(folder)
    assert release is not None
    assert release.version.startswith("1.")
    found = refused("propose", "--version", "0.99.0", "--author", "Imogen Vale", "--policy", folder)
    assert f"--version: 0.99.0 is below {release.version}" in str(found)
    assert "give a higher one, e.g. 1." in found.fix
    CliRunner().invoke(
        app,
        ["propose", "--version", "1.100.0", "--author", "Imogen Vale", "--policy", str(folder)],
        catch_exceptions=False,
    )
    proposed = read_release(folder)
    assert proposed is not None
    assert proposed.version == "1.100.0"


@pytest.mark.requirement("R-DIS-08")
@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("1.0.9", "1.0.9 is not above 1.1.0, which is in force"),
        ("1.1.0", "1.1.0 names other rules already"),
        ("1.0.0", "1.0.0 names other rules already"),
        ("abc", "abc is not a version of three numbers"),
    ],
)
def test_rules_are_not_released_under_a_version_below_or_used(version: str, says: str) -> None:
    """Whoever reads a version alone must be able to tell which rules it means, and which are newer."""
    with pytest.raises(WrongArgument) as found:
        check_above(version, "c" * 64, KNOWN, "1.1.0")
    assert str(found.value) == f"release.version: {says}"
    assert "hub policy propose" in found.value.fix


@pytest.mark.requirement("R-DIS-08")
def test_the_very_rules_that_held_before_may_be_released_again() -> None:
    """That is how one goes back; and a hub whose rules have another form of name goes on from there."""
    check_above("1.0.0", "a" * 64, KNOWN, "1.1.0")
    check_above("1.1.1", "c" * 64, KNOWN, "1.1.0")
    check_above("1.10.0", "c" * 64, KNOWN, "1.9.0")
    check_above("1.0.0", "c" * 64, {}, None)
    check_above("1.0.0", "c" * 64, {"d" * 64: "unreleased"}, "unreleased")


@pytest.mark.requirement("R-DIS-08")
@pytest.mark.parametrize(
    ("moment", "says", "fix"),
    [
        ("9999-01-01T00:00Z", "--effective: 9999-01-01T00:00Z is too far ahead", "within 366 days"),
        (
            "2020-01-01T00:00Z",
            "--effective: 2020-01-01T00:00:00Z has passed already",
            "leave --effective out",
        ),
    ],
)
def test_an_effective_time_in_the_past_or_far_ahead_is_refused(moment: str, says: str, fix: str) -> None:
    """Before a hub is asked for."""
    found = refused("release", "--effective", moment)
    assert says in str(found)
    assert fix in found.fix
