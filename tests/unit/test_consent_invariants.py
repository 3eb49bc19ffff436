"""Each invariant is broken by a policy that is refused, with a counterexample in the words of the field."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from hub.consent.compile import compile_policy
from hub.consent.gateways import GATEWAYS
from hub.consent.prove import PROVED
from hub.consent.vocabulary import BASIS, BASIS_ORDER
from hub.errors import PolicyRefused
from tests.unit.test_consent_rules import DOCUMENTS, changed, refusal, without

ANY_OFFENDER_MANAGER = {"role": "offender_manager", "kind": "probation", "on_team": True}


def opened(documents: dict[str, Any], rule: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of it
    """Return the documents with fields of one rule under `everywhere` changed."""
    documents = copy.deepcopy(documents)
    found = next(each for each in documents["gates"]["everywhere"] if each["id"] == rule)
    found.update(fields)
    return documents


def overridden(classes: list[str], when: dict[str, Any]) -> dict[str, Any]:
    """Return the documents with an override that opens these classes, where no guard stands in its way."""
    every = ["health", "victim", "third_party", *(name for name in classes if name == "intelligence")]
    documents = opened(DOCUMENTS, "everywhere.override-authority", classes=every, when=when)
    guards = {
        "victim": ("victim.guard-protocol", "victim.guard-identity", "victim.guard-ladder"),
        "third_party": ("third-party.guard-partner", "third-party.guard-ladder"),
        "intelligence": ("intelligence.guard-partner", "intelligence.guard-ladder"),
    }
    for name in classes:
        documents = without(documents, name, *guards[name])
    return documents


@pytest.mark.requirement("R-DIS-01", "R-DIS-02", "R-DIS-04", "R-DIS-06", "R-DIS-07")
@pytest.mark.parametrize(
    ("invariant", "documents"),
    [
        (
            "victim-never-up-the-ladder",
            without(
                changed("victim", "victim.manager", when=ANY_OFFENDER_MANAGER),
                "victim",
                "victim.guard-ladder",
            ),
        ),
        (
            "sensitive-needs-policy-document",
            without(DOCUMENTS, "gates", "everywhere.policy-document"),
        ),
        (
            "sensitive-on-consent-without-policy-document",
            without(DOCUMENTS, "gates", "everywhere.policy-document-authority"),
        ),
        ("override-opens-no-guarded-class-to-partner", overridden(["victim"], {"rung": 1})),
        (
            "override-opens-no-guarded-class-up-the-ladder",
            overridden(["third_party"], {"kind": ["probation", "prison"]}),
        ),
        (
            "override-opens-no-intelligence",
            overridden(["intelligence"], {"kind": ["probation", "prison"], "rung": 1}),
        ),
        (
            "override-defeats-no-confidentiality",
            opened(DOCUMENTS, "everywhere.confidential", when={"confidential": True, "override": False}),
        ),
        ("tier-narrows", changed("risk", "risk.tier", when={"role": "key_worker", "tier": [1, 2]})),
        (
            "rung-narrows",
            changed("identity", "identity.line-manager", when={"role": "line_manager", "rung": [2, 3]}),
        ),
        (
            "statutory-routes-need-no-consent",
            changed("risk", "risk.assessment-needs", when={"role": "key_worker", "consent": "given"}),
        ),
        (
            "statutory-routes-need-no-consent-if-documented",
            changed(
                "intelligence",
                "intelligence.prison",
                when={"role": "line_manager", "kind": "prison", "rung": 1, "consent": "given"},
            ),
        ),
    ],
)
def test_a_policy_that_breaks_an_invariant_is_refused_with_a_counterexample(
    invariant: str, documents: dict[str, Any]
) -> None:
    """The refusal says what would happen, names the invariant, and gives a state in which it would."""
    text = refusal(documents)

    assert PROVED[invariant] in text
    assert f"[{invariant}]. For example with" in text


@pytest.mark.requirement("R-DIS-01")
def test_a_gateway_the_law_does_not_open_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of the law is written apart from the vocabulary: a slip in one is a contradiction."""
    slipped = replace(BASIS["OMA14"], gateway=())
    monkeypatch.setattr("hub.consent.reader.BASIS", {**BASIS, "OMA14": slipped})

    with pytest.raises(PolicyRefused, match=r"legal_status none.*Permitted by identity\.team"):
        compile_policy(DOCUMENTS, version="section 14 open to all")


@pytest.mark.requirement("R-DIS-01")
def test_every_basis_of_the_vocabulary_is_in_the_table_of_the_law_with_its_source() -> None:
    """A basis the table does not know covers nobody."""
    assert set(GATEWAYS) == set(BASIS)
    assert all(gateway.source for gateway in GATEWAYS.values())


@pytest.mark.requirement("R-DIS-04", "R-DIS-05")
def test_consent_that_is_not_in_force_is_never_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the gateway of consent open without it, three proofs would say so."""
    slipped = replace(BASIS["CONSENT"], gateway=())
    monkeypatch.setattr("hub.consent.reader.BASIS", {**BASIS, "CONSENT": slipped})

    with pytest.raises(PolicyRefused) as caught:
        compile_policy(DOCUMENTS, version="consent open to all")

    for name in ("closed-consent-carries-nothing", "basis-covers-recipient", "consent-named-truly"):
        assert f"[{name}]" in str(caught.value)


@pytest.mark.requirement("R-DIS-04")
def test_consent_is_never_named_where_a_statute_carries_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were consent picked before statutes, the proof would say so."""
    monkeypatch.setattr("hub.consent.decided.BASIS_ORDER", {**BASIS_ORDER, "CONSENT": -1})

    with pytest.raises(PolicyRefused, match="consent-named-truly"):
        compile_policy(DOCUMENTS, version="consent first")
