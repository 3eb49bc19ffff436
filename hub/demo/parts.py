"""Who has a part in a case at each step, worked out from the story alone and not by the hub's rules.

Everybody with a part must have a ledger record for every message, also one that says no (R-DIS-09).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.demo.expectations import End
from hub.messages.envelope import MessageName

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hub.demo.day import Step
    from hub.demo.expectations import Expectations

KEY_WORKER, UNIT = "key_worker", "offender_management_unit"
MANAGING = frozenset({"offender_manager", "offender_supervisor", "case_administrator"})
ENDED = frozenset({"DECLINE", "WITHDRAW", "END", "COMPLETE"})


def parts_at(
    steps: Iterable[Step], expectations: Expectations, prisons: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    """Return, by name of each step of one case that is taken, everybody with a part but its author."""
    held: set[str] = set()
    found: dict[str, frozenset[str]] = {}
    for step in steps:
        expected = expectations.steps.get(step.likeness)
        if expected is None or expected.end is not End.ROUTED:
            continue
        before = frozenset(held)
        _change(held, step, prisons)
        concerned = before | held if step.message is MessageName.PRISON_EVENT else held
        if step.message is MessageName.RECEIPT:
            concerned = {part for part in held if part.partition("/")[2] in MANAGING}
        found[step.name] = frozenset(concerned) - {f"{step.author.organisation}/{step.author.role.value}"}
    return found


def _change(held: set[str], step: Step, prisons: Mapping[str, str]) -> None:
    """Let a step give a part, or take one away."""
    action, data = step.data.get("action"), step.data
    if step.message is MessageName.TEAM_CHANGE:
        part = f"{data['organisation']}/{data['role']}"
        (held.discard if action == "END" else held.add)(part)
    elif step.message is MessageName.REFERRAL and action == "OFFER":
        held.add(f"{data['provider']}/{KEY_WORKER}")
    elif step.message is MessageName.REFERRAL and action in ENDED:
        held.discard(f"{data['provider']}/{KEY_WORKER}")
    elif step.message is MessageName.PRISON_EVENT and action in {"RECEPTION", "TRANSFER", "RELEASE"}:
        held -= {part for part in held if part.endswith(f"/{UNIT}")}
        if data.get("prison_to") is not None:
            held.add(f"{prisons[str(data['prison_to'])]}/{UNIT}")
