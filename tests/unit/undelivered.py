"""What waits for its recipients in a small world, and a hand that has it decided again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.cases.state import to_json
from hub.messages.envelope import Redecide, Undelivered
from hub.messages.identifiers import MessageId, derived_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.consent.decision import Decision
    from hub.messages.identifiers import OrganisationId
    from hub.routing.outcome import Delivery, Result
    from tests.unit.worlds import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One delivery that waits, and what was decided on it."""

    delivery: Delivery
    decision: Decision


def waiting(result: Result, organisation: OrganisationId | None = None) -> tuple[Waiting, ...]:
    """Return what a record sent out, to one organisation or to all, as it waits for them."""
    decided = {each.decision_id: each for each in result.decisions}
    decided |= {each.decision.decision_id: each.decision for each in result.settled}
    return tuple(
        Waiting(delivery=each, decision=decided[each.grounds.decision_id])
        for each in result.deliveries
        if each.grounds is not None and organisation in {None, each.organisation}
    )


def request(one: Waiting) -> Redecide:
    """Write the request to decide again on a delivery, as the projector does."""
    grounds, decision = one.delivery.grounds, one.decision
    assert grounds is not None
    candidate = grounds.candidate
    return Redecide(
        request_id=MessageId(derived_id("request", one.delivery.delivery_id)),
        submission=one.delivery.source,
        deliveries=(
            Undelivered(
                delivery_id=one.delivery.delivery_id,
                organisation=candidate.organisation,
                role=candidate.role,
                persons=candidate.persons,
                concern=candidate.concern.value,
                relevant=candidate.relevant,
                about=grounds.about,
                outcomes=tuple(
                    (each.path, each.scope.value, each.outcome.name.lower()) for each in decision.fields
                ),
                contract=decision.contract,
                caveats=(*decision.caveats, *decision.obligations),
                items_held=grounds.items_held,
                part=None if grounds.part is None else to_json(grounds.part),
            ),
        ),
    )


def decided_again(world: World, one: Waiting) -> Result:
    """Have a delivery decided again, with the world as it is."""
    return world.take(request(one))


def leaves(value: object, path: str = "") -> Iterable[tuple[str, object]]:
    """Yield every value of a payload that is not null, with its path; items of a list are not told apart."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner, f"{path}[]")
    elif value is not None:
        yield path, value
