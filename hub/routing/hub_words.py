"""Messages the hub itself makes: each goes the way of any other, and its id follows from what caused it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from hub.consent.paths import fields_of
from hub.messages.envelope import Envelope, MessageName, Role, Statement, Submission
from hub.messages.identifiers import HUB, MessageId

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.consent.decision import FieldSpec
    from hub.messages.identifiers import CaseRef, Instant
    from hub.routing.outcome import Contracts


_WRITER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def said_by_hub(  # noqa: PLR0913 - what a message is, and what it follows
    message: MessageName,
    payload: Mapping[str, object],
    *,
    identity: MessageId,
    case: CaseRef,
    contracts: Contracts,
    at: Instant,
    correlation: str = "",
    causation: MessageId | None = None,
) -> tuple[Submission, tuple[FieldSpec, ...]]:
    """Return a message of the hub's own in the newest version of its contract, and the fields of that.

    Without a correlation it begins one of its own.
    """
    contract = contracts.newest(message)
    specs = contracts.fields(message, contract)
    whole: dict[str, object] = {**fields_of(specs).nothing, **payload}
    text = _WRITER.encode(whole)
    envelope = Envelope(
        message_id=identity,
        message=message,
        contract=contract,
        case=case,
        organisation=HUB,
        author="hub",
        author_role=Role.SYSTEM,
        statement=Statement.FACT,
        occurred_at=at,
        recorded_at=at,
        correlation=correlation or identity,
        causation=causation,
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )
    return Submission(envelope=envelope, payload=whole), specs
