"""The table of requirements: from the list and the tests, never better than they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.testing import CliRunner

import hub.cli
from hub.cli.requirements import State, naming_tests, page, requirements
from hub.installation.home import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

RESOLVED = ("R-CASE", "R-MSG", "R-REF", "R-PLAN", "R-CON", "R-ADM", "R-SCO")
"""Groups of which every requirement has to be shown by a test that comes in by a public door."""
ROUTING = tuple(f"R-RTE-0{number}" for number in (1, 2, 3, 4, 5, 6, 9))
SOURCE = """
import pytest
pytestmark = pytest.mark.public_door

@pytest.mark.requirement("R-DIS-01", "R-DIS-02")
def test_one(): ...

class TestGroup:
    @pytest.mark.requirement("R-DIS-02")
    async def test_two(self): ...

def helper(): ...
"""


def test_the_page_is_what_the_tests_say() -> None:
    """Made anew: python3 -m hub requirements --markdown > docs/reference/requirements.md."""
    written = CHECKOUT / "docs" / "reference" / "requirements.md"
    assert written.read_text(encoding="utf-8") == page(requirements(outcomes={}))


def test_every_requirement_of_the_model_is_shown_from_outside() -> None:
    """The Offender Management Model at work: no requirement of it is open or shown in part only."""
    found = {one.name: one.state for one in requirements(outcomes={})}
    wanted = {name for name in found if name.startswith(RESOLVED) or name in ROUTING}
    assert {name for name in wanted if found[name] is not State.SHOWN} == set()


def test_marks_are_read_from_modules_classes_and_functions(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_some.py").write_text(SOURCE, encoding="utf-8")
    found = naming_tests(folder)
    assert {name: [test.name for test in tests] for name, tests in found.items()} == {
        "R-DIS-01": ["tests/test_some.py::test_one"],
        "R-DIS-02": ["tests/test_some.py::test_one", "tests/test_some.py::TestGroup::test_two"],
    }
    assert all(test.by_public_door for tests in found.values() for test in tests)


def test_a_requirement_passes_only_when_all_its_tests_did() -> None:
    """A test that failed, or of which nothing is known, is not passed over."""
    one = next(each for each in requirements(outcomes={}) if each.name == "R-CASE-09")
    passed = {test.name: "passed" for test in one.tests}

    def state(outcomes: dict[str, str]) -> State:
        return next(each.state for each in requirements(outcomes=outcomes) if each.name == one.name)

    first = one.tests[0].name
    assert state({}) is State.SHOWN
    assert state(passed) is State.PASSED
    assert state({**passed, first: "skipped"}) is State.SHOWN
    assert state({**passed, first: "failed"}) is State.FAILED


def test_the_command_says_what_is_asked_and_which_tests_show_it() -> None:
    result = CliRunner().invoke(hub.cli.app, ["requirements", "R-CASE-06"])
    assert "002 App. B, Case Administrator" in result.output
    assert "door  tests/integration/test_model_team.py::" in result.output


def test_a_requirement_there_is_not_is_refused() -> None:
    result = CliRunner().invoke(hub.cli.app, ["requirements", "R-CASE-99"])
    assert "there is no requirement R-CASE-99" in str(result.exception)
