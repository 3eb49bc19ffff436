"""`hub test`: which groups run, and what is said of one that cannot."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from hub import cli
from hub.cli import test as testing

TESTS = Path(__file__).parents[1]


class Started(Exception):
    """Raised where pytest would take over the process."""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The command up to where pytest takes over."""

    def take_over(_: str, arguments: list[str]) -> None:
        raise Started(arguments[3:])

    monkeypatch.setattr(os, "execv", take_over)
    monkeypatch.setattr(os, "chdir", lambda _: None)
    return monkeypatch


def pytests(run: pytest.MonkeyPatch, *arguments: str) -> list[str]:
    """The arguments pytest is started with."""
    run.setattr("sys.argv", ["hub", "test", *arguments])
    with pytest.raises(Started) as started:
        cli.main()
    return list(started.value.args[0])


def without(run: pytest.MonkeyPatch, *names: str) -> None:
    """As on a machine that lacks these programs."""
    which = shutil.which
    run.setattr(shutil, "which", lambda name: None if name in names else which(name))


def test_every_group_that_is_there_runs_in_its_order_and_the_rest_goes_to_pytest(
    run: pytest.MonkeyPatch,
) -> None:
    run.setattr(testing, "NEEDS", {})
    expected = [
        *testing.SIDE_BY_SIDE,
        *(str(TESTS / group) for group in testing.GROUPS if (TESTS / group).is_dir()),
    ]
    assert pytests(run, "--every-group", "-k", "consent", "-q") == [*expected, "-k", "consent", "-q"]
    assert {each.name for each in TESTS.iterdir() if list(each.glob("test_*.py"))} <= set(testing.GROUPS)


def test_a_group_whose_tools_are_missing_is_left_out_by_name(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without(run, "npm")
    run.setattr(testing, "GROUPS", ("unit", "node"))
    run.setattr(Path, "is_dir", lambda _: True)
    assert pytests(run) == [*testing.SIDE_BY_SIDE, str(TESTS / "unit")]
    printed = capsys.readouterr().out
    assert "the test group node needs npm" in printed
    assert "Test groups: unit.\n" in printed


def test_with_every_group_a_missing_tool_is_an_error(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without(run, "node", "npm")
    run.setattr(testing, "GROUPS", ("unit", "node"))
    run.setattr(Path, "is_dir", lambda _: True)
    run.setattr("sys.argv", ["hub", "test", "--every-group"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 4
    assert "node needs node and npm" in capsys.readouterr().err


def test_named_tests_run_alone_whatever_is_missing(run: pytest.MonkeyPatch) -> None:
    without(run, "node", "npm")
    named = str(Path(__file__))
    assert pytests(run, "-x", named) == ["-x", named]
