"""What its author has corrected or taken back is not offered again; being done anew counts from then.

`corrected` stands on every delivery of such a message, whatever way it went. Deliveries from before this
revision have it once the projection is made again.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE delivery ADD COLUMN corrected boolean NOT NULL DEFAULT false;

CREATE OR REPLACE FUNCTION finish_delivery() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.finished_at := CASE WHEN NEW.state NOT IN ('acknowledged', 'refused', 'expired') THEN NULL
                            WHEN NEW.finished_at IS DISTINCT FROM OLD.finished_at
                                THEN coalesce(NEW.finished_at, now())
                            ELSE now() END;
    RETURN NEW;
END
$$;
"""


def upgrade() -> None:
    """Add it; what expired and was acknowledged after all is done with since the latter."""
    op.execute(CHANGES)


def downgrade() -> None:
    """Refused: what was taken back could be offered again."""
    message = "what was taken back could be offered again: restore a backup instead"
    raise NotImplementedError(message)
