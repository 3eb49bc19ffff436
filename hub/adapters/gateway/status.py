"""How far a message has come, told to its sender alone: accepted, routed or refused.

Why the model refused it is told to whoever holds on the case the role they claim (hub.cases.refusals). Any
other reason could tell that a case exists, and is not told: staff find it in the quarantine. For the same
reason an event by a person's number stays accepted to whoever is not the prison service (events.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.adapters.gateway.problems import ProblemError
from hub.errors import NotReadable
from hub.messages.identifiers import MessageId, OrganisationId

if TYPE_CHECKING:
    from hub.adapters.gateway.receipt_levels import ReceiptLevels
    from hub.adapters.gateway.store import GatewayStore
    from hub.topics.pairwise import Pairwise

_NO_MESSAGE = MessageId("0" * 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageStates:
    """Looks up what became of an organisation's own messages."""

    store: GatewayStore
    pairwise: Pairwise
    levels: ReceiptLevels

    async def state(self, organisation: OrganisationId, reference: str) -> dict[str, object]:
        """Return the state of one of this organisation's messages; ProblemError not-found for any other."""
        try:
            message = self.pairwise.message_from(organisation, reference)
        except (NotReadable, UnicodeError):
            message = _NO_MESSAGE
        row = await self.store.message_state(organisation=organisation, message_id=message)
        if row is None:
            code = "not-found"
            raise ProblemError(code)
        routed = row.state == "routed"
        return {
            "message": reference,
            "type": row.message,
            "contract": row.contract,
            "state": row.state,
            "decided_at": None if row.decided_at is None else row.decided_at.isoformat(),
            "refusal": None if row.refusal is None else {"code": row.refusal, "detail": row.refusal_detail},
            "receipts": await self.levels.of(organisation, message) if routed else [],
        }
