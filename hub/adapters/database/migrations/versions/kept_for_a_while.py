"""How long what is done with can be had again, and by which keys acknowledgements are signed.

`finished_at` says since when a delivery is finished; `original.look_at`, when it is looked again whether a
message is still needed: not before its last delivery may have been finished for as long as it is kept then.
The public keys acknowledgements are signed by are the database's own; who followed the main line has their
table already, which revision 0006 made for some hours.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE delivery ADD COLUMN finished_at timestamptz;
UPDATE delivery SET finished_at = coalesce(acknowledged_at, now()) WHERE finished;
ALTER TABLE original ADD COLUMN look_at timestamptz NOT NULL DEFAULT (now() + interval '1 day');
CREATE INDEX original_look_at ON original (look_at);

CREATE FUNCTION finish_delivery() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.finished_at := CASE WHEN NEW.state IN ('acknowledged', 'refused', 'expired')
                            THEN coalesce(NEW.finished_at, now()) END;
    RETURN NEW;
END
$$;
CREATE TRIGGER delivery_is_finished BEFORE UPDATE OF state ON delivery FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION finish_delivery();

CREATE TABLE IF NOT EXISTS acknowledgement_key (
    organisation text NOT NULL,
    kid text NOT NULL,
    jwk jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    removed_at timestamptz,
    PRIMARY KEY (organisation, kid)
);
"""


def upgrade() -> None:
    """Add them; since when what is refused or expired is done with was not kept, so it counts from now."""
    op.execute(CHANGES)


def downgrade() -> None:
    """Drop them; the keys are the database's own and have to be registered again."""
    op.execute(
        "DROP TABLE acknowledgement_key; DROP TRIGGER delivery_is_finished ON delivery; "
        "DROP FUNCTION finish_delivery(); ALTER TABLE original DROP COLUMN look_at; "
        "ALTER TABLE delivery DROP COLUMN finished_at"
    )
