"""The policy that comes with the hub: its vocabulary, its proof, and the faults that are refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from hub.consent.compile import compile_policy
from hub.consent.decision import Outcome
from hub.consent.matrix import cells
from hub.errors import PolicyRefused
from hub.messages.envelope import InformationClass, Role
from hub.topics.policy_files import read_policy

DOCUMENTS: dict[str, Any] = dict(read_policy())


def changed(name: str, rule: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of it
    """Return the documents with some fields of one rule changed; None takes a field away."""
    documents = copy.deepcopy(DOCUMENTS)
    body: Any = documents[name]
    sections = [body[section] for section in ("rules", "gates", "everywhere") if section in body]
    found = next(each for section in sections for each in section if each["id"] == rule)
    for field, value in fields.items():
        if value is None:
            found.pop(field, None)
        else:
            found[field] = value
    return documents


def without(documents: dict[str, Any], name: str, *rules: str) -> dict[str, Any]:
    """Return the documents without some rules of one file."""
    documents = copy.deepcopy(documents)
    for section in ("rules", "gates", "everywhere"):
        if section in documents[name]:
            documents[name][section] = [r for r in documents[name][section] if r["id"] not in rules]
    return documents


def refusal(documents: dict[str, Any]) -> str:
    """Return why the documents are refused."""
    with pytest.raises(PolicyRefused) as caught:
        compile_policy(documents, version="test")
    return str(caught.value)


@pytest.mark.requirement("R-DIS-06")
def test_policy_is_proved_when_it_is_loaded() -> None:
    """The rules that come with the hub hold every invariant, in millions of states."""
    policy = compile_policy(DOCUMENTS, version="1.0.0")

    assert not policy.proof.violations
    assert policy.proof.states > 1_000_000
    assert policy.name == f"1.0.0:{policy.digest[:12]}"


@pytest.mark.requirement("R-DIS-01")
def test_policy_has_the_same_digest_when_its_documents_are_equal() -> None:
    """The digest follows from what the documents say, not from their order."""
    again = dict(reversed(list(copy.deepcopy(DOCUMENTS).items())))

    assert compile_policy(again, version="1").digest == compile_policy(DOCUMENTS, version="2").digest


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"when": {"rol": "key_worker"}}, ("risk.yaml, rule risk.tier, when.rol", "did you mean role?")),
        ({"when": {"role": "keyworker"}}, ("'keyworker' is not allowed", "did you mean key_worker?")),
        ({"when": {"rung": 5}}, ("when.rung: 5 is not allowed",)),
        ({"when": {"on_team": 1}}, ("when.on_team: 1 is not allowed",)),
        ({"when": {"engaged": []}}, ("must allow at least one",)),
        ({"when": "always"}, ("must be a mapping of facts",)),
        ({"effect": "allow"}, ("effect: 'allow' is not allowed",)),
        ({"outcome": "withhold"}, ("outcome: 'withhold' is not allowed",)),
        ({"basis": ["OMA41"]}, ("did you mean OMA14?",)),
        ({"basis": None}, ("a permit names its legal basis",)),
        ({"basis": ["DPA48"]}, ("carries corrections only",)),
        ({"messages": ["referal"]}, ("did you mean referral?",)),
        ({"caveats": ["NO-ONWARD"]}, ("did you mean NO-ONWARD-DISCLOSURE?",)),
        ({"window": "opening"}, ("window: 'opening' is not allowed",)),
        ({"sensitive": "yes"}, ("must be true, false or any",)),
        ({"sensitive": "any"}, ("strictly_necessary",)),
        ({"reason": "tier"}, ("must begin with a family of reasons",)),
        ({"review_by": "soon"}, ("must be a date",)),
        ({"says": ""}, ("says: a text is needed",)),
        ({"guard": "yes"}, ("must be true or false",)),
        ({"id": "Risk Tier"}, ("lower-case words",)),
        ({"statement": "rumour"}, ("'rumour' is not allowed",)),
        ({"purpose": "risk"}, ("purpose: not a field here",)),
    ],
)
def test_policy_is_refused_by_name_when_a_word_is_outside_the_vocabulary(
    fields: dict[str, Any], words: tuple[str, ...]
) -> None:
    """Each fault names file, rule and field, and the word that was probably meant."""
    text = refusal(changed("risk", "risk.tier", **fields))

    assert "risk.yaml" in text
    for word in words:
        assert word in text


@pytest.mark.requirement("R-DIS-01")
def test_policy_is_refused_when_a_class_or_the_gates_are_missing() -> None:
    """A class without a file would be decided by nobody."""
    documents = {name: body for name, body in DOCUMENTS.items() if name not in {"victim", "gates"}}

    text = refusal(documents)

    assert "victim.yaml" in text
    assert "gates.yaml" in text


@pytest.mark.requirement("R-DIS-01")
def test_policy_is_refused_when_a_gate_asks_what_differs_by_field() -> None:
    """A gate is for the message as a whole."""
    assert "a gate is for the message as a whole" in refusal(
        changed("gates", "gate.excluded", when={"protocol": False})
    )


@pytest.mark.requirement("R-DIS-01")
def test_policy_is_refused_when_its_documents_are_not_plain() -> None:
    """What cannot be written as JSON has no digest."""
    assert "texts, numbers, lists and mappings" in refusal({**DOCUMENTS, "risk": {"rules": {1, 2}}})


@pytest.mark.requirement("R-DIS-06")
def test_policy_holds_when_only_a_guard_or_only_a_permit_is_at_fault() -> None:
    """One fault alone changes nothing: guard and permit each hold back what the other would let through."""
    loosened = changed(
        "victim",
        "victim.conditions-protocol",
        when={"role": "key_worker", "engaged": True, "rung": [1, 2, 3], "mappa_level": [2, 3]},
    )

    compile_policy(loosened, version="loosened")
    compile_policy(without(DOCUMENTS, "victim", "victim.guard-protocol"), version="unguarded")


LOOSE_VICTIM = changed(
    "victim",
    "victim.conditions-protocol",
    when={"role": "key_worker", "engaged": True, "rung": [1, 2, 3], "mappa_level": [2, 3]},
)
OPEN_ANY = {"role": "key_worker", "engaged": True}


@pytest.mark.requirement("R-DIS-06", "R-DIS-03", "R-CON-02")
@pytest.mark.parametrize(
    ("documents", "words"),
    [
        (
            without(LOOSE_VICTIM, "victim", "victim.guard-protocol"),
            "a victim would reach a partner organisation without a live protocol",
        ),
        (
            without(
                changed("victim", "victim.conditions-protocol", fields=["victim_name"]),
                "victim",
                "victim.guard-identity",
            ),
            "the identity of a victim would reach a partner organisation",
        ),
        (
            without(
                changed("third_party", "third-party.team", when=OPEN_ANY),
                "third_party",
                "third-party.guard-ladder",
            ),
            "mainstream provision (rung 3 or 4)",
        ),
        (
            without(
                changed("intelligence", "intelligence.manager", when={"role": "offender_manager"}),
                "intelligence",
                "intelligence.guard-ladder",
                "intelligence.guard-partner",
            ),
            "intelligence would reach a partner organisation",
        ),
        (without(DOCUMENTS, "gates", "gate.suspended"), "a suspended organisation would get the message"),
        (without(DOCUMENTS, "gates", "gate.excluded"), "an excluded organisation would get the message"),
        (without(DOCUMENTS, "gates", "gate.limited"), "not named in a limited access"),
        (without(DOCUMENTS, "gates", "gate.purpose"), "a purpose it is not registered for"),
        (without(DOCUMENTS, "gates", "everywhere.confidential"), "holds back as confidential would go"),
        (
            without(DOCUMENTS, "contact", "contact.om-threatened"),
            "although the Offender Manager was threatened",
        ),
        (without(DOCUMENTS, "contact", "contact.other-provider"), "learn which other provider wrote"),
        (changed("risk", "risk.tier", basis=["CONSENT"]), "consent would be the only basis for sharing risk"),
        (
            changed("offence", "offence.provider-mappa", when={"role": "key_worker", "rung": 3}),
            "higher up the brokerage ladder would get more",
        ),
    ],
)
def test_policy_is_refused_with_a_counterexample_when_an_invariant_breaks(
    documents: dict[str, Any], words: str
) -> None:
    """A planted fault is found in some state, and the refusal says what would happen."""
    text = refusal(documents)

    assert words in text
    assert "For example with" in text


@pytest.mark.requirement("R-DIS-02")
def test_matrix_narrows_when_the_rung_rises() -> None:
    """By default a Key Worker of a higher rung gets no more of any field, for any purpose."""
    policy = compile_policy(DOCUMENTS, version="1")
    found = {
        (cell.field, cell.purpose, cell.rung): cell.outcome
        for cell in cells(policy, classes=[InformationClass.IDENTITY, InformationClass.RISK])
        if cell.role is Role.KEY_WORKER
    }

    for (field, purpose, rung), outcome in found.items():
        assert rung == 1 or outcome >= found[field, purpose, rung - 1]
    assert Outcome.DISCLOSE in found.values()


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize(
    ("name", "rule", "effect"),
    [
        ("risk", "risk.tier", "permitt"),
        ("gates", "everywhere.court-order", "permitt"),
        ("gates", "everywhere.override", "permitt"),
        ("gates", "gate.suspended", "forbids"),
        ("health", "health.guard-consent", None),
    ],
)
def test_a_slip_in_the_effect_of_a_rule_is_its_only_fault(name: str, rule: str, effect: str | None) -> None:
    """What a rule may say besides hangs on its effect; it is not found fault with for another one's sake."""
    lines = refusal(changed(name, rule, effect=effect)).splitlines()
    assert [line.partition(": ")[0] for line in lines[1:]] == [f"- {name}.yaml, rule {rule}, effect"]
