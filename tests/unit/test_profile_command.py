"""`hub profile`: what it shows is what the files say; a faulty folder is named by its fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from hub.cases.profile import Profile
from hub.cases.profile_reader import profile_from
from hub.cases.profile_releases import State, listed, to_release
from hub.cases.reports import DETAILS
from hub.cli.profile import app
from hub.errors import NotConfigured
from hub.messages.identifiers import Instant
from hub.topics.profile_files import read_profiles

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "profiles.md"
(ENGLAND,) = (each for each in read_profiles() if each["jurisdiction"] == "ENGLAND_AND_WALES")


def run(*words: str) -> str:
    """Run a command and return what it printed."""
    return CliRunner().invoke(app, [*words], catch_exceptions=False).stdout


def version(number: str, day: str = "2005-01-08", **change: object) -> Profile:
    """Return the profile of England and Wales under another version and date."""
    return profile_from({**ENGLAND, "version": number, "in_force_from": day, **change})


@pytest.mark.requirement("R-CASE-07")
def test_the_page_ends_with_the_profiles_as_they_are() -> None:
    """Where they differ, make its end anew: hub profile show."""
    assert PAGE.read_text(encoding="utf-8").endswith(run("show"))


def test_every_code_the_page_explains_is_one_the_hub_has_and_none_is_left_out() -> None:
    text = PAGE.read_text(encoding="utf-8")
    codes = ("SCOPE-AT-ODDS", "TIER-BELOW-FACTORS", "TIER-RULES-OTHER", "REPORT-WITHOUT-LIKELY-TIER")
    scottish = ("CORE-SCREEN-OVERDUE", "ICM-ROUTE-OPEN", "CASE-CONFERENCE-DUE", "CASE-CONFERENCE-OVERDUE")
    for code in (*codes, *scottish, "JURISDICTION-MOVED"):
        assert code in DETAILS
        assert f"`{code}`" in text


def test_one_jurisdiction_is_shown_and_an_unknown_one_is_answered_with_those_there_are() -> None:
    shown = run("show", "SCOTLAND")
    assert "Integrated Case Management" in shown
    assert "NOMS" not in shown
    with pytest.raises(NotConfigured, match="no profile of WALES") as fault:
        run("show", "WALES")
    assert "ENGLAND_AND_WALES, SCOTLAND" in fault.value.fix


def test_a_folder_is_checked_and_each_fault_named(tmp_path: Path) -> None:
    assert run("check").count("holds: ") == 2
    plain: dict[str, Any] = {**ENGLAND, "assessment_days": "soon"}
    (tmp_path / "england.yaml").write_text(yaml.safe_dump(plain), encoding="utf-8")
    with pytest.raises(NotConfigured, match="ENGLAND_AND_WALES: assessment_days: must be a whole number"):
        run("check", "--profiles", str(tmp_path))
    (tmp_path / "england.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(NotConfigured, match=r"england.yaml, line \d: not readable as YAML"):
        run("check", "--profiles", str(tmp_path))
    (tmp_path / "england.yaml").write_text("- a list", encoding="utf-8")
    with pytest.raises(NotConfigured, match="a profile is a mapping"):
        run("check", "--profiles", str(tmp_path))
    (tmp_path / "england.yaml").unlink()
    with pytest.raises(NotConfigured, match="no profiles in the folder"):
        run("check", "--profiles", str(tmp_path))


@pytest.mark.requirement("R-CASE-07")
def test_what_was_released_is_in_force_to_come_or_past() -> None:
    old, now, next_ = version("1.0"), version("1.1", "2011-03-10"), version("1.2", "2050-01-01")
    found = {
        each.profile.version: each.state for each in listed((next_, old, now), Instant(1_900_000_000_000))
    }
    assert found == {"1.0": State.PAST, "1.1": State.IN_FORCE, "1.2": State.COMING}


def test_versions_are_compared_as_numbers() -> None:
    (last,) = [
        each.profile.version
        for each in listed((version("1.10"), version("1.9")), Instant(1_900_000_000_000))
        if each.state is State.IN_FORCE
    ]
    assert last == "1.10"


def test_a_version_released_is_never_edited_and_one_that_would_never_hold_is_refused() -> None:
    held = version("1.1", "2020-01-01")
    assert to_release((held,), (held,)) == ()
    assert to_release((version("1.2", "2020-01-01"),), (held,)) == (version("1.2", "2020-01-01"),)
    with pytest.raises(NotConfigured, match=r"version: 1\.1 names other rules already"):
        to_release((version("1.1", "2020-01-01", assessment_days=99),), (held,))
    with pytest.raises(NotConfigured, match="in_force_from: version"):
        to_release((version("1.2", "2019-01-01"),), (held,))
