"""The projector's limits, each with its unit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectorLimits:
    """How much is applied at once, and how long each wait may be.

    Four are an operator's to tune, in the settings of the same names: batch_records_max, poll_ms,
    session_timeout_ms and redelivery_days. Whoever makes a projector hands them over; the rest stands here.
    """

    batch_records_max: int = 500
    """Most records applied in one database transaction."""
    poll_ms: int = 100
    """Longest wait for records before the loop looks around."""
    fetch_wait_ms: int = 25
    """Longest the broker holds a fetch that finds nothing; bounds how late a delivery is seen."""
    fetch_bytes_max: int = 1_048_576
    """Most bytes fetched of one partition at once."""
    session_timeout_ms: int = 15_000
    """Silence after which a member of the group is evicted."""
    request_timeout_ms: int = 10_000
    """Longest wait for one answer of the broker."""
    start_timeout_s: float = 30.0
    """Longest wait for the broker when the projector starts."""
    retry_delay_s: float = 0.1
    """Wait after a failed transaction, doubled each time."""
    retry_delay_s_max: float = 5.0
    """Longest wait after a failed transaction."""
    attempts_max: int = 60
    """Failed transactions in a row after which the projector gives up."""

    look_behind_s: float = 1.0
    """Time between two looks whether the projection was dropped."""
    database_wait_s_max: float = 10.0
    """Longest wait for a connection to the database."""

    relay_interval_ms: int = 100
    """Time between two looks for what happened to deliveries and is not published."""
    relay_events_max: int = 500
    """Most events published in one round."""
    relay_bytes_max: int = 524_288
    """Most bytes of one partition published at once; below what the topic takes."""
    relay_timeout_s: float = 15.0
    """Longest wait until the broker has what was published; below what a transaction may idle."""
    forget_events_max: int = 1_000
    """Most published events forgotten in one round."""
    forget_pushes_max: int = 1_000
    """Most pushes that are over forgotten in one round."""

    ask_interval_ms: int = 200
    """Time between two looks for what is held and not asked about."""
    ask_deliveries_max: int = 200
    """Most deliveries asked about in one round."""
    request_deliveries_max: int = 20
    """Most deliveries in one request; each brings the outcome of every field."""
    request_bytes_max: int = 990_000
    """Largest request; below what the log takes."""
    ask_again_s: float = 60.0
    """Silence after which the router is asked once more, doubled each time."""
    expire_interval_s: float = 60.0
    """Time between two looks for what nobody has collected."""
    expire_deliveries_max: int = 100
    """Most deliveries reported or expired in one round."""
    forget_interval_s: float = 60.0
    """Time between two rounds of forgetting messages that are needed no more."""
    forget_originals_max: int = 1_000
    """Most messages looked at in one round."""
    redelivery_days: int = 14
    """Days after its last recipient is done with a message until it is forgotten."""

    @property
    def heartbeat_ms(self) -> int:
        """Time between a member's signs of life: several fit into the silence allowed, as Kafka advises."""
        return max(1, self.session_timeout_ms // 5)
