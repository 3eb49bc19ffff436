"""What can be supposed to be otherwise, how it is written, and what it changes."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from hub.cases.case import Case
from hub.consent.compile import compile_policy
from hub.consent.decision import Decision, Outcome
from hub.errors import WrongArgument
from hub.messages.envelope import MessageName, Role
from hub.routing.supposing import supposition
from hub.routing.whatif import WhatIf, what_if
from tests.unit.worlds import (
    ADVISER,
    CASE,
    COUNSELLOR,
    DEBT,
    HOUSING,
    MANAGER,
    OTHER_PROBATION,
    RECOVERY,
    World,
    engage,
    policy,
    staffed,
)

Place = tuple[str, str]


def world() -> World:
    """Return a case with a drug service on rung 2 and a debt adviser on rung 4."""
    made = staffed()
    engage(made, COUNSELLOR)
    engage(made, ADVISER)
    return made


def asked(made: World, *texts: str) -> WhatIf:
    """Suppose something of a change of risk the Offender Manager might tell of now."""
    entry = made.submission(MANAGER, MessageName.RISK_CHANGE, RISK)
    return what_if(entry, made, [supposition(text) for text in texts], now=made.now)


def facts(found: WhatIf) -> dict[Place, Mapping[str, object]]:
    """Return the facts each recipient would be decided on."""
    return {_place(each): each.facts for each in found.supposed.decisions}


def _place(decision: Decision) -> Place:
    return (decision.candidate.organisation, decision.candidate.role)


RISK = {"kind": "FACTOR", "factor": "Invented", "staff_safety": "Invented"}
WORKER = (RECOVERY, Role.KEY_WORKER)


@pytest.mark.requirement("R-DIS-08")
@pytest.mark.parametrize(
    ("text", "fact", "value"),
    [
        (f"consent=health:given:{RECOVERY}", "consent.health", "given"),
        ("consent=health:withdrawn", "consent.health", "withdrawn"),
        (f"rung={RECOVERY}:4", "rung", 4),
        (f"rung={RECOVERY}:1", "rung", 1),
        ("tier=4", "tier", 4),
        ("mappa=2/3", "mappa_level", 3),
        ("mappa=none", "mappa_level", 0),
        (f"protocol={RECOVERY}:risk", "protocol.risk", True),
        (f"standing={RECOVERY}:suspended", "standing", "suspended"),
    ],
)
def test_a_supposition_is_the_fact_that_is_decided_on(text: str, fact: str, value: object) -> None:
    """Whatever is supposed of the case or the organisation stands among the facts, for this question only."""
    made = world()
    before = made.state
    found = asked(made, text)
    assert found.supposed.rejection is None, found.supposed.rejection
    supposed = facts(found)[WORKER]
    assert supposed.get(fact) == value
    assert made.state == before


@pytest.mark.requirement("R-DIS-08")
def test_an_organisation_supposed_in_another_role_is_decided_on_in_that_role() -> None:
    """Another region supposed to supervise is a candidate as such; nobody else changes."""
    made = world()
    found = asked(made, f"role={OTHER_PROBATION}:offender_supervisor")
    now = {_place(each) for each in found.as_is.decisions}
    then = {_place(each) for each in found.supposed.decisions}
    assert then - now == {(OTHER_PROBATION, Role.OFFENDER_SUPERVISOR)}
    assert now <= then
    joined = next(each for each in found.differs if each.before is None)
    assert joined.decision.candidate.organisation == OTHER_PROBATION


@pytest.mark.requirement("R-DIS-08")
def test_what_is_not_supposed_stays_as_it_is_and_what_differs_is_listed() -> None:
    """A suspended organisation would be told nothing; for everybody else there is no difference."""
    made = world()
    found = asked(made, f"standing={DEBT}:suspended")
    assert [each.decision.candidate.organisation for each in found.differs] == [DEBT]
    suspended = next(each for each in found.supposed.decisions if each.candidate.organisation == DEBT)
    assert (suspended.delivers, suspended.gate) == (False, "HOLD-SUSPENDED")
    for differs in found.differs:
        assert all(each.after in {Outcome.WITHHOLD, None} for each in differs.fields)


@pytest.mark.requirement("R-DIS-08")
def test_rules_that_are_not_in_force_can_be_supposed() -> None:
    """The same rules under another name make the same decisions, and say by which rules."""
    made = world()
    entry = made.submission(MANAGER, MessageName.RISK_CHANGE, RISK)
    other = compile_policy(policy().documents, version="proposed")
    found = what_if(entry, made, now=made.now, policy=other)
    assert found.differs == ()
    assert {each.policy for each in found.supposed.decisions} == {other.name}
    assert {each.policy for each in found.as_is.decisions} == {policy().name}


@pytest.mark.requirement("R-DIS-08")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("consents=health:given", "did you mean consent"),
        ("consent=health", "write --consent CLASS"),
        ("consent=helth:given", "did you mean health"),
        ("consent=health:yes", "--consent: .* yes .*one of: expired, given"),
        ("role=housing:key_wroker", "did you mean key_worker"),
        ("rung=housing:5", "1, 2, 3, 4"),
        ("tier=9", "1, 2, 3, 4"),
        ("mappa=2/9", "--mappa: there is no MAPPA level 9 .*one of: 1, 2, 3"),
        ("mappa=2", "--mappa: 2 .*write --mappa CATEGORY/LEVEL"),
        ("mappa=none/1", "--mappa: there is no MAPPA category none"),
        ("protocol=housing:risk:never", "write --protocol ORGANISATION:CLASS"),
        ("standing=housing:sleeping", "--standing: .*one of: active, suspended"),
        ("rosh=TALL", "--rosh: there is no level of risk of serious harm TALL"),
        ("role=Not An Org:key_worker", "no organisation's short name"),
    ],
)
def test_a_slip_of_the_pen_is_told_with_the_words_there_are(text: str, says: str) -> None:
    """Nothing is supposed silently."""
    with pytest.raises(WrongArgument) as found:
        supposition(text)
    assert re.search(says, f"{found.value} {found.value.fix}")


@pytest.mark.requirement("R-DIS-08")
def test_an_organisation_there_is_not_cannot_be_supposed() -> None:
    """It would change nothing, and look as if it made no difference."""
    made = world()
    with pytest.raises(WrongArgument, match=f"--standing: .*did you mean {HOUSING}"):
        asked(made, "standing=housin:suspended")


@pytest.mark.requirement("R-DIS-08")
def test_a_consent_that_is_taken_out_leaves_what_was_said_of_other_classes() -> None:
    """`none` is as if the person had never spoken of this class."""
    made = world()
    given = supposition("consent=health:given").on_case(made.state, made.now)
    both = supposition("consent=risk:given").on_case(given, made.now)
    left: Case = supposition("consent=health:none").on_case(both, made.now)
    assert [sorted(each.classes) for each in left.consents] == [[], ["risk"]]
    assert left.ref == CASE
