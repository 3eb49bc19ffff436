"""The rules a past decision was made by: of the releases kept beside the one in force, or from the log."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from hub.adapters.kafka.read_back import Place, ReadBackLimits
from hub.adapters.kafka.replay import released_before
from hub.adapters.ledger import past
from hub.consent.compile import Policy, canonical, compile_policy
from hub.errors import NotConfigured, PolicyRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.app.hub import Hub
    from hub.topics.evidence import Entered


async def rules_of(hub: Hub, entered: Entered, *, limits: ReadBackLimits) -> Policy:
    """Return the rules by which a decision was made.

    Raises:
        NotConfigured: They are nowhere kept, or this hub would refuse them now.
        Unreachable: The log, where they were looked for last, was not read in time.
    """
    wanted = entered.decision.policy
    async with hub.pool.connection() as connection:
        kept = await past.releases(connection)
    for body in kept:
        if named(body) == wanted:
            return await _compiled(body)
    place = Place(partition=entered.partition, offset=entered.offset)
    for control in await released_before(
        hub.bootstrap, hub.catalogue.intake, place, codec=hub.codec, limits=limits
    ):
        if named(control.body) == wanted:
            return await _compiled(control.body)
    message = f"the rules {wanted} of this decision are not kept, so it cannot be explained"
    raise NotConfigured(message, fix="which of them decided is in the ledger: `python3 -m hub ledger list`")


def named(body: Mapping[str, Any]) -> str | None:
    """Return the name of a release as decisions carry it, without compiling it."""
    documents = body.get("documents")
    if not isinstance(documents, dict):
        return None
    return f"{body.get('version')}:{sha256(canonical(documents)).hexdigest()[:12]}"


async def _compiled(body: Mapping[str, Any]) -> Policy:
    try:
        return await asyncio.to_thread(compile_policy, body["documents"], version=str(body["version"]))
    except PolicyRefused as error:
        message = f"the rules of this decision are kept, and this hub would refuse them now: {error}"
        raise NotConfigured(message, fix="explain it with the hub's version of that time") from error
