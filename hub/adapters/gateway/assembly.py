"""Puts together what the gateway's addresses call upon."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.adapters.database.freshness import Freshness, Projection
from hub.adapters.gateway.acknowledgement_keys import AcknowledgementKeys
from hub.adapters.gateway.agreements import Agreements
from hub.adapters.gateway.idempotency import OnceOnly
from hub.adapters.gateway.identity import BearerKeys
from hub.adapters.gateway.intake import Intake
from hub.adapters.gateway.mailbox import Mailbox
from hub.adapters.gateway.mailbox_store import MailboxStore
from hub.adapters.gateway.mesh import Mesh
from hub.adapters.gateway.mesh_identity import MeshIdentity
from hub.adapters.gateway.mesh_store import MeshStore
from hub.adapters.gateway.rates import Rates
from hub.adapters.gateway.receipt_levels import ReceiptLevels
from hub.adapters.gateway.receipts import Receipts
from hub.adapters.gateway.routes import Services
from hub.adapters.gateway.signed_acknowledgements import SignedAcknowledgements
from hub.adapters.gateway.status import MessageStates
from hub.adapters.gateway.store import GatewayStore
from hub.adapters.gateway.stream import Streams
from hub.adapters.gateway.stream_store import StreamIds, StreamStore
from hub.topics.codec import Codec
from hub.topics.sealing import Sealer

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.adapters.database.freshness import Ends
    from hub.adapters.database.pool import Pool
    from hub.adapters.gateway.case_records import CaseRecords
    from hub.adapters.gateway.identity import Identity
    from hub.adapters.gateway.intake import IntakeLog
    from hub.adapters.gateway.limits import GatewayLimits, StreamLimits
    from hub.adapters.webhooks.endpoints import Endpoints
    from hub.messages.identifiers import Instant
    from hub.settings import Settings
    from hub.topics.library import SchemaLibrary
    from hub.topics.pairwise import Pairwise
    from hub.topics.sealing import Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """What a gateway is made of."""

    pool: Pool
    intake: IntakeLog
    library: SchemaLibrary
    pairwise: Pairwise
    keys: Keys
    settings: Settings
    limits: GatewayLimits
    stream_limits: StreamLimits
    ends: Ends | None
    now: Callable[[], Instant]

    def services(
        self, *, identity: Identity | None, records: CaseRecords | None, endpoints: Endpoints | None
    ) -> Services:
        """Return the services; without an identity given, bearer keys prove it."""
        wait_s_max = self.limits.database_wait_s_max
        store = GatewayStore(self.pool, wait_s_max=wait_s_max)
        agreements = Agreements(store=store, library=self.library, now=self.now)
        freshness = Freshness(
            Projection(self.pool, wait_s_max), self.ends, timeout_s=self.limits.caught_up_timeout_s
        )
        identity = identity or BearerKeys(store)
        intake = self._intake(store, agreements)
        mailbox = Mailbox(
            store=MailboxStore(self.pool, wait_s_max=wait_s_max),
            library=self.library,
            sealer=Sealer(self.keys),
            keys=self.keys,
            agreements=agreements,
            page_max=self.settings.mailbox_page_max,
            freshness=freshness,
        )
        states = MessageStates(store=store, pairwise=self.pairwise, levels=self._levels(freshness))
        return Services(
            identity=identity,
            intake=intake,
            mailbox=mailbox,
            receipts=Receipts(
                mailbox=mailbox, intake=intake, agreements=agreements, pairwise=self.pairwise, now=self.now
            ),
            signed=SignedAcknowledgements(
                keys=AcknowledgementKeys(self.pool, wait_s_max=wait_s_max), now=self.now
            ),
            agreements=agreements,
            mesh=self._mesh(store, mailbox, intake, states),
            streams=Streams(
                store=StreamStore(self.pool, wait_s_max),
                ids=StreamIds(self.keys),
                freshness=freshness,
                identity=identity,
                limits=self.stream_limits,
            ),
            states=states,
            store=store,
            rates=Rates(
                per_s_max=self.settings.organisation_requests_per_s_max,
                in_flight_max=self.settings.organisation_requests_in_flight_max,
                clock=time.monotonic,
            ),
            limits=self.limits,
            body_bytes_max=self.settings.body_bytes_max,
            redelivery_days=self.settings.redelivery_days,
            records=records,
            endpoints=endpoints,
        )

    def _intake(self, store: GatewayStore, agreements: Agreements) -> Intake:
        return Intake(
            log=self.intake,
            once_only=OnceOnly(
                store,
                self.limits,
                messages_per_day_max=self.settings.organisation_messages_per_day_max,
            ),
            library=self.library,
            pairwise=self.pairwise,
            keys=self.keys,
            agreements=agreements,
            limits=self.limits,
            now=self.now,
        )

    def _levels(self, freshness: Freshness) -> ReceiptLevels:
        return ReceiptLevels(
            pool=self.pool,
            codec=Codec(library=self.library, keys=self.keys),
            now=self.now,
            freshness=freshness,
            wait_s_max=self.limits.database_wait_s_max,
            rows_max=self.limits.recipients_max,
        )

    def _mesh(self, store: GatewayStore, mailbox: Mailbox, intake: Intake, states: MessageStates) -> Mesh:
        mesh, sealer = MeshStore(self.pool, wait_s_max=self.limits.database_wait_s_max), Sealer(self.keys)
        return Mesh(
            mailbox=mailbox,
            identity=MeshIdentity(mesh=mesh, store=store, sealer=sealer, now=self.now),
            store=mesh,
            intake=intake,
            agreements=intake.agreements,
            states=states,
            sealer=sealer,
            limits=self.limits,
            body_bytes_max=self.settings.body_bytes_max,
        )
