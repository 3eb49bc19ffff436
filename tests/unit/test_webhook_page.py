"""The page for those who receive webhooks says what the tables of the code say."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from hub.adapters.webhooks.answers import Kind, classify
from hub.adapters.webhooks.outcomes import Answered, Code
from hub.adapters.webhooks.schedule import CASE, ROUTINE, SAFETY, Schedule
from hub.installation.home import CHECKOUT

pytestmark = pytest.mark.requirement("R-DEL-02")

PAGE = (CHECKOUT / "docs" / "how-to" / "receive-webhooks.md").read_text(encoding="utf-8")
OPERATORS = (CHECKOUT / "docs" / "how-to" / "push-by-webhook.md").read_text(encoding="utf-8")
SECONDS = {"s": 1, "min": 60, "h": 3_600}
TIMES = {"six": 6, "three": 3}
NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)


def row(begins: str) -> list[str]:
    """The cells of a table's row after its first."""
    found = re.search(rf"^\| {begins}(.*)\|$", PAGE, re.MULTILINE)
    assert found is not None, begins
    return [cell.strip() for cell in found[1].split("|")[1:]]


def waits(cell: str) -> list[float]:
    """The waits a cell lists, e.g. `5 s, six times 5 min, then 24 h three times`."""
    listed = []
    for part in cell.split(", "):
        size = re.search(r"(\d+) (s|min|h)", part)
        times = re.search(r"(six|three) times|h (three) times", part)
        assert size is not None, part
        repeated = 1 if times is None else TIMES[times[1] or times[2]]
        listed += [float(size[1]) * SECONDS[size[2]]] * repeated
    return listed


@pytest.mark.parametrize("schedule", [SAFETY, CASE, ROUTINE], ids=lambda schedule: schedule.name)
def test_the_page_lists_the_waits_of_each_class(schedule: Schedule) -> None:
    listed, ends = row(f"{schedule.name}: ")
    assert tuple(waits(listed)) == schedule.delays_s
    assert ("every" in listed) is schedule.goes_on
    whole_s = schedule.horizon_s if schedule.goes_on else sum(schedule.delays_s)
    assert ends == f"{int(whole_s // 3_600)} h"


@pytest.mark.parametrize(
    ("begins", "kind"),
    [
        ("429, 503", Kind.SLOW_DOWN),
        ("413, 415", Kind.REFUSED_CONTRACT),
        ("401, 403", Kind.MISCONFIGURED),
        ("410", Kind.GONE),
    ],
)
def test_the_page_says_of_each_status_what_is_done(begins: str, kind: Kind) -> None:
    line = re.search(rf"^\| ({begins}[^|]*)\|", PAGE, re.MULTILINE)
    assert line is not None
    named = {int(each) for each in re.findall(r"\b[45]\d\d\b", line[1])}
    of_kind = {status for status in range(400, 600) if kind_of(status) is kind}
    assert named == of_kind


def kind_of(status: int) -> Kind:
    """What an answer with this status comes to."""
    answer = Answered(status=status, retry_after=None, body=b"", body_is_whole=True, elapsed_s=0.0)
    return classify(answer, now=NOW).kind


def test_the_operators_page_says_of_each_code_without_an_answer_what_to_do() -> None:
    assert sorted(re.findall(r"^\| `(E_\w+)` \|", OPERATORS, re.MULTILINE)) == sorted(Code)
