"""Whether the contracts of a folder may be put in force for an organisation: do they hold, are they its."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.consent.parties import Kind, LegalStatus, Organisation
from hub.errors import NotConfigured
from hub.topics.findings import Weight
from hub.topics.verification import verify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.consent.compile import Policy
    from hub.topics.contract_files import ContractFile
    from hub.topics.library import SchemaLibrary

_TOLD_MAX = 10


def check_files(
    files: Sequence[ContractFile], organisation: Organisation, library: SchemaLibrary, policy: Policy
) -> None:
    """Refuse contracts that do not hold, or were made out for another sort of body than this one.

    Raises:
        NotConfigured: Every finding is in the message; nothing was put in force.
    """
    registered: tuple[Kind, int, LegalStatus] = (
        organisation.kind,
        organisation.rung,
        organisation.legal_status,
    )
    faults = []
    for file in files:
        said = file.recipient
        if (said.kind, said.rung, said.legal_status) != registered:
            # Its view was held against the ceiling of somebody else.
            faults.append(
                f"{file.label}: made out for a {said.kind} on rung {said.rung} ({said.legal_status}), and "
                f"{organisation.organisation} is a {organisation.kind} on rung {organisation.rung} "
                f"({organisation.legal_status})"
            )
        found = (each for each in verify(file, library, policy) if each.weight is not Weight.WARNING)
        faults += [f"{each.schema} {each.where}: {each.what}" for each in found]
    if faults:
        more = f"\n- and {len(faults) - _TOLD_MAX} more" if len(faults) > _TOLD_MAX else ""
        message = "the contracts do not hold:\n- " + "\n- ".join(faults[:_TOLD_MAX]) + more
        raise NotConfigured(message, fix="mend them in the folder of contracts; see `hub contracts verify`")
