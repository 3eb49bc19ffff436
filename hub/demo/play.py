"""Plays the day against a running hub: every person's chapter at the same time, each in its own order.

An organisation speaks of a case by the reference the hub gave it, so a chapter waits where a sender
has yet to be told of the case. Every wait is bounded; what does not come is found by the check.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from hub.demo.day import Door
from hub.demo.evidence import Answered, Channel, Evidence
from hub.demo.expectations import End
from hub.demo.leaves import step_time, time_of
from hub.demo.references import Known
from hub.demo.submissions import avro_record, http_body, path_of
from hub.messages.envelope import MessageName

if TYPE_CHECKING:
    from hub.demo.day import Step
    from hub.demo.driver import Driver
    from hub.demo.evidence import Judgement, Received, SetAside
    from hub.demo.expectations import Expectations
    from hub.demo.world import World
    from hub.topics.library import SchemaLibrary

ACCEPTED = 202
DECIDED = frozenset({"routed", "refused"})
TURNING = frozenset(
    {
        MessageName.CASE,
        MessageName.ASSESSMENT,
        MessageName.REFERRAL,
        MessageName.PLAN,
        MessageName.RISK_CHANGE,
        MessageName.PRISON_EVENT,
        MessageName.TEAM_CHANGE,
        MessageName.CONSENT,
    }
)
"""What may change who may know: what waits unread then is decided again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the performance waits, and how often it looks."""

    look_ms: int = 50
    step_s_max: float = 6.0
    """For everything one step causes."""
    end_s_max: float = 10.0
    """For the last of it, when all has been sent."""
    quiet_looks: int = 3
    """So many looks in a row must find nothing new before the day is over."""


StepDone = Callable[["Step"], None]


class Performance:
    """One run of the day; gathers the evidence while it goes."""

    def __init__(
        self,
        *,
        world: World,
        expectations: Expectations,
        driver: Driver,
        library: SchemaLibrary,
        patience: Patience | None = None,
    ) -> None:
        """Take the world, what to wait for, and the hub to play it on."""
        self.world, self.expectations, self.driver, self.library = world, expectations, driver, library
        self.patience = patience or Patience()
        self.received: list[Received] = []
        self.quarantine: tuple[SetAside, ...] = ()
        self.answers: dict[str, Answered] = {}
        self.data: dict[str, dict[str, object]] = {}
        self._known = Known()
        self._cases: dict[tuple[str, str], str] = {}
        self._kafka: dict[str, frozenset[MessageName]] = {
            party.organisation: party.kafka for party in world.parties
        }
        self._by_time = {step_time(step): step for step in reversed(world.steps)}
        self._got: dict[str, set[tuple[str, Channel]]] = defaultdict(set)
        self._sent: list[Step] = []
        self._news = asyncio.Condition()

    async def play(self, done: StepDone) -> Evidence:
        """Register everybody, send every step, wait for what it causes; `done` is told of each step."""
        await asyncio.gather(
            *(self.driver.register(party, since=self.world.start) for party in self.world.parties)
        )
        await self.driver.begin()
        chapters = [self._chapter(self.world.chapter(person), done) for person in self.world.people]
        watch: asyncio.Future[None] = asyncio.ensure_future(self._watch())
        played = asyncio.ensure_future(_all(chapters))
        try:
            await asyncio.wait([watch, played], return_when=asyncio.FIRST_COMPLETED)
            if watch.done():
                watch.result()
            await played
        finally:
            for work in (watch, played):
                work.cancel()
            await asyncio.gather(watch, played, return_exceptions=True)
        await self._settle()
        return self._evidence(tuple(await self.driver.judgements()))

    def case_of(self, organisation: str, person: str) -> str:
        """Return the reference under which an organisation knows a person's case; empty if it does not."""
        return self._cases.get((organisation, person), "")

    async def _chapter(self, steps: tuple[Step, ...], done: StepDone) -> None:
        """Send one person's steps in order, waiting for what each sender must have received first."""
        before: Step | None = None
        sent: list[Step] = []
        for step in steps:
            if before is not None and before.door is not step.door:
                # Two ways in keep no order between them; one after the other does.
                await self._until(partial(self._arrived, before), self.patience.step_s_max)
            if step.message in TURNING:
                # In a day there are hours between: what was told is read before who may know changes.
                for earlier in sent:
                    await self._until(partial(self._arrived, earlier), self.patience.step_s_max)
                sent.clear()
            sent.append(step)
            self.answers[step.name] = await self._send(step)
            self._sent.append(step)
            done(step)
            before = step
        for step in steps:
            await self._until(partial(self._arrived, step), self.patience.step_s_max)

    async def _send(self, step: Step) -> Answered:
        organisation = step.author.organisation
        place = (organisation, step.person)
        opening = step.data.get("action") == "OPENED"
        if not opening:
            await self._until(lambda: place in self._cases, self.patience.step_s_max)
        await self._until(lambda: self._known.ready(step), self.patience.step_s_max)
        self.data[step.name] = data = self._known.data(step)
        case = self._cases.get(place)
        if step.door is Door.KAFKA:
            value = avro_record(step, case=case or "", library=self.library)
            await self.driver.produce(organisation, value, {"message-id": step.key})
            return Answered(status=None, body={}, state=None)
        body = http_body(step, case=case, data=data, thread=self._known.thread(step))
        status, answer = await self.driver.post(organisation, path_of(step.message), body, key=step.key)
        if isinstance(answer.get("message"), str):
            self._known.posted(step, str(answer["message"]))
        if opening and isinstance(answer.get("case"), str):
            self._cases[place] = str(answer["case"])
        return Answered(status=status, body=answer, state=None)

    async def _follow(self) -> None:
        """Ask, as each sender, how far its messages have come, until all are decided."""
        open_ = {
            step.name: (step.author.organisation, str(self.answers[step.name].body["message"]))
            for step in self.world.steps
            if self.answers[step.name].status == ACCEPTED
        }
        with suppress(TimeoutError):
            async with asyncio.timeout(self.patience.end_s_max):
                while open_:
                    asked = tuple(open_.items())
                    for (name, _), state in zip(
                        asked,
                        await asyncio.gather(*(self.driver.state(*who) for _, who in asked)),
                        strict=True,
                    ):
                        self.answers[name] = replace(self.answers[name], state=state)
                        if state in DECIDED:
                            del open_[name]
                    await asyncio.sleep(self.patience.look_ms / 1000)

    def _arrived(self, step: Step) -> bool:
        """Say whether all that the step must cause has been seen."""
        expected = self.expectations.steps.get(step.likeness)
        if expected is None:
            return True
        if expected.end is End.SET_ASIDE:
            return any(line.organisation == step.author.organisation for line in self.quarantine)
        return not self._missing(step)

    def _missing(self, step: Step) -> set[tuple[str, Channel]]:
        """Return the recipients and channels on which something of this step is still to come."""
        expected = self.expectations.steps.get(step.likeness)
        wanted: set[tuple[str, Channel]] = set()
        for recipient, share in (expected.recipients if expected is not None else {}).items():
            if share.joined is not None and f"{step.person}/{share.joined}" not in self.answers:
                continue
            wanted.add((recipient, Channel.MAILBOX))
            if step.message in self._kafka[recipient.partition("/")[0]]:
                wanted.add((recipient, Channel.KAFKA))
        return wanted - self._got[step.name]

    async def _settle(self) -> None:
        """Wait for what follows of itself: every message decided, and nothing new anywhere for a while."""
        wanted = sum(
            self.expectations.steps[step.likeness].end in {End.REFUSED, End.SET_ASIDE}
            for step in self.world.steps
            if step.likeness in self.expectations.steps
        )
        await self._follow()
        for _ in range(int(self.patience.end_s_max * 1000 / self.patience.look_ms)):
            if len(self.quarantine) >= wanted:
                break
            await self._look(())
            await asyncio.sleep(self.patience.look_ms / 1000)
        quiet, known = 0, -1
        while quiet < self.patience.quiet_looks:
            await self._look(party.organisation for party in self.world.parties)
            quiet = quiet + 1 if len(self.received) == known else 0
            known = len(self.received)
            await asyncio.sleep(self.patience.look_ms / 1000)

    async def _watch(self) -> None:
        """Look into the mailboxes in which something is still to come, and at the quarantine."""
        while True:
            await self._look(
                {recipient.partition("/")[0] for step in self._sent for recipient, _ in self._missing(step)}
            )
            self._sent = [step for step in self._sent if self._missing(step)]
            await asyncio.sleep(self.patience.look_ms / 1000)

    async def _look(self, organisations: Iterable[str]) -> None:
        """Look into some mailboxes and topics at once; who waits is told as soon as one has something."""
        looks = [look(name) for name in organisations for look in (self.driver.mailbox, self.driver.kafka)]
        for finding in asyncio.as_completed(looks):
            for received in await finding:
                self._take(received)
            await self._tell()
        self.quarantine = tuple(await self.driver.quarantine())
        await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    def _take(self, received: Received) -> None:
        self.received.append(received)
        step = self._by_time.get(time_of(received.headers))
        if step is not None:
            self._cases.setdefault((received.organisation, step.person), received.headers["ce_subject"])
            self._got[step.name].add((received.recipient, received.channel))
            self._known.took(step, received)

    async def _until(self, holds: Callable[[], bool], wait_s_max: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s_max), self._news:
                await self._news.wait_for(holds)

    def _evidence(self, judgements: tuple[Judgement, ...]) -> Evidence:
        cases: dict[str, set[str]] = defaultdict(set)
        for (_, person), case in self._cases.items():
            cases[person].add(case)
        return Evidence(
            answers=dict(self.answers),
            received=tuple(self.received),
            quarantine=self.quarantine,
            cases={person: frozenset(known) for person, known in cases.items()},
            sent=dict(self.data),
            judgements=judgements,
        )


async def _all(chapters: Iterable[Coroutine[object, object, None]]) -> None:
    await asyncio.gather(*chapters)
