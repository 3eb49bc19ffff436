"""What the commands that ask about who may know what say before they put a question to a hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from hub.cli.policy import app
from hub.errors import NotConfigured, PolicyRefused

if TYPE_CHECKING:
    from pathlib import Path

RUN = CliRunner()


@pytest.fixture
def body(tmp_path: Path) -> str:
    """A file that is JSON, and no message."""
    (tmp_path / "message.json").write_text("[]")
    return str(tmp_path / "message.json")


@pytest.mark.requirement("R-DIS-08")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("whatif --tier 4", "--message-id or --file"),
        ("whatif --message-id m --file FILE", "--message-id or --file"),
        ("whatif --message-id m --case case_1", "leave out --case"),
        ("whatif --file FILE --today", "leave out --today"),
        ("whatif --file FILE", "give --message and --from"),
        ("whatif --file nowhere.json --message plan --from x", "cannot be read as JSON: FileNotFoundError"),
        ("whatif --file FILE --message plan --from x", "is not a JSON object"),
        ("who-may-see --case c --message plan", "--field or --class"),
        ("who-may-see --case c --message plam --field x", "did you mean plan"),
        ("who-may-see --case c --message plan --class helth", "did you mean health"),
    ],
)
def test_a_question_that_is_not_one_is_refused_before_a_hub_is_asked(
    words: str, says: str, body: str
) -> None:
    """What is missing, too much or misspelt, with what to write instead."""
    found = RUN.invoke(app, words.replace("FILE", body).split())
    assert isinstance(found.exception, NotConfigured)
    assert says in f"{found.exception} {found.exception.fix}"


@pytest.mark.requirement("R-DIS-08")
def test_rules_that_do_not_hold_are_not_supposed(tmp_path: Path) -> None:
    """A folder without rules is refused as such."""
    found = RUN.invoke(app, ["whatif", "--message-id", "m", "--policy", str(tmp_path)])
    assert isinstance(found.exception, PolicyRefused)


@pytest.mark.requirement("R-DIS-08")
@pytest.mark.parametrize(
    ("command", "teaches"),
    [
        ("explain", "never tell a recipient what was held back"),
        ("whatif", "Nothing is sent and nothing is kept"),
        ("who-may-see", "Whoever only a message itself would name is no party yet"),
    ],
)
def test_the_help_teaches_what_the_answer_is_good_for(command: str, teaches: str) -> None:
    """What it does not do, too."""
    shown = RUN.invoke(app, [command, "--help"])
    assert shown.exit_code == 0
    assert teaches in " ".join(shown.output.split())
