"""Reads the single case record for a member of the team, and records that (R-CASE-09; DPA 2018 s.62).

Everything goes the way of a delivery, to the last look at the bytes: what could not be delivered is not read.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from hub.adapters.gateway.case_records import RecordRead
from hub.adapters.ledger import past, readings
from hub.errors import NotReadable
from hub.messages.identifiers import CaseRef, Instant, OrganisationId
from hub.routing.case_record import CaseRecord, case_record
from hub.topics.dispatch import Dispatch
from hub.topics.leaving import LeftIn
from hub.topics.library import unframe
from hub.topics.views import schema_on_wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import AsyncConnection

    from hub.adapters.database.pool import Pool
    from hub.cases.case import Case
    from hub.messages.envelope import Role
    from hub.routing.outcome import Delivery
    from hub.topics.codec import Codec

_NS_PER_MS = 1_000_000
_NO_CASE = CaseRef("0" * 32)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Reads case records from the projection (hub.adapters.gateway.case_records.CaseRecords)."""

    pool: Pool
    codec: Codec

    async def read(
        self, organisation: OrganisationId, case: str, *, role: Role, person: str
    ) -> RecordRead | None:
        """Return what somebody may read of a case, recorded first; None where they have no part in it."""
        try:
            ref = self.codec.pairwise.case_from(organisation, case)
        except (NotReadable, UnicodeError):
            ref = _NO_CASE
        async with self.pool.connection() as connection, connection.transaction():
            view = await past.world_now(connection, codec=self.codec, cases=[ref])
            found = view.case(ref)
            now = Instant(time.time_ns() // _NS_PER_MS)
            record = (
                None
                if found is None
                else case_record(found, organisation, role=role, person=person, view=view, now=now)
            )
            if found is None or record is None:
                return None
            shown = [*self._shown(record)]
            await self._recorded(connection, found, organisation, record=record, person=person, shown=shown)
        _log.info("case.read", organisation=organisation, role=role.value, case=ref, entries=len(shown))
        return RecordRead(
            case=case,
            role=role,
            entries=[self._as_told(delivery, headers, framed) for delivery, headers, framed in shown],
            plan_holders=[
                {
                    "organisation": each.organisation,
                    "role": each.role.value,
                    "sent": each.sent,
                    "acknowledged": each.acknowledged,
                    "can_acknowledge": each.answers,
                }
                for each in record.plan_holders
            ],
        )

    def _shown(self, record: CaseRecord) -> Iterator[tuple[Delivery, dict[str, str], bytes]]:
        """Write every entry as it would be delivered; what the last look stops is left out, and noted."""
        dispatch = Dispatch(self.codec)
        for delivery in record.entries:
            try:
                view = dispatch.view(delivery)
            except LeftIn:
                _log.error("case.entry_left_out", message=delivery.message.value)
                continue
            yield delivery, dict(view.headers), view.value

    async def _recorded(
        self,
        connection: AsyncConnection,
        case: Case,
        organisation: OrganisationId,
        *,
        record: CaseRecord,
        person: str,
        shown: list[tuple[Delivery, dict[str, str], bytes]],
    ) -> None:
        """Write down who read what: messages and fields by name, no value of them."""
        told = [
            {
                "message": delivery.message.value,
                "fields": sorted(name for name, value in delivery.payload.items() if value is not None),
            }
            for delivery, _, _ in shown
        ]
        await readings.record(
            connection,
            self.codec.sealer,
            who=(organisation, record.role.value, person),
            case_ref=case.ref,
            case_version=case.version,
            told=told,
        )

    def _as_told(self, delivery: Delivery, headers: dict[str, str], framed: bytes) -> dict[str, object]:
        agreed = () if delivery.terms.contract is None else (delivery.terms.contract,)
        number, body = unframe(framed)
        contract = schema_on_wire(self.codec.library, agreed, number)
        data = self.codec.library.to_json(contract, self.codec.library.decode(contract, body))
        return {"type": delivery.message.value, "envelope": headers, "data": data}
