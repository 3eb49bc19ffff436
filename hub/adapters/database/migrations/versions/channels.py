"""What channels do with a delivery: its number in its lane, what happened to it, endpoints and pushes.

`delivery_event` says everything that happened to a delivery after it was decided, in order, and how it stood
then; what `delivery` says of it is the sum of that. Deliveries that were fetched before there were events get
those they would have. `endpoint`, `push`, `lane` and what MESH needs (keys, used nonces, uploads not yet
whole) are the database's own, as events are until they
have been published to hub.deliveries. A lane is one recipient and one person: its numbers have no gap, since
`give_sequence` gives one only when a channel hands the delivery over; who calls it holds the delivery's row.
`take_back_sequence` takes it back from a delivery that nobody got, if it is the lane's last.

A push is `held` since its delivery was first found held, `untold` as long as its number will not come and no
later push of the lane has said so; it `may_have_arrived` if an attempt's end is not known.

`delivery.announced` is the transaction in which a delivery last became one to be listed: when it entered, was
released, or came back. Whoever follows a mailbox goes on from there. Transactions do not end in the order of
their numbers; but below `pg_snapshot_xmin` all have ended, so whoever reads up to there passes nothing over.
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
    ADD COLUMN announced bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    ADD COLUMN leased_by text,
    ADD COLUMN leased_until timestamptz,
    ADD COLUMN released_at timestamptz,
    ADD COLUMN late_told_at timestamptz;
CREATE INDEX delivery_waiting ON delivery (organisation, cursor) WHERE state IN ('available', 'fetched');
CREATE INDEX delivery_unsettled ON delivery (case_ref) WHERE verdict IS NULL AND NOT finished;
CREATE INDEX delivery_held ON delivery (asked_at) WHERE held AND verdict IS NULL AND NOT finished;
CREATE INDEX delivery_right_until ON delivery (right_until)
    WHERE right_until IS NOT NULL AND NOT held AND verdict IS NULL AND NOT finished;
CREATE INDEX delivery_unconfirmed ON delivery (available_at, delivery_id)
    WHERE urgency = 'safety' AND late_told_at IS NULL AND NOT finished AND NOT by_kafka AND verdict IS NULL;
CREATE INDEX delivery_uncollected ON delivery (available_at) WHERE state = 'available' AND NOT by_kafka;
CREATE INDEX delivery_lane ON delivery (organisation, case_ref, cursor);
CREATE INDEX delivery_announced ON delivery (organisation, announced, cursor)
    WHERE state IN ('available', 'fetched');

CREATE FUNCTION announce_delivery() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.announced := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END
$$;
CREATE TRIGGER delivery_comes_back BEFORE UPDATE OF state, held, verdict, right_until, turn, "offset"
    ON delivery FOR EACH ROW
    WHEN (NEW.state IN ('available', 'fetched') AND NEW.verdict IS NULL AND NOT NEW.held
          AND (OLD.state NOT IN ('available', 'fetched') OR OLD.verdict IS NOT NULL OR OLD.held
               OR (OLD.right_until, OLD.turn, OLD."offset")
                  IS DISTINCT FROM (NEW.right_until, NEW.turn, NEW."offset")))
    EXECUTE FUNCTION announce_delivery();

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
    event_id text NOT NULL UNIQUE DEFAULT replace(gen_random_uuid()::text, '-', ''),
    delivery_id text NOT NULL,
    organisation text NOT NULL,
    case_ref text NOT NULL,
    kind text NOT NULL,
    channel text NOT NULL,
    said jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL,
    sequence bigint,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    published_at timestamptz
);
CREATE INDEX delivery_event_delivery ON delivery_event (delivery_id, event);
CREATE INDEX delivery_event_unpublished ON delivery_event (event) WHERE published_at IS NULL;
CREATE INDEX delivery_event_published ON delivery_event (published_at) WHERE published_at IS NOT NULL;
INSERT INTO delivery_event (delivery_id, organisation, case_ref, kind, channel, state, at)
SELECT delivery_id, organisation, case_ref, happened.kind, 'mailbox', happened.kind, happened.at
  FROM delivery, LATERAL (VALUES ('fetched', fetched_at), ('acknowledged', acknowledged_at))
       AS happened (kind, at)
 WHERE happened.at IS NOT NULL
 ORDER BY happened.at, happened.kind DESC;

CREATE TABLE messages_of_day (
    organisation text PRIMARY KEY,
    day date NOT NULL,
    taken integer NOT NULL
);

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
    last_failed_at timestamptz,
    failures_in_a_row integer NOT NULL DEFAULT 0,
    window_since timestamptz,
    window_attempts integer NOT NULL DEFAULT 0,
    window_failures integer NOT NULL DEFAULT 0,
    misconfigured_since timestamptz,
    misconfigured integer NOT NULL DEFAULT 0,
    verify_after timestamptz
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
    attempted_at timestamptz,
    tries integer NOT NULL DEFAULT 0,
    charged integer NOT NULL DEFAULT 0,
    first_charged_at timestamptz,
    refusals integer NOT NULL DEFAULT 0,
    held_since timestamptz,
    may_have_arrived boolean NOT NULL DEFAULT false,
    untold boolean NOT NULL DEFAULT false,
    leased_by text,
    leased_until timestamptz,
    finished boolean NOT NULL
        GENERATED ALWAYS AS (state IN ('delivered', 'cancelled', 'exhausted', 'skipped')) STORED
);
CREATE INDEX push_waiting ON push (endpoint_id, place) WHERE state IN ('scheduled', 'waiting_retry');
CREATE INDEX push_urgent ON push (endpoint_id, place)
    WHERE state IN ('scheduled', 'waiting_retry') AND urgency = 'safety';
CREATE INDEX push_in_flight ON push (endpoint_id, leased_until) WHERE state = 'in_flight';
CREATE INDEX push_lane ON push (organisation, case_ref, place) WHERE NOT finished;
CREATE INDEX push_untold ON push (organisation, case_ref) WHERE untold;
CREATE INDEX push_over ON push (due_at) WHERE finished AND NOT untold;
CREATE INDEX push_endpoint ON push (endpoint_id, state) WHERE state IN ('parked', 'exhausted');

CREATE FUNCTION take_back_sequence(which text) RETURNS bigint LANGUAGE sql AS $$
    WITH last AS (
        UPDATE lane l SET given = l.given - 1 FROM delivery d
         WHERE d.delivery_id = which AND d.state IN ('available', 'expired') AND d.sequence = l.given
           AND (l.organisation, l.case_ref) = (d.organisation, d.case_ref)
        RETURNING d.sequence
    )
    UPDATE delivery SET sequence = NULL FROM last WHERE delivery_id = which
    RETURNING last.sequence
$$;

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

REMEDIES = """
ALTER TABLE delivery ADD COLUMN taken_back text[];

CREATE TABLE subscription (
    subscription_id text PRIMARY KEY,
    organisation text NOT NULL,
    asked jsonb NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN (
        'pending', 'approved', 'refused', 'end_asked', 'ended')),
    asked_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    settled_by text,
    why text
);
CREATE INDEX subscription_organisation ON subscription (organisation, asked_at);

CREATE TABLE remedy (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    kind text NOT NULL,
    subject text NOT NULL,
    organisation text NOT NULL,
    who text NOT NULL,
    by_name text NOT NULL,
    why text NOT NULL
);
CREATE INDEX remedy_subject ON remedy (subject, number);
CREATE FUNCTION remedy_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a remedy that was recorded is neither changed nor taken out';
END
$$;
CREATE TRIGGER remedy_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON remedy
    FOR EACH STATEMENT EXECUTE FUNCTION remedy_stays();
"""
"""What is the database's own: alerts organisations have asked for; who set something right by hand, and why.

In `remedy` nothing is changed or taken out.
"""


def upgrade() -> None:
    """Add what happens to a delivery once it is decided."""
    op.execute(CHANGES)
    op.execute(REMEDIES)


def downgrade() -> None:
    """Refused: what was handed over, and where to, stands nowhere else until it is published."""
    message = "what was handed over, and the endpoints, stand nowhere else: restore a backup instead"
    raise NotImplementedError(message)
