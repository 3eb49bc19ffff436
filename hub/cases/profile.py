"""A jurisdiction profile: the rules of offender management that may change, as data with a version.

Who is in scope, what a tier asks for, when a review is due, how long a provider has to answer: none of it
is code (R-CASE-07, R-CASE-08). England and Wales and Scotland differ by their profiles, not by a fork
(R-SCO-01…03). Where no source gives a number, the profile says that it is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hub.messages.case import IcmRoute
from hub.messages.envelope import Role
from hub.messages.identifiers import Instant
from hub.messages.review import ReviewKind

HOUR_MS = 60 * 60 * 1000
DAY_MS = 24 * HOUR_MS
TIER_UNKNOWN = 4
"""A case whose tier nobody has stated is watched as closely as the highest: unknown never relaxes."""


class FactorKind(StrEnum):
    """What a tier follows from (002 3.69 to 3.71)."""

    OFFENDER = "offender"
    SENTENCE = "sentence"
    ORGANISATIONAL = "organisational"
    POLICY = "policy"


class Place(StrEnum):
    """Where an intervention is better delivered (002 3.33, 3.39)."""

    CUSTODY = "custody"
    COMMUNITY = "community"


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Who is told of an alert nobody has acknowledged, and how long after it was sent (R-ADM-03)."""

    role: Role
    after_hours: int

    @property
    def after_ms(self) -> int:
        """The same in milliseconds."""
        return self.after_hours * HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What one tier asks for: how close the communication is, and who manages the case (R-CASE-08)."""

    tier: int
    name: str
    """What the tier adds: punish, help, change, control (002 3.67)."""
    acknowledge_hours: int
    """An alert is acknowledged within this time."""
    escalation: tuple[Escalation, ...]
    """Who hears of it next, the earliest first."""
    review_days: int
    """The Sentence Plan is reviewed this often."""
    review_lead_days: int
    """A review is triggered this long before it is due (002 App. B, Case Administrator)."""
    grades: frozenset[str]
    """Grades that may manage a case of this tier (002 App. B, Offender Manager, design questions)."""
    one_person: bool
    """Whether the Offender Manager should also be the Offender Supervisor (002 3.25, App. B)."""
    line_manager: bool
    """Whether the line manager hears of every exception of the case (002 3.68)."""

    @property
    def acknowledge_ms(self) -> int:
        """The time to acknowledge an alert, in milliseconds."""
        return self.acknowledge_hours * HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class TierFactor:
    """Something a tier follows from, and the least tier it asks for (002 3.68 to 3.71)."""

    code: str
    kind: FactorKind
    least_tier: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiering:
    """The tiering rules, under a version of their own that messages name."""

    rules: str
    factors: Mapping[str, TierFactor]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeClause:
    """One way to be in scope: everything it states holds; what it does not state does not matter."""

    sentences: frozenset[str] = frozenset()
    """Sentence types; empty: any."""
    days_min: int | None = None
    """Least length of the sentence in days."""
    age_min: int | None = None
    age_below: int | None = None
    days_left_over: int | None = None
    """More than so many days are left to serve."""
    rosh: frozenset[str] = frozenset()
    """Levels of risk of serious harm; empty: any."""
    prolific: bool | None = None
    """Whether the person is a Prolific and other Priority Offender; None: either."""
    routes: frozenset[IcmRoute] = frozenset()
    """Routes of Integrated Case Management; empty: any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeRule:
    """A scope rule under its name, from a date on: in scope is who meets any clause (R-CASE-07)."""

    name: str
    since: Instant
    source: str
    any_of: tuple[ScopeClause, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRule:
    """A kind of review, and when it is due beside the tier's interval (R-ADM-02)."""

    kind: ReviewKind
    lead_days: int
    """It is triggered this long before it is due."""
    every_days: int | None = None
    """Its interval; None: the tier's."""
    before_release_days: int | None = None
    """It is due once, this long before the expected release; None: it is not tied to release."""
    after_change_days: int | None = None
    """It is due once, this long after the change that calls for it; None: no change does."""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterventionRule:
    """What holds for interventions of one service category (R-REF-04; 002 3.33 to 3.39)."""

    category: str
    after: frozenset[str] = frozenset()
    """Categories that naturally come first."""
    best_in: Place | None = None
    """Where it is better delivered; None: in either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegratedCaseManagement:
    """What Integrated Case Management asks for, where the jurisdiction has it (R-SCO-01…03; 001)."""

    core_screen_days: int
    """The Core Screen is held within this time after reception."""
    enhanced_over_days: int
    """A sentence longer than this goes the enhanced route."""
    enhanced_sentences: frozenset[str]
    """Sentence types that bring statutory supervision, and so the enhanced route, however long."""
    conference_every_days: int
    conference_lead_days: int
    """A case conference is convened this long before it is due."""
    last_conference_before_release_days: int
    conference_people: tuple[str, ...]
    """Who is asked to come."""
    family_roles: frozenset[str]
    """Roles of attendees who come only with the person's consent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Everything of one jurisdiction that the model leaves to rules which change."""

    jurisdiction: str
    version: str
    in_force_from: Instant
    title: str
    scope: tuple[ScopeRule, ...]
    """The earliest first."""
    tiering: Tiering
    tiers: Mapping[int, Tier]
    reviews: Mapping[ReviewKind, ReviewRule]
    assessment_days: int
    """A case has its first assessment within this time after it was opened (R-ADM-07)."""
    answer_days: Mapping[int, int]
    """A provider answers a referral within this time, by rung (R-REF-03)."""
    interventions: Mapping[str, InterventionRule] = field(default_factory=dict)
    """By service category."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What the jurisdiction calls a role or thing that the model calls otherwise, by the model's name."""
    integrated: IntegratedCaseManagement | None = None

    @property
    def name(self) -> str:
        """Jurisdiction and version, as control records are named: `england-and-wales:1.0`."""
        return f"{profile_key(self.jurisdiction)}:{self.version}"

    @property
    def order(self) -> tuple[int, ...]:
        """By what one profile follows another: its date, then its version as numbers."""
        return (self.in_force_from, *map(int, self.version.split(".")))

    def tier(self, tier: int | None) -> Tier:
        """Return what a tier asks for; a case without one is treated as in the highest."""
        return self.tiers[TIER_UNKNOWN if tier is None else tier]

    def answer_ms(self, rung: int) -> int:
        """Return a provider's time to answer a referral at a rung, in milliseconds."""
        return self.answer_days[rung] * DAY_MS

    def scope_rule(self, now: Instant) -> ScopeRule | None:
        """Return the scope rule that holds at a moment; None before the first."""
        holding = [rule for rule in self.scope if rule.since <= now]
        return holding[-1] if holding else None

    def intervention(self, category: str | None) -> InterventionRule | None:
        """Return what holds for interventions of a service category, None where nothing special does."""
        return None if category is None else self.interventions.get(category)

    def said(self, text: str) -> str:
        """Return a sentence of the hub's own in the jurisdiction's words, the model's beside them."""
        for term, local in self.names.items():
            text = text.replace(term, f"{local} ({term})")
        return text


def profile_key(jurisdiction: str) -> str:
    """Return a jurisdiction as control records name it: `england-and-wales`."""
    return jurisdiction.lower().replace("_", "-")


def in_force(profiles: tuple[Profile, ...], now: Instant) -> Profile | None:
    """Return which of one jurisdiction's profiles holds: the one with the latest date that has come."""
    due = [each for each in profiles if each.in_force_from <= now]
    return max(due, key=lambda each: each.order, default=None)
