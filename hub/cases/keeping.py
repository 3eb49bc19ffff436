"""Keeps where something was said, so that whoever joins later is given what holds now (R-CASE-06, R-PLAN-02).

The words stay in the log, sealed once; the case keeps the message's place in it, and which of its fields
still hold. Whoever gives it again reads it back and leaves out what does not.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, TypedDict, TypeVar

from hub.cases.case import Kept
from hub.messages.envelope import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.cases.applied import Occasion
    from hub.messages.identifiers import MessageId, OrganisationId

Message = TypeVar("Message", bound=Kept)
_FIELD = re.compile(r"[a-z][a-z0-9_]*")
ACTION = "action"
"""What every case message states, whatever else it does."""


class Said(TypedDict):
    """What a case keeps of a message."""

    message: MessageId
    offset: int | None
    fields: frozenset[str]
    contract: str
    author_role: Role
    author_organisation: OrganisationId


def as_said(at: Occasion) -> Said:
    """Return what is kept of a message: its place in the log, the fields it gives, whose word it is."""
    envelope = at.envelope
    return Said(
        message=envelope.message_id,
        offset=at.offset,
        fields=frozenset(name for name, value in at.payload.items() if value is not None),
        contract=envelope.contract,
        author_role=envelope.author_role,
        author_organisation=envelope.organisation,
    )


def facts_with(facts: tuple[Kept, ...], at: Occasion) -> tuple[Kept, ...]:
    """Add a case message; of the earlier ones that stays which it does not state anew.

    So there are never more of them than a case message has fields.
    """
    said = Kept(**as_said(at))
    earlier = (without(held, said.fields - {ACTION}) for held in facts)
    return (*(held for held in earlier if held.fields - {ACTION}), said)


def without(kept: Message, names: Iterable[str]) -> Message:
    """Take fields out of a message kept."""
    return replace(kept, fields=kept.fields - frozenset(names))


def field_of(path: str) -> str:
    """Return the field of the payload a path begins with: `objectives` of `objectives[].title`."""
    found = _FIELD.search(path)
    return "" if found is None else found.group()
