"""What staff are told who mistype a name, a time or an id."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from hub import cli
from hub.adapters.gateway.problems import PROBLEMS
from hub.cli.moments import moment, shown
from hub.errors import HubError, NotConfigured, WrongArgument

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("words", [["delivery", "undelivered"], ["ledger", "tally"], ["quarantine", "list"]])
def test_a_mistyped_instance_is_refused_and_nothing_is_made_for_it(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty database made on the spot would say that everything has arrived."""
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    environment = {"HUB_HOME": str(home), "HUB_INSTANCE": "mistyped", "HUB_DATABASE": "", "HUB_KAFKA": ""}
    done = CliRunner().invoke(cli.app, words, env=environment)
    assert isinstance(done.exception, NotConfigured)
    assert "no hub has ever run for the instance 'mistyped'" in str(done.exception)
    assert not (home / "instances" / "mistyped").exists()


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        ("2026-11-20", "2026-11-19", "not before --until"),
        ("2026-11-20", "2026-11-20", "not before --until"),
        ("2026-10-20", "2026-11-20", "more than 14 days before --until"),
    ],
)
def test_a_window_that_cannot_be_is_told_from_one_that_is_too_long(since: str, until: str, said: str) -> None:
    asked = ["delivery", "recover", "--organisation", "harbour-trust", "--since", since, "--until", until]
    done = CliRunner().invoke(cli.app, [*asked, "--dry-run"])
    assert isinstance(done.exception, WrongArgument)
    assert said in str(done.exception)


def test_codes_are_of_one_scheme() -> None:
    """Small letters for who asked, capitals for what is kept with a message, E_ for how a push ended."""
    kinds = [HubError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    codes = {kind.code for kind in kinds} | set(PROBLEMS)
    kept = {"REFUSED", "PAYLOAD-INVALID", "NOT-READABLE", "ENGINE-DISAGREES", "GUARD-LEFT-IN"}
    small = re.compile(r"[a-z]+(-[a-z]+)*")
    assert {code for code in codes - kept if not small.fullmatch(code) and not code.startswith("E_")} == set()


@pytest.mark.parametrize(
    ("words", "argument"),
    [
        (["serve", "routr"], "ROLES"),
        (["requirements", "R-NO-1"], "NAMES"),
        (["contracts", "who-uses", "zebra.field"], "FIELD"),
        (["contracts", "verify", "no-partner"], "PARTNER"),
        (["quarantine", "replay"], "--record"),
        (["profile", "show", "WALES"], "JURISDICTION"),
        (["partner", "add", "leeds", "--kind", "prison", "--rung", "1", "--legal-status", "in_house",
          "--evidence", "x"], "--prison"),
    ],
)  # fmt: skip
def test_what_is_mistyped_is_always_the_wrong_argument_by_name(words: list[str], argument: str) -> None:
    done = CliRunner().invoke(cli.app, words)
    assert isinstance(done.exception, WrongArgument), done.exception
    assert (done.exception.code, done.exception.argument) == ("wrong-argument", argument)


def test_a_moment_without_a_zone_is_this_machines_and_shown_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """One copied from JSON has its zone and keeps it; a day begins at midnight here."""
    monkeypatch.setenv("TZ", "Europe/London")
    time.tzset()
    try:
        said = [shown(moment(text)) for text in ("2026-07-01", "2026-07-01T08:00", "2026-07-01T08:00Z")]
    finally:
        monkeypatch.undo()
        time.tzset()
    assert said == ["2026-07-01 00:00:00+01:00", "2026-07-01 08:00:00+01:00", "2026-07-01 09:00:00+01:00"]


def test_what_is_no_moment_is_told_how_one_is_written() -> None:
    asked = ["delivery", "recover", "--organisation", "harbour-trust", "--since", "yesterday", "--dry-run"]
    done = CliRunner().invoke(cli.app, asked)
    assert done.exit_code == 2
    assert "2026-11-01T08:00Z" in done.output
