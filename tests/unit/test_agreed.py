"""What may be put in force for an organisation: contracts that hold, and were made out for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hub.app.agreed import check_files
from hub.consent.parties import Kind, LegalStatus, Organisation
from hub.errors import NotConfigured
from hub.messages.identifiers import OrganisationId
from tests.unit.agreements import contract_document, contracts_of
from tests.unit.worlds import library, organisation, policy

if TYPE_CHECKING:
    from pathlib import Path

RECOVERY = organisation(
    OrganisationId("recovery"), Kind.PARTNER, rung=2, legal_status=LegalStatus.UNDER_ARRANGEMENTS
)


def refusal(folder: Path, registered: Organisation = RECOVERY, **said: object) -> str:
    """Return why a contract is refused for an organisation; it names what to do."""
    with pytest.raises(NotConfigured) as found:
        check_files([contracts_of(folder, **said)], registered, library(), policy())
    assert "hub contracts verify" in found.value.fix
    return str(found.value)


def test_a_contract_that_holds_and_is_its_own_is_taken(tmp_path: Path) -> None:
    """The other side of every refusal here."""
    check_files([contracts_of(tmp_path)], RECOVERY, library(), policy())


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize(
    "changed", [{"rung": 3}, {"kind": Kind.PRISON}, {"legal_status": LegalStatus.LISTED}]
)
def test_a_contract_made_out_for_another_sort_of_body_is_refused(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    """Its view was held against the ceiling of somebody who may know more."""
    assert "recovery/plan.v1: made out for a partner on rung 2" in refusal(
        tmp_path,
        replace(RECOVERY, **changed),  # type: ignore[arg-type]
    )


@pytest.mark.requirement("R-DIS-06")
def test_a_contract_that_fewer_than_two_have_approved_is_refused(tmp_path: Path) -> None:
    """Nobody releases what only one person has seen."""
    one = contract_document()["approvals"][:1]
    assert "fewer than two people have approved it" in refusal(tmp_path, approvals=one)


@pytest.mark.requirement("R-DIS-01")
def test_a_view_above_what_the_rules_could_ever_let_go_is_refused(tmp_path: Path) -> None:
    """By name: the rules never let the management of risk go to a recovery service."""
    view = [*contract_document()["view"], "risk_management"]
    assert "the rules never let risk_management go to a partner on rung 2" in refusal(tmp_path, view=view)


def test_many_faults_are_counted_and_the_first_told(tmp_path: Path) -> None:
    """Ten lines are read; forty are not."""
    expects = [{"field": f"none_{number}", "because": "invented"} for number in range(12)]
    said = refusal(tmp_path, expects=expects)
    assert said.count("\n- ") == 11
    assert said.endswith("\n- and 2 more")
