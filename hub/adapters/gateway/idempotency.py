"""One key, one message: a repeated post is recognised, answered as before and never taken twice.

A post first inserts the row of its key; only who inserted it appends to the log. The row stays open
until the log has confirmed the message. An attempt that fails, however it fails, says so in the row;
one that dies with its process leaves it open; after a failure at once, otherwise after
`takeover_after_s`, one retry with the same body takes the row over and appends again. That is safe
even if the first append did arrive, or arrives later still: the message id follows from organisation,
address and key, the digest is that of the same body, and the router drops a second record of the
same id and digest. For the same reason rows need not be kept for ever: a repeat that comes after its
row was forgotten is accepted and dropped by the router.

The sender's key is not stored, for it is text of the sender's choosing; the message id, its keyed
hash, stands for it. Refusals are not stored either: nothing was taken, and the mended message may
come with the same key.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from hub.adapters.gateway.limits import FORGETTING, ForgettingLimits
from hub.adapters.gateway.mesh_store import MeshStore
from hub.adapters.gateway.problems import ProblemError
from hub.adapters.gateway.store import ATTEMPT_FAILED, DATABASE_GONE, AttemptRow, GatewayStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hub.adapters.database.pool import Pool
    from hub.adapters.gateway.limits import GatewayLimits
    from hub.messages.identifiers import MessageId, OrganisationId

ACCEPTED = 202
_LOG = structlog.get_logger("hub.gateway")
_KEY = re.compile(r"[A-Za-z0-9_.:~+/=-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One post as idempotency sees it."""

    organisation: OrganisationId
    route: str
    message_id: MessageId
    digest: str
    counts: bool = True
    """Whether it is one of the messages an organisation may post so many of in a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a post is answered, and whether it was answered so before."""

    body: dict[str, object]
    replayed: bool


def idempotency_key(header: str | None, *, chars_max: int) -> str:
    """Return the key, written bare or as a structured field's string (in double quotes).

    Raises:
        ProblemError: it is missing or cannot be used.

    """
    if header is None:
        code = "idempotency-missing"
        raise ProblemError(code)
    quoted = len(header) > 1 and header.startswith('"') and header.endswith('"')
    key = header[1:-1] if quoted else header
    if len(key) > chars_max or _KEY.fullmatch(key) is None:
        code = "idempotency-invalid"
        raise ProblemError(code)
    return key


@dataclass(frozen=True, slots=True)
class OnceOnly:
    """Lets each post through once and answers its repetitions."""

    store: GatewayStore
    limits: GatewayLimits
    messages_per_day_max: int

    async def run(
        self, attempt: Attempt, *, answer: dict[str, object], append: Callable[[], Awaitable[None]]
    ) -> Answer:
        """Append unless that has been done, and return the answer first given.

        Raises:
            ProblemError: the key belongs to another body, its first post is still under way, or the
                organisation has posted as many messages as it may today.

        """
        if not await self._ours(attempt):
            known = await self.answered(attempt)
            if known is not None:
                return known
            if not await self._taken_over(attempt):
                raise self._outstanding(await self._row(attempt))
        try:
            await self._count(attempt)
            await append()
        except BaseException:
            # Told first is what went wrong first: without its database the row is taken over in time.
            with contextlib.suppress(*DATABASE_GONE):
                await self._close(attempt, status=ATTEMPT_FAILED, response=None)
            raise
        await self._close(attempt, status=ACCEPTED, response=answer)
        return Answer(body=answer, replayed=False)

    async def foresee(self, attempt: Attempt, *, answer: dict[str, object]) -> Answer:
        """Return what `run` would answer now, changing nothing."""
        row = await self._row(attempt)
        known = self._known(row, attempt)
        if known is not None:
            return known
        if row is not None and row.status is None and row.age_s < self.limits.takeover_after_s:
            raise self._outstanding(row)
        return Answer(body=answer, replayed=False)

    async def answered(self, attempt: Attempt) -> Answer | None:
        """Return the answer already given to this post, or None; raises if the key is another body's."""
        return self._known(await self._row(attempt), attempt)

    async def replay(self, attempt: Attempt) -> Answer | None:
        """Return the answer already given to this very post, or None."""
        row = await self._row(attempt)
        return None if row is None or row.digest != attempt.digest else self._known(row, attempt)

    def _known(self, row: AttemptRow | None, attempt: Attempt) -> Answer | None:
        if row is None:
            return None
        if row.digest != attempt.digest:
            code = "idempotency-mismatch"
            raise ProblemError(code)
        if row.status != ACCEPTED or row.response is None:
            return None
        return Answer(body=row.response, replayed=True)

    def _outstanding(self, row: AttemptRow | None) -> ProblemError:
        age_s = 0.0 if row is None else row.age_s
        left_s = math.ceil(self.limits.takeover_after_s - age_s)
        return ProblemError("idempotency-outstanding", retry_after_s=max(1, left_s))

    async def _count(self, attempt: Attempt) -> None:
        if attempt.counts:
            over_s = await self.store.count_message(
                organisation=attempt.organisation, most=self.messages_per_day_max
            )
            if over_s is not None:
                code = "quota-exceeded"
                raise ProblemError(code, retry_after_s=math.ceil(over_s))

    async def _ours(self, attempt: Attempt) -> bool:
        return await self.store.open_attempt(
            organisation=attempt.organisation,
            route=attempt.route,
            message_id=attempt.message_id,
            digest=attempt.digest,
        )

    async def _taken_over(self, attempt: Attempt) -> bool:
        return await self.store.take_over(
            organisation=attempt.organisation,
            route=attempt.route,
            message_id=attempt.message_id,
            digest=attempt.digest,
            after_s=self.limits.takeover_after_s,
        )

    async def _row(self, attempt: Attempt) -> AttemptRow | None:
        return await self.store.attempt(
            organisation=attempt.organisation, route=attempt.route, message_id=attempt.message_id
        )

    async def _close(self, attempt: Attempt, *, status: int, response: dict[str, object] | None) -> None:
        await self.store.close_attempt(
            organisation=attempt.organisation,
            route=attempt.route,
            message_id=attempt.message_id,
            status=status,
            response=response,
        )


async def forget_old_attempts(
    pool: Pool, *, days: int, stop: asyncio.Event, limits: ForgettingLimits = FORGETTING
) -> None:
    """Delete attempts older than so many days, now and from time to time, until told to stop.

    A database that does not answer is waited out: what is not forgotten now is forgotten later.
    """
    store = GatewayStore(pool, wait_s_max=limits.database_wait_s_max)
    mesh = MeshStore(pool, wait_s_max=limits.database_wait_s_max)
    while not stop.is_set():
        try:
            await _forget(store, days=days, stop=stop, rows_max=limits.rows_max)
            while await mesh.forget(limit=limits.rows_max) and not stop.is_set():
                pass
        except DATABASE_GONE as error:
            _LOG.warning("gateway.forgetting_put_off", error=type(error).__name__)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limits.every_s):
                await stop.wait()


async def _forget(store: GatewayStore, *, days: int, stop: asyncio.Event, rows_max: int) -> None:
    """Delete batch after batch, so that none holds locks for long, until nothing old is left."""
    total, batch = 0, rows_max
    while batch == rows_max and not stop.is_set():
        batch = await store.forget_attempts(days=days, limit=rows_max)
        total += batch
    if total:
        _LOG.info("gateway.attempts_forgotten", count=total)
