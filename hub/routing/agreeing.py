"""Finds the terms on which a message goes out, or comes in: what was agreed with the organisation."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from hub.consent.partner_contracts import (
    Direction,
    ViewRefused,
    check_paths,
    contract_in_effect,
    newest_version,
)
from hub.errors import DomainRefusal
from hub.routing.terms import NO_VERSION, SUNSET, UNFIT, Terms

if TYPE_CHECKING:
    from hub.consent.partner_contracts import PartnerContract
    from hub.messages.envelope import MessageName, Submission
    from hub.messages.identifiers import Instant, OrganisationId
    from hub.routing.outcome import Contracts, View


def terms_for(
    view: View, organisation: OrganisationId, message: MessageName, *, current: str, now: Instant
) -> Terms:
    """Return the terms on which a message in its current schema version goes to an organisation."""
    contract = contract_in_effect(view.partner_contracts(organisation, message, Direction.RECEIVES), now)
    if contract is None:
        return _rules_alone(current)
    phase, parked = contract.phase(now), serves_not(contract, view.contracts, now)
    version = newest_version(contract, view.contracts.versions(message))
    paths = None if version is None else _paths(contract, version, view.contracts)
    decided = None
    if version is not None and paths is not None and (contract.view is not None or version != current):
        decided = view.contracts.current_paths(message, version, paths)
    return Terms(version=version or current, contract=contract, decided=decided, phase=phase, parked=parked)


@lru_cache(maxsize=256)
def _rules_alone(version: str) -> Terms:
    """Return the terms of whoever agreed no contract: those of nearly every delivery."""
    return Terms(version=version)


def serves_not(contract: PartnerContract, contracts: Contracts, now: Instant) -> str | None:
    """Return why nothing is sent by a contract in effect; None: it serves."""
    if contract.phase(now).has_ended:
        return SUNSET
    version = newest_version(contract, contracts.versions(contract.message))
    if version is None:
        return NO_VERSION
    # Where the schemas have moved on and nothing can be written by it, the others must not suffer for it.
    return UNFIT if _paths(contract, version, contracts) is None else None


def _paths(contract: PartnerContract, version: str, contracts: Contracts) -> frozenset[str] | None:
    """Return the fields a contract lets be sent in a version; None if that version has not all of them."""
    specs = contracts.fields(contract.message, version)
    if contract.view is None:
        return frozenset(spec.path for spec in specs)
    try:
        check_paths(contract.view, specs, label="view")
    except ViewRefused:
        return None
    return contract.view


def check_view(contract: PartnerContract, contracts: Contracts) -> None:
    """Refuse a view nothing could be written by; ValueError names the field it lacks or has too much."""
    version = newest_version(contract, contracts.versions(contract.message))
    if version is not None and contract.view is not None:
        specs = contracts.fields(contract.message, version)
        check_paths(contract.view, specs, label=f"contract.view: {contract.message} {version}")


def check_sending(submission: Submission, view: View, now: Instant) -> None:
    """Refuse what its sender's contract no longer covers, or never did.

    Raises:
        DomainRefusal: CONTRACT-SUNSET or CONTRACT-VERSION.
    """
    envelope = submission.envelope
    agreed = view.partner_contracts(envelope.organisation, envelope.message, Direction.SENDS)
    contract = contract_in_effect(agreed, now)
    if contract is None:
        return
    after = contract.alternative or "the contract that follows"
    if contract.phase(now).has_ended:
        message = f"the sender's contract {contract.name} has ended"
        raise DomainRefusal(SUNSET, message, fix=f"agree {after}, then send it again")
    version = submission.sent_in or envelope.contract
    if not contract.covers(version):
        code = "CONTRACT-VERSION"
        message = f"the sender's contract {contract.name} does not cover version {version}"
        raise DomainRefusal(
            code, message, fix=f"send {contract.oldest} to {contract.newest}, or agree {after}"
        )
