"""The tier of a case from its factors, by the jurisdiction's tiering rules (R-CASE-08; 002 3.59 to 3.73).

A factor is a code of those rules, and may have words of its author's after a colon. The highest tier a
factor asks for is the tier. Its author may allocate otherwise: the margins are a matter of professional
judgement (002 3.68), and a tier below what its factors ask for is reported, not refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.cases import reports
from hub.cases.applied import Raised
from hub.errors import DomainRefusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.cases.profile import Profile
    from hub.messages.case import CaseMessage


def least_tier(factors: Sequence[str], profile: Profile) -> int | None:
    """Return the tier that factors ask for, None without any.

    Raises:
        DomainRefusal: TIER-FACTOR-UNKNOWN, with the place of every factor that is none of these rules.
    """
    known = profile.tiering.factors
    codes = [factor.partition(":")[0].strip() for factor in factors]
    unknown = [f"/data/tier_factors/{place}" for place, code in enumerate(codes) if code not in known]
    if unknown:
        rule = "TIER-FACTOR-UNKNOWN"
        where, rules = ", ".join(unknown), profile.tiering.rules
        message = f"{where}: no factor of the tiering rules {rules} (002 3.69 to 3.71)"
        raise DomainRefusal(rule, message, fix=f"give codes of these: {', '.join(sorted(known))}")
    return max((known[code].least_tier for code in codes), default=None)


def tier_of(body: CaseMessage, profile: Profile) -> tuple[int | None, tuple[Raised, ...]]:
    """Return the tier a message states or its factors lead to, and what is to be reported of it."""
    least = least_tier(body.tier_factors, profile)
    raised: list[Raised] = []
    if least is not None and body.tier is not None and body.tier < least:
        about = f"They ask for tier {least}."
        raised.append(Raised(code=reports.TIER_BELOW_FACTORS, about=about))
    if body.tier_rules is not None and body.tier_rules != profile.tiering.rules:
        about = f"In force are the rules {profile.tiering.rules}."
        raised.append(Raised(code=reports.TIER_RULES_OTHER, about=about))
    return least if body.tier is None else body.tier, tuple(raised)
