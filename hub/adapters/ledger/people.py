"""What a case changes in the tables by which a person's case is found: its number, and what it carries on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, LiteralString

from hub.topics.person_index import number_digest

if TYPE_CHECKING:
    from hub.cases.case import Case
    from hub.topics.sealing import Keys

Indexed = tuple[str, LiteralString, Mapping[str, object]]
"""Which rows of the case, the statement, and its values."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBERS: LiteralString = """
WITH gone AS (
    DELETE FROM prison_number WHERE case_ref = %(case_ref)s AND digest <> ALL(%(digests)s::bytea[])
)
INSERT INTO prison_number (digest, case_ref, opened_at)
SELECT digest, %(case_ref)s, %(opened_at)s FROM unnest(%(digests)s::bytea[]) AS digest
ON CONFLICT DO NOTHING
"""
_MERGERS: LiteralString = """
WITH gone AS (
    DELETE FROM merged_case WHERE into_ref = %(case_ref)s AND case_ref <> ALL(%(merged)s::text[])
)
INSERT INTO merged_case (case_ref, into_ref)
SELECT other, %(case_ref)s FROM unnest(%(merged)s::text[]) AS other
ON CONFLICT (case_ref) DO UPDATE SET into_ref = excluded.into_ref
"""


def people(case: Case, keys: Keys) -> tuple[Indexed, ...]:
    """Index an open case by the number its person bears in prison, and the cases it carries on."""
    number = case.identity.noms if case.closed_at is None else None
    digests = [] if number is None else [number_digest(keys, number)]
    opened_at = _EPOCH + timedelta(milliseconds=case.opened_at)
    return _rows(case.ref, digests, sorted(case.merged), opened_at)


def people_gone(case_ref: str) -> tuple[Indexed, ...]:
    """Take a case that is gone out of the index."""
    return _rows(case_ref, [], [], _EPOCH)


def _rows(case_ref: str, digests: list[bytes], merged: list[str], opened_at: datetime) -> tuple[Indexed, ...]:
    numbers = {"case_ref": case_ref, "digests": digests, "opened_at": opened_at}
    mergers = {"case_ref": case_ref, "merged": merged}
    return ("numbers", _NUMBERS, numbers), ("mergers", _MERGERS, mergers)
