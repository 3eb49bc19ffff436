"""Contracts with partners: read from their control records, their lives, what their views leave."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.consent.decide import decide
from hub.consent.decision import Candidate, Concern, FieldDecision, FieldSpec, Outcome, Scope
from hub.consent.partner_contracts import (
    NOT_IN_VIEW,
    Direction,
    PartnerContract,
    Phase,
    contract_from,
    contract_in_effect,
    newest_version,
    version_key,
    within,
)
from hub.consent.redact import cut
from hub.messages.envelope import InformationClass, MessageName, Role, Subject
from hub.messages.identifiers import Instant
from hub.topics.contract_files import control_body
from hub.topics.plain import to_plain
from tests.unit.agreements import BEGIN, agreed, contract_body
from tests.unit.worlds import COUNSELLOR, MANAGER, RECOVERY, World, engage, library, policy, staffed

DAY = 86_400_000
LIFE: dict[str, object] = {
    "deprecated": BEGIN + DAY,
    "sunset": BEGIN + 2 * DAY,
    "removal": BEGIN + 3 * DAY,
    "alternative": "plan.v2",
}


WRONG: list[tuple[str, object]] = [
    ("partner", "Recovery Service"),
    ("partner", None),
    ("partner", "x" * 41),
    ("message", "plans"),
    ("message", ["plan"]),
    ("number", 0),
    ("number", True),
    ("number", 1000),
    ("number", "1"),
    ("direction", "both"),
    ("direction", None),
    ("oldest", 1.0),
    ("oldest", "1"),
    ("oldest", "1.0.0"),
    ("newest", "latest"),
    ("newest", "0.9"),
    ("newest", "\u0661.\u0660"),
    ("purposes", []),
    ("purposes", "sentence_plan"),
    ("purposes", ["progress"]),
    ("purposes", ["gossip"]),
    ("purposes", [["sentence_plan"]]),
    ("purposes", None),
    ("view", []),
    ("view", "version"),
    ("view", [1]),
    ("view", [["version"]]),
    ("view", [None]),
    ("effective", None),
    ("effective", "2026-01-01"),
    ("effective", True),
    ("effective", 1.5),
    ("effective", -(10**18)),
    ("deprecated", BEGIN - 1),
    ("sunset", BEGIN + DAY - 1),
    ("sunset", 10**18),
    ("removal", BEGIN + 2 * DAY - 1),
    ("removal", "never"),
    ("alternative", ["plan.v2"]),
    ("alternative", ""),
    ("alternative", "plan.v2\r\nLink: elsewhere"),
    ("ids", ["1.0"]),
    ("ids", {"1.0": 0}),
    ("ids", {"1.0": 2**31}),
    ("ids", {"1.0": True}),
    ("ids", {"newest": 7}),
    ("effective_at", BEGIN),
]


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_field_that_is_wrong_is_refused_by_its_name(name: str, value: object) -> None:
    """And the sentence says what would be right, never the value."""
    with pytest.raises(ValueError, match=rf"^contract\.{name}: .") as refused:
        agreed(**{**LIFE, name: value})
    if isinstance(value, str) and value:
        assert repr(value) not in str(refused.value)


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"sunset": BEGIN + 5, "alternative": "plan.v2"}, "deprecated"),
        ({"deprecated": BEGIN + 5, "removal": BEGIN + 6}, "sunset"),
        ({"direction": "sends", "view": ["version"]}, "view"),
        ({"oldest": "1.10", "newest": "1.9"}, "newest"),
        ({"message": "progress"}, "purposes"),
    ],
)
def test_what_no_single_field_shows_is_refused_by_the_field_to_mend(said: dict[str, Any], named: str) -> None:
    """Partners are warned before a sunset; nothing is removed that was not parked before."""
    with pytest.raises(ValueError, match=rf"^contract\.{named}: "):
        agreed(**said)


@pytest.mark.requirement("R-DEL-03")
@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_control_record_of_any_content_is_a_contract_or_refused_by_a_field(data: st.DataObject) -> None:
    """Nothing else may stop the line."""
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    )
    body = contract_body()
    for name in data.draw(st.lists(st.sampled_from(sorted(body)), max_size=3)):
        body[name] = data.draw(anything)
    try:
        found = contract_from(body)
    except ValueError as refused:
        said = str(refused)
    else:
        assert contract_from(control_body(found)) == found
        return
    assert said.startswith("contract.")


@pytest.mark.parametrize("view", [None, ["version", "objectives[].objective"]])
def test_a_contract_comes_back_from_its_control_record_as_it_was(view: list[str] | None) -> None:
    """Also through the JSON the record holds."""
    terms = agreed(**{**LIFE, "view": view, "ids": {"1.0": 70_001, "1.10": 70_002}})
    assert contract_from(control_body(terms)) == terms
    plain = to_plain(control_body(terms))
    assert isinstance(plain, dict)
    assert contract_from(plain) == terms


@pytest.mark.requirement("R-MSG-12")
@pytest.mark.parametrize(
    ("at", "phase"),
    [
        (BEGIN - 1, Phase.AGREED),
        (BEGIN, Phase.IN_FORCE),
        (BEGIN + DAY - 1, Phase.IN_FORCE),
        (BEGIN + DAY, Phase.DEPRECATED),
        (BEGIN + 2 * DAY - 1, Phase.DEPRECATED),
        (BEGIN + 2 * DAY, Phase.SUNSET),
        (BEGIN + 3 * DAY - 1, Phase.SUNSET),
        (BEGIN + 3 * DAY, Phase.REMOVED),
        (BEGIN + 9 * DAY, Phase.REMOVED),
    ],
)
def test_a_phase_begins_exactly_at_its_instant(at: int, phase: Phase) -> None:
    """Not a millisecond before; and from the sunset on, it has ended."""
    terms = agreed(**LIFE)
    assert terms.phase(Instant(at)) is phase
    assert phase.has_ended is (at >= BEGIN + 2 * DAY)


def test_a_contract_whose_end_is_not_announced_stays_in_force() -> None:
    """However long; one whose dates fall together is in the latest phase."""
    assert agreed().phase(Instant(BEGIN + 10**12)) is Phase.IN_FORCE
    at_once = agreed(deprecated=BEGIN, sunset=BEGIN, alternative="plan.v2")
    assert at_once.phase(BEGIN) is Phase.SUNSET


def in_effect(*contracts: PartnerContract, at: int) -> tuple[str, Phase] | None:
    """Return name and phase of the contract that says what happens at a moment."""
    found = contract_in_effect(contracts, Instant(at))
    return None if found is None else (found.name, found.phase(Instant(at)))


@pytest.mark.requirement("R-MSG-12")
def test_of_several_contracts_the_one_of_highest_number_that_has_begun_says_what_happens() -> None:
    """Also once it has ended: what was agreed before it may be wider. Whatever order they are kept in."""
    first = agreed(**LIFE)
    second = agreed(number=2, effective=BEGIN + DAY)
    late = agreed(number=2, effective=BEGIN + 4 * DAY)
    short = agreed(number=2, deprecated=BEGIN, sunset=BEGIN + 1, alternative="plan.v3")
    for one, two in ((first, second), (second, first)):
        assert in_effect(one, two, at=BEGIN - 1) is None
        assert in_effect(one, two, at=BEGIN) == ("plan.v1", Phase.IN_FORCE)
        assert in_effect(one, two, at=BEGIN + DAY) == ("plan.v2", Phase.IN_FORCE)
    assert in_effect(first, late, at=BEGIN + 2 * DAY) == ("plan.v1", Phase.SUNSET)
    assert in_effect(first, late, at=BEGIN + 4 * DAY) == ("plan.v2", Phase.IN_FORCE)
    assert in_effect(first, short, at=BEGIN + 1) == ("plan.v2", Phase.SUNSET)
    assert in_effect(first, short, at=BEGIN + 3 * DAY) == ("plan.v2", Phase.SUNSET)
    assert in_effect(at=BEGIN) is None


@pytest.mark.requirement("R-MSG-12")
def test_versions_are_ordered_by_number_and_not_by_letter() -> None:
    """1.10 comes after 1.9; what is not covered is not taken."""
    versions = ("1.0", "1.9", "1.10", "2.0")
    assert sorted(versions, key=version_key) == list(versions)
    assert newest_version(agreed(newest="1.99"), versions) == "1.10"
    assert newest_version(agreed(newest="1.9"), versions) == "1.9"
    assert newest_version(agreed(oldest="3.0", newest="3.9"), versions) is None
    assert not agreed(newest="1.9").covers("1.10")


def spec(path: str, **said: Any) -> FieldSpec:  # noqa: ANN401 - any property
    """Return a field's specification."""
    return FieldSpec(
        path=path,
        information_class=InformationClass.IDENTITY,
        subject=Subject.PERSON,
        sensitive=False,
        **said,
    )


BORN = spec("born", general="year", generaliser="year")
SPECS = (
    BORN,
    spec("year", is_general=True),
    spec("name"),
    spec("people[].born", general="year", generaliser="year"),
)


def decided(path: str, outcome: Outcome, scope: Scope = Scope.ALL) -> FieldDecision:
    """Return the outcome of a field by the rules alone."""
    return FieldDecision(
        path=path, scope=scope, outcome=outcome, reason="R", basis="B", rules=("rule",), alternates=("A",)
    )


def left(view: set[str], *fields: FieldDecision) -> list[tuple[str, str, str]]:
    """Return path, outcome and reason of every field after a contract's view."""
    found = within(frozenset(view), fields, SPECS, rule="contract.plan.v1")
    return [(each.path, each.outcome.name, each.reason) for each in found]


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("outcome", [Outcome.DISCLOSE, Outcome.REDACT])
def test_what_a_view_lacks_is_withheld_with_the_contract_as_its_reason(outcome: Outcome) -> None:
    """Without a legal basis, and not named as held back; what it has stays as it was decided."""
    (held,) = within(frozenset({"born"}), [decided("name", outcome)], SPECS, rule="contract.plan.v1")
    assert (held.outcome, held.reason, held.basis, held.alternates) == (
        Outcome.WITHHOLD,
        NOT_IN_VIEW,
        None,
        (),
    )
    assert held.rules == ("rule", "contract.plan.v1")
    kept = decided("name", outcome)
    assert within(frozenset({"name"}), [kept], SPECS, rule="x") == (kept,)


@pytest.mark.requirement("R-DIS-01")
def test_a_view_with_only_the_general_form_gets_the_general_form() -> None:
    """Of what may be disclosed whole, and of what the rules generalise; in a list's records too."""
    general = [("born", "GENERALISE", "R"), ("year", "DISCLOSE", "R")]
    assert left({"year"}, decided("born", Outcome.DISCLOSE)) == general
    by_rules = (decided("born", Outcome.GENERALISE), decided("year", Outcome.DISCLOSE))
    assert left({"year"}, *by_rules) == general
    inside = decided("people[].born", Outcome.DISCLOSE, Scope.OTHERS)
    found = within(frozenset({"people[].year"}), [inside], SPECS, rule="x")
    assert [(each.path, each.scope, each.outcome) for each in found] == [
        ("people[].born", Scope.OTHERS, Outcome.GENERALISE),
        ("people[].year", Scope.OTHERS, Outcome.DISCLOSE),
    ]


@pytest.mark.requirement("R-DIS-01")
def test_what_the_rules_generalise_is_withheld_where_the_view_has_no_general_form() -> None:
    """Neither the exact value nor the general one goes; a redacted field is not made general."""
    by_rules = (decided("born", Outcome.GENERALISE), decided("year", Outcome.DISCLOSE))
    for view in ({"born"}, {"name"}):
        assert left(view, *by_rules) == [(path, "WITHHOLD", NOT_IN_VIEW) for path in ("born", "year")]
    assert left({"year"}, decided("born", Outcome.REDACT)) == [("born", "WITHHOLD", NOT_IN_VIEW)]


@pytest.mark.requirement("R-DIS-01")
def test_a_contract_narrows_and_never_permits() -> None:
    """What the rules withhold keeps their reason, in the view or not; the envelope is not the contract's."""
    for view in ({"name"}, {"born"}):
        assert left(view, decided("name", Outcome.WITHHOLD)) == [("name", "WITHHOLD", "R")]
    envelope = decided("@author", Outcome.DISCLOSE)
    assert within(frozenset({"born"}), [envelope], SPECS, rule="x") == (envelope,)


@settings(max_examples=200, deadline=None)
@given(
    st.frozensets(st.sampled_from(["born", "year", "name", "people[].born", "people[].year"])),
    st.lists(st.sampled_from(list(Outcome)), min_size=3, max_size=3),
)
def test_no_view_lets_more_through_than_the_rules(view: frozenset[str], outcomes: list[Outcome]) -> None:
    """Whatever the view, every field is held back at least as much as without one."""
    fields = [
        decided(path, outcome)
        for path, outcome in zip(("born", "name", "people[].born"), outcomes, strict=True)
    ]
    before = {each.path: each.outcome for each in fields}
    for each in within(view, fields, SPECS, rule="x"):
        assert each.outcome >= before.get(each.path, each.outcome)
        assert each.outcome is Outcome.WITHHOLD or each.path in view or each.outcome is Outcome.GENERALISE


@pytest.mark.requirement("R-DIS-01")
def test_a_text_that_names_what_is_merely_left_out_of_a_view_is_not_held_back() -> None:
    """A contract leaves out what may be known; only what the rules hold back holds back a text."""
    world = staffed()
    engage(world, COUNSELLOR)
    given_ = {
        "referral": "ref-recovery",
        "action": "OFFER",
        "provider": RECOVERY,
        "surname": "Featherstonehaugh",
        "note": "Featherstonehaugh asks for a morning",
    }
    submission = world.submission(MANAGER, MessageName.REFERRAL, given_)
    view = ["referral", "action", "note"]
    contract = agreed(message="referral", purposes=["referral"], view=view)
    candidate = Candidate(
        organisation=RECOVERY, role=Role.KEY_WORKER, persons=frozenset(), concern=Concern.REFERRED
    )
    assert contract.direction is Direction.RECEIVES
    specs = library().fields(MessageName.REFERRAL, "1.0")
    decision = decide(
        policy(),
        envelope=submission.envelope,
        specs=specs,
        case=world.state,
        organisation=World().known[RECOVERY],
        candidate=candidate,
        now=world.now,
        about="ref-recovery",
        payload=submission.payload,
        contract=contract,
    )
    assert decision.delivers
    payload, redacted = cut(submission.payload, specs, decision, candidate)
    assert {name: value for name, value in payload.items() if value is not None} == {
        name: given_[name] for name in view
    }
    assert redacted == ()
