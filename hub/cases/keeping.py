"""Keeps what was said, so that whoever joins later is given what holds now (R-CASE-06, R-PLAN-02)."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, TypedDict, TypeVar

from hub.cases.case import Kept
from hub.messages.envelope import Role, Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hub.cases.applied import Occasion
    from hub.messages.identifiers import Instant, MessageId, OrganisationId

Message = TypeVar("Message", bound=Kept)
_FIELD = re.compile(r"[a-z][a-z0-9_]*")
ACTION = "action"
"""What every case message states, whatever else it does."""


class Said(TypedDict):
    """The fields of a message kept, as its author sent it."""

    message: MessageId
    payload: str
    contract: str
    author: str
    author_role: Role
    author_organisation: OrganisationId
    statement: Statement
    occurred_at: Instant
    recorded_at: Instant
    correlation: str
    declared: frozenset[str]


def as_said(at: Occasion) -> Said:
    """Return what is kept of a message: its payload, and what its envelope says of it."""
    envelope = at.envelope
    return Said(
        message=envelope.message_id,
        payload=written(at.payload),
        contract=envelope.contract,
        author=envelope.author,
        author_role=envelope.author_role,
        author_organisation=envelope.organisation,
        statement=envelope.statement,
        occurred_at=envelope.occurred_at,
        recorded_at=envelope.recorded_at,
        correlation=envelope.correlation,
        declared=frozenset(f"{path}={held.value}" for path, held in envelope.declared.items()),
    )


def written(payload: Mapping[str, object]) -> str:
    """Return the fields given as canonical JSON."""
    given = {name: value for name, value in payload.items() if value is not None}
    return json.dumps(given, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def given(kept: Kept) -> dict[str, object]:
    """Return the fields a message kept still gives."""
    fields: dict[str, object] = json.loads(kept.payload) if kept.payload else {}
    return fields


def facts_with(facts: tuple[Kept, ...], at: Occasion) -> tuple[Kept, ...]:
    """Add a case message; of the earlier ones that stays which it does not state anew.

    So there are never more of them than a case message has fields.
    """
    said = Kept(**as_said(at))
    stated = frozenset(given(said))
    earlier = (without(held, stated - {ACTION}) for held in facts)
    return (*(held for held in earlier if given(held).keys() - {ACTION}), said)


def without(kept: Message, names: Iterable[str]) -> Message:
    """Take fields out of a message kept, with what its author declared of them."""
    gone = frozenset(names)
    fields = {name: value for name, value in given(kept).items() if name not in gone}
    declared = frozenset(said for said in kept.declared if field_of(said) not in gone)
    return replace(kept, payload=written(fields) if fields else "", declared=declared)


def field_of(path: str) -> str:
    """Return the field of the payload a path begins with: `objectives` of `objectives[].title`."""
    found = _FIELD.search(path)
    return "" if found is None else found.group()


def together(facts: tuple[Kept, ...]) -> Kept | None:
    """Return the facts as one message: the latest, with what earlier ones state beside it."""
    if not facts:
        return None
    fields: dict[str, object] = {}
    for held in facts:
        fields |= given(held)
    declared = frozenset[str]().union(*(held.declared for held in facts))
    return replace(facts[-1], payload=written(fields), declared=declared)
