"""Sends a simulated world to a running hub, by HTTP as the organisations would, and sees what became of it.

Cases are sent side by side, each in its own order; an organisation speaks of a case by its own reference.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, cast

import httpx
import psycopg

from hub.demo.organisations import PROBATION, parties
from hub.demo.simulated.stream import is_meant_to_be_refused
from hub.demo.submissions import http_body, path_of
from hub.errors import NotConfigured, Unreachable
from hub.messages.identifiers import Instant, OrganisationId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hub.demo.day import Step
    from hub.demo.simulated.stream import Simulation
    from hub.messages.identifiers import CaseRef, MessageId
    from hub.topics.codec import Codec

TIMEOUT_S = 30.0
ATTEMPTS_MAX = 6
"""So often a message is sent while the hub asks to wait."""
ASKS_TO_WAIT = frozenset({httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS})
WAIT_S_MAX = 10.0
LOOK_S = 0.5
ASKED_AT_ONCE = 5_000


class Hub(Protocol):
    """What is needed of a running hub; `hub.app` offers it."""

    @property
    def http_url(self) -> str:
        """Where its gateway answers; empty if none is known."""

    @property
    def dsn(self) -> str:
        """PostgreSQL's connection string."""

    @property
    def codec(self) -> Codec:
        """What turns references of one organisation into those of another."""

    async def add_organisation(self, body: Mapping[str, object]) -> str:
        """Put an organisation in force in every partition and return a new key for it."""


@dataclass(slots=True)
class Outcome:
    """What became of what was sent."""

    sent: int = 0
    taken: int = 0
    undecided: int = 0
    """Not decided yet when the wait was over."""
    as_meant: int = 0
    """Refused, as it was meant to be."""
    at_the_door: Counter[str] = field(default_factory=Counter)
    """Not accepted, by problem code."""
    refused: Counter[str] = field(default_factory=Counter)
    """Refused though it was not meant to be, by reason code."""

    @property
    def holds(self) -> bool:
        """Whether everything was taken but for what was meant to be refused."""
        return not self.at_the_door and not self.refused and not self.undecided


class Sender:
    """Sends one simulation."""

    def __init__(self, hub: Hub, simulation: Simulation, *, at_once: int) -> None:
        """Send so many cases at once."""
        if not hub.http_url:
            message = "the hub that runs has no gateway in this instance"
            raise NotConfigured(message, fix="run one with `python3 -m hub serve`")
        self._hub, self._simulation, self._at_once = hub, simulation, at_once
        self._keys: dict[str, str] = {}
        self._sent: dict[MessageId, Step] = {}
        self.outcome = Outcome()

    async def send(self, done: Callable[[int], None], *, wait_s: float) -> Outcome:
        """Send everything; `done` is told of each case with how many messages were sent for it.

        Raises:
            NotConfigured: The hub has organisations that are not the simulation's.
            Unreachable: It no longer answers.
        """
        await self._check_alone()
        for party in parties():
            self._keys[party.organisation] = await self._hub.add_organisation(party.body(since=0))
        numbers = iter(range(self._simulation.cases))
        limits = httpx.Limits(max_connections=self._at_once)
        async with (
            httpx.AsyncClient(base_url=self._hub.http_url, timeout=TIMEOUT_S, limits=limits) as http,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(self._at_once):
                group.create_task(self._cases(http, numbers, done))
        await self._decided(wait_s)
        return self.outcome

    async def _check_alone(self) -> None:
        """Refuse a hub others use: invented cases do not belong beside real ones."""
        known = {
            str(row[0]) for row in await self._rows("SELECT name FROM control WHERE kind = 'organisation'")
        }
        others = sorted(known - {party.organisation for party in parties()})
        if others:
            message = f"this hub serves others ({len(others)}, {others[0]} among them)"
            fix = "simulate in an instance of its own: `python3 -m hub --instance simulated serve`"
            raise NotConfigured(message, fix=fix)

    async def _cases(
        self, http: httpx.AsyncClient, numbers: Iterable[int], done: Callable[[int], None]
    ) -> None:
        for number in numbers:
            done(await self._case(http, number))

    async def _case(self, http: httpx.AsyncClient, number: int) -> int:
        """Send one case, message by message; returns how many they were."""
        case: CaseRef | None = None
        said = 0
        for step in self._simulation.case(number):
            said += 1
            answer = await self._post(http, step, case)
            if answer is None:
                continue
            if case is None:
                case = self._hub.codec.pairwise.case_from(PROBATION, str(answer["case"]))
            message = self._hub.codec.pairwise.message_from(
                OrganisationId(step.author.organisation), str(answer["message"])
            )
            self._sent[message] = step
        return said

    async def _post(
        self, http: httpx.AsyncClient, step: Step, case: CaseRef | None
    ) -> Mapping[str, object] | None:
        """Post one message; None if it was not accepted."""
        organisation = OrganisationId(step.author.organisation)
        reference = None if case is None else self._hub.codec.pairwise.case(organisation, case)
        today = replace(step, occurred_at=present())
        body = http_body(today, case=reference, data=step.data, thread={})
        headers = {"Authorization": f"Bearer {self._keys[organisation]}", "Idempotency-Key": step.key}
        self.outcome.sent += 1
        answer = await self._answer(http, path_of(step.message), body, headers)
        found = cast("dict[str, object]", answer.json())
        if answer.status_code == httpx.codes.ACCEPTED:
            return found
        self.outcome.at_the_door[f"{found.get('code', answer.status_code)} on {step.message.value}"] += 1
        return None

    async def _answer(
        self, http: httpx.AsyncClient, path: str, body: Mapping[str, object], headers: Mapping[str, str]
    ) -> httpx.Response:
        """Return the gateway's answer; where it asks to wait, the one after that, a few times."""
        for _ in range(ATTEMPTS_MAX - 1):
            answer = await self._once(http, path, body, headers)
            if answer.status_code not in ASKS_TO_WAIT:
                return answer
            await asyncio.sleep(min(float(answer.headers.get("Retry-After", "1")), WAIT_S_MAX))
        return await self._once(http, path, body, headers)

    async def _once(
        self, http: httpx.AsyncClient, path: str, body: Mapping[str, object], headers: Mapping[str, str]
    ) -> httpx.Response:
        try:
            return await http.post(path, json=body, headers=headers)
        except httpx.TransportError as error:
            text = f"the gateway at {self._hub.http_url} no longer answers"
            raise Unreachable(text, fix="see whether the hub still runs") from error

    async def _decided(self, wait_s: float) -> None:
        """Ask what became of every message until all are decided, or the time is over."""
        open_, until_s = set(self._sent), time.monotonic() + wait_s
        while open_:
            asked = list(open_)[:ASKED_AT_ONCE]
            rows = await self._rows(
                "SELECT s.message_id, s.state, (SELECT min(q.code) FROM quarantine q"
                " WHERE q.message_id = s.message_id) FROM submission s WHERE s.message_id = ANY(%s)",
                asked,
            )
            for message_id, state, code in rows:
                self._count(self._sent[message_id], state, code)
            open_ -= {row[0] for row in rows}
            if time.monotonic() > until_s:
                break
            if len(rows) < len(asked):
                await asyncio.sleep(LOOK_S)
        self.outcome.undecided = len(open_)

    def _count(self, step: Step, state: str, code: str | None) -> None:
        if state == "routed":
            self.outcome.taken += 1
        elif is_meant_to_be_refused(step):
            self.outcome.as_meant += 1
        else:
            self.outcome.refused[f"{code} on {step.name.partition('/')[2]}"] += 1

    async def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        async with await psycopg.AsyncConnection.connect(self._hub.dsn, autocommit=True) as connection:
            cursor = await connection.execute(cast("Any", statement), values or None)
            return await cursor.fetchall()


def present() -> Instant:
    """Return the present moment, to the second: when a simulation that is sent takes place."""
    return Instant(time.time_ns() // 1_000_000_000 * 1_000)
