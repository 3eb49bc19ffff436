"""The limits of everything that speaks to Kafka, each with its unit; the settings fill them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much, how long, how often. The defaults are for one broker on the same machine."""

    batch_records_max: int = 500
    """Most records of one partition in one transaction."""
    backlog_records_max: int = 1_000
    """Most records of one partition fetched and not yet routed."""
    fetch_bytes_max: int = 1_048_576
    """Most bytes fetched of one partition at once."""
    fetch_wait_ms: int = 25
    """Longest the broker holds a fetch that finds nothing."""
    poll_ms: int = 250
    """Longest wait for records before the loop looks around."""
    record_bytes_max: int = 1_000_000
    """Largest record the router writes; below the topics' own limit, framing needs room."""
    batch_bytes_max: int = 900_000
    """Size at which an output batch is closed and the next begun."""
    transaction_timeout_ms: int = 10_000
    """Age at which the broker aborts an open transaction."""
    request_timeout_ms: int = 5_000
    """Longest wait for one answer of the broker."""
    step_timeout_s: float = 15.0
    """Longest wait for one step: fencing, all acknowledgements, offsets, commit."""
    session_timeout_ms: int = 15_000
    """Silence after which a member of the group is evicted."""
    heartbeat_ms: int = 3_000
    """Time between a member's signs of life."""
    restore_timeout_s: float = 120.0
    """Longest a partition's tables may take to be restored."""
    restores_at_once_max: int = 4
    """Partitions restored at the same time in one process."""
    retry_delay_s: float = 0.2
    """Wait before a task is rebuilt, doubled each time."""
    retry_delay_s_max: float = 5.0
    """Longest wait before a task is rebuilt."""
    stop_timeout_s: float = 10.0
    """Longest a graceful stop waits for open batches."""
    tick_interval_ms: int = 200
    """Least time between two ticks of one partition."""
    clock_look_s: float = 0.25
    """Longest a partition sleeps on a deadline without looking at the clock again."""
    cases_remembered_max: int = 10_000
    """Decoded cases kept per partition."""
