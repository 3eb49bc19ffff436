"""What was agreed with an organisation on each message, as its own requests meet it (R-MSG-12).

Whoever sends or receives by a contract whose end is announced is told so with every answer; a post by one
that has ended is refused with what follows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

from hub.adapters.gateway.problems import ProblemError
from hub.consent.partner_contracts import (
    Direction,
    PartnerContract,
    contract_in_effect,
    newest_version,
    readable,
)
from hub.routing.agreeing import serves_not
from hub.topics.published import PublishedSchema, message_schemas, view_schemas
from hub.topics.values import instant_from_text, instant_to_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.adapters.gateway.store import GatewayStore, ParkedRow
    from hub.messages.envelope import MessageName
    from hub.messages.identifiers import Instant, OrganisationId
    from hub.topics.library import SchemaLibrary

LISTING = "/v1/contracts"
_DATES = ("effective", "deprecated", "sunset", "removal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreements:
    """The contracts of all organisations; every method names whose."""

    store: GatewayStore
    library: SchemaLibrary
    now: Callable[[], Instant]

    async def of(self, organisation: OrganisationId) -> tuple[PartnerContract, ...]:
        """Return every contract of an organisation, in force or not."""
        return tuple(readable(await self.store.contracts(organisation)))

    async def sending(self, organisation: OrganisationId, message: MessageName) -> PartnerContract | None:
        """Return the contract an organisation sends a message by, or None if nothing narrower is agreed."""
        agreed = await self.of(organisation)
        return contract_in_effect(_on(agreed, message, Direction.SENDS), self.now())

    async def published(self, organisation: OrganisationId) -> tuple[PublishedSchema, ...]:
        """Return every schema records to this organisation are written with, now or before."""
        return (
            *message_schemas(self.library),
            *view_schemas(self.library, await self.of(organisation)),
        )

    async def listing(self, organisation: OrganisationId) -> dict[str, object]:
        """Return what an organisation has agreed, where each contract is in its life, and what is parked.

        What is parked is counted on the contract in effect, which keeps it back.
        """
        agreed = sorted(await self.of(organisation), key=lambda each: (each.message, each.number))
        now = self.now()
        parked = {row.message: row for row in await self.store.parked(organisation)}
        rows = []
        for each in agreed:
            own = contract_in_effect(_on(agreed, each.message, each.direction), now) == each
            waiting = parked.get(each.message) if own and each.direction is Direction.RECEIVES else None
            rows.append(self._row(each, waiting, now))
        return {"contracts": rows}

    def _row(self, contract: PartnerContract, waiting: ParkedRow | None, now: Instant) -> dict[str, object]:
        version = newest_version(contract, self.library.versions(contract.message))
        return {
            "contract": contract.name,
            "message": contract.message.value,
            "direction": contract.direction.value,
            "phase": contract.phase(now).value,
            "versions": {"oldest": contract.oldest, "newest": contract.newest, "in_use": version},
            "view": None if contract.view is None else sorted(contract.view),
            **{name: _shown(getattr(contract, name)) for name in _DATES},
            "alternative": contract.alternative,
            "parked": 0 if waiting is None else waiting.count,
            "parked_last": None if waiting is None else waiting.last.isoformat(),
        }

    async def notices(self, organisation: OrganisationId) -> list[dict[str, object]]:
        """Return what an organisation should know of the contracts it receives by: which end, which have."""
        now = self.now()
        agreed = await self.of(organisation)
        messages = dict.fromkeys(each.message for each in agreed if each.direction is Direction.RECEIVES)
        current = (contract_in_effect(_on(agreed, name, Direction.RECEIVES), now) for name in messages)
        told = []
        for each in current:
            code = None if each is None else self._code(each, now)
            if each is not None and code is not None:
                told.append(_notice(each, code=code))
        return told

    def _code(self, contract: PartnerContract, now: Instant) -> str | None:
        """Return why a contract serves no more, or that it is coming to its end; None: all is well."""
        kept_back = serves_not(contract, self.library, now)
        if kept_back is not None or contract.deprecated is None:
            return kept_back
        return "CONTRACT-DEPRECATED"

    def check_sending(self, contract: PartnerContract | None, version: str | None = None) -> None:
        """Refuse a post by a contract that has ended, or in a version it does not cover.

        Raises:
            ProblemError: contract-ended, version-not-agreed.
        """
        if contract is None:
            return
        if contract.phase(self.now()).has_ended:
            code = "contract-ended"
            members = {"contract": contract.name, "alternative": contract.alternative}
            raise ProblemError(code, members=members, headers=ending(contract))
        if version is not None and not contract.covers(version):
            code = "version-not-agreed"
            covered = [each for each in self.library.versions(contract.message) if contract.covers(each)]
            raise ProblemError(code, members={"contract": contract.name, "versions": covered})


def ending(contract: PartnerContract | None) -> dict[str, str]:
    """Return the headers that say when a contract ends, once that is announced."""
    if contract is None or contract.deprecated is None:
        return {}
    return _headers(contract.deprecated, contract.sunset, contract.alternative)


def ending_of(envelope: Mapping[str, str]) -> dict[str, str]:
    """Return the same headers for a delivery, from what its own envelope says."""
    if "ce_deprecation" not in envelope:
        return {}
    sunset = envelope.get("ce_sunset")
    return _headers(
        instant_from_text(envelope["ce_deprecation"]),
        None if sunset is None else instant_from_text(sunset),
        envelope.get("ce_successor"),
    )


def _headers(deprecated: int, sunset: int | None, alternative: str | None) -> dict[str, str]:
    """Write `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and the successor's `Link` (RFC 5829)."""
    headers = {"Deprecation": f"@{deprecated // 1000}"}
    if sunset is not None:
        headers["Sunset"] = format_datetime(datetime.fromtimestamp(sunset // 1000, UTC), usegmt=True)
    if alternative is not None:
        headers["Link"] = f'<{LISTING}#{alternative}>; rel="successor-version"'
    return headers


def _on(
    agreed: Iterable[PartnerContract], message: MessageName, direction: Direction
) -> Iterator[PartnerContract]:
    return (each for each in agreed if each.message == message and each.direction is direction)


_DETAILS = {
    "CONTRACT-VIEW-UNFIT": "Messages of this kind are kept back from you: the schemas have moved on from it.",
    "CONTRACT-SUNSET": "Messages of this kind are kept back from you: the contract has ended.",
    "CONTRACT-NO-VERSION": "Messages of this kind are kept back from you: no version you read is left.",
    "CONTRACT-DEPRECATED": "The contract on messages of this kind is coming to its end.",
}


def _notice(contract: PartnerContract, *, code: str) -> dict[str, object]:
    after = contract.alternative or "the contract that follows it"
    return {
        "code": code,
        "contract": contract.name,
        "message": contract.message.value,
        "sunset": _shown(contract.sunset),
        "detail": _DETAILS[code],
        "fix": f"Agree {after} with the hub's operator; {LISTING} shows what is kept back.",
    }


def _shown(at: Instant | None) -> str | None:
    return None if at is None else instant_to_text(at)
