"""The gateway's own bounds on time, numbers and depth; no setting changes them.

What an operator chooses, `create_gateway` takes from the settings themselves: the largest body and the
largest page of a mailbox.
"""

from __future__ import annotations

from dataclasses import dataclass

ACKNOWLEDGEMENTS_MAX = 200
"""Deliveries acknowledged by one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayLimits:
    """How long the gateway waits and how much it holds at a time."""

    json_depth_max: int = 16
    schema_depth_max: int = 64
    """Levels of JSON in a schema that is looked up under /registry."""
    idempotency_key_chars_max: int = 128
    requests_in_flight_max: int = 256
    body_read_timeout_s: float = 10.0
    request_timeout_s: float = 30.0
    append_timeout_s: float = 10.0
    database_wait_s_max: float = 5.0
    caught_up_timeout_s: float = 5.0
    """Longest a mailbox waits for the projection to come to where the router was when it was asked."""
    takeover_after_s: float = 20.0
    """Age at which an unanswered attempt counts as dead; longer than any attempt may take to append."""
    retry_after_s: int = 5
    acknowledgement_bytes_max: int = 2048
    acknowledgements_max: int = ACKNOWLEDGEMENTS_MAX
    acknowledgements_bytes_max: int = 131_072
    receipt_bytes_max: int = 8192
    """Largest body that says who read a delivery, or why it is refused."""
    recipients_max: int = 500
    """Deliveries of one message that are looked at to say how far it got."""
    mesh_page_max: int = 500
    mesh_chunk_bytes: int = 65_536
    """A delivery goes out by MESH in parts of this size."""
    mesh_chunks_max: int = 100
    """Parts a message may be uploaded in."""
    mesh_uploads_bytes_max: int = 4_194_304
    """What one organisation may have in hand of messages not yet uploaded whole."""

    def __post_init__(self) -> None:
        """An attempt must have given up before another may take its place."""
        if self.takeover_after_s <= self.append_timeout_s + self.database_wait_s_max:
            message = "takeover_after_s must exceed append_timeout_s and database_wait_s_max together"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """How many follow their mailbox at once, and how long each wait may be."""

    streams_max: int = 512
    """Open streams of one process."""
    streams_per_organisation_max: int = 8
    notices_max: int = 50
    """Notices written at once; nothing more is kept for a client."""
    poll_s: float = 0.1
    """Time between two looks for what has come, for all streams together."""
    standstill_s: float = 30.0
    """How long one open transaction may keep all streams silent until it is logged, and then again."""
    heartbeat_s: float = 15.0
    """Time between two signs of life; as often the key is looked at again."""
    write_timeout_s: float = 30.0
    """Longest a client may leave unread what was written to it."""
    reconnect_s: float = 2.0
    """How long a client is asked to wait before it comes again."""
    retry_after_s: int = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgettingLimits:
    """How often old attempts are deleted, and how many at once; how old is a setting."""

    every_s: float = 3600.0
    rows_max: int = 1000
    database_wait_s_max: float = 10.0


FORGETTING = ForgettingLimits()
"""As the gateway runs; tests forget sooner."""
