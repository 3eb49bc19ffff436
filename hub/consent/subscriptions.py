"""Subscriptions to alerts: which messages of which cases an organisation has asked to be considered for.

One that staff have approved stands in the organisation's description and makes it a candidate (R-RTE-08).
It opens nothing: what comes, if anything, is decided for each case by the rules like all else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hub.messages.envelope import MessageName
from hub.messages.identifiers import OrganisationId, is_organisation
from hub.messages.risk_change import RiskUrgency

ALERTS = frozenset({MessageName.RISK_CHANGE, MessageName.PRISON_EVENT})
"""The message types that can be subscribed to."""
NAME_LENGTH_MAX = 40
REGION_LENGTH_MAX = 20
_FIELDS = frozenset({"name", "messages", "levels", "region", "managed_by"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What one organisation wants to hear of."""

    name: str
    messages: frozenset[MessageName]
    levels: frozenset[RiskUrgency] = frozenset()
    """Of risk changes, those this urgent; none named: all."""
    region: str | None = None
    """Only cases of this probation region."""
    managed_by: OrganisationId | None = None
    """Only cases whose Offender Manager is of this organisation."""


def subscription_from(item: object) -> Subscription:
    """Read a subscription; raises ValueError naming the field, as `subscriptions.<field>: …`."""
    if isinstance(item, Subscription):
        return item
    if not isinstance(item, Mapping):
        message = "subscriptions: each must have name and messages"
        raise ValueError(message)  # noqa: TRY004 - callers are promised ValueError
    for name in item:
        if name not in _FIELDS:
            message = f"subscriptions.{name}: not a field of a subscription"
            raise ValueError(message)
    messages = frozenset(map(str, _list(item, "messages")))
    if not messages or not messages.issubset(ALERTS):
        message = f"subscriptions.messages: one or more of {', '.join(sorted(ALERTS))}"
        raise ValueError(message)
    levels = frozenset(map(str, _list(item, "levels")))
    if not levels.issubset(frozenset(RiskUrgency)):
        message = f"subscriptions.levels: out of {', '.join(RiskUrgency)}"
        raise ValueError(message)
    managed_by = _text(item, "managed_by", NAME_LENGTH_MAX)
    if managed_by is not None and not is_organisation(managed_by):
        message = "subscriptions.managed_by: the short name of an organisation"
        raise ValueError(message)
    return Subscription(
        name=_text(item, "name", NAME_LENGTH_MAX) or "",
        messages=frozenset(map(MessageName, messages)),
        levels=frozenset(map(RiskUrgency, levels)),
        region=_text(item, "region", REGION_LENGTH_MAX),
        managed_by=None if managed_by is None else OrganisationId(managed_by),
    )


def _list(item: Mapping[str, object], name: str) -> tuple[object, ...]:
    value = item.get(name) or ()
    if isinstance(value, list | tuple | set | frozenset):
        return tuple(value)
    message = f"subscriptions.{name}: must be a list"
    raise ValueError(message)


def _text(item: Mapping[str, object], name: str, length_max: int) -> str | None:
    value = item.get(name)
    if value is None or (isinstance(value, str) and 0 < len(value) <= length_max):
        return value
    message = f"subscriptions.{name}: a text of at most {length_max} characters"
    raise ValueError(message)
