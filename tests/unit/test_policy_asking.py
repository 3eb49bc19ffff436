"""What the commands that ask about who may know what say before they put a question to a hub."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from hub.cli.console import EXIT_NOT_VALID, exit_code
from hub.cli.policy import app
from hub.cli.policy.asking import show_choice
from hub.errors import PolicyRefused, WrongArgument
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import DeliveryId, Instant
from hub.routing.outcome import Verdict
from hub.topics.evidence import Entered
from hub.topics.policy_files import POLICY
from hub.topics.sealing import Sealed
from tests.unit.consent_cases import RUNG_2, ask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RUN = CliRunner()


@pytest.fixture
def files(tmp_path: Path) -> Mapping[str, str]:
    """Files that are no message, each for another reason, a folder, and the rules of the hub."""
    (tmp_path / "message.json").write_text("[]")
    (tmp_path / "message.txt").write_text('{\n  no: "message"}')
    (tmp_path / "message.bytes").write_bytes(b"\xff\xfe")
    names = {"FILE": "message.json", "TEXT": "message.txt", "BYTES": "message.bytes", "FOLDER": ""}
    return {name: str(tmp_path / file) for name, file in names.items()} | {"HUB": str(POLICY)}


@pytest.mark.requirement("R-DIS-08")
@pytest.mark.parametrize(
    ("words", "says", "fix"),
    [
        ("whatif --tier 4", "--message-id and --file: neither", "give --message-id or --file"),
        ("whatif --message-id m --file FILE", "--message-id and --file: both", "give --message-id or --file"),
        ("whatif --message-id m --case case_1", "--case: says nothing beside", "leave out --case"),
        ("whatif --file FILE --today", "--today: says nothing beside", "leave out --today"),
        ("whatif --file FILE --from x", "--file: a message from a file needs its type", "give --message"),
        (
            "whatif --file nowhere.json --message plan --from x",
            "--file: nowhere.json cannot be read",
            "author",
        ),
        ("whatif --file FILE --message plan --from x", "--file: FILE is not a JSON object", "occurred_at"),
        ("whatif --file FOLDER --message plan --from x", "--file: FOLDER cannot be read", "occurred_at"),
        ("whatif --file TEXT --message plan --from x", "TEXT is not JSON from line 2, column 3", "statement"),
        ("whatif --file BYTES --message plan --from x", "--file: BYTES is no text in UTF-8", "statement"),
        ("whatif --file FILE --message plans --from x", "--message: .* plans; did you mean plan", "review"),
        ("whatif --message-id m --policy nowhere", "--policy: nowhere is not there", "holds gates.yaml"),
        ("who-may-see --case c --message plan", "--field and --class: neither", "--field or --class"),
        ("who-may-see --case c --message plans --field x", "--message: .*did you mean plan", "risk-change"),
        ("who-may-see --case c --message plan --class helth", "--class: .*did you mean health", "victim"),
        ("diff nofolder X", "OLD: nofolder is no folder that is there", "in-force"),
        ("diff HUB nofolder", "NEW: nofolder is no folder that is there", "HEAD~1"),
        ("replay --days 1 --policy nofolder", "--policy: nofolder is no folder", "HEAD~1"),
        ("record --controller missing", "--controller: missing is not there", "`field: text`"),
        ("record --controller FOLDER", "--controller: FOLDER is a folder", "`field: text`"),
        ("check --policy FILE", "--policy: FILE is a file, not a folder", "holds gates.yaml"),
        ("prove --policy nowhere", "--policy: nowhere is not there", "holds gates.yaml"),
        (
            "propose --version 9.9.9 --author A --policy nowhere",
            "--policy: nowhere is not there",
            "gates.yaml",
        ),
        ("prove --invariant rung-narow", "--invariant: .*did you mean rung-narrows", "unknown-never-widens"),
        ("show risk.alrt", "RULE: .*did you mean risk.alert", "hub policy show"),
        ("matrix --class helth", "--class: .*did you mean health", "victim"),
        ("matrix --purpose risk", "--purpose: there is no purpose risk", "risk_alert"),
        ("matrix --html FOLDER", "--html: FOLDER cannot be written", "may be written"),
        ("cedar --out FILE", "--out: .* cannot be written", "may be written"),
    ],
)
def test_a_question_that_is_not_one_is_refused_before_a_hub_is_asked(
    words: str, says: str, fix: str, files: Mapping[str, str]
) -> None:
    """By the argument that is at fault, with what to write instead, and a code of its own."""
    for name, file in files.items():
        words, says = words.replace(name, file), says.replace(name, re.escape(file))
    found = RUN.invoke(app, words.split())
    assert isinstance(found.exception, WrongArgument)
    assert re.search(says, str(found.exception))
    assert fix in found.exception.fix
    assert found.exception.code == "wrong-argument"
    assert exit_code(found.exception) == EXIT_NOT_VALID


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


@pytest.mark.requirement("R-DIS-08")
def test_decisions_of_one_delivery_are_told_apart_by_when_and_what_became_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What waits is decided again, and all its decisions are for the same recipient."""
    first = ask(MessageName.PROGRESS, Role.KEY_WORKER, RUNG_2)
    named = [
        Entered(
            decision=replace(first, decided_at=Instant(first.decided_at + number)),
            delivery_id=DeliveryId("d" * 32),
            by_kafka=False,
            contract_digest=None,
            facts=Sealed(key_id="k", nonce=b"", box=b""),
            facts_digest="",
            partition=0,
            offset=number,
            verdict=verdict,
        )
        for number, verdict in enumerate((None, *Verdict))
    ]
    show_choice("d" * 32, named, as_json=False)
    lines = re.sub(r"\n {6}", " ", capsys.readouterr().out).splitlines()[1:]
    assert len({re.sub(r"\d\d\.\d{3}", "", line) for line in lines}) == len(named)
    assert len({re.findall(r"\d\d\.\d{3} ", line)[0] for line in lines}) == len(named)
