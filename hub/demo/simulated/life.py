"""The life of one simulated case: what happens on which day, from its opening to the last day asked for.

What happens is the demonstration's: a team is appointed, providers take referrals up, Key Workers report, the
Offender Manager reviews and changes the plan, prisons move and release people. How often is set below.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from hub.demo.chapters import asks
from hub.demo.chapters.custody import RELEASE_DATED, release_dated
from hub.demo.chapters.opening import PRISON_CODES, Team, accept, open_case, refer
from hub.demo.chapters.plans import Change, Objective, distribute
from hub.demo.organisations import DEBT, HOUSING, LEEDS, MOORLAND, PROBATION, PROGRAMMES, RECOVERY
from hub.demo.simulated import said
from hub.demo.simulated.diary import Diary
from hub.demo.simulated.population import person_of
from hub.messages.envelope import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hub.demo.day import Staff, Step
    from hub.demo.people import Person
    from hub.messages.identifiers import Instant, OrganisationId

OPENED_WITHIN = 0.25
"""All cases are opened in this part of the time; the rest of it they live on."""
ASKS = {RECOVERY: asks.recovery, HOUSING: asks.housing, PROGRAMMES: asks.programme, DEBT: asks.debt}
NEEDS = {
    RECOVERY: ("clean", "Complete drug treatment", "DRUGS"),
    HOUSING: ("home", "Find and keep a place to live", "ACCOMMODATION"),
    PROGRAMMES: ("thinking", "Finish the accredited programme", "THINKING_BEHAVIOUR"),
    DEBT: ("debts", "Put the debts in order", "FINANCE"),
}
DECLINED, CONSENTS_TO_DEBT_ADVICE = 0.08, 0.85
SESSIONS, DAYS_BETWEEN_SESSIONS = (6, 26), (6, 15)
NOT_REPORTED = 0.06
"""So many sessions nobody reports on, until the hub says so."""
REVIEW_EVERY_DAYS = 112
"""A review of the plan every sixteen weeks."""
RISK_RAISED, FACTOR_REPORTED, NEW_MANAGER, CONSENT_WITHDRAWN = 0.15, 0.25, 0.06, 0.1
PLAN_BY_ANOTHER = 0.01
"""So many cases see somebody else than the Offender Manager try to change the plan, which is refused."""


@dataclass(slots=True)
class Life:
    """One case as it goes on; what is still to happen waits in `ahead`, by day."""

    diary: Diary
    person: Person
    days: int
    team: Team = field(init=False)
    prison: str | None = field(init=False)
    workers: dict[OrganisationId, tuple[Staff, str]] = field(default_factory=dict)
    """Key Worker and referral, by provider."""
    version: int = 0
    ahead: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    planned: int = 0
    today: int = 0

    def steps(self, *, first_day: int) -> Iterator[Step]:
        """Yield everything that happens, in order, to the last day."""
        self._on(first_day, self._open)
        while self.ahead:
            day, _, happening = heapq.heappop(self.ahead)
            yield from self.diary.turn_to(day)
            self.today = day
            happening()
        yield from self.diary.handed_over()

    def _on(self, day: int, happening: Callable[[], None]) -> None:
        """Let something happen on a day, where that comes in time."""
        if day < self.days:
            self.planned += 1
            heapq.heappush(self.ahead, (day, self.planned, happening))

    def _after(self, least: int, most: int, happening: Callable[[], None]) -> None:
        self._on(self.today + self.diary.between(least, most), happening)

    def _open(self) -> None:
        diary, person = self.diary, self.person
        self.team = open_case(diary, person)
        self.prison = person.prison
        self._after(3, 15, self._assess)
        if self.prison is not None:
            self._after(20, 200, self._release_date)
            self._after(60, 400, self._release)
            if diary.happens(0.3):
                self._after(20, 150, self._move)
        if diary.happens(RISK_RAISED):
            self._after(30, 300, self._raise_risk)
        if diary.happens(NEW_MANAGER):
            self._after(60, 300, self._transfer)

    def _assess(self) -> None:
        said.assessed(self.diary, self.person, self.team.manager)
        providers = self.diary.some(list(ASKS), self.diary.between(2, 4))
        for provider in providers:
            self._after(1, 40, partial(self._offer, provider))
        self._after(14, 30, self._plan)

    def _offer(self, provider: OrganisationId) -> None:
        diary, person = self.diary, self.person
        if provider == DEBT:
            if not diary.happens(CONSENTS_TO_DEBT_ADVICE):
                return
            consent = said.consented(diary, person, self.team.manager)
            if diary.happens(CONSENT_WITHDRAWN):
                self._after(30, 120, partial(self._withdraw, consent))
        offer = refer(diary, person, self.team, name=provider, asked=ASKS[provider](diary, person))
        self._after(1, 6, partial(self._answer, provider, offer))

    def _withdraw(self, consent: str) -> None:
        said.withdrew(self.diary, self.person, self.team.manager, consent)

    def _answer(self, provider: OrganisationId, offer: Step) -> None:
        if self.diary.happens(DECLINED):
            said.declined(self.diary, self.person, offer)
            return
        worker = accept(self.diary, self.person, offer, name=provider)
        self.workers[provider] = (worker, str(offer.data["referral"]))
        self._after(3, 14, partial(self._start, provider))
        if self.diary.happens(FACTOR_REPORTED):
            self._after(30, 200, partial(self._report_factor, provider))

    def _start(self, provider: OrganisationId) -> None:
        worker, referral = self.workers[provider]
        said.moved(self.diary, self.person, worker, referral, "START")
        self._session(provider, left=self.diary.between(*SESSIONS))

    def _session(self, provider: OrganisationId, *, left: int) -> None:
        if provider not in self.workers:
            return
        worker, referral = self.workers[provider]
        if left == 0:
            said.moved(self.diary, self.person, worker, referral, "COMPLETE")
            del self.workers[provider]
            return
        days = self.diary.between(*DAYS_BETWEEN_SESSIONS)
        if not self.diary.happens(NOT_REPORTED):
            said.session(self.diary, self.person, worker, referral, next_in=days if left > 1 else None)
        if left > 1 and self.diary.happens(0.15):
            said.arranged(self.diary, self.person, self.team.administrator, referral, provider, days=days)
        self._on(self.today + days, partial(self._session, provider, left=left - 1))

    def _plan(self) -> None:
        """Distribute the next version, and have it reviewed when its time has come."""
        self.version += 1
        team = self.team
        if self.version == 1 and self.diary.happens(PLAN_BY_ANOTHER):
            said.plan_by_another(self.diary, self.person, team.administrator)
        objectives = [
            Objective(
                name="family",
                title="Rebuild contact with family",
                need="RELATIONSHIPS",
                responsible=team.manager,
            )
        ]
        for provider, (worker, _) in self.workers.items():
            name, title, need = NEEDS[provider]
            objectives.append(Objective(name=name, title=title, need=need, responsible=worker))
        change = None
        if self.version > 1:
            change = Change(
                version=self.version, what=self.diary.note(sentences=1), why=self.diary.note(sentences=2)
            )
        distribute(self.diary, self.person, team.manager, objectives, change=change)
        self._on(self.today + REVIEW_EVERY_DAYS, self._review)

    def _review(self) -> None:
        changes = self.diary.happens(0.7)
        said.reviewed(self.diary, self.person, self.team.manager, changes=changes)
        if changes:
            self._plan()
        else:
            self._on(self.today + REVIEW_EVERY_DAYS, self._review)

    def _raise_risk(self) -> None:
        said.risk_raised(self.diary, self.person, self.team.manager)

    def _report_factor(self, provider: OrganisationId) -> None:
        if provider in self.workers:
            said.factor(self.diary, self.person, self.workers[provider][0])

    def _transfer(self) -> None:
        incoming = self.diary.staff(PROBATION, Role.OFFENDER_MANAGER)
        said.transferred(self.diary, self.person, self.team, incoming)
        self.team = replace(self.team, manager=incoming)

    def _release_date(self) -> None:
        if self.prison is not None:
            days = self.diary.between(30, 300)
            unit = self.team.in_unit
            release_dated(self.diary, self.person, unit, name="release-date", days=days, tale=RELEASE_DATED)

    def _move(self) -> None:
        """Move the person to the other prison; supervision moves along."""
        if self.prison is None:
            return
        to = LEEDS if self.prison == MOORLAND else MOORLAND
        self.team = said.moved_prison(self.diary, self.person, self.team, self.prison, to)
        self.prison = to

    def _release(self) -> None:
        if self.prison is not None:
            said.released(self.diary, self.person, self.team, PRISON_CODES[self.prison])
            self.prison = None


def life(*, number: int, seed: int, start: Instant, days: int, still: bool = False) -> Iterator[Step]:
    """Yield the steps of one case; they follow from seed and number alone."""
    rng = Random(f"{seed}/{number}")  # noqa: S311 - for invention, not for secrets
    person = person_of(rng, number)
    diary = Diary(rng=rng, start=start, key=f"sim-{seed}-{start // 60_000:x}-{number}", still=still)
    opened = rng.randrange(max(1, int(days * OPENED_WITHIN)))
    return Life(diary=diary, person=person, days=days).steps(first_day=opened)
