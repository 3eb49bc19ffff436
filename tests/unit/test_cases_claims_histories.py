"""Whatever several prisons, their service and those who manage the case say and unsay (decision 0010)."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.cases import deadlines
from hub.cases.movements import expected
from hub.cases.placing import confirm_by
from hub.cases.state import from_json, to_json
from hub.consent.parties import Kind
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import Instant, MessageId, OrganisationId
from hub.routing.outcome import Result
from hub.routing.route import route
from tests.unit.moves import held, prison
from tests.unit.test_cases_claims import LEEDS_SYSTEM, SERVICE, alert, with_service
from tests.unit.worlds import (
    ADMINISTRATOR,
    COUNSELLOR,
    HOUR,
    LEEDS,
    MANAGER,
    MOORLAND,
    UNIT,
    Staff,
    engage,
    organisation,
    to,
)

WANDSWORTH = OrganisationId("hmp-wandsworth")
STAFF = {
    "LEI": LEEDS_SYSTEM,
    "MDI": UNIT,
    "WWI": Staff(WANDSWORTH, Role.SYSTEM, "hmpps-domain-events"),
    "SERVICE": SERVICE,
    "OM": MANAGER,
    "CA": ADMINISTRATOR,
}
OTHERS = [name for name in STAFF if name != "LEI"]
STAYING = ["RECEPTION", "RECALL", "RETURN", "TRANSFER", "TEMPORARY_RELEASE", "DEATH"]
ANY = [*STAYING, "RELEASE", "HDC"]
MIDWAY = 20
"""Hours from now about which everything happens."""
LAST = 50


class Said(NamedTuple):
    """One word on a movement; the hours are from midway."""

    by: str
    action: str
    status: str = "CONFIRMED"
    left: str | None = None
    reached: str | None = None
    hours: int = 0
    fact: int = 0
    """Under which correlation; 0 is one of its own."""


class Unsaid(NamedTuple):
    """A correction of one of the messages before."""

    by: str
    which: int


Step = Said | Unsaid


def words(by: list[str], actions: list[str], places: list[str | None]) -> st.SearchStrategy[Said]:
    """Return what these may say of movements between those places."""
    return st.builds(
        Said,
        by=st.sampled_from(by),
        action=st.sampled_from(actions),
        status=st.sampled_from(["CONFIRMED", "CONFIRMED", "CONFIRMED", "PROVISIONAL", "RETRACTED"]),
        left=st.sampled_from([*places, None]),
        reached=st.sampled_from(places),
        hours=st.integers(-14, 14),
        fact=st.sampled_from([0, 0, 0, 1, 2]),
    )


EVERYWHERE: list[str | None] = ["MDI", "LEI", "WWI", None]
LEEDS_SAYS = words(["LEI"], ANY, ["LEI", "LEI", "MDI", None])
ELSEWHERE = words(OTHERS, STAYING, ["MDI", "WWI"])
ANYTHING = words(OTHERS, ANY, EVERYWHERE)
CORRECTED = st.builds(Unsaid, by=st.sampled_from(["OM", "OM", "MDI", "LEI"]), which=st.integers(0, 9))


class History:
    """A world in which Moorland holds the person, and what is said in it."""

    def __init__(self) -> None:
        """Begin."""
        self.world = with_service(held())
        self.world.known[WANDSWORTH] = organisation(WANDSWORTH, Kind.PRISON, prison="WWI")
        engage(self.world, COUNSELLOR)
        self.base = Instant(self.world.now + MIDWAY * HOUR)
        self.before = self.world.state.movements.before
        self.taken: list[tuple[str, MessageId]] = []

    def take(self, step: Step, number: int) -> Result | None:
        """Let one more be said; no word stops the line, and each comes to the same a second time."""
        world = self.world
        world.now = Instant(world.now + 60_000)
        if isinstance(step, Unsaid):
            if not self.taken:
                return None
            return self._correct(STAFF[step.by], self.taken[step.which % len(self.taken)][1])
        payload = {
            "action": step.action,
            "status": step.status,
            "at": self.base + step.hours * HOUR + number,
            "prison_from": step.left,
            "prison_to": step.reached,
        }
        named = {"correlation": f"{step.fact:032d}"} if step.fact else {}
        entry = world.submission(STAFF[step.by], MessageName.PRISON_EVENT, payload, **named)
        first = route(entry, world, world.now)
        assert world.take(entry) == first
        if first.rejection is None:
            self.taken.append((step.by, entry.envelope.message_id))
        self._check()
        return first

    def correct_others(self, order: int) -> None:
        """Let the Offender Manager correct all that others than Leeds have said, in some order."""
        wrong = [message for by, message in self.taken if by != "LEI"]
        Random(order).shuffle(wrong)  # noqa: S311 - for chance, not for secrets
        for message in wrong:
            self._correct(MANAGER, message)

    def _correct(self, by: Staff, message: MessageId) -> Result:
        wrong = {"corrects": message, "action": "RETRACT", "fields": []}
        result = self.world.send(by, MessageName.CORRECTION, wrong)
        self._check()
        return result

    def _check(self) -> None:
        """What is kept is read as it was written, and each expected movement is waited for."""
        case = self.world.state
        assert from_json(to_json(case)) == case
        waits = {(each.kind, each.subject): each.due_at for each in self.world.timers.values()}
        for each in expected(case.movements):
            name = deadlines.confirmation(each)
            assert confirm_by(each) <= self.world.now or waits[name.kind, name.subject] == confirm_by(each)

    @property
    def is_whole(self) -> bool:
        """Whether it is still known of every movement who told it."""
        return self.world.state.movements.before == self.before


@pytest.mark.requirement("R-DIS-01")
@settings(deadline=None)
@given(steps=st.lists(st.one_of(ELSEWHERE, LEEDS_SAYS, LEEDS_SAYS, CORRECTED), max_size=8))
@example(steps=[Said("LEI", "RECEPTION", left="LEI", reached="LEI")])
@example(
    steps=[
        Said("MDI", "RECEPTION", "PROVISIONAL", reached="WWI", fact=1),
        Said("LEI", "RECEPTION", "RETRACTED", reached="LEI", fact=1),
    ]
)
@example(steps=[Said("MDI", "RETURN"), Said("LEI", "RETURN", reached="LEI")])
def test_a_prison_that_nobody_else_names_is_never_told_anything(steps: list[Step]) -> None:
    """Whatever it says, while others say where the person is, and unsay it."""
    history = History()
    for number, step in enumerate(steps):
        result = history.take(step, number)
        assert result is None or not to(result, LEEDS)
        assert prison(history.world) != LEEDS
        assert not to(alert(history.world), LEEDS)


@pytest.mark.requirement("R-DIS-01")
@settings(deadline=None)
@given(
    steps=st.lists(st.one_of(ANYTHING, ANYTHING, LEEDS_SAYS, LEEDS_SAYS, CORRECTED), max_size=5),
    after=LEEDS_SAYS,
    order=st.integers(0, 99),
)
@example(
    steps=[Said("MDI", "TRANSFER", left="MDI", reached="LEI"), Said("LEI", "RELEASE", hours=1)],
    after=Said("LEI", "RECEPTION", reached="LEI", hours=2),
    order=0,
)
@example(
    steps=[Said("MDI", "RECEPTION", reached="LEI", fact=1)],
    after=Said("LEI", "RECEPTION", reached="LEI", fact=1),
    order=0,
)
@example(
    steps=[
        Said("MDI", "TRANSFER", left="MDI", reached="LEI", hours=1),
        Said("LEI", "RELEASE", left="MDI"),
    ],
    after=Said("LEI", "RECEPTION", reached="LEI", hours=2),
    order=0,
)
def test_no_prison_holds_anybody_by_what_it_said_while_it_held_them_by_a_word_that_was_wrong(
    steps: list[Step], after: Said, order: int
) -> None:
    """In whatever order those words are corrected, and whatever it says then."""
    history = History()
    for number, step in enumerate(steps):
        history.take(step, number)
    history.correct_others(order)
    history.take(after, len(steps))
    if history.is_whole:
        assert prison(history.world) != LEEDS
        assert not to(alert(history.world), LEEDS)


@pytest.mark.requirement("R-DIS-01")
@settings(deadline=None)
@given(
    steps=st.lists(st.one_of(ANYTHING, LEEDS_SAYS), max_size=4),
    noise=st.lists(st.builds(Said._replace, LEEDS_SAYS, hours=st.integers(-14, LAST)), max_size=6),
)
def test_whom_the_service_says_last_a_prison_has_it_has_whatever_another_says(
    steps: list[Said], noise: list[Said]
) -> None:
    """It is told what it has to know, and the other nothing."""
    history = History()
    certain = [each for each in steps if each.status != "PROVISIONAL"]
    for number, step in enumerate([*certain, Said("SERVICE", "RECALL", reached="MDI", hours=30)]):
        history.take(step, number)
    if prison(history.world) != MOORLAND:
        return  # Somebody has died.
    for number, step in enumerate(noise, start=LAST):
        history.take(step, number)
        told = alert(history.world)
        assert to(told, MOORLAND)
        assert not to(told, LEEDS)
