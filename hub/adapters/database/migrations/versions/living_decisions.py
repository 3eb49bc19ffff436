"""Deliveries that can be held and decided again: where they stand, and what they were decided on.

A delivery is out of date when its case has taken a later turn, or when a control record that concerns its
recipient was taken after it was decided. Turns and offsets only grow, so the topics may be projected in any
order: what is out of date is so whichever row came first. `delivery_is_out_of_date` says it once for all.
Of a partition whose projection stands still nobody knows what is out of date: nothing of it is open.
A delivery made before this revision has no turn and no place: the first change holds it, for good.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE case_state ADD COLUMN turn bigint NOT NULL DEFAULT 0;

CREATE TABLE control_change (
    partition integer NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    organisation text,
    message text,
    "offset" bigint NOT NULL,
    PRIMARY KEY (partition, kind, name)
);
CREATE INDEX control_change_offset ON control_change (partition, "offset");

CREATE TABLE original (
    message_id text PRIMARY KEY,
    case_ref text NOT NULL,
    key_id text NOT NULL,
    nonce bytea NOT NULL,
    box bytea NOT NULL
);

ALTER TABLE delivery
    ADD COLUMN partition integer,
    ADD COLUMN "offset" bigint,
    ADD COLUMN turn bigint,
    ADD COLUMN decision_id text,
    ADD COLUMN grounds_nonce bytea,
    ADD COLUMN grounds_box bytea,
    ADD COLUMN right_until timestamptz,
    ADD COLUMN held boolean NOT NULL DEFAULT false,
    ADD COLUMN holds integer NOT NULL DEFAULT 0,
    ADD COLUMN asked_at timestamptz,
    ADD COLUMN asks integer NOT NULL DEFAULT 0,
    ADD COLUMN verdict text CHECK (verdict IN ('stop', 'replace')),
    ADD COLUMN verdict_id text,
    ADD COLUMN replaces text;
CREATE INDEX delivery_unsettled ON delivery (case_ref) WHERE verdict IS NULL AND state <> 'acknowledged';
CREATE INDEX delivery_held ON delivery (asked_at) WHERE held AND verdict IS NULL AND state <> 'acknowledged';
CREATE INDEX delivery_right_until ON delivery (right_until)
    WHERE right_until IS NOT NULL AND NOT held AND verdict IS NULL AND state <> 'acknowledged';

CREATE FUNCTION delivery_is_out_of_date(one delivery) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT (one.right_until <= now()) IS TRUE
        OR EXISTS (SELECT 1 FROM case_state c
                    WHERE c.case_ref = one.case_ref AND c.turn > coalesce(one.turn, 0))
        OR EXISTS (SELECT 1 FROM control_change c
                    WHERE c.partition = one.partition AND c."offset" > one."offset"
                      AND (c.organisation IS NULL OR c.organisation = one.organisation)
                      AND (c.message IS NULL OR c.message = one.message))
$$;

CREATE FUNCTION delivery_is_open(one delivery) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT one.verdict IS NULL AND NOT one.held AND (one.right_until <= now()) IS NOT TRUE
       AND NOT EXISTS (SELECT 1 FROM projector_stopped s
                        WHERE s.partition = one.partition AND s.topic ~ '(cases|control|outbox)$')
$$;

ALTER TABLE ledger ADD COLUMN again text, ADD COLUMN verdict text;
CREATE INDEX ledger_again ON ledger (again) WHERE again IS NOT NULL;
"""


def upgrade() -> None:
    """Add what deliveries, cases and decisions did not say before."""
    op.execute(CHANGES)


def downgrade() -> None:
    """Refused: what is held now would be open again."""
    message = "deliveries held or stopped would be open again: restore a backup instead"
    raise NotImplementedError(message)
