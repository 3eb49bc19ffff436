"""The limits of what leaves by webhook, each with its unit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressLimits:
    """How long one attempt may take, and how much of an answer is taken."""

    lookup_timeout_s: float = 5.0
    """Longest wait for the addresses of a host name."""
    connect_timeout_s: float = 5.0
    """Longest wait for a connection, with its TLS handshake, over all addresses of the name."""
    total_timeout_s: float = 15.0
    """Longest an attempt takes, from looking up the name to the last byte read."""
    head_bytes_max: int = 16_384
    """Most bytes of an answer before its body, with all that comes before its status."""
    body_bytes_max: int = 20_000
    """Most bytes kept of an answer's body; the rest is not read."""
    addresses_tried_max: int = 4
    """Most addresses of one name connected to in turn; all of them are looked at."""
    lookups_at_once_max: int = 64
    """Threads that look up names, each name in one only: names whose servers hang leave the others theirs."""
    idle_s: float = 4.0
    """How long a connection is kept for the next request: less than the servers commonly wait."""
    idle_per_endpoint_max: int = 4
    """Most connections kept of one endpoint."""
    endpoints_kept_max: int = 128
    """Most endpoints of which connections are kept; the one least lately used goes first."""
