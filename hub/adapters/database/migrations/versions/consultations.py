"""Who asked what about whom, kept for good; and deliveries of the first revision that can be held.

`consultation` is the database's own, like `credential`: no topic has it, and it comes back from a backup
only. What stands in it is neither changed nor taken out, whoever asks.

`delivery_facts_changed` is the part of `delivery_is_out_of_date` that does not hang on the clock of this
database: where that runs before the partition's, a delivery is closed by time before the router can know.

A delivery of the first revision gets its place in the log and its decision from the ledger, so that a control
record holds it like any other; whatever has already changed since holds it now. What it takes to decide it
again was not kept in those days: `hub ledger held` lists it with what to do.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CHANGES = """
CREATE TABLE consultation (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    asked_at timestamptz NOT NULL DEFAULT now(),
    who text NOT NULL,
    asked text NOT NULL,
    case_ref text,
    about jsonb NOT NULL
);
CREATE INDEX consultation_case ON consultation (case_ref, number);
CREATE INDEX consultation_who ON consultation (who, number);

CREATE FUNCTION consultation_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a consultation that was recorded is neither changed nor taken out';
END
$$;
CREATE TRIGGER consultation_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON consultation
    FOR EACH STATEMENT EXECUTE FUNCTION consultation_stays();

CREATE FUNCTION delivery_facts_changed(one delivery) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM case_state c
                    WHERE c.case_ref = one.case_ref AND c.turn > coalesce(one.turn, 0))
        OR EXISTS (SELECT 1 FROM control_change c
                    WHERE c.partition = one.partition AND c."offset" > one."offset"
                      AND (c.organisation IS NULL OR c.organisation = one.organisation)
                      AND (c.message IS NULL OR c.message = one.message))
$$;
CREATE OR REPLACE FUNCTION delivery_is_out_of_date(one delivery) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT (one.right_until <= now()) IS TRUE OR delivery_facts_changed(one)
$$;

UPDATE delivery d SET partition = l.partition, "offset" = l."offset", decision_id = l.decision_id
  FROM ledger l
 WHERE l.delivery_id = d.delivery_id AND l.again IS NULL AND d.decision_id IS NULL;
UPDATE delivery d SET held = true, holds = holds + 1
 WHERE d.grounds_box IS NULL AND NOT d.held AND d.verdict IS NULL AND d.state <> 'acknowledged'
   AND delivery_facts_changed(d);
"""


def upgrade() -> None:
    """Add the table of consultations, and what the first revision's deliveries lack."""
    op.execute(CHANGES)


def downgrade() -> None:
    """Refused: who asked what stands nowhere else."""
    message = "consultations exist nowhere else, and what is held now would be open again: restore a backup"
    raise NotImplementedError(message)
