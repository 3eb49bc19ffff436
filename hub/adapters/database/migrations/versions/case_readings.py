"""Who read which case record, in which role: the database's own, like `credential`; no topic has it.

It comes back from a backup only. What stands in it is neither changed nor taken out, whoever asks. Who read
is sealed under the key of their organisation.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE case_reading (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    read_at timestamptz NOT NULL DEFAULT now(),
    organisation text NOT NULL,
    role text NOT NULL,
    key_id text NOT NULL,
    nonce bytea NOT NULL,
    box bytea NOT NULL,
    case_ref text NOT NULL,
    case_version bigint NOT NULL,
    told jsonb NOT NULL
);
CREATE INDEX case_reading_case ON case_reading (case_ref, number);

CREATE FUNCTION case_reading_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a reading that was recorded is neither changed nor taken out';
END
$$;
CREATE TRIGGER case_reading_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON case_reading
    FOR EACH STATEMENT EXECUTE FUNCTION case_reading_stays();
"""


def upgrade() -> None:
    """Make the table."""
    op.execute(TABLE)


def downgrade() -> None:
    """Refused: who read what stands nowhere else."""
    message = "readings of case records exist nowhere else: restore a backup instead"
    raise NotImplementedError(message)
