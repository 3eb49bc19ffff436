"""The groups of tests: none forgotten, and one whose tools are missing is left out aloud or not at all."""

from __future__ import annotations

import shutil

import pytest

from hub.cli.test import GROUPS, INSTALL, NEEDS, _runnable
from hub.errors import NotConfigured
from hub.installation.home import CHECKOUT


def test_every_folder_with_tests_is_a_group_and_every_group_has_tests() -> None:
    folders = {path.parent.name for path in (CHECKOUT / "tests").glob("*/test_*.py")}
    assert folders == set(GROUPS)
    assert set(NEEDS) == set(INSTALL) <= set(GROUPS)


@pytest.mark.parametrize("group", NEEDS)
def test_a_group_whose_tools_are_missing_is_left_out_and_that_is_said(
    group: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if name in NEEDS[group] else f"/bin/{name}")
    assert _runnable(GROUPS, every=False) == [each for each in GROUPS if each != group]
    said = capsys.readouterr().out
    assert f"Left out: the test group {group} needs " in said
    assert said.count("Left out") == 1
    with pytest.raises(NotConfigured) as refused:
        _runnable(GROUPS, every=True)
    assert INSTALL[group] in refused.value.fix
