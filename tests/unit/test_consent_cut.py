"""What a recipient is given: the payload cut to the decision, and nothing held back left anywhere in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.consent.decision import Candidate, Concern, Decision, FieldDecision, FieldSpec, Outcome, Scope
from hub.consent.generalise import Between, generalised
from hub.consent.redact import WithheldValueFound, cut
from hub.messages.envelope import InformationClass, MessageName, Role, Subject
from hub.messages.identifiers import CaseRef, Instant, MessageId, OrganisationId
from hub.topics.library import SchemaLibrary

LIBRARY = SchemaLibrary.load()
MINE, OTHER = OrganisationId("mine"), OrganisationId("other")
RECIPIENT = Candidate(organisation=MINE, role=Role.KEY_WORKER, persons=frozenset(), concern=Concern.TEAM)
Choose = Callable[[str, Scope], Outcome]


def decision(
    specs: tuple[FieldSpec, ...], choose: Choose, *, delivers: bool = True, items: tuple[str, ...] = ()
) -> Decision:
    """Return a decision that gives each field the outcome chosen for it."""
    return Decision(
        decision_id="d",
        message=MessageId("a" * 32),
        case=CaseRef("c" * 32),
        candidate=RECIPIENT,
        purpose="progress",
        delivers=delivers,
        gate=None,
        fields=tuple(
            FieldDecision(
                path=spec.path,
                scope=scope,
                outcome=choose(spec.path, scope),
                reason="NEED-X",
                basis=None,
                rules=(),
            )
            for spec in specs
            if not spec.is_general
            for scope in ((Scope.THEIRS, Scope.OTHERS) if spec.own else (Scope.ALL,))
        ),
        policy="p",
        case_version=1,
        facts={},
        decided_at=Instant(0),
        items_held=items,
    )


def disclose(_path: str, _scope: Scope) -> Outcome:
    """Choose that everything goes."""
    return Outcome.DISCLOSE


def but(**outcomes: Outcome) -> Choose:
    """Choose that everything goes but the named fields."""
    return lambda path, _: outcomes.get(path.rpartition(".")[2], Outcome.DISCLOSE)


def cut_of(
    message: MessageName,
    payload: Mapping[str, object],
    choose: Choose,
    **more: Any,  # noqa: ANN401 - passed on as it is
) -> tuple[dict[str, object], tuple[str, ...]]:
    """Cut a payload of a real contract by chosen outcomes."""
    specs = LIBRARY.fields(message, "1.0")
    return cut(payload, specs, decision(specs, choose, **more), RECIPIENT)


def objective(name: str, organisation: str | None, **fields: object) -> dict[str, object]:
    """Return one objective of a plan."""
    return {"objective": name, "organisation": organisation, "title": f"Title of {name}", **fields}


@pytest.mark.requirement("R-DIS-01")
def test_recipient_gets_the_payload_unchanged_when_everything_is_disclosed() -> None:
    """Nothing is added, nothing taken."""
    payload = {"version": 2, "change_summary": None, "objectives": [objective("ob-1", OTHER)]}

    assert cut_of(MessageName.PLAN, payload, disclose) == (payload, ())


@pytest.mark.requirement("R-DIS-01")
def test_recipient_sees_null_for_withheld_and_is_told_only_of_redacted_fields() -> None:
    """Withheld looks like never given; redacted is named."""
    payload = {"referral": "r-1", "kind": "SESSION", "note": "Came on time.", "engagement": "Good talks."}
    result, redacted = cut_of(
        MessageName.PROGRESS, payload, but(note=Outcome.WITHHOLD, engagement=Outcome.REDACT)
    )

    assert result == {**payload, "note": None, "engagement": None}
    assert redacted == ("engagement",)


@pytest.mark.requirement("R-DIS-01")
def test_redacted_field_is_not_named_when_there_was_nothing_in_it() -> None:
    """A null is not a secret."""
    payload = {"referral": "r-1", "kind": "SESSION", "note": None}

    assert cut_of(MessageName.PROGRESS, payload, but(note=Outcome.REDACT))[1] == ()


@pytest.mark.requirement("R-DIS-01")
def test_recipient_gets_the_general_form_in_its_own_field() -> None:
    """The exact value is null, its sibling holds month, year or district."""
    payload = {
        "action": "OFFER",
        "date_of_birth": 3287,
        "birth_year": None,
        "postcode": "LS1 4AP",
        "postcode_area": None,
    }
    general = but(date_of_birth=Outcome.GENERALISE, postcode=Outcome.GENERALISE)

    assert cut_of(MessageName.REFERRAL, payload, general)[0] == {
        "action": "OFFER",
        "date_of_birth": None,
        "birth_year": 1979,
        "postcode": None,
        "postcode_area": "LS1",
    }


@pytest.mark.requirement("R-DIS-01")
def test_general_form_is_filled_when_the_sender_left_its_field_out() -> None:
    """The sibling need not be in the payload; what a sender wrote into it counts for nothing."""
    general = but(postcode=Outcome.GENERALISE)

    for payload in ({"postcode": "LS1 4AP"}, {"postcode": "LS1 4AP", "postcode_area": "LS1 4AP"}):
        result, _ = cut_of(MessageName.REFERRAL, payload, general)
        assert result == {"postcode": None, "postcode_area": "LS1"}


@pytest.mark.requirement("R-DIS-01", "R-RTE-04")
def test_others_items_are_gone_without_trace_when_their_key_is_withheld() -> None:
    """An objective of another organisation leaves no gap; one that names nobody is somebody else's."""

    def own(_path: str, scope: Scope) -> Outcome:
        return Outcome.WITHHOLD if scope is Scope.OTHERS else Outcome.DISCLOSE

    mine = objective("ob-2", MINE)
    payload = {"version": 1, "objectives": [objective("ob-1", OTHER), mine, objective("ob-3", None)]}
    empty = {"version": 1, "objectives": [objective("ob-1", OTHER)]}

    assert cut_of(MessageName.PLAN, payload, own)[0]["objectives"] == [mine]
    assert cut_of(MessageName.PLAN, empty, own)[0]["objectives"] is None


@pytest.mark.requirement("R-DIS-03")
def test_objective_is_gone_when_the_manager_holds_it_back() -> None:
    """Even the recipient's own objective, and only that one."""
    payload = {"version": 1, "objectives": [objective("ob-1", MINE), objective("ob-2", MINE)]}

    result, _ = cut_of(MessageName.PLAN, payload, disclose, items=("ob-1",))

    assert result["objectives"] == [objective("ob-2", MINE)]


@pytest.mark.requirement("R-DIS-01")
def test_list_of_words_is_cut_as_one_field() -> None:
    """Aliases go or do not go together; an empty list is shown as empty only where it may be known."""
    held = but(aliases=Outcome.WITHHOLD)

    assert cut_of(MessageName.CASE, {"aliases": ["A", "B"]}, disclose)[0] == {"aliases": ["A", "B"]}
    assert cut_of(MessageName.CASE, {"aliases": []}, disclose)[0] == {"aliases": []}
    assert cut_of(MessageName.CASE, {"aliases": ["A", "B"]}, held)[0] == {"aliases": None}
    assert cut_of(MessageName.CASE, {"aliases": []}, held)[0] == {"aliases": None}


@pytest.mark.requirement("R-DIS-01")
def test_everything_is_null_when_the_decision_does_not_deliver() -> None:
    """A closed decision lets nothing through, whatever its fields say; an unknown field neither."""
    payload = {"referral": "r-1", "note": "Came on time.", "not_in_the_contract": "x"}

    assert set(cut_of(MessageName.PROGRESS, payload, disclose, delivers=False)[0].values()) == {None}
    assert cut_of(MessageName.PROGRESS, payload, disclose)[0]["not_in_the_contract"] is None


@pytest.mark.requirement("R-DIS-06")
def test_cut_is_refused_when_a_general_form_gives_the_exact_value_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last check finds a held-back value wherever it stands, and names the field, not the value."""
    monkeypatch.setattr("hub.consent.redact.generalised", lambda _, value, _between: f"near {value}")

    with pytest.raises(WithheldValueFound, match="postcode") as caught:
        cut_of(MessageName.REFERRAL, {"postcode": "LS1 4AP"}, but(postcode=Outcome.GENERALISE))

    assert "LS1" not in str(caught.value)


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize(
    ("generaliser", "value", "general"),
    [
        ("month", 20_000, "2024-10"),
        ("month", 1_790_000_000_000, "2026-09"),
        ("month", "2026-02-28", "2026-02"),
        ("month", "soon", None),
        ("year", -1, 1969),
        ("year", True, None),
        ("band", 24.9, "LOW"),
        ("band", 25, "MEDIUM"),
        ("band", 50, "HIGH"),
        ("band", 75, "VERY_HIGH"),
        ("band", "high", None),
        ("area", "sw1a 1aa", "SW1A"),
        ("area", "Leeds", None),
        ("mask", "A1234BC", "***4BC"),
        ("mask", "+44 7700 900123", "***123"),
        ("mask", "12345V", None),
        ("mask", 1234567, None),
        ("pseudonym", "12345V", None),
        ("colour", 1, None),
        (None, 1, None),
        ("year", None, None),
    ],
)
def test_general_form_says_less_than_the_exact_value(
    generaliser: str | None, value: object, general: object
) -> None:
    """What has no general form has none; nothing is passed through as it is."""
    assert generalised(generaliser, value) == general


@pytest.mark.requirement("R-DIS-01")
def test_pseudonym_is_the_same_for_one_recipient_of_one_case_and_another_for_any_other() -> None:
    """It lets a recipient put side by side what belongs together, and two recipients not compare theirs."""
    here = Between(CaseRef("1" * 32), OrganisationId("one"))
    token = generalised("pseudonym", "12345V", here)

    assert token == generalised("pseudonym", "12345V", here)
    assert "12345" not in str(token)
    others = {
        generalised("pseudonym", "12345W", here),
        generalised("pseudonym", "12345V", here._replace(case=CaseRef("2" * 32))),
        generalised("pseudonym", "12345V", here._replace(recipient=OrganisationId("two"))),
    }
    assert len(others) == 3
    assert token not in others
    assert generalised("pseudonym", 12345, here) is None


@pytest.mark.requirement("R-DIS-01", "R-DIS-02")
def test_movement_shows_a_provider_the_end_of_the_prison_number_and_a_token_of_the_booking() -> None:
    """In the sibling fields; the numbers themselves are gone."""
    payload = {"noms_number": "A1234BC", "noms_number_end": None, "booking": "12345V", "booking_token": None}
    general = but(noms_number=Outcome.GENERALISE, booking=Outcome.GENERALISE)

    result, redacted = cut_of(MessageName.PRISON_EVENT, payload, general)

    assert (result["noms_number"], result["noms_number_end"]) == (None, "***4BC")
    assert (result["booking"], len(str(result["booking_token"]))) == (None, 32)
    assert redacted == ()


def specs_of(paths: list[str]) -> tuple[FieldSpec, ...]:
    """Return plain specs for these paths."""
    return tuple(
        FieldSpec(
            path=path,
            information_class=InformationClass.PROGRESS,
            subject=Subject.PERSON,
            sensitive=False,
            key=path.endswith("objective"),
            own="organisation" if path.startswith("objectives[]") else None,
        )
        for path in paths
    )


PATHS = ["one", "two", "three", *(f"objectives[].{name}" for name in ("objective", "organisation", "title"))]
SPECS = specs_of(PATHS)
TEXTS = st.text(alphabet="abcdefgh ", min_size=4, max_size=12)
ITEMS = st.lists(
    st.fixed_dictionaries(
        {"objective": TEXTS, "organisation": st.sampled_from([MINE, OTHER]), "title": st.none() | TEXTS}
    ),
    max_size=4,
)
PAYLOADS = st.fixed_dictionaries(
    {"one": st.none() | TEXTS, "two": st.none() | TEXTS, "three": st.none() | TEXTS, "objectives": ITEMS}
)
OUTCOMES = st.fixed_dictionaries(
    {(path, scope): st.sampled_from(list(Outcome)) for path in PATHS for scope in Scope}
)


def texts(value: object) -> set[str]:
    """Return every text anywhere in a value."""
    if isinstance(value, Mapping):
        return {text for inner in value.values() for text in texts(inner)}
    if isinstance(value, list):
        return {text for inner in value for text in texts(inner)}
    return {value} if isinstance(value, str) else set()


@pytest.mark.requirement("R-DIS-06")
@given(payload=PAYLOADS, outcomes=OUTCOMES)
@settings(max_examples=150, deadline=None)
def test_no_withheld_value_is_in_what_is_cut(
    payload: dict[str, Any], outcomes: dict[tuple[str, Scope], Outcome]
) -> None:
    """Whatever the payload and the decision, only values disclosed in their own place come out."""
    result, _ = cut(payload, SPECS, decision(SPECS, lambda path, scope: outcomes[path, scope]), RECIPIENT)

    allowed = {payload[name] for name in ("one", "two", "three") if outcomes[name, Scope.ALL] == 0}
    for item in payload["objectives"]:
        scope = Scope.THEIRS if item["organisation"] == MINE else Scope.OTHERS
        allowed |= {item[name] for name in item if outcomes[f"objectives[].{name}", scope] == 0}
    assert texts(result) <= allowed
    assert cut(result, SPECS, decision(SPECS, disclose), RECIPIENT)[0] == result
