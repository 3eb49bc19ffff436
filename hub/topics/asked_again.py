"""A delivery to be decided again, as a request on hub.intake names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.messages.envelope import Role, Undelivered
from hub.messages.identifiers import DeliveryId, OrganisationId

if TYPE_CHECKING:
    from collections.abc import Mapping


def plain_undelivered(each: Undelivered) -> dict[str, object]:
    """Return a delivery to be decided again as the schema `redecide` names its fields."""
    return {
        "delivery_id": each.delivery_id,
        "organisation": each.organisation,
        "role": each.role.value,
        "concern": each.concern,
        "persons": sorted(each.persons),
        "relevant": each.relevant,
        "about": each.about,
        "items_held": list(each.items_held),
        "part": each.part,
        "by_kafka": each.by_kafka,
        "finished": each.finished,
        "taken_back": None if each.taken_back is None else list(each.taken_back),
        "caveats": list(each.caveats),
        "contract": each.contract,
        "outcomes": [
            {"path": path, "scope": scope, "outcome": outcome} for path, scope, outcome in each.outcomes
        ],
    }


def undelivered_from(read: Mapping[str, Any]) -> Undelivered:
    """Read a delivery to be decided again."""
    taken_back = read["taken_back"]
    return Undelivered(
        delivery_id=DeliveryId(read["delivery_id"]),
        organisation=OrganisationId(read["organisation"]),
        role=Role(read["role"]),
        concern=read["concern"],
        persons=frozenset(read["persons"]),
        relevant=read["relevant"],
        about=read["about"],
        items_held=tuple(read["items_held"]),
        part=read["part"],
        by_kafka=bool(read["by_kafka"]),
        finished=bool(read["finished"]),
        taken_back=None if taken_back is None else tuple(taken_back),
        caveats=tuple(read["caveats"]),
        contract=read["contract"],
        outcomes=tuple((each["path"], each["scope"], each["outcome"]) for each in read["outcomes"]),
    )
