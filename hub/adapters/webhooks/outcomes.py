"""What came of one attempt: an answer, or a code that says why there was none."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Code(StrEnum):
    """Why there was no answer to take."""

    DNS = "E_DNS"
    """The host name could not be looked up: nobody said that it does not exist."""
    NO_ADDRESS = "E_NO_ADDRESS"
    """The host name does not exist, or has no address."""
    CONNECTION = "E_CONNECTION"
    """No connection, or it broke, or what came was no HTTP."""
    TLS = "E_TLS"
    """The certificate is not trusted, not for this host, or the two sides do not agree on TLS."""
    TIMEOUT = "E_TIMEOUT"
    """It took too long."""
    REDIRECT = "E_REDIRECT"
    """It sent us elsewhere: never followed."""
    FORBIDDEN_ADDRESS = "E_FORBIDDEN_ADDRESS"
    """The host name leads, by one of its addresses at least, where nothing may be sent."""
    TARGET = "E_TARGET"
    """The address is not one that may be sent to, or not the one approved for this endpoint."""
    RESPONSE_TOO_LARGE = "E_RESPONSE_TOO_LARGE"
    """The head of the answer is larger than is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer came, whatever it says; never a redirect."""

    status: int
    retry_after: str | None
    """The header as it came."""
    body: bytes = field(repr=False)
    """Its beginning. It is the partner's text: shown to staff as such, and to nobody else."""
    body_is_whole: bool
    elapsed_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAnswered:
    """No answer was taken."""

    code: Code
    ambiguous: bool
    """Some of the request may have arrived, and been acted on."""
    elapsed_s: float
    status: int | None = None
    """What a redirect answered with."""
