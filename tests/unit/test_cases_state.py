"""A case as canonical JSON: an exact round trip, one text for equal cases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.cases.case import Case
from hub.cases.state import from_json, to_json
from hub.messages.envelope import MessageName
from tests.unit.worlds import (
    COUNSELLOR,
    DAY,
    LINE_MANAGER,
    MANAGER,
    NEXT_MANAGER,
    RECOVERY,
    UNIT,
    World,
    distribute,
    engage,
    staffed,
)


def full() -> World:
    """Return a world whose case has something of everything."""
    world = staffed(tier=3, region="N54", release_date=20_000)
    engage(world, COUNSELLOR)
    distribute(world, change_summary="Größte Vorsicht ✓")
    world.send(
        UNIT, MessageName.PRISON_EVENT, {"action": "RECEPTION", "status": "CONFIRMED", "prison_to": "MDI"}
    )
    risk = {"kind": "MAPPA", "rosh_level": "HIGH", "mappa_category": 1, "mappa_level": 3, "ppo": False}
    world.send(MANAGER, MessageName.RISK_CHANGE, risk)
    consent = {"consent": "c-1", "action": "GIVEN", "organisations": [RECOVERY], "until": world.now + DAY}
    world.send(MANAGER, MessageName.CONSENT, consent)
    flag = {"consent": "f-1", "action": "CONFIDENTIALITY", "roles": ["key_worker"], "objective": "o-1"}
    world.send(MANAGER, MessageName.CONSENT, flag)
    transfer = {
        "action": "TRANSFER_OM",
        "organisation": NEXT_MANAGER.organisation,
        "person": NEXT_MANAGER.person,
        "reason": "COLLUSION",
        "authorised_by": LINE_MANAGER.person,
        "authorised_role": "line_manager",
        "handover_until": world.now + DAY,
    }
    world.send(LINE_MANAGER, MessageName.TEAM_CHANGE, transfer)
    return world


@pytest.mark.requirement("R-CASE-01")
def test_a_case_with_something_of_everything_reads_back_as_it_was() -> None:
    """Equal in every field, and written alike again."""
    case = full().state
    assert case.handover is not None
    assert case.plan is not None
    assert case.facts
    assert case.risks
    assert case.consents
    assert case.restrictions
    again = from_json(to_json(case))
    assert again == case
    assert to_json(again) == to_json(case)


@given(
    ref=st.text(min_size=1, max_size=32),
    tier=st.none() | st.integers(1, 4),
    opened=st.integers(0, 2**53),
    merged=st.frozensets(st.text(max_size=8), max_size=5),
    prolific=st.none() | st.booleans(),
)
def test_any_case_reads_back_as_it_was(
    *, ref: str, tier: int | None, opened: int, merged: frozenset[str], prolific: bool | None
) -> None:
    """Whatever the words and figures are; sets come in one order."""
    case = Case(
        ref=ref,  # type: ignore[arg-type]
        jurisdiction="SCOTLAND",
        opened_at=opened,  # type: ignore[arg-type]
        opened_by="probation",  # type: ignore[arg-type]
        tier=tier,
        merged=merged,  # type: ignore[arg-type]
        prolific=prolific,
    )
    assert from_json(to_json(case)) == case


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"ref":"c","team":1}', b'{"ref":"c","no":1}'])
def test_what_is_no_case_is_refused(data: bytes) -> None:
    """A damaged record is a ValueError, never half a case."""
    with pytest.raises(ValueError, match=r".*"):
        from_json(data)
