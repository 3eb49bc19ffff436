"""What one organisation may ask for: so many requests in a second, so many at once, so many messages a day.

One that floods the gateway is told to wait, and nobody else waits for it. Each process counts requests by
itself; messages of a day are counted in the database, for all of them. Of the day's messages those are not
refused that protect somebody (`ALWAYS_TAKEN`): an alert that is refused is an alert that does not arrive.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hub.adapters.gateway.problems import ProblemError
from hub.messages.envelope import MessageName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.messages.identifiers import OrganisationId

ALWAYS_TAKEN = frozenset(
    {MessageName.RISK_CHANGE, MessageName.PRISON_EVENT, MessageName.CONSENT, MessageName.CORRECTION}
)
"""Message types no quota stops: somebody is in danger, moves, or takes back what others know."""
KNOWN_MAX = 10_000
"""Organisations whose rate one process keeps in mind; the one longest silent is forgotten first."""


@dataclass(slots=True)
class _Bucket:
    """What an organisation may still ask for now: it fills at the rate, up to two seconds' worth."""

    left: float
    at_s: float
    in_flight: int = 0


@dataclass(slots=True, kw_only=True)
class Rates:
    """Lets an organisation's requests through, or says when to come again."""

    per_s_max: int
    in_flight_max: int
    clock: Callable[[], float]
    """Seconds that only grow."""
    _buckets: OrderedDict[OrganisationId, _Bucket] = field(default_factory=OrderedDict)

    @contextmanager
    def admitted(self, organisation: OrganisationId) -> Iterator[None]:
        """Count one request for as long as the block lasts.

        Raises:
            ProblemError: There are too many of this organisation's (rate-limited).

        """
        bucket = self._bucket(organisation)
        if bucket.in_flight >= self.in_flight_max:
            raise _limited(1.0)
        if bucket.left < 1.0:
            raise _limited((1.0 - bucket.left) / self.per_s_max)
        bucket.left -= 1.0
        bucket.in_flight += 1
        try:
            yield
        finally:
            bucket.in_flight -= 1

    def _bucket(self, organisation: OrganisationId) -> _Bucket:
        now_s, full = self.clock(), 2.0 * self.per_s_max
        bucket = self._buckets.get(organisation)
        if bucket is None:
            bucket = self._buckets[organisation] = _Bucket(left=full, at_s=now_s)
            if len(self._buckets) > KNOWN_MAX:
                self._forget_one()
        bucket.left = min(full, bucket.left + (now_s - bucket.at_s) * self.per_s_max)
        bucket.at_s = now_s
        self._buckets.move_to_end(organisation)
        return bucket

    def _forget_one(self) -> None:
        """Forget whoever has been silent longest and has nothing under way."""
        silent = next((name for name, bucket in self._buckets.items() if not bucket.in_flight), None)
        if silent is not None:
            del self._buckets[silent]


def _limited(wait_s: float) -> ProblemError:
    code = "rate-limited"
    return ProblemError(code, retry_after_s=max(1, math.ceil(wait_s)))
