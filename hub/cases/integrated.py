"""Where a case stands in Integrated Case Management (R-SCO-01…03); the rules are in `hub.cases.icm`."""

from __future__ import annotations

from dataclasses import dataclass

from hub.messages.case import IcmRoute
from hub.messages.identifiers import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrated:
    """One person's way through Integrated Case Management in this period of custody."""

    route: IcmRoute | None = None
    participates: bool | None = None
    """None: not said; only a no ends it, since participation is voluntary."""
    since: Instant | None = None
    """Since when the person is in custody under it; None: not in custody."""
    screened_at: Instant | None = None
    """When the Core Screen was held."""
    conference_at: Instant | None = None
    """When the last case conference was held."""
