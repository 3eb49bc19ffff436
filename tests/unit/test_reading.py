"""A message read once for all its recipients is screened as if it were read for each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.consent.decision import Candidate, Concern, FieldDecision, FieldSpec, Outcome, Scope
from hub.consent.reading import read_payload
from hub.consent.screen import AUTHOR, named_in_text
from hub.messages.envelope import InformationClass, Role, Subject
from tests.unit.consent_cases import RUNG_2, SOMEBODY_ELSE

SPECS = tuple(
    FieldSpec(
        path=path,
        information_class=InformationClass.PROGRESS,
        subject=Subject.PERSON,
        sensitive=False,
        own="organisation" if "[]" in path else None,
    )
    for path in ("note", "name", "place", "tags", "inner.text", "items[].text", "items[].organisation")
)
TEXTS = st.sampled_from(
    [
        "Anna Smith",
        "anna smith ",
        "came with ANNA SMITH today",
        "Anna Smithers",
        "Übergang",
        "im ÜBERGANG",
        "k\u0131l\u0131ç",
        "KILIÇ was there",
        "LOW",
        "risk is LOW now",
        "a",
        "",
    ]
)
ITEM = st.fixed_dictionaries(
    {"text": st.none() | TEXTS, "organisation": st.sampled_from([RUNG_2, SOMEBODY_ELSE])}
)
PAYLOADS = st.fixed_dictionaries(
    {
        "note": st.none() | TEXTS,
        "name": st.none() | TEXTS | st.integers(0, 3),
        "place": st.none() | TEXTS | st.booleans(),
        "tags": st.none() | st.lists(TEXTS, max_size=2),
        "inner": st.none() | st.fixed_dictionaries({"text": TEXTS}),
        "items": st.none() | st.lists(ITEM, max_size=2),
    }
)
PLACES = [
    (spec.path, scope)
    for spec in SPECS
    for scope in ((Scope.THEIRS, Scope.OTHERS) if spec.own else (Scope.ALL,))
]
CANDIDATE = Candidate(organisation=RUNG_2, role=Role.KEY_WORKER, persons=frozenset(), concern=Concern.TEAM)
AUTHOR_GOES = FieldDecision(
    path=AUTHOR, scope=Scope.ALL, outcome=Outcome.DISCLOSE, reason="NEED", basis=None, rules=()
)


def decided(outcomes: list[Outcome]) -> tuple[FieldDecision, ...]:
    """Decide the fields in these ways."""
    return tuple(
        FieldDecision(path=path, scope=scope, outcome=outcome, reason="NEED", basis=None, rules=())
        for (path, scope), outcome in zip(PLACES, outcomes, strict=True)
    )


@pytest.mark.requirement("R-DIS-06")
@given(
    payload=PAYLOADS,
    outcomes=st.lists(
        st.sampled_from([Outcome.DISCLOSE, Outcome.WITHHOLD]), min_size=len(PLACES), max_size=len(PLACES)
    ),
)
@settings(max_examples=500, deadline=None)
def test_a_text_that_names_what_is_held_back_is_found_whether_or_not_it_was_looked_for_before(
    payload: dict[str, object], outcomes: list[Outcome]
) -> None:
    """Where the reading says that nothing names anything, screening would have found nothing."""
    fields = decided(outcomes)
    reading = read_payload(payload, SPECS)

    for author in ("", "Anna Smith", "st-4711"):
        found = named_in_text(payload, SPECS, fields, CANDIDATE, author=author)
        assert reading.screened(fields, CANDIDATE, author=author, items_held=()) == found
        if not reading.names_another(author):
            assert found == fields
        for each in (fields, (*fields, AUTHOR_GOES)):
            if not reading.could_name(each, author):
                assert named_in_text(payload, SPECS, each, CANDIDATE, author=author) == each


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize(
    ("payload", "place", "there"),
    [
        ({"note": "x"}, ("note", Scope.ALL), True),
        ({"note": None}, ("note", Scope.ALL), False),
        ({"inner": {"text": "x"}}, ("inner.text", Scope.ALL), True),
        ({"tags": ["x"]}, ("tags", Scope.ALL), True),
        ({"tags": []}, ("tags", Scope.ALL), False),
        ({"items": [{"text": "x", "organisation": RUNG_2}]}, ("items[].text", Scope.THEIRS), True),
        ({"items": [{"text": "x", "organisation": RUNG_2}]}, ("items[].text", Scope.OTHERS), False),
    ],
)
def test_what_is_left_is_judged_by_what_is_really_there(
    payload: dict[str, object],
    place: tuple[str, Scope],
    there: bool,  # noqa: FBT001 - a table's column
) -> None:
    """A field that may go and has no value is nothing to be told of."""
    assert read_payload(payload, SPECS).has_any((place,), CANDIDATE) is there


@pytest.mark.requirement("R-DIS-01")
def test_a_message_without_any_name_in_it_is_not_searched_for_each_recipient() -> None:
    """What no text can hold is looked for once."""
    assert not read_payload({"note": "came on time", "name": "Anna Smith"}, SPECS).naming
    assert read_payload({"note": "Anna Smith came", "name": "anna smith"}, SPECS).naming


@pytest.mark.requirement("R-CON-02")
@pytest.mark.parametrize(
    ("author", "names"),
    [("kw-1042", True), ("KW-1042", True), ("kw-1043", False), ("kw", False), ("\u017fmith-1", True)],
)
def test_a_text_that_could_name_who_wrote_it_is_searched(author: str, names: bool) -> None:  # noqa: FBT001
    """In any case of letters; of a name beyond ASCII it is assumed."""
    assert read_payload({"note": "Seen with KW-1042 on time"}, SPECS).names_another(author) is names


@pytest.mark.requirement("R-DIS-06")
def test_what_was_screened_for_one_recipient_is_given_to_no_other() -> None:
    """Two of one message that differ in what may go, whose an item is, who wrote it, or what is held back."""
    payload = {
        "note": "Anna Smith came with kw-1042",
        "name": "Anna Smith",
        "items": [{"text": "Anna Smith again", "organisation": RUNG_2}],
    }
    outcomes = dict.fromkeys(PLACES, Outcome.DISCLOSE)
    whole = decided(list({**outcomes, ("items[].text", Scope.THEIRS): Outcome.WITHHOLD}.values()))
    less = decided(list({**outcomes, ("name", Scope.ALL): Outcome.WITHHOLD}.values()))
    elsewhere = replace(CANDIDATE, organisation=SOMEBODY_ELSE)
    reading = read_payload(payload, SPECS)
    asked = [
        (fields, candidate, author, items_held)
        for fields in (whole, less)
        for candidate in (CANDIDATE, elsewhere)
        for author in ("kw-1042", "kw-1043")
        for items_held in ((), ("o-1",))
    ]
    for _ in range(2):
        for fields, candidate, author, items_held in asked:
            assert reading.screened(fields, candidate, author=author, items_held=items_held) == named_in_text(
                payload, SPECS, fields, candidate, author=author, items_held=items_held
            )
    found = {reading.screened(*each[:2], author=each[2], items_held=each[3]) for each in asked}
    assert len(found) == 4


@pytest.mark.requirement("R-DIS-03", "R-DIS-06")
def test_a_text_that_names_an_item_held_back_goes_to_whoever_may_know_the_item_alone() -> None:
    """Nothing else tells the two recipients apart."""
    specs = (*SPECS, replace(SPECS[0], path="items[].item", key=True))
    payload = {"note": "Works on Anna Smith again", "items": [{"item": "o-1", "text": "Anna Smith again"}]}
    outcomes = (*PLACES, ("items[].text", Scope.OTHERS), ("items[].item", Scope.OTHERS))
    fields = tuple(
        FieldDecision(path=path, scope=scope, outcome=Outcome.DISCLOSE, reason="N", basis=None, rules=())
        for path, scope in outcomes
    )
    reading = read_payload(payload, specs)
    note = [
        next(each.outcome for each in found if each.path == "note")
        for items_held in ((), ("o-1",), ())
        for found in [reading.screened(fields, CANDIDATE, author="", items_held=items_held)]
    ]
    assert note == [Outcome.DISCLOSE, Outcome.WITHHOLD, Outcome.DISCLOSE]


@pytest.mark.requirement("R-CON-02")
def test_each_author_is_looked_for_by_their_own_name() -> None:
    """One asked about after the other, of one message."""
    reading = read_payload({"note": "Seen with KW-1042 on time"}, SPECS)
    assert [reading.names_another(each) for each in ("kw-1042", "kw-1043", "kw-1042")] == [True, False, True]
