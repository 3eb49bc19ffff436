"""What staff are told who mistype a name, a time or an id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from hub import cli
from hub.errors import NotConfigured, WrongArgument

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
