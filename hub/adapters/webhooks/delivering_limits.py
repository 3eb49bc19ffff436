"""What bounds the pushing of deliveries, each with its unit; no setting changes them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DelivererLimits:
    """How much is under way at once, and how long each wait may be."""

    under_way_max: int = 128
    """Most attempts under way at once that are not slow."""
    slow_after_s: float = 2.0
    """Age from which an attempt counts as slow, so that who hangs takes no place from the others."""
    slow_max: int = 1024
    """Most attempts under way at once, slow ones among them."""
    claim_max: int = 64
    """Most pushes claimed in one round."""
    idle_s: float = 0.1
    """Pause after a round that found nothing to push."""
    lease_s: float = 30.0
    """Silence after which what a deliverer has claimed is another's to push."""
    beat_s: float = 10.0
    """Time between two signs of life on what is under way."""
    sent_within_s: float = 5.0
    """Longest between the look that said it may leave and its leaving; later, it is looked at again."""
    recorded_max: int = 128
    """Most outcomes recorded in one transaction."""
    look_again_s: float = 1.0
    """Time after which one whose delivery is held is looked at again, doubled each time."""
    look_again_s_max: float = 60.0
    """Longest of these; one that is released is looked at right away."""
    held_grace_s: float = 30.0
    """So long one whose delivery is held, or one that is tried in vain, keeps back what is urgent after it.

    What is not urgent goes past the one that is held, too, and waits for the other.
    """
    absent_s_max: float = 600.0
    """So long one is looked for whose delivery a rebuild has not brought back; then it is cancelled."""
    caught_up_timeout_s: float = 5.0
    """Longest wait for the projection to come to where the router was."""
    database_wait_s_max: float = 5.0
    """Longest wait for a connection to the database."""
    retry_delay_s: float = 0.1
    """Pause after a fault, or where the projection has not caught up, doubled each time."""
    retry_delay_s_max: float = 5.0
    """Longest of these pauses."""
    faults_max: int = 60
    """Faults in a row after which the deliverer gives up."""
    body_bytes_max: int = 256_000
    """Largest body that is pushed; what is larger is only announced, and fetched from the mailbox."""
    stop_timeout_s: float = 5.0
    """Time that attempts under way have to end when the deliverer is stopped; others are made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointLimits:
    """What an endpoint may be and ask for."""

    per_organisation_max: int = 8
    """Most endpoints an organisation has at a time."""
    in_flight_max: int = 8
    """Most attempts at one endpoint under way at once."""
    verify_interval_s: float = 5.0
    """Time between two handshakes with one endpoint."""
    database_wait_s_max: float = 5.0
    """Longest wait for a connection to the database."""
