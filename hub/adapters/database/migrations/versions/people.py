"""Which case is whose: by the digest of a prison number, and which case is carried on as which other.

Both are made from the case changelog and can be made again. A digest is keyed (hub.topics.person_index), so
that the table says nothing to whoever has the table alone.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE prison_number (
    digest bytea NOT NULL,
    case_ref text NOT NULL,
    opened_at timestamptz NOT NULL,
    PRIMARY KEY (digest, case_ref)
);
CREATE INDEX prison_number_case ON prison_number (case_ref);

CREATE TABLE merged_case (
    case_ref text PRIMARY KEY,
    into_ref text NOT NULL
);
CREATE INDEX merged_case_into ON merged_case (into_ref);
"""


def upgrade() -> None:
    """Make the tables; a projection made before is empty of them until each case is next written."""
    op.execute(TABLES)


def downgrade() -> None:
    """Drop them: they are made from the case changelog."""
    op.execute("DROP TABLE prison_number, merged_case")
