"""The headers of a delivery, as JSON Schema: what `hub.topics.dispatch` writes, described for its readers.

The same on hub.to.<organisation>, in the `envelope` of a delivery fetched as JSON, and, with `ce-` for
`ce_`, beside one fetched as Avro. A test holds this table to what is really written, both ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hub.consent.partner_contracts import Phase
from hub.messages.envelope import MessageName, Role, Statement
from hub.routing.outcome import Urgency
from hub.topics.values import instant_to_text

if TYPE_CHECKING:
    from hub.consent.partner_contracts import PartnerContract
    from hub.topics.library import Contract

Described = Mapping[str, object]
"""A JSON Schema."""

DELIVERY_ID: Described = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
"""A delivery's id, which is its record's key, too."""
SERVED = (Phase.IN_FORCE, Phase.DEPRECATED)
"""The phases of a contract in which anything is delivered by it."""
_ROLES = [each.value for each in Role if each is not Role.PERSON]
"""Roles of those who send and are delivered to; the person has a copy of their own, by hand."""


def _text(description: str, **more: object) -> dict[str, object]:
    return {"type": "string", "description": description, **more}


def _instant(description: str) -> dict[str, object]:
    return _text(description, format="date-time")


def _reference(sort: str) -> str:
    return f"^{sort}_[a-z2-7]+$"


ALWAYS: Mapping[str, Described] = {
    "ce_specversion": _text("Version of CloudEvents.", const="1.0"),
    "ce_id": {**DELIVERY_ID, "description": "The delivery's id: the same on every retry and every channel."},
    "ce_source": _text("Who delivers.", const="hub"),
    "ce_type": _text("Kind of message.", enum=[f"hub.{name}" for name in MessageName]),
    "ce_subject": _text("The case, as you know it.", pattern=_reference("case")),
    "ce_time": _instant("When what it tells of happened."),
    "ce_dataschema": _text(
        "Message, schema version and the first eight digits of the digest of the schema it is written with.",
        pattern="^urn:hub:[a-z-]+:[0-9]+\\.[0-9]+:[0-9a-f]{8}$",
    ),
    "content-type": _text("How the record is written.", const="application/avro"),
    "hub-message": _text("The message, as you know it.", pattern=_reference("msg")),
    "hub-correlation": _text("Joins the messages of one course of events.", pattern=_reference("cor")),
    "hub-role": _text(
        "What you are to the case.", enum=[each.value for each in Role if each is not Role.PERSON]
    ),
    "hub-statement": _text(
        "Whether its author states a fact or gives an opinion.", enum=[each.value for each in Statement]
    ),
    "hub-recorded": _instant("When the hub took the message in."),
    "hub-urgency": _text("How urgent it is.", enum=[each.value for each in Urgency]),
}
"""On every delivery."""
SOMETIMES: Mapping[str, Described] = {
    "hub-causation": _text("The message that gave rise to it, as you know it.", pattern=_reference("msg")),
    "hub-author": _text("Staff reference of its author, where you may know it."),
    "hub-author-role": _text("What its author is to the case, where you may know it.", enum=_ROLES),
    "hub-author-organisation": _text("The author's organisation, where you may know it."),
    "hub-redacted": _text("Fields you may know were held back: paths, with commas between them."),
    "hub-caveats": _text(
        "Conditions of use, with commas between them: NO-ONWARD-DISCLOSURE, or with their end "
        "ACKNOWLEDGE-BY:2026-11-27T09:15:00Z, DESTROY-BY:2027-05-26."
    ),
    "hub-contract": _text("The contract it goes by, where there is one.", pattern="^[a-z-]+\\.v[0-9]+$"),
    "hub-contract-status": _text("Where in its life that contract is.", enum=[each.value for each in SERVED]),
    "ce_deprecation": _instant("When the contract is deprecated, once that is announced (RFC 9745)."),
    "ce_sunset": _instant("When nothing is delivered by it any more, once that is announced (RFC 8594)."),
    "ce_successor": _text("The contract that follows it, once that is announced (RFC 5829)."),
}
"""On those deliveries to which they apply."""


def headers_schema() -> dict[str, object]:
    """Return the schema of every delivery's headers."""
    return {
        "type": "object",
        "required": list(ALWAYS),
        "properties": {**ALWAYS, **SOMETIMES},
    }


def contract_headers(terms: PartnerContract, view: Contract) -> dict[str, str]:
    """Return the headers that are the same on every delivery by this contract with this view."""
    headers = {
        "ce_type": f"hub.{terms.message}",
        "ce_dataschema": f"urn:hub:{view.name}:{view.version}:{view.digest[:8]}",
        "hub-contract": terms.name,
    }
    dates = {"ce_deprecation": terms.deprecated, "ce_sunset": terms.sunset}
    headers |= {name: instant_to_text(at) for name, at in dates.items() if at is not None}
    return headers | ({"ce_successor": terms.alternative} if terms.alternative else {})


def statuses(terms: PartnerContract) -> list[str]:
    """Return what `hub-contract-status` can be: `deprecated` only where that is announced."""
    return [each.value for each in SERVED if each is Phase.IN_FORCE or terms.deprecated is not None]
