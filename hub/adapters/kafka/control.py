"""Appending a control record to every partition of hub.intake, in one transaction (decision 1)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hub.adapters.kafka.limits import Limits
from hub.adapters.kafka.transaction import Outgoing, Transactions
from hub.errors import HubError, TaskCorrupted, TaskMigrated, Unreachable

if TYPE_CHECKING:
    from hub.messages.envelope import Control
    from hub.topics.catalogue import Catalogue
    from hub.topics.codec import Codec

TRANSACTIONAL_ID = "hub-control"
"""One id for all publishers: two at once would leave their records in another order in each partition."""
_ATTEMPTS_MAX = 5
_PAUSE_S = 0.2


async def publish_control(
    control: Control, *, bootstrap: str, codec: Codec, catalogue: Catalogue, limits: Limits | None = None
) -> None:
    """Append the record to all partitions, or to none.

    A router that has applied it writes it to hub.state.control of its partition; it is in force when
    all partitions have it. Applied twice it changes nothing.

    Raises:
        Unreachable: The broker did not take it. It may have, if the last answer was lost: publish again.
    """
    encoded = codec.control(control)
    records = [
        Outgoing(topic=catalogue.intake, partition=partition, key=encoded.key, value=encoded.value)
        for partition in range(catalogue.intake_partitions)
    ]
    transactions = Transactions(
        bootstrap=bootstrap, transactional_id=catalogue.prefix + TRANSACTIONAL_ID, limits=limits or Limits()
    )
    failure: HubError | None = None
    try:
        for attempt in range(_ATTEMPTS_MAX):
            try:
                await transactions.fence()
                await transactions.commit(records)
            except (TaskMigrated, TaskCorrupted) as error:
                failure = error
                await asyncio.sleep(_PAUSE_S * (attempt + 1))
            else:
                return
    finally:
        await transactions.close()
    message = "the control record could not be appended to the log"
    raise Unreachable(message, fix="see whether Kafka answers, then publish again") from failure
