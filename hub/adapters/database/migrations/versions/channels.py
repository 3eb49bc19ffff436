"""What channels do with a delivery: its number in its lane, what happened to it, endpoints and pushes.

`delivery_event` says everything that happened to a delivery after it was decided, in order; what `delivery`
says of it is the sum of that. `endpoint`, `push`, `lane` and what MESH
needs (keys, used nonces, uploads not yet whole) are the database's own, as events are until they
have been published to hub.deliveries. A lane is one recipient and one person: its numbers have no gap, since
`give_sequence` gives one only when a channel hands the delivery over; who calls it holds the delivery's row.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CHANGES = """
DROP INDEX delivery_waiting, delivery_unsettled, delivery_held, delivery_right_until;
ALTER TABLE delivery
    DROP CONSTRAINT delivery_state_check,
    ADD CONSTRAINT delivery_state_check CHECK (state IN (
        'available', 'transported', 'fetched', 'acknowledged', 'refused', 'expired')),
    ADD COLUMN finished boolean NOT NULL
        GENERATED ALWAYS AS (state IN ('acknowledged', 'refused', 'expired')) STORED,
    ADD COLUMN sequence bigint,
    ADD COLUMN leased_by text,
    ADD COLUMN leased_until timestamptz,
    ADD COLUMN released_at timestamptz,
    ADD COLUMN late_told_at timestamptz;
CREATE INDEX delivery_waiting ON delivery (organisation, cursor) WHERE state IN ('available', 'fetched');
CREATE INDEX delivery_unsettled ON delivery (case_ref) WHERE verdict IS NULL AND NOT finished;
CREATE INDEX delivery_held ON delivery (asked_at) WHERE held AND verdict IS NULL AND NOT finished;
CREATE INDEX delivery_right_until ON delivery (right_until)
    WHERE right_until IS NOT NULL AND NOT held AND verdict IS NULL AND NOT finished;
CREATE INDEX delivery_uncollected ON delivery (available_at) WHERE state = 'available' AND NOT by_kafka;
CREATE INDEX delivery_lane ON delivery (organisation, case_ref, cursor);

CREATE TABLE lane (
    organisation text NOT NULL,
    case_ref text NOT NULL,
    given bigint NOT NULL,
    PRIMARY KEY (organisation, case_ref)
);
CREATE FUNCTION give_sequence(which text) RETURNS bigint LANGUAGE sql AS $$
    WITH numbered AS (
        INSERT INTO lane AS l (organisation, case_ref, given)
        SELECT organisation, case_ref, 1 FROM delivery WHERE delivery_id = which AND sequence IS NULL
        ON CONFLICT (organisation, case_ref) DO UPDATE SET given = l.given + 1
        RETURNING given
    )
    UPDATE delivery SET sequence = numbered.given FROM numbered WHERE delivery_id = which
    RETURNING sequence
$$;

CREATE TABLE delivery_event (
    event bigserial PRIMARY KEY,
    delivery_id text NOT NULL,
    organisation text NOT NULL,
    case_ref text NOT NULL,
    kind text NOT NULL,
    channel text NOT NULL,
    said jsonb NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    published_at timestamptz
);
CREATE INDEX delivery_event_delivery ON delivery_event (delivery_id, event);
CREATE INDEX delivery_event_unpublished ON delivery_event (event) WHERE published_at IS NULL;

CREATE TABLE endpoint (
    endpoint_id text PRIMARY KEY,
    organisation text NOT NULL,
    url text NOT NULL,
    messages text[] NOT NULL,
    state text NOT NULL DEFAULT 'unverified' CHECK (state IN ('unverified', 'active', 'paused', 'removed')),
    reason text,
    on_loopback boolean NOT NULL DEFAULT false,
    key_id text NOT NULL,
    nonce bytea NOT NULL,
    box bytea NOT NULL,
    in_flight_max integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    not_before timestamptz,
    failing_since timestamptz,
    failures_in_a_row integer NOT NULL DEFAULT 0
);
CREATE INDEX endpoint_organisation ON endpoint (organisation);

CREATE TABLE push (
    delivery_id text PRIMARY KEY,
    place bigint NOT NULL,
    endpoint_id text NOT NULL REFERENCES endpoint,
    organisation text NOT NULL,
    case_ref text NOT NULL,
    urgency text NOT NULL,
    state text NOT NULL DEFAULT 'scheduled' CHECK (state IN (
        'scheduled', 'in_flight', 'waiting_retry', 'parked',
        'delivered', 'cancelled', 'exhausted', 'skipped')),
    reason text,
    due_at timestamptz NOT NULL DEFAULT now(),
    first_at timestamptz,
    tries integer NOT NULL DEFAULT 0,
    charged integer NOT NULL DEFAULT 0,
    leased_by text,
    leased_until timestamptz,
    finished boolean NOT NULL
        GENERATED ALWAYS AS (state IN ('delivered', 'cancelled', 'exhausted', 'skipped')) STORED
);
CREATE INDEX push_due ON push (due_at) WHERE state IN ('scheduled', 'waiting_retry');
CREATE INDEX push_in_flight ON push (leased_until) WHERE state = 'in_flight';
CREATE INDEX push_lane ON push (organisation, case_ref, place) WHERE NOT finished;
CREATE INDEX push_endpoint ON push (endpoint_id, state) WHERE NOT finished;

CREATE TABLE mesh_key (
    organisation text PRIMARY KEY,
    key_id text NOT NULL,
    nonce bytea NOT NULL,
    box bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE mesh_nonce (
    digest bytea PRIMARY KEY,
    used_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX mesh_nonce_used ON mesh_nonce (used_at);
CREATE TABLE mesh_upload (
    organisation text NOT NULL,
    message_id text NOT NULL,
    chunk integer NOT NULL,
    chunks integer NOT NULL,
    workflow text NOT NULL,
    size integer NOT NULL,
    key_id text NOT NULL,
    nonce bytea NOT NULL,
    box bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organisation, message_id, chunk)
);
CREATE INDEX mesh_upload_at ON mesh_upload (at);
"""


def upgrade() -> None:
    """Add what happens to a delivery once it is decided."""
    op.execute(CHANGES)


def downgrade() -> None:
    """Refused: what was handed over, and where to, stands nowhere else until it is published."""
    message = "what was handed over, and the endpoints, stand nowhere else: restore a backup instead"
    raise NotImplementedError(message)
