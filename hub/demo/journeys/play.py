"""Plays a journey on a running hub, scene by scene, and says where what came of it is not what it must be.

Organisations go in by HTTP with their own keys and read their own mailboxes; reasons come from the ledger,
as staff read it. Every wait is bounded.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hub.demo.day import iso
from hub.demo.journeys.page import ALL, Begun, Pushed, Said, Waited
from hub.demo.leaves import in_contract, leaves
from hub.demo.submissions import path_of
from hub.errors import HubError
from hub.messages.envelope import MessageName, Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hub.demo.day import Staff
    from hub.demo.driver import Driver
    from hub.demo.evidence import Judgement, Received
    from hub.demo.journeys.clock import StoryClock
    from hub.demo.journeys.page import Must, Page, Scene

ACCEPTED = 202
ROUTED, REFUSED = "routed", "refused"
CONTRACT = "1.0"
EVENTS = "/v1/hmpps-events"
SECOND_MS = 1_000


class JourneyBroken(HubError):
    """A journey did not go as its page says; names the scene, and what differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a scene is waited for, and how often one looks."""

    look_s: float = 0.1
    scene_s_max: float = 12.0
    """For everything that a scene must bring."""
    quiet_looks: int = 4
    """So many looks in a row must find nothing new before a scene is over."""
    passing_s_min: float = 0.6
    """Least wait where time passes: the hub looks at its clock some times a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What came of a scene."""

    scene: Scene
    received: tuple[Received, ...]
    judgements: tuple[Judgement, ...]
    """The ledger's, in this scene."""
    meanwhile: tuple[Received, ...] = ()
    """What fell due between the scene before and this one."""
    state: str | None = None
    """How the sender's message ended, as the sender reads it."""
    refusal: str | None = None
    """Why it was refused, as the sender reads it; None where only staff may know."""
    differences: tuple[str, ...] = ()
    """Where this is not what the page says must come; empty where all of it holds."""


@dataclass(slots=True, kw_only=True)
class _Told:
    """What organisations have been told so far, and under which references."""

    cases: dict[str, str] = field(default_factory=dict)
    """Organisation → its reference for the case."""
    posted: dict[tuple[str, str], str] = field(default_factory=dict)
    """Organisation and scene → its own reference for the message it sent."""
    headers: dict[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    """Recipient and scene → the headers of what it got."""


class Player:
    """One journey on one hub."""

    def __init__(
        self,
        page: Page,
        *,
        driver: Driver,
        clock: StoryClock,
        key: str,
        patience: Patience | None = None,
    ) -> None:
        """Take the page and a hub to play it on; `key` begins every idempotency key."""
        self.page, self.driver, self.clock, self._key = page, driver, clock, key
        self.patience = patience or Patience()
        self._told = _Told()
        self._seen: set[tuple[str, str, str | None]] = set()
        self._sent = 0
        self._organisations = sorted({staff.organisation for staff in page.cast.values()})

    async def play(self) -> tuple[Came, ...]:
        """Play every scene and end the case; what differs stands in each scene's outcome."""
        came = []
        await self._gather((), passing=False)  # what waits from before is nothing of this story
        for scene in self.page.scenes:
            self.clock.move_to(scene.at)
            waited = isinstance(scene, Waited)
            meanwhile, _ = await self._gather(scene.gets if waited else (), passing=True)
            came.append(await self._play(scene, tuple(meanwhile)))
        await self._end()
        return tuple(came)

    async def _play(self, scene: Scene, meanwhile: tuple[Received, ...]) -> Came:
        match scene:
            case Begun():
                came = await self._begin(scene)
            case Said():
                came = await self._say(scene)
            case Pushed():
                came = await self._push(scene)
            case _:
                came = Came(scene=scene, received=(), judgements=())
        found = list(differences(scene, (*meanwhile, *came.received)))
        wanted = REFUSED if isinstance(scene, Said) and scene.refused else ROUTED
        if came.state not in {None, wanted}:
            found.append(f"the sender reads {came.state} of its message, not {wanted}")
        return replace(came, meanwhile=meanwhile, differences=tuple(found))

    async def _begin(self, scene: Begun) -> Came:
        """Open the case, appoint the team, offer and accept the referrals."""
        received: list[Received] = []
        judgements: list[Judgement] = []
        for by, message, data in _opening(scene):
            if by.organisation not in self._told.cases:
                more, judged = await self._gather((), passing=False, quiet_looks=1)
                received += more
                judgements += judged
            await self._post(by, message, data, name=None)
        more, judged = await self._gather((), passing=False)
        received += more
        judgements += judged
        return Came(scene=scene, received=tuple(received), judgements=tuple(judgements), state=ROUTED)

    async def _say(self, scene: Said) -> Came:
        cited = {path: self._cited(scene, *what) for path, what in scene.cites.items()}
        state = await self._post(
            scene.by, scene.message, {**scene.data, **cited}, name=scene.name, statement=scene.statement
        )
        received, judgements = await self._gather(scene.gets, passing=False)
        for each in received:
            if each.message == scene.message:
                self._told.headers[each.recipient, scene.name] = each.headers
        refusal = None
        if state == REFUSED:
            posted = self._told.posted[scene.by.organisation, scene.name]
            refusal = await self.driver.refusal(scene.by.organisation, posted)
        return Came(
            scene=scene,
            received=tuple(received),
            judgements=tuple(judgements),
            state=state,
            refusal=refusal,
        )

    async def _push(self, scene: Pushed) -> Came:
        """Hand on an event of the prison system as its organisation.

        What became of it is seen by what others get: a single prison is never told.
        """
        self._sent += 1
        key = f"{self._key}-{self._sent}"
        status, answer = await self.driver.post(scene.by.organisation, EVENTS, scene.event, key=key)
        if status != ACCEPTED:
            message = f"the hub answers {status} to the event: {answer}"
            raise JourneyBroken(message, fix="mend the scene's event")
        received, judgements = await self._gather(scene.gets, passing=False)
        return Came(scene=scene, received=tuple(received), judgements=tuple(judgements))

    async def _end(self) -> None:
        """Close the case, so that nothing of it comes into the next story."""
        opened = next(scene for scene in self.page.scenes if isinstance(scene, Begun))
        closed = {"action": "CLOSED", "close_reason": "OTHER"}
        await self._post(opened.opened_by, MessageName.CASE, closed, name=None)
        await self._gather((), passing=False)

    async def _post(
        self,
        by: Staff,
        message: MessageName,
        data: Mapping[str, object],
        *,
        name: str | None,
        statement: str = "fact",
    ) -> str | None:
        """Post a message as its author's organisation; returns how it ended."""
        self._sent += 1
        opening = data.get("action") == "OPENED"
        body: dict[str, object] = {
            "contract": CONTRACT,
            "occurred_at": iso(self.clock.now() // SECOND_MS * SECOND_MS),
            "author": by.reference,
            "author_role": by.role.value,
            "statement": statement,
            "data": dict(data),
        }
        if not opening:
            if by.organisation not in self._told.cases:
                message_ = (
                    f"{self.page.called(f'{by.organisation}/{by.role.value}')} knows nothing of the case"
                )
                raise JourneyBroken(message_, fix="let it be told of the case in an earlier scene")
            body["case"] = self._told.cases[by.organisation]
        key = f"{self._key}-{self._sent}"
        status, answer = await self.driver.post(by.organisation, path_of(message), body, key=key)
        if status != ACCEPTED:
            message_ = f"the hub answers {status} to the {message} of {by.role}: {answer}"
            raise JourneyBroken(message_, fix="mend the scene's data")
        if opening:
            self._told.cases[by.organisation] = str(answer["case"])
        if name is not None:
            self._told.posted[by.organisation, name] = str(answer["message"])
        return await self._ended(by.organisation, str(answer["message"]))

    async def _ended(self, organisation: str, message: str) -> str | None:
        """Wait until a message is decided; returns what its sender then reads."""
        state: str | None = None
        for _ in range(int(self.patience.scene_s_max / self.patience.look_s)):
            state = await self.driver.state(organisation, message)
            if state in {ROUTED, REFUSED}:
                break
            await asyncio.sleep(self.patience.look_s)
        return state

    async def _gather(
        self, gets: Sequence[Must], *, passing: bool, quiet_looks: int | None = None
    ) -> tuple[list[Received], list[Judgement]]:
        """Read every mailbox until all that must come has come, and nothing more does."""
        received: list[Received] = []
        judgements: list[Judgement] = []
        quiet, enough = 0, quiet_looks or self.patience.quiet_looks
        least = int(self.patience.passing_s_min / self.patience.look_s) if passing else 0
        for look in range(int(self.patience.scene_s_max / self.patience.look_s)):
            boxes = [self.driver.mailbox(name) for name in self._organisations]
            new = [each for box in await asyncio.gather(*boxes) for each in box]
            judged = [each for each in await self.driver.judgements() if self._is_new(each)]
            received += new
            judgements += judged
            for each in new:
                self._told.cases.setdefault(each.organisation, each.headers["ce_subject"])
            quiet = 0 if new or judged else quiet + 1
            there = {each.delivery for each in received}
            complete = all(each.delivery in there for each in judgements if each.delivers)
            satisfied = not any(_lacking(must, None, received) for must in gets if must.message is not None)
            if look >= least and quiet >= enough and complete and satisfied:
                break
            await asyncio.sleep(self.patience.look_s)
        return received, judgements

    def _is_new(self, judgement: Judgement) -> bool:
        key = (judgement.message, judgement.recipient, judgement.delivery)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _cited(self, scene: Said, kind: str, name: str) -> str:
        """Return the reference its sender has for an earlier scene's message or delivery."""
        own = self._told.posted.get((scene.by.organisation, name))
        if kind == "message" and own is not None:
            return own
        headers = self._told.headers.get((f"{scene.by.organisation}/{scene.by.role.value}", name), {})
        return headers.get({"message": "hub-message", "delivery": "ce_id"}[kind], "")


def _opening(scene: Begun) -> Iterator[tuple[Staff, MessageName, Mapping[str, object]]]:
    yield scene.opened_by, MessageName.CASE, {"action": "OPENED", **scene.case}
    for staff, more in scene.team:
        place = {"role": staff.role.value, "organisation": staff.organisation, "person": staff.reference}
        yield scene.appointed_by, MessageName.TEAM_CHANGE, {"action": "APPOINT", **place, **more}
    manager = next((staff for staff, _ in scene.team if staff.role is Role.OFFENDER_MANAGER), None)
    if manager is None:
        message = "a case has an Offender Manager, and nobody is appointed as one"
        raise JourneyBroken(message, fix="name an Offender Manager in `team`")
    for consent in scene.consents:
        yield manager, MessageName.CONSENT, {"action": "GIVEN", **consent}
    for worker, asked in scene.referrals:
        yield manager, MessageName.REFERRAL, {"action": "OFFER", "provider": worker.organisation, **asked}
        yield (
            worker,
            MessageName.REFERRAL,
            {"action": "ACCEPT", "referral": asked["referral"], "key_worker": worker.reference},
        )


def differences(scene: Scene, received: Sequence[Received]) -> tuple[str, ...]:
    """Say where what was received is not what the scene says must be, or must never be."""
    return (*_missing(scene, received), *_forbidden(scene, received))


def _missing(scene: Scene, received: Sequence[Received]) -> Iterator[str]:
    """Say what somebody should have got and did not."""
    said = scene if isinstance(scene, Said) else None
    for must in scene.gets:
        lacking = _lacking(must, said, received)
        if lacking:
            yield f"{must.who} did not get {lacking}"


def _lacking(must: Must, said: Said | None, received: Sequence[Received]) -> str:
    """Return what is lacking of what somebody must get; empty where nothing is."""
    message = must.message or (said.message.value if said is not None else "")
    wanted = set(must.fields)
    if wanted == {ALL}:
        wanted = set() if said is None else set(leaves(said.data)) - set(said.cites)
    best = f"a message {message}" + (f" with the code {must.code}" if must.code else "")
    for each in received:
        if each.recipient != must.who or each.message != message:
            continue
        if must.code is not None and each.payload.get("code") != must.code:
            continue
        paths = set(leaves(each.payload))
        absent = {path for path in wanted if not _is_there(path, paths)}
        if not absent:
            return ""
        best = f"{', '.join(sorted(absent))} of {message}"
    return best


def _forbidden(scene: Scene, received: Sequence[Received]) -> Iterator[str]:
    """Say what somebody got and must never get."""
    for must in scene.never:
        for each in received:
            if each.recipient != must.who or must.message not in {None, each.message}:
                continue
            paths = set(leaves(each.payload))
            there = [path for path in must.fields if _is_there(path, paths)]
            if not must.fields:
                yield f"{must.who} got a message {each.message}"
            elif there:
                yield f"{must.who} got {', '.join(there)} of {each.message}"


def _is_there(wanted: str, paths: set[str]) -> bool:
    """Say whether a field is there: by its whole path, as the contract writes it, or by its first part."""
    return any(wanted in {path, in_contract(path), path.partition(".")[0]} for path in paths)
