"""The feeds' limits, each with its unit; the settings fill those an operator tunes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLimits:
    """How much a feed takes at once, and how long each wait may be."""

    record_bytes_max: int = 262_144
    """Largest record taken; the same as the largest body over HTTP."""
    message_id_chars_max: int = 128
    """Longest message-id header."""
    batch_records_max: int = 200
    """Most records of one organisation taken before they are acknowledged."""
    poll_ms: int = 250
    """Longest wait for a record before the feed looks around."""
    fetch_wait_ms: int = 200
    """Longest the broker holds a fetch that finds nothing."""
    fetch_bytes_max: int = 1_048_576
    """Most bytes fetched of one partition at once."""
    session_timeout_ms: int = 15_000
    """Silence after which a member of the group is evicted."""
    heartbeat_ms: int = 3_000
    """Time between a member's signs of life."""
    request_timeout_ms: int = 10_000
    """Longest wait for one answer of the broker."""
    step_timeout_s: float = 30.0
    """Longest wait for Kafka to be reached, or for one record to be set aside."""
    stop_timeout_s: float = 10.0
    """Longest a stop waits for one feed."""
    organisations_every_s: float = 2.0
    """How often the organisations in force are looked up."""
    retry_delay_s: float = 0.2
    """Wait after a failed batch, doubled each time."""
    retry_delay_s_max: float = 10.0
    """Longest wait after a failed batch."""
    attempts_max: int = 60
    """Failed batches in a row after which a feed gives up."""
