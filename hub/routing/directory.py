"""What a case needs to know of the world, as the control records in force describe it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.consent.parties import EVERY_PRISON, Kind
from hub.messages.envelope import MessageName

if TYPE_CHECKING:
    from hub.cases.profile import Profile
    from hub.messages.identifiers import MessageId, OrganisationId
    from hub.routing.outcome import View


@dataclass(frozen=True, slots=True)
class ViewDirectory:
    """What a case needs to know of the world, looked up in the view (`hub.cases.applied.Directory`)."""

    view: View

    def prison(self, code: str) -> OrganisationId | None:
        """Return the organisation that is the prison of this code, or None; the service is no place."""
        if code == EVERY_PRISON:
            return None
        for organisation in self.view.organisations():
            if organisation.prison == code and organisation.kind is Kind.PRISON:
                return organisation.organisation
        return None

    def rung(self, organisation: OrganisationId) -> int | None:
        """Return the brokerage rung of an organisation, or None if the hub does not know it."""
        known = self.view.organisation(organisation)
        return None if known is None else known.rung

    def sender(self, message: MessageId) -> OrganisationId | None:
        """Return who sent the message taken under this id, or None if that is not known."""
        return self.view.sender(message)

    def is_correction(self, message: MessageId) -> bool:
        """Say whether the message taken under this id was itself a correction."""
        return self.view.sort(message) is MessageName.CORRECTION

    def profile(self, jurisdiction: str) -> Profile:
        """Return the rules of a jurisdiction in force at the moment of the record in work."""
        return self.view.profile(jurisdiction)
