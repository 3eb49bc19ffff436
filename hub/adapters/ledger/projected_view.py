"""What routing may look at, as the projection has it: for reports that ask what would be decided now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.cases.profile import Profile
from hub.cases.profile_reader import profile_from
from hub.consent.compile import Policy
from hub.consent.parties import Organisation, organisation_from
from hub.consent.partner_contracts import Direction, PartnerContract, readable
from hub.consent.release import CURRENT
from hub.errors import NotConfigured
from hub.topics.policy_files import policy_from_control
from hub.topics.profile_files import profile_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from psycopg import AsyncConnection

    from hub.cases.case import Case
    from hub.messages.envelope import Entry, MessageName
    from hub.messages.identifiers import CaseRef, Instant, MessageId, OrganisationId
    from hub.routing.outcome import Contracts, Timer


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectedView:
    """Organisations, contracts and rules in force (hub.routing.outcome.View), and nothing else."""

    contracts: Contracts
    known: Mapping[OrganisationId, Organisation]
    agreed: tuple[PartnerContract, ...]
    rules: Policy
    releases: Mapping[str, Mapping[str, object]]
    """Policy releases by name."""
    profiles: tuple[Profile, ...]
    """Every jurisdiction profile released."""
    now: Instant
    """The moment looked at."""

    def case(self, _ref: CaseRef) -> Case | None:
        """Return nothing: whoever asks has the case."""
        return None

    def seen(self, _message: MessageId) -> str | None:
        """Return nothing."""
        return None

    def sender(self, _message: MessageId) -> OrganisationId | None:
        """Return nothing."""
        return None

    def sort(self, _message: MessageId) -> MessageName | None:
        """Return nothing."""
        return None

    def organisation(self, organisation: OrganisationId) -> Organisation | None:
        """Return an organisation by its short name."""
        return self.known.get(organisation)

    def organisations(self) -> Iterable[Organisation]:
        """Return all organisations in force."""
        return tuple(self.known.values())

    def partner_contracts(
        self, organisation: OrganisationId, message: MessageName, direction: Direction
    ) -> Iterable[PartnerContract]:
        """Return what was agreed with an organisation on a message."""
        return [each for each in self.agreed if each.line == (organisation, message, direction)]

    def profile(self, jurisdiction: str) -> Profile:
        """Return the profile of a jurisdiction in force."""
        return profile_of(jurisdiction, self.profiles, self.now)

    def policy(self) -> Policy:
        """Return the rules in force."""
        return self.rules

    def release(self, name: str) -> Mapping[str, object] | None:
        """Return a policy release by its name."""
        return self.releases.get(name)

    def read_back(self, _case: CaseRef, _offset: int) -> Entry | None:
        """Return nothing: nobody is told again what was said before."""
        return None

    def timers_due(self, _now: Instant) -> Iterable[Timer]:
        """Return nothing."""
        return ()


async def projected_view(connection: AsyncConnection, contracts: Contracts, now: Instant) -> ProjectedView:
    """Read what is in force; NotConfigured before the first release of a policy."""
    cursor = await connection.execute("SELECT kind, name, body FROM control ORDER BY kind, name")
    bodies: dict[str, dict[str, dict[str, Any]]] = {}
    for kind, name, body in await cursor.fetchall():
        bodies.setdefault(kind, {})[name] = body
    releases = bodies.get("policy", {})
    release = releases.get(CURRENT)
    if release is None:
        message = "no policy has been released"
        raise NotConfigured(
            message, fix="release one, or start the hub, which releases the one it comes with"
        )
    organisations = [organisation_from(body) for body in bodies.get("organisation", {}).values()]
    return ProjectedView(
        contracts=contracts,
        known={each.organisation: each for each in organisations},
        agreed=tuple(readable(bodies.get("contract", {}).values())),
        rules=policy_from_control(release),
        releases=releases,
        profiles=tuple(map(profile_from, bodies.get("profile", {}).values())),
        now=now,
    )
