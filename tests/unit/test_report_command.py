"""`hub report`: what it refuses to be asked."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from hub.cli.report import app


@pytest.mark.requirement("R-ADM-06")
@pytest.mark.parametrize("report", ["exceptions", "alerts", "bases"])
def test_figures_are_asked_for_by_the_day_and_by_no_moment(
    report: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From one moment to the next, the difference of two reports could be one person's event."""
    monkeypatch.setattr("hub.cli.report._asked", lambda _question: [])
    moment = CliRunner().invoke(app, [report, "--since", "2026-11-01T09:15:00"])
    assert moment.exit_code != 0
    day = CliRunner().invoke(app, [report, "--since", "2026-11-01"])
    assert day.exit_code == 0, day.output
