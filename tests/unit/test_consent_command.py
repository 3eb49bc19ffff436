"""`hub policy`: what a policy owner reads on the command line, and how a bad folder is refused."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub.cli.policy import app
from hub.errors import NotConfigured, PolicyRefused
from hub.topics.policy_files import POLICY, read_policy


def run(*arguments: str) -> str:
    """Run the command and return what it printed."""
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


@pytest.mark.requirement("R-DIS-06")
def test_policy_owner_reads_version_digest_and_what_was_proved() -> None:
    """`check` says what was checked, as text and as JSON, and no rule names a field no contract has."""
    found = json.loads(run("check", "--json", "--version", "9.9.9"))

    assert found["version"] == "9.9.9"
    assert found["states"] > 1_000_000
    assert found["fields no contract has"] == []
    assert "holds  victim-never-to-partner" in run("check")


@pytest.mark.requirement("R-DIS-08")
def test_policy_owner_reads_the_matrix_of_a_class() -> None:
    """`matrix` prints a line per field, as text or Markdown."""
    lines = run("matrix", "--class", "victim", "--markdown").splitlines()

    assert lines[0].startswith("| field")
    assert next(line for line in lines if "victim_name" in line).split("|")[2].strip() == "D"


@pytest.mark.requirement("R-DIS-08")
def test_policy_owner_reads_the_matrix_of_a_purpose() -> None:
    """In a risk alert a Key Worker on rung 3 learns the level; for a transfer it is withheld."""

    def level(purpose: str) -> str:
        lines = run("matrix", "--class", "risk", "--purpose", purpose, "--markdown").splitlines()
        column = [head.strip() for head in lines[0].split("|")].index("KW3")
        return next(line for line in lines if "rosh_level" in line).split("|")[column].strip()

    assert (level("risk_alert"), level("transfer_release")) == ("D", "W")
    with pytest.raises(NotConfigured, match="did you mean risk_alert"):
        run("matrix", "--purpose", "risk_alerts")


@pytest.mark.requirement("R-DEL-03")
def test_policy_owner_is_told_the_class_they_probably_meant() -> None:
    """A class that is not one is refused by name."""
    with pytest.raises(NotConfigured, match="did you mean victim"):
        run("matrix", "--class", "victims")


@pytest.mark.requirement("R-DEL-03")
def test_policy_folder_is_refused_when_a_file_cannot_be_read_or_none_is_there(tmp_path: Path) -> None:
    """The error names the file and the line."""
    with pytest.raises(PolicyRefused, match="no policy files"):
        read_policy(tmp_path)

    shutil.copytree(POLICY, tmp_path / "policy")
    (tmp_path / "policy" / "risk.yaml").write_text("class: risk\nrules: [\n")
    with pytest.raises(PolicyRefused, match=r"risk\.yaml, line"):
        read_policy(tmp_path / "policy")


@pytest.mark.requirement("R-DIS-09")
@pytest.mark.parametrize("options", [(), ("--markdown",), ("--class", "risk")])
def test_every_head_of_a_column_is_explained_below_the_matrix(options: tuple[str, ...]) -> None:
    """Whose column it is, and that its number is a rung, each of which is said."""
    table, _, legend = run("matrix", *options).partition("D disclosed")
    heads = [
        head for head in re.split(r"[|\s]+", table.splitlines()[0]) if head not in {"", "class", "field"}
    ]
    assert len(heads) > 10
    for head in heads:
        assert re.search(rf"[ ·]{head[:-1]} [A-Za-z]", legend), head
        assert re.search(rf"rung of the brokerage ladder:.* {head[-1]} [a-z]", legend), head
    assert "KW Key Worker" in legend
