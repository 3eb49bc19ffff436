"""The feeds' limits, each with its unit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLimits:
    """How much a feed takes at once, and how long each wait may be.

    Two are an operator's to tune: record_bytes_max, by the setting body_bytes_max, for both doors take
    bodies of one size, and session_timeout_ms, by the setting of that name. Whoever makes the feeds
    hands them over; the rest stands here.
    """

    record_bytes_max: int = 262_144
    """Largest record taken; the same as the largest body over HTTP."""
    event_depth_max: int = 16
    """Deepest nesting of an event of the prison system."""
    message_id_chars_max: int = 128
    """Longest message-id header."""
    batch_records_max: int = 200
    """Most records of one organisation taken before they are acknowledged."""
    records_per_s_max: int = 200
    """Most records of one organisation taken in a second; the rest waits on its topic."""
    poll_ms: int = 250
    """Longest wait for a record before the feed looks around."""
    fetch_wait_ms: int = 200
    """Longest the broker holds a fetch that finds nothing."""
    fetch_bytes_max: int = 1_048_576
    """Most bytes fetched of one partition at once."""
    session_timeout_ms: int = 15_000
    """Silence after which a member of the group is evicted."""
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
    """Failed batches in a row after which a feed gives up and is begun anew."""
    restart_delay_s: float = 1.0
    """Wait before a feed that failed is begun anew, doubled each time it fails again soon."""
    restart_delay_s_max: float = 60.0
    """Longest wait before that; a feed that ran for longer than this counts as mended."""

    @property
    def heartbeat_ms(self) -> int:
        """Time between a member's signs of life: several fit into the silence allowed, as Kafka advises."""
        return max(1, self.session_timeout_ms // 5)
