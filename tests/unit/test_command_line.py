"""The command line: quick help, errors that say what to do, exit codes."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from hub import cli
from hub.cli.console import exit_code, show_error
from hub.errors import AlreadyRunning, Fault, InvalidBody, Unreachable

CHECKOUT = Path(__file__).parents[2]
HEAVY = ("aiokafka", "faststream", "fastapi", "pydantic", "psycopg", "alembic", "rich", "cryptography")


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; sys.argv = ['hub', '--help']\n"
        "from hub.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=CHECKOUT, check=True
    )
    assert all(name in done.stdout for name in cli.GROUPS)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("name", cli.GROUPS)
def test_every_group_in_the_table_exists(name: str) -> None:
    assert importlib.util.find_spec(f"hub.cli.{name}") is not None
    assert cli._load(name).name == name


def test_a_mistyped_command_is_a_usage_error_with_a_suggestion(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["hub", "docter"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2
    assert "'doctor'" in capsys.readouterr().err


def test_an_error_is_shown_with_what_where_and_how_to_mend_it(capsys: pytest.CaptureFixture[str]) -> None:
    show_error(InvalidBody((Fault(pointer="/sesion", rule="not a field", fix="did you mean session?"),)))
    told = capsys.readouterr().err
    assert "1 fault(s)" in told
    assert "at /sesion: not a field; did you mean session?" in told
    assert "to mend it: mend the named fields" in told


def test_exit_codes_tell_unreachable_from_not_valid() -> None:
    assert exit_code(Unreachable("")) == 5
    assert exit_code(AlreadyRunning("")) == 4
    assert exit_code(InvalidBody(())) == 4
