"""The first tables: what is projected from Kafka, and what only the database holds.

`credential` and `idempotency` are the database's own and come back from its backup. All others are
made from Kafka and can be made again: `position` says how far each partition has been applied,
`projector_stopped` which of them cannot go on. What a person's record says, and the headers it goes
with, stand only in a `box`, sealed under the key that `key_id` names.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE key_store (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    fingerprint text NOT NULL
);

CREATE TABLE credential (
    key_hash bytea PRIMARY KEY,
    organisation text NOT NULL,
    label text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
CREATE INDEX credential_organisation ON credential (organisation);

CREATE TABLE idempotency (
    organisation text NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    digest text NOT NULL,
    message_id text NOT NULL,
    status integer,
    response jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organisation, route, key)
);
CREATE INDEX idempotency_message ON idempotency (message_id);
CREATE INDEX idempotency_created ON idempotency (created_at);

CREATE TABLE position (
    topic text NOT NULL,
    partition integer NOT NULL,
    next bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);

CREATE TABLE projector_stopped (
    topic text NOT NULL,
    partition integer NOT NULL,
    code text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition)
);

CREATE TABLE submission (
    message_id text PRIMARY KEY,
    organisation text,
    message text,
    contract text,
    state text NOT NULL CHECK (state IN ('routed', 'refused')),
    decided_at timestamptz NOT NULL
);
CREATE INDEX submission_organisation ON submission (organisation, decided_at);

CREATE TABLE delivery (
    cursor bigserial NOT NULL UNIQUE,
    delivery_id text PRIMARY KEY,
    message_id text NOT NULL,
    case_ref text NOT NULL,
    organisation text NOT NULL,
    role text NOT NULL,
    message text NOT NULL,
    contract text NOT NULL,
    urgency text NOT NULL,
    box bytea NOT NULL,
    key_id text NOT NULL,
    nonce bytea NOT NULL,
    digest bytea NOT NULL,
    size integer NOT NULL,
    by_kafka boolean NOT NULL,
    state text NOT NULL DEFAULT 'available' CHECK (state IN ('available', 'fetched', 'acknowledged')),
    available_at timestamptz NOT NULL DEFAULT now(),
    fetched_at timestamptz,
    acknowledged_at timestamptz
);
CREATE INDEX delivery_mailbox ON delivery (organisation, cursor);
CREATE INDEX delivery_waiting ON delivery (organisation, cursor) WHERE state IN ('available', 'fetched');
CREATE INDEX delivery_message ON delivery (message_id);
CREATE INDEX delivery_case ON delivery (case_ref);

CREATE TABLE ledger (
    decision_id text PRIMARY KEY,
    message_id text NOT NULL,
    case_ref text NOT NULL,
    organisation text NOT NULL,
    role text NOT NULL,
    concern text NOT NULL,
    message text,
    contract text,
    contract_digest text,
    purpose text NOT NULL,
    delivers boolean NOT NULL,
    by_kafka boolean NOT NULL,
    gate text,
    fields jsonb NOT NULL,
    caveats text[] NOT NULL,
    policy text NOT NULL,
    case_version bigint NOT NULL,
    facts_key text NOT NULL,
    facts_nonce bytea NOT NULL,
    facts_box bytea NOT NULL,
    facts_digest text NOT NULL,
    decided_at timestamptz NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    delivery_id text
);
CREATE INDEX ledger_message ON ledger (message_id);
CREATE INDEX ledger_case ON ledger (case_ref, decided_at);
CREATE INDEX ledger_organisation ON ledger (organisation, decided_at);

CREATE TABLE quarantine (
    record_id text PRIMARY KEY,
    message_id text,
    organisation text NOT NULL,
    message text,
    code text NOT NULL,
    detail text NOT NULL,
    key_id text NOT NULL,
    nonce bytea NOT NULL,
    box bytea NOT NULL,
    set_aside_at timestamptz NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL
);
CREATE INDEX quarantine_time ON quarantine (set_aside_at DESC);
CREATE INDEX quarantine_organisation ON quarantine (organisation, set_aside_at DESC);
CREATE INDEX quarantine_code ON quarantine (code, set_aside_at DESC);
CREATE INDEX quarantine_message ON quarantine (message_id);

CREATE TABLE case_state (
    case_ref text PRIMARY KEY,
    key_id text NOT NULL,
    nonce bytea NOT NULL,
    box bytea NOT NULL,
    version bigint NOT NULL
);

CREATE TABLE control (
    kind text NOT NULL,
    name text NOT NULL,
    body jsonb NOT NULL,
    control_id text NOT NULL,
    PRIMARY KEY (kind, name)
);

CREATE TABLE control_applied (
    control_id text NOT NULL,
    partition integer NOT NULL,
    PRIMARY KEY (control_id, partition)
);
"""


def upgrade() -> None:
    """Make the tables and their indexes."""
    op.execute(TABLES)


def downgrade() -> None:
    """Take the projected tables away; refused for what cannot be made again from Kafka."""
    message = "credential and idempotency rows exist nowhere else: restore a backup instead"
    raise NotImplementedError(message)
