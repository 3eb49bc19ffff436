"""The demonstration's check of envelopes and of the ledger can fail: each kind of untruth is found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.demo.check import check
from hub.demo.evidence import Evidence, Ground, Received
from tests.unit.demo_evidence import EXPECTATIONS, WORLD, altered, differences, whole_evidence

ROSH, MISSED, CONFERENCE = "testo/rosh", "testo/missed", "testo/conference"
HOUSING, RECOVERY = "housing-example/key_worker", "recovery-example/key_worker"
MANAGER, ADMINISTRATOR = "probation-n54/offender_manager", "probation-n54/case_administrator"


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    """What would be seen of a hub that does all that is expected."""
    return whole_evidence()


def said(evidence: Evidence) -> list[str]:
    """Return what the check says of this evidence."""
    return [str(difference) for difference in check(WORLD, EXPECTATIONS, evidence).differences]


def with_headers(evidence: Evidence, *, step: str, recipient: str, **headers: str | None) -> Evidence:
    """Return evidence in which a delivery has other headers; None takes one away."""
    named = {name.replace("_", "-") if name.startswith("hub") else name: to for name, to in headers.items()}

    def alter(received: Received) -> Received:
        merged = {**received.headers, **named}
        return replace(received, headers={name: to for name, to in merged.items() if to is not None})

    return altered(evidence, step=step, recipient=recipient, alter=alter)


@pytest.mark.requirement("R-DIS-01")
def test_the_check_finds_a_header_that_is_not_to_leave(evidence: Evidence) -> None:
    """Headers are an allow-list."""
    more = with_headers(evidence, step=ROSH, recipient=HOUSING, hub_case="case-17")
    assert said(more) == [f"{HOUSING} · hub-case · is not a header that may leave"]


@pytest.mark.requirement("R-MSG-12")
def test_the_check_finds_an_envelope_that_does_not_say_what_it_must(evidence: Evidence) -> None:
    """When it was recorded is part of every message."""
    less = with_headers(evidence, step=ROSH, recipient=HOUSING, hub_recorded=None)
    assert said(less) == [f"{HOUSING} · hub-recorded · is missing in the envelope"]


@pytest.mark.requirement("R-DIS-01")
def test_the_check_finds_a_partner_told_which_other_partner_wrote(evidence: Evidence) -> None:
    """That the drug service works with the person is not for the council to know."""
    told = with_headers(evidence, step=MISSED, recipient=HOUSING, hub_author_organisation="recovery-example")
    assert differences(check(WORLD, EXPECTATIONS, told)) == [(MISSED, HOUSING, "hub-author-organisation")]


@pytest.mark.requirement("R-CON-02")
def test_the_check_finds_a_manager_named_who_must_not_be_found(evidence: Evidence) -> None:
    """After a threat, partners do not learn the new Offender Manager's reference from an envelope either."""
    author = next(step.author for step in WORLD.steps if step.name == CONFERENCE)
    told = with_headers(evidence, step=CONFERENCE, recipient=RECOVERY, hub_author=author.reference)
    assert differences(check(WORLD, EXPECTATIONS, told)) == [(CONFERENCE, RECOVERY, "hub-author")]


@pytest.mark.requirement("R-MSG-12")
def test_the_check_finds_an_author_who_is_not_told_or_not_the_true_one(evidence: Evidence) -> None:
    """In house, who wrote it belongs to the message."""
    silent = with_headers(evidence, step=MISSED, recipient=MANAGER, hub_author_role=None)
    assert said(silent)[0].endswith("hub-author-role · is not told, and must be")
    false = with_headers(evidence, step=MISSED, recipient=MANAGER, hub_author_role="offender_manager")
    assert said(false)[0].endswith("hub-author-role · is not true")


@pytest.mark.requirement("R-MSG-12")
def test_the_check_finds_an_opinion_passed_on_as_fact(evidence: Evidence) -> None:
    """Fact or opinion is what the author says it is."""
    fact = with_headers(evidence, step=ROSH, recipient=HOUSING, hub_statement="fact")
    assert differences(check(WORLD, EXPECTATIONS, fact)) == [(ROSH, HOUSING, "hub-statement")]


def test_the_check_finds_an_answer_under_another_correlation(evidence: Evidence) -> None:
    """The concern and the change of risk it leads to belong together."""
    torn = with_headers(evidence, step=ROSH, recipient=HOUSING, hub_correlation="cor_housing_other")
    assert differences(check(WORLD, EXPECTATIONS, torn)) == [(ROSH, HOUSING, "hub-correlation")]


@pytest.mark.parametrize("header", ["ce_subject", "hub-message", "hub-correlation"])
def test_the_check_finds_a_reference_two_organisations_share(evidence: Evidence, header: str) -> None:
    """What two organisations hold can not be put together by its headers."""
    linked = tuple(
        replace(one, headers={**one.headers, header: "shared"})
        if one.message == "receipt" or (one.recipient == HOUSING and one.message == "evaluation")
        else one
        for one in evidence.received
    )
    some = next(one for one in linked if one.message == "plan" and one.recipient == HOUSING)
    other = replace(some, headers={**some.headers, header: "shared"})
    linked = tuple(other if one is some else one for one in linked)
    found = check(WORLD, EXPECTATIONS, replace(evidence, received=linked)).differences
    assert ("know it by the same reference", header) in {(one.what, one.field) for one in found}


def test_the_check_finds_a_cause_nobody_told_the_recipient_of(evidence: Evidence) -> None:
    """A cause is named to those who know it."""
    named = with_headers(evidence, step=ROSH, recipient=HOUSING, hub_causation="msg_unheard_of")
    assert said(named) == [f"{HOUSING} · hub-causation · names a message this recipient was never told of"]


@pytest.mark.requirement("R-DIS-09")
def test_the_check_finds_a_delivery_that_is_not_in_the_ledger_and_one_too_many(evidence: Evidence) -> None:
    """Ledger and deliveries are the same, both ways."""
    first = next(one for one in evidence.judgements if one.delivers)
    rest = tuple(one for one in evidence.judgements if one is not first)
    assert any("is not in the ledger" in line for line in said(replace(evidence, judgements=rest)))
    more = (*evidence.judgements, replace(first, delivery="another"))
    assert any("was not received" in line for line in said(replace(evidence, judgements=more)))


@pytest.mark.requirement("R-DIS-09")
def test_the_check_finds_a_candidate_without_a_record(evidence: Evidence) -> None:
    """Nothing for you is a decision, too."""
    silent = next(one for one in evidence.judgements if one.message == "testo/breach-reported" and one.gate)
    rest = tuple(one for one in evidence.judgements if one is not silent)
    found = said(replace(evidence, judgements=rest))
    assert len(found) == 1
    assert "the ledger has no record of a decision" in found[0]


@pytest.mark.requirement("R-DIS-01")
def test_the_check_finds_a_field_that_went_without_a_basis(evidence: Evidence) -> None:
    """Every field that goes, goes on a basis."""
    some = next(one for one in evidence.judgements if one.recipient == HOUSING and one.delivers)
    bare = replace(some, grounds=tuple(replace(ground, basis=None) for ground in some.grounds))
    rest = tuple(bare if one is some else one for one in evidence.judgements)
    assert all("without a legal basis" in line for line in said(replace(evidence, judgements=rest)))
    assert len(said(replace(evidence, judgements=rest))) > 1


@pytest.mark.requirement("R-DIS-04")
def test_the_check_finds_consent_shown_as_the_basis_for_risk(evidence: Evidence) -> None:
    """Risk goes on a statute or not at all."""
    some = next(one for one in evidence.judgements if one.recipient == HOUSING and one.delivers)
    ground = Ground(path="rosh_level", information_class="risk", basis="CONSENT")
    wrong = replace(some, grounds=(*some.grounds, ground))
    rest = tuple(wrong if one is some else one for one in evidence.judgements)
    found = said(replace(evidence, judgements=rest))
    assert found == [f"{HOUSING} · rosh_level · consent is shown as the basis for risk"]


@pytest.mark.requirement("R-RTE-03")
def test_the_check_finds_somebody_told_of_risk_before_the_offender_manager(evidence: Evidence) -> None:
    """The Offender Manager hears of it first."""
    rest = tuple(
        replace(one, place=-1) if one.message == "testo/factor" and one.recipient == ADMINISTRATOR else one
        for one in evidence.judgements
    )
    found = said(replace(evidence, judgements=rest))
    assert found == [f"testo/factor · {ADMINISTRATOR} · was told before the Offender Manager"]
