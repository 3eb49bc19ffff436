"""Finds the terms on which a message goes out, or comes in: what was agreed with the organisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.consent.partner_contracts import Direction, check_paths, contract_in_effect, newest_version
from hub.errors import DomainRefusal
from hub.routing.terms import NO_VERSION, SUNSET, Terms

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
        return Terms(version=current)
    phase = contract.phase(now)
    version = newest_version(contract, view.contracts.versions(message))
    parked = SUNSET if phase.has_ended else NO_VERSION if version is None else None
    decided = contract.view
    if version is not None and decided is not None:
        decided = view.contracts.current_paths(message, version, decided)
    return Terms(version=version or current, contract=contract, decided=decided, phase=phase, parked=parked)


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
