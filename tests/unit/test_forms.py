"""Payloads of one form are cut by one plan: the same as field by field, and by no other form's plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.consent import allowance as allowing
from hub.consent import forms, redact
from hub.consent.alike import alike
from hub.consent.allowance import allowance
from hub.consent.decision import Candidate, Concern, Decision, FieldDecision, FieldSpec, Outcome, Scope
from hub.consent.forms import form_of
from hub.consent.partner_contracts import NOT_IN_VIEW
from hub.consent.redact import WithheldValueFound, cut
from hub.messages.envelope import Envelope, InformationClass, MessageName, Role, Statement, Subject
from hub.messages.identifiers import CaseRef, Instant, MessageId, OrganisationId

MINE, OTHER = OrganisationId("mine"), OrganisationId("other")
ENVELOPE = Envelope(
    message_id=MessageId("a" * 32),
    message=MessageName.PROGRESS,
    contract="1.0",
    case=CaseRef("c" * 32),
    organisation=OTHER,
    author="kw-1042",
    author_role=Role.KEY_WORKER,
    statement=Statement.FACT,
    occurred_at=Instant(0),
    recorded_at=Instant(0),
    correlation="",
    causation=None,
    digest="",
)
NAMES = ("note", "name", "born", "postcode", "phone", "tags", "marks", "sure")
GENERAL = {"born": ("born_year", "year"), "postcode": ("district", "area"), "phone": ("token", "pseudonym")}


def spec(path: str, **more: Any) -> FieldSpec:  # noqa: ANN401 - any field of it
    """Return a field about the person."""
    return FieldSpec(
        path=path,
        information_class=InformationClass.PROGRESS,
        subject=Subject.PERSON,
        sensitive=False,
        **more,
    )


SPECS = (
    *(
        spec(name, general=general, generaliser=how)
        for name in NAMES
        for general, how in [GENERAL.get(name, (None, None))]
    ),
    *(spec(general, is_general=True) for general, _ in GENERAL.values()),
    spec("items[].item", key=True),
)
WITHOUT_TOKENS = tuple(replace(each, generaliser=None) if each.path == "phone" else each for each in SPECS)
"""A contract of the same names in which nothing depends on whom it is for."""
TEXTS = st.sampled_from(
    ["Anna Smith", "ANNA SMITH", "came with Anna Smith", "kw-1", "SESSION", "LS1 4AP", ""]
)
PLAIN = TEXTS | st.integers(0, 30_000) | st.booleans() | st.just(b"raw") | st.just(1.5)
PAYLOADS = st.dictionaries(
    st.sampled_from([*NAMES, "born_year", "items", "unheard_of"]),
    st.none() | PLAIN | st.lists(PLAIN, max_size=3) | st.lists(TEXTS, max_size=2).map(tuple),
)
PLACES = [
    *((name, Scope.ALL) for name in [*NAMES, "born_year", "items[].item"]),
    ("@author", Scope.ALL),
    ("@causation", Scope.ALL),
]
CODES = st.sampled_from([*Outcome, NOT_IN_VIEW, None])


def decided(codes: dict[tuple[str, Scope], object], **more: Any) -> Decision:  # noqa: ANN401 - any field of it
    """Return a decision with these outcomes; a place with None is not decided on."""
    fields = tuple(
        FieldDecision(
            path=path,
            scope=scope,
            outcome=code if isinstance(code, Outcome) else Outcome.WITHHOLD,
            reason="NEED-X" if isinstance(code, Outcome) else NOT_IN_VIEW,
            basis=None,
            rules=(),
        )
        for (path, scope), code in codes.items()
        if code is not None
    )
    organisation = more.pop("organisation", MINE)
    whole: dict[str, Any] = {
        "decision_id": "d",
        "message": MessageId("a" * 32),
        "case": CaseRef("c" * 32),
        "candidate": Candidate(
            organisation=organisation, role=Role.KEY_WORKER, persons=frozenset(), concern=Concern.TEAM
        ),
        "purpose": "progress",
        "delivers": True,
        "gate": None,
        "fields": fields,
        "policy": "p",
        "case_version": 1,
        "facts": {},
        "decided_at": Instant(0),
        **more,
    }
    return Decision(**whole)


def all_go(**but: object) -> dict[tuple[str, Scope], object]:
    """Let every field go as it is, but these."""
    return {place: but.get(place[0].lstrip("@"), Outcome.DISCLOSE) for place in PLACES}


def made(payload: dict[str, object], decision: Decision, specs: tuple[FieldSpec, ...] = SPECS) -> Any:  # noqa: ANN401
    """Return what is cut of a payload, what was redacted, and what may be in it."""
    given_ = cut(payload, specs, decision, decision.candidate)
    return *given_, allowance(payload, specs, decision, envelope=ENVELOPE)


def field_by_field(payload: dict[str, object], decision: Decision) -> Any:  # noqa: ANN401
    """Return the same, without any plan; the error where it is found at fault."""
    given_ = redact._by_reading(payload, SPECS, decision, decision.candidate)
    return *given_, allowing._by_reading(payload, SPECS, decision, ENVELOPE)


@pytest.mark.requirement("R-DIS-01", "R-DIS-06")
@settings(max_examples=600, deadline=None)
@given(
    payload=PAYLOADS,
    codes=st.lists(CODES, min_size=len(PLACES), max_size=len(PLACES)),
    items_held=st.sampled_from([(), ("o-1",)]),
)
def test_what_is_cut_by_a_plan_is_what_would_be_cut_field_by_field(
    payload: dict[str, object], codes: list[object], items_held: tuple[str, ...]
) -> None:
    """Values of every class, lists of them, general forms, fields nobody decided on or a view leaves out."""
    decision = decided(dict(zip(PLACES, codes, strict=True)), items_held=items_held)
    try:
        wanted = field_by_field(payload, decision)
    except WithheldValueFound:
        with pytest.raises(WithheldValueFound):
            made(payload, decision)
        return
    assert made(payload, decision) == wanted
    assert list(made(payload, decision)[0]) == list(wanted[0])


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize(
    ("payload", "has_form"),
    [
        ({"note": "x", "born": None, "tags": ["a", "b"], "marks": []}, True),
        ({}, True),
        ({"items": [{"item": "o-1"}]}, False),
        ({"name": {"first": "Anna"}}, False),
        ({"tags": ["a", None]}, False),
        ({"name": MessageName.PLAN}, False),
    ],
)
def test_only_a_payload_of_plain_values_has_a_form(payload: dict[str, object], has_form: bool) -> None:  # noqa: FBT001
    """A record, alone or in a list, is read field by field; so is whatever is out of the ordinary."""
    assert (form_of(payload, SPECS) is not None) is has_form


@pytest.mark.requirement("R-DIS-01")
def test_a_list_is_looked_into_for_each_payload() -> None:
    """A record in it is not cut by the plan for a list of words, though all else is the same."""
    decision = decided(all_go(**{"items[].item": Outcome.WITHHOLD}))
    assert made({"items": ["word"]}, decision)[0] == {"items": None}
    assert made({"items": [{"item": "o-1", "said": "Zanzibar"}]}, decision)[0] == {"items": None}


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("code", [*list(Outcome)[1:], NOT_IN_VIEW, None])
def test_decisions_that_differ_in_a_field_that_is_filled_are_never_cut_by_one_plan(code: object) -> None:
    """Whatever the difference; one in a field nobody filled is none."""
    payload: dict[str, object] = {"note": "Zanzibar", "name": "Anna Smith"}
    whole, less = decided(all_go()), decided(all_go(note=code))
    assert alike(payload, SPECS, whole) != alike(payload, SPECS, less)
    assert made(payload, whole)[0]["note"] == "Zanzibar"
    assert made(payload, less)[0]["note"] is None
    assert alike(payload, SPECS, decided(all_go(born=code))) == alike(payload, SPECS, whole)


@pytest.mark.requirement("R-CON-02")
def test_who_may_know_the_author_shares_nothing_with_who_may_not() -> None:
    """The author's name is looked for in what the second is given, not in what the first is."""
    payload: dict[str, object] = {"note": "Zanzibar"}
    knows, knows_not = decided(all_go()), decided(all_go(author=Outcome.WITHHOLD))
    assert alike(payload, SPECS, knows) != alike(payload, SPECS, knows_not)
    assert made(payload, knows)[2].secret == ()
    assert made(payload, knows_not)[2].secret == (ENVELOPE.author,)


@pytest.mark.requirement("R-DIS-01")
def test_a_pseudonym_is_shared_by_no_two_recipients_and_no_two_cases() -> None:
    """The same telephone number, generalised for each of them."""
    payload: dict[str, object] = {"phone": "01632 960 961"}
    codes = all_go(phone=Outcome.GENERALISE)
    decisions = (
        decided(codes),
        decided(codes, organisation=OTHER),
        decided(codes, case=CaseRef("d" * 32)),
    )
    tokens = [made(payload, each)[0]["token"] for each in decisions]
    assert None not in tokens
    assert len(set(tokens)) == 3


@pytest.mark.requirement("R-DIS-03")
def test_an_empty_list_is_shown_to_nobody_from_whom_an_item_is_held_back() -> None:
    """Though nothing else tells the two recipients apart."""
    payload: dict[str, object] = {"tags": []}
    sees, held = decided(all_go()), decided(all_go(), items_held=("o-1",))
    assert alike(payload, SPECS, sees) != alike(payload, SPECS, held)
    assert made(payload, sees)[0] == {"tags": []}
    assert made(payload, held)[0] == {"tags": None}


@pytest.mark.requirement("R-DIS-01")
def test_two_contracts_of_the_same_names_share_no_plan() -> None:
    """What one makes a pseudonym of, the other has no general form for."""
    payload: dict[str, object] = {"phone": "01632 960 961"}
    decision = decided(all_go(phone=Outcome.GENERALISE))
    assert made(payload, decision)[0]["token"] is not None
    assert form_of(dict(payload), SPECS) is not form_of(dict(payload), WITHOUT_TOKENS)
    assert made(payload, decision, WITHOUT_TOKENS)[0].get("token") is None


@pytest.mark.requirement("R-DIS-01")
def test_values_of_another_class_are_of_another_form() -> None:
    """A number where there was a text before: which fields are looked into follows from the class."""
    texts = form_of({"note": "x"}, SPECS)
    assert form_of({"note": "y"}, SPECS) is texts
    assert form_of({"note": 1}, SPECS) is not texts
    assert form_of({"note": ["x"]}, SPECS) is not form_of({"note": []}, SPECS)


def test_what_is_kept_of_forms_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More forms, treatments and plans than are kept: all are cut as before."""
    for module, name in (
        (forms, "SORTS_MAX"),
        (forms, "TREATMENTS_MAX"),
        (redact, "_PLANS_MAX"),
        (allowing, "_PLANS_MAX"),
    ):
        monkeypatch.setattr(module, name, 2)
    for kept in (forms._sorts, redact._plans, allowing._plans):
        kept.clear()
    for _ in range(2):
        for name in NAMES:
            for code in (Outcome.DISCLOSE, Outcome.WITHHOLD, Outcome.REDACT):
                payload: dict[str, object] = {name: "Zanzibar"}
                decision = decided(all_go(**{name: code}))
                assert made(payload, decision) == field_by_field(payload, decision)
    assert len(forms._sorts) <= 2
    assert len(redact._plans) <= 2
    assert len(allowing._plans) <= 2


@pytest.mark.requirement("R-DIS-01")
def test_a_plan_that_lets_a_value_through_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was cut is looked at again; alone, in a list, and inside another text."""
    for payload in ({"note": "Zanzibar"}, {"tags": ["Zanzibar"]}):
        decision = decided(all_go(note=Outcome.WITHHOLD, tags=Outcome.WITHHOLD))
        for left in (payload, {"name": "was in Zanzibar"}, {"marks": ["was in Zanzibar"]}):
            monkeypatch.setattr(redact._Plan, "cut", lambda *_, left=left: left)
            with pytest.raises(WithheldValueFound):
                cut(dict(payload), SPECS, decision, decision.candidate)
