"""The endpoints of all organisations: added by staff, proved by a handshake, paused, resumed, removed.

Adding one is the approval of its address by staff. Nothing is pushed to it before it has answered a signed
handshake; what is delivered meanwhile waits, as it does while it is paused.
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, LiteralString

from psycopg.rows import class_row

from hub.adapters.database.handing_over import Channel, Happened, not_coming, note
from hub.adapters.webhooks.answers import Kind, classify
from hub.adapters.webhooks.body import verification
from hub.adapters.webhooks.delivering_limits import EndpointLimits
from hub.adapters.webhooks.outcomes import Answered
from hub.adapters.webhooks.secrets import SecretBox, Secrets
from hub.adapters.webhooks.target import Target
from hub.errors import HubError
from hub.topics.sealing import Sealed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from psycopg import AsyncConnection

    from hub.adapters.database.pool import Pool
    from hub.adapters.webhooks.egress import Egress
    from hub.messages.envelope import MessageName

ENDPOINT_LOCK = 0x454E_4450
"""First half of the advisory lock of an organisation's endpoints; the second is the organisation."""
OPERATOR, ORGANISATION = "operator", "organisation"
"""Who paused an endpoint; what an operator paused, only an operator resumes."""
_ID_BYTES, _CHALLENGE_BYTES = 8, 24
_ID = re.compile(r"ep_[0-9a-f]{16}")
_NO_ENDPOINT = "ep_0"

_COLUMNS: LiteralString = """
SELECT e.endpoint_id, e.organisation, e.url, e.messages, e.state, e.reason, e.on_loopback, e.key_id, e.nonce,
       e.box, e.in_flight_max, e.created_at, e.changed_at, e.not_before, e.failing_since,
       count(p.*) FILTER (WHERE p.state IN ('scheduled', 'waiting_retry', 'in_flight')) AS waiting,
       min(p.due_at) FILTER (WHERE p.state = 'waiting_retry') AS next_try_at,
       min(d.available_at) FILTER (WHERE p.state IN ('scheduled', 'waiting_retry')) AS oldest_at,
       count(p.*) FILTER (WHERE p.state = 'parked' AND NOT d.finished) AS parked,
       count(p.*) FILTER (WHERE p.state = 'exhausted' AND NOT d.finished) AS exhausted
  FROM endpoint e
  LEFT JOIN (push p LEFT JOIN delivery d ON d.delivery_id = p.delivery_id)
    ON p.endpoint_id = e.endpoint_id AND (NOT p.finished OR p.state = 'exhausted')
   AND (NOT %(open_only)s OR delivery_is_open(d) AND NOT delivery_is_out_of_date(d))
"""
"""An organisation is told only of what it may be told of: a count would give away what is held from it."""
_LIST: LiteralString = (
    _COLUMNS
    + """
 WHERE e.state <> 'removed' AND (%(organisation)s::text IS NULL OR e.organisation = %(organisation)s)
   AND (%(endpoint)s::text IS NULL OR e.endpoint_id = %(endpoint)s)
 GROUP BY e.endpoint_id ORDER BY e.organisation, e.created_at LIMIT %(most)s"""
)
_INSERT: LiteralString = """
INSERT INTO endpoint (endpoint_id, organisation, url, messages, on_loopback, key_id, nonce, box,
                      in_flight_max)
VALUES (%(endpoint_id)s, %(organisation)s, %(url)s, %(messages)s, %(on_loopback)s, %(key_id)s, %(nonce)s,
        %(box)s, %(in_flight_max)s)
"""
_SET_STATE: LiteralString = """
UPDATE endpoint SET state = %(state)s, reason = %(reason)s, changed_at = now(), not_before = NULL,
                    failing_since = NULL, last_failed_at = NULL, failures_in_a_row = 0, window_since = NULL,
                    window_attempts = 0, window_failures = 0, misconfigured_since = NULL, misconfigured = 0
 WHERE endpoint_id = %(endpoint)s AND state = ANY(%(before)s)
   AND (%(not_reason)s::text IS NULL OR reason IS DISTINCT FROM %(not_reason)s)
RETURNING endpoint_id
"""
_MAY_VERIFY: LiteralString = """
UPDATE endpoint SET verify_after = now() + make_interval(secs => %(interval_s)s)
 WHERE endpoint_id = %(endpoint)s AND (verify_after IS NULL OR verify_after <= now())
RETURNING endpoint_id
"""
_RESEAL: LiteralString = """
UPDATE endpoint SET key_id = %(key_id)s, nonce = %(nonce)s, box = %(box)s, changed_at = now()
 WHERE endpoint_id = %(endpoint)s AND nonce = %(before)s RETURNING endpoint_id
"""
_WAITING: LiteralString = """
SELECT d.delivery_id FROM push p JOIN delivery d USING (delivery_id)
 WHERE p.endpoint_id = %s AND p.state IN ('scheduled', 'waiting_retry', 'parked')
 ORDER BY d.delivery_id FOR UPDATE OF d
"""
_DROP: LiteralString = """
UPDATE push p SET state = 'cancelled', reason = 'removed'
 WHERE endpoint_id = %(endpoint)s AND state IN ('scheduled', 'waiting_retry', 'parked')
   AND (delivery_id = ANY(%(locked)s)
        OR NOT EXISTS (SELECT 1 FROM delivery d WHERE d.delivery_id = p.delivery_id))
RETURNING delivery_id
"""
"""What is entered meanwhile, whoever claims next calls off."""
_TROUBLED: LiteralString = """
SELECT p.delivery_id, d.message, p.state, p.reason, p.tries, p.attempted_at
  FROM push p JOIN delivery d USING (delivery_id)
 WHERE p.endpoint_id = %s AND p.state IN ('parked', 'exhausted') AND NOT d.finished ORDER BY p.place LIMIT %s
"""


UNKNOWN = "endpoint-unknown"


class EndpointRefused(HubError):
    """What was asked of an endpoint cannot be done as things stand; `code` says why."""

    def __init__(self, code: str, message: str, *, fix: str) -> None:
        """Use a stable code, e.g. endpoint-state."""
        super().__init__(message, fix=fix)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint as it stands; its secrets sealed."""

    endpoint_id: str
    organisation: str
    url: str
    messages: list[str]
    state: str
    reason: str | None
    on_loopback: bool
    key_id: str
    nonce: bytes
    box: bytes
    in_flight_max: int
    created_at: datetime
    changed_at: datetime
    not_before: datetime | None
    failing_since: datetime | None
    waiting: int
    next_try_at: datetime | None
    oldest_at: datetime | None
    """Since when the oldest that waits has waited."""
    parked: int
    exhausted: int

    def document(self) -> dict[str, object]:
        """Return what its organisation and staff are shown."""
        return {
            "endpoint": self.endpoint_id,
            "url": self.url,
            "messages": sorted(self.messages),
            "state": self.state,
            "reason": self.reason,
            "created_at": self.created_at.isoformat(),
            "changed_at": self.changed_at.isoformat(),
            "not_before": _shown(self.not_before),
            "failing_since": _shown(self.failing_since),
            "waiting": self.waiting,
            "oldest_at": _shown(self.oldest_at),
            "parked": self.parked,
            "exhausted": self.exhausted,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubled:
    """A push that is not tried any more unless somebody says so; its delivery waits in the mailbox."""

    delivery_id: str
    message: str
    state: str
    reason: str | None
    tries: int
    attempted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """What is done with endpoints. With an organisation given, another's is none."""

    pool: Pool
    secrets: SecretBox
    egress: Egress
    limits: EndpointLimits = field(default_factory=EndpointLimits)

    async def add(
        self, organisation: str, *, url: str, messages: Sequence[MessageName], on_loopback: bool
    ) -> tuple[str, str]:
        """Add an endpoint; returns its id and its secret, shown only here.

        Raises:
            TargetRefused: Nothing may be sent to this address.
            EndpointRefused: One of the messages goes to another endpoint, or there are too many.
        """
        endpoint_id = f"ep_{secrets.token_hex(_ID_BYTES)}"
        Target.of(endpoint_id, url, on_loopback=on_loopback)
        made = Secrets.new(now_s=time.time())
        sealed = self.secrets.seal(made, organisation=organisation, endpoint_id=endpoint_id)
        async with self._connection() as connection, connection.transaction():
            await connection.execute(
                "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (ENDPOINT_LOCK, organisation)
            )
            await self._check(connection, organisation, messages)
            values = {
                "endpoint_id": endpoint_id,
                "organisation": organisation,
                "url": url,
                "messages": [each.value for each in dict.fromkeys(messages)],
                "on_loopback": on_loopback,
                "key_id": sealed.key_id,
                "nonce": sealed.nonce,
                "box": sealed.box,
                "in_flight_max": self.limits.in_flight_max,
            }
            await connection.execute(_INSERT, values)
        return endpoint_id, made.current

    async def all(self, organisation: str | None = None) -> list[Endpoint]:
        """Return the endpoints of an organisation, or of all, as staff see them."""
        return await self._rows(organisation, None, open_only=False)

    async def own(self, organisation: str) -> list[Endpoint]:
        """Return an organisation's endpoints as it may see them; the projection must have caught up."""
        return await self._rows(organisation, None, open_only=True)

    async def one(self, endpoint: str, *, organisation: str | None = None) -> Endpoint:
        """Return one endpoint, to its organisation as it may see it.

        Raises:
            EndpointRefused: endpoint-unknown: there is none, or it is another's, or it was removed.
        """
        # Looked up alike, whether it can be one or not.
        asked = endpoint if _ID.fullmatch(endpoint) else _NO_ENDPOINT
        found = await self._rows(organisation, asked, open_only=organisation is not None)
        if not found:
            message = "there is no such endpoint"
            raise EndpointRefused(UNKNOWN, message, fix="see `python3 -m hub endpoint list`")
        return found[0]

    async def troubled(self, endpoint: str, *, most: int = 50) -> list[Troubled]:
        """Return what is parked or exhausted, oldest first."""
        async with self._connection() as connection:
            cursor = connection.cursor(row_factory=class_row(Troubled))
            await cursor.execute(_TROUBLED, (endpoint, most))
            return await cursor.fetchall()

    async def verify(self, endpoint: str, *, organisation: str | None = None) -> Endpoint:
        """Send a signed handshake; who answers 2xx with its challenge in the body may be pushed to.

        Raises:
            EndpointRefused: endpoint-unproved, and what came back; endpoint-busy: just tried.
        """
        found = await self.one(endpoint, organisation=organisation)
        values = {"endpoint": endpoint, "interval_s": self.limits.verify_interval_s}
        async with self._connection() as connection:
            if await (await connection.execute(_MAY_VERIFY, values)).fetchone() is None:
                code, message = "endpoint-busy", "a handshake with this endpoint was tried just now"
                raise EndpointRefused(code, message, fix="try again in some seconds")
        why = await self._handshake(found)
        if why is not None:
            code, message = "endpoint-unproved", f"the endpoint did not prove itself: {why}"
            fix = (
                f"where {why} is not what its server meant, mend the name, TLS or redirect first; "
                "it has to answer 2xx with the text of data.challenge in the body"
            )
            raise EndpointRefused(code, message, fix=fix)
        if found.state == "unverified":
            await self._set_state(endpoint, "active", before=["unverified"])
        return await self.one(endpoint, organisation=organisation)

    async def pause(self, endpoint: str, *, organisation: str | None = None) -> Endpoint:
        """Push nothing to it for now; what is delivered waits."""
        await self.one(endpoint, organisation=organisation)
        by = OPERATOR if organisation is None else ORGANISATION
        await self._set_state(endpoint, "paused", reason=by, before=["active", "paused"], not_reason=OPERATOR)
        return await self.one(endpoint, organisation=organisation)

    async def resume(self, endpoint: str, *, organisation: str | None = None) -> Endpoint:
        """Push to it again, oldest first; what an operator paused, only an operator resumes."""
        await self.one(endpoint, organisation=organisation)
        not_reason = None if organisation is None else OPERATOR
        await self._set_state(endpoint, "active", before=["paused", "active"], not_reason=not_reason)
        return await self.one(endpoint, organisation=organisation)

    async def remove(self, endpoint: str) -> int:
        """Push nothing to it any more; returns how many waited; the mailbox has them."""
        await self.one(endpoint)
        async with self._connection() as connection, connection.transaction():
            # Before the endpoint's row: who records an attempt's end locks them in this order, too.
            locked = [row[0] for row in await (await connection.execute(_WAITING, (endpoint,))).fetchall()]
            values = {"endpoint": endpoint, "state": "removed", "reason": None, "not_reason": None}
            await connection.execute(_SET_STATE, values | {"before": ["unverified", "active", "paused"]})
            drop = {"endpoint": endpoint, "locked": locked}
            dropped = [row[0] for row in await (await connection.execute(_DROP, drop)).fetchall()]
            if dropped:
                said = {"reason": "removed", "endpoint": endpoint}
                await not_coming(connection, dropped, for_good=True)
                await note(connection, dropped, Happened.CANCELLED, Channel.WEBHOOK, said)
        return len(dropped)

    async def rotate_secret(self, endpoint: str, *, organisation: str | None = None) -> str:
        """Make a new secret, shown only here; for a day the one before it signs, too."""
        found = await self.one(endpoint, organisation=organisation)
        before = self.secrets.open(_sealed(found), endpoint_id=endpoint)
        made = Secrets.new(now_s=time.time(), before=before)
        sealed = self.secrets.seal(made, organisation=found.organisation, endpoint_id=endpoint)
        values = {
            "endpoint": endpoint,
            "key_id": sealed.key_id,
            "nonce": sealed.nonce,
            "box": sealed.box,
            "before": found.nonce,
        }
        async with self._connection() as connection:
            if await (await connection.execute(_RESEAL, values)).fetchone() is None:
                code, message = "endpoint-busy", "somebody else has just made a new secret"
                raise EndpointRefused(code, message, fix="use theirs, or try again")
        return made.current

    async def _check(
        self, connection: AsyncConnection, organisation: str, messages: Sequence[MessageName]
    ) -> None:
        cursor = await connection.execute(
            "SELECT endpoint_id, messages FROM endpoint WHERE organisation = %s AND state <> 'removed'",
            (organisation,),
        )
        rows = await cursor.fetchall()
        if len(rows) >= self.limits.per_organisation_max:
            code, message = "endpoint-many", f"{organisation} has {len(rows)} endpoints, as many as may be"
            raise EndpointRefused(code, message, fix="remove one that is not used any more")
        for endpoint_id, taken in rows:
            twice = sorted({each.value for each in messages} & set(taken))
            if twice:
                code = "endpoint-taken"
                message = f"{', '.join(twice)} to {organisation} already goes to {endpoint_id}"
                fix = f"leave it out, or first `python3 -m hub endpoint remove {endpoint_id}`"
                raise EndpointRefused(code, message, fix=fix)

    async def _handshake(self, found: Endpoint) -> str | None:
        """Return why the endpoint did not prove itself; None: it did."""
        now_s, challenge = time.time(), secrets.token_hex(_CHALLENGE_BYTES)
        moment = datetime.fromtimestamp(now_s, UTC)
        timestamp = moment.isoformat(timespec="seconds")
        body = verification(challenge, recipient=found.organisation, timestamp=timestamp)
        signer = self.secrets.signer(_sealed(found), endpoint_id=found.endpoint_id, now_s=now_s)
        webhook_id = f"verify_{secrets.token_hex(_ID_BYTES)}"
        headers = {"Content-Type": "application/json", **signer.headers(webhook_id, int(now_s), body)}
        target = Target.of(found.endpoint_id, found.url, on_loopback=found.on_loopback)
        outcome = await self.egress.post(target, found.url, headers=headers, body=body)
        verdict = classify(outcome, now=moment)
        if verdict.kind is not Kind.DELIVERED or not isinstance(outcome, Answered):
            return verdict.reason
        return None if challenge.encode() in outcome.body else "the challenge is not in its answer"

    async def _set_state(
        self,
        endpoint: str,
        state: str,
        *,
        before: list[str],
        reason: str | None = None,
        not_reason: str | None = None,
    ) -> None:
        values = {
            "endpoint": endpoint,
            "state": state,
            "reason": reason,
            "before": before,
            "not_reason": not_reason if reason != not_reason else None,
        }
        async with self._connection() as connection:
            if await (await connection.execute(_SET_STATE, values)).fetchone() is None:
                code, message = "endpoint-state", f"the endpoint cannot become {state} as it stands"
                fix = (
                    "one that is not verified is verified first; what an operator paused, an operator resumes"
                )
                raise EndpointRefused(code, message, fix=fix)

    async def _rows(
        self, organisation: str | None, endpoint: str | None, *, open_only: bool
    ) -> list[Endpoint]:
        values = {"organisation": organisation, "endpoint": endpoint, "most": 10_000, "open_only": open_only}
        async with self._connection() as connection:
            cursor = connection.cursor(row_factory=class_row(Endpoint))
            await cursor.execute(_LIST, values)
            return await cursor.fetchall()

    def _connection(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self.pool.connection(timeout=self.limits.database_wait_s_max)


def _sealed(found: Endpoint) -> Sealed:
    return Sealed(key_id=found.key_id, nonce=bytes(found.nonce), box=bytes(found.box))


def _shown(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
