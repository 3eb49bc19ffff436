"""What came back, in the few kinds that a deliverer acts on, and whether it counts against the partner.

A partner refuses a message on business grounds by a receipt, not by the status of its answer: that would be
one message to us and another to every proxy between.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

from hub.adapters.webhooks.outcomes import Answered, Code, NotAnswered

RETRY_AFTER_S_MAX = 86_400.0
"""Longest wait read off an answer; each retry class has a shorter one of its own."""
CONTRACT_TRIES_MAX = 2
"""Tries after which a message that an endpoint's software cannot take is parked, and its lane goes on."""
_SECONDS = re.compile(r"[0-9]{1,9}")
_OK = range(200, 300)
_PARTNERS_SOFTWARE = range(500, 600)


class Kind(StrEnum):
    """What to do about it."""

    DELIVERED = "delivered"
    """It has arrived."""
    RETRY = "retry"
    """Try this message again."""
    SLOW_DOWN = "slow_down"
    """Try again, and send less to the whole endpoint until then."""
    GONE = "gone"
    """Pause the endpoint at once, park what waits for it, and ask the partner."""
    MISCONFIGURED = "misconfigured"
    """Somebody must change something: pause the endpoint once it says so again and again."""
    REFUSED_CONTRACT = "refused_contract"
    """Its software cannot take this message: park it after `CONTRACT_TRIES_MAX`."""
    NOT_LOOKED_UP = "not_looked_up"
    """Nobody said where its host name leads, who may be the partner's name server or our own: it counts for
    nothing, and the endpoint is left alone for a moment, since waiting for such an answer takes a thread."""
    OURS = "ours"
    """The hub's own fault, or its operator's: try again, and tell the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an attempt came to."""

    kind: Kind
    reason: str
    """Stable and free of anything the partner wrote: `HTTP-503`, `E_TLS`."""
    charge: int
    """How many of the message's tries it uses up: 0, 1, or 2 where trying again helps little."""
    retry_after_s: float | None = None
    """How long the partner asked us to wait."""


_BY_STATUS = {
    401: (Kind.MISCONFIGURED, 0),
    403: (Kind.MISCONFIGURED, 0),
    404: (Kind.MISCONFIGURED, 0),
    408: (Kind.SLOW_DOWN, 1),
    410: (Kind.GONE, 0),
    413: (Kind.REFUSED_CONTRACT, 1),
    415: (Kind.REFUSED_CONTRACT, 1),
    422: (Kind.REFUSED_CONTRACT, 1),
    425: (Kind.RETRY, 1),
    429: (Kind.SLOW_DOWN, 1),
    502: (Kind.SLOW_DOWN, 1),
    503: (Kind.SLOW_DOWN, 1),
    504: (Kind.SLOW_DOWN, 1),
}
_BY_CODE = {
    Code.DNS: (Kind.NOT_LOOKED_UP, 0),
    # Not a fault of configuration: were our own DNS to say so of every name, all endpoints would be paused.
    Code.NO_ADDRESS: (Kind.RETRY, 1),
    Code.CONNECTION: (Kind.RETRY, 1),
    Code.TLS: (Kind.MISCONFIGURED, 0),
    Code.TIMEOUT: (Kind.SLOW_DOWN, 1),
    Code.REDIRECT: (Kind.MISCONFIGURED, 0),
    Code.FORBIDDEN_ADDRESS: (Kind.MISCONFIGURED, 0),
    Code.TARGET: (Kind.MISCONFIGURED, 0),
    Code.RESPONSE_TOO_LARGE: (Kind.RETRY, 1),
}


def classify(outcome: Answered | NotAnswered, *, now: datetime) -> Verdict:
    """Say what an attempt came to; `now` is for a Retry-After that is a date."""
    if isinstance(outcome, NotAnswered):
        kind, charge = _BY_CODE[outcome.code]
        return Verdict(kind=kind, reason=outcome.code.value, charge=charge)
    if outcome.status in _OK:
        return Verdict(kind=Kind.DELIVERED, reason=f"HTTP-{outcome.status}", charge=0)
    usual = (Kind.RETRY, 1 if outcome.status in _PARTNERS_SOFTWARE else 2)
    kind, charge = _BY_STATUS.get(outcome.status, usual)
    asked_s = retry_after_s(outcome.retry_after, now=now) if kind is Kind.SLOW_DOWN else None
    return Verdict(kind=kind, reason=f"HTTP-{outcome.status}", charge=charge, retry_after_s=asked_s)


def retry_after_s(header: str | None, *, now: datetime) -> float | None:
    """Read a Retry-After (RFC 9110 10.2.3), seconds or a date; None where it cannot be read."""
    if header is None:
        return None
    text = header.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), RETRY_AFTER_S_MAX)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return min(max((at - now).total_seconds(), 0.0), RETRY_AFTER_S_MAX)
