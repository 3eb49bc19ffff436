"""Builds a jurisdiction profile from plain mappings, and says of every fault which field it is in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TypeVar

from hub.cases.case import Rosh
from hub.cases.profile import (
    Escalation,
    FactorKind,
    IntegratedCaseManagement,
    InterventionRule,
    Place,
    Profile,
    ReviewRule,
    ScopeClause,
    ScopeRule,
    Tier,
    TierFactor,
    Tiering,
)
from hub.messages.case import IcmRoute, Jurisdiction, SentenceType
from hub.messages.envelope import Role
from hub.messages.identifiers import Instant
from hub.messages.review import ReviewKind
from hub.messages.vocabulary import ServiceCategory

TIERS = (1, 2, 3, 4)
TERMS = (
    *("Offender Manager", "Offender Supervisor", "Case Administrator", "Key Worker"),
    *("Offender Management Team", "Sentence Plan"),
)
"""Terms of the model (002 App. D) that a jurisdiction may have another name for."""
RUNGS = (1, 2, 3, 4)
DAYS_MAX = 36_500
"""No interval of a profile is longer than a hundred years."""
TEXT_MAX = 400
_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,39}")

Item = TypeVar("Item")
Word = TypeVar("Word", bound=StrEnum)
Key = TypeVar("Key")


@dataclass(slots=True)
class Node:
    """One mapping of the document: where it stands, what it holds, the faults found so far, what was read."""

    where: str
    body: Mapping[str, object]
    faults: list[str]
    read: set[str]

    def fault(self, name: str, text: str) -> None:
        """Note what is wrong with a field."""
        self.faults.append(f"{self.at(name)}: {text}")

    def at(self, name: str) -> str:
        """Return where a field stands in the document."""
        return f"{self.where}.{name}" if self.where else name

    def value(self, name: str) -> object:
        """Return a field as it stands, None where it is not given."""
        self.read.add(name)
        return self.body.get(name)

    def text(self, name: str) -> str:
        """Read a text that must be there."""
        value = self.value(name)
        if isinstance(value, str) and 0 < len(value.strip()) <= TEXT_MAX:
            return value
        self.fault(name, f"must be a text of at most {TEXT_MAX} characters")
        return ""

    def number(self, name: str, *, least: int = 1, most: int = DAYS_MAX) -> int:
        """Read a whole number that must be there."""
        value = self.value(name)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.fault(name, f"must be a whole number from {least} to {most}")
        return least

    def maybe(self, name: str, *, least: int = 0, most: int = DAYS_MAX) -> int | None:
        """Read a whole number that may be left out."""
        return None if self.value(name) is None else self.number(name, least=least, most=most)

    def flag(self, name: str) -> bool:
        """Read a yes or no that must be there."""
        value = self.value(name)
        if isinstance(value, bool):
            return value
        self.fault(name, "must be true or false")
        return False

    def matched(self, name: str, pattern: re.Pattern[str], form: str) -> str:
        """Read a text of a form."""
        value = self.value(name)
        if isinstance(value, str) and pattern.fullmatch(value):
            return value
        self.fault(name, f"must be {form}")
        return ""

    def day(self, name: str) -> Instant:
        """Read a date as the moment it begins in UTC."""
        value = self.value(name)
        try:
            found = date.fromisoformat(value if isinstance(value, str) else "")
        except ValueError:
            self.fault(name, 'must be a date in quotation marks, such as "2011-03-10"')
            return Instant(0)
        begins = datetime(found.year, found.month, found.day, tzinfo=UTC)
        return Instant(int(begins.timestamp()) * 1000)

    def word(self, name: str, kind: type[Word]) -> Word:
        """Read one word of a closed list."""
        value, words = self.value(name), {str(item): item for item in kind}
        if isinstance(value, str) and value in words:
            return words[value]
        self.fault(name, f"must be one of {', '.join(words)}")
        return next(iter(words.values()))

    def words(self, name: str, kind: type[Word]) -> frozenset[Word]:
        """Read words of a closed list; none where it is not given."""
        values, words = self.many(name), {str(item): item for item in kind}
        for number, value in enumerate(values):
            if value not in words:
                self.fault(f"{name}[{number}]", f"must be one of {', '.join(words)}")
        return frozenset(words[str(value)] for value in values if value in words)

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a list of texts; none where it is not given."""
        found: list[str] = []
        for number, value in enumerate(self.many(name)):
            if isinstance(value, str) and 0 < len(value.strip()) <= TEXT_MAX:
                found.append(value)
            else:
                self.fault(f"{name}[{number}]", f"must be a text of at most {TEXT_MAX} characters")
        return tuple(found)

    def many(self, name: str) -> list[object]:
        """Return a list; empty where it is not given."""
        value = self.value(name)
        if value is None:
            return []
        if isinstance(value, list | tuple):
            return list(value)
        self.fault(name, "must be a list")
        return []

    def child(self, name: str) -> Node:
        """Return a mapping within this one."""
        return self._node(name, self.value(name))

    def children(self, name: str, read: Callable[[Node], Item]) -> tuple[Item, ...]:
        """Read a list of mappings."""
        found = []
        for number, value in enumerate(self.many(name)):
            node = self._node(f"{name}[{number}]", value)
            found.append(read(node))
            node.done()
        return tuple(found)

    def done(self) -> None:
        """Note every field that was not asked for: a misspelt name must not pass for a rule left out."""
        for name in self.body:
            if name not in self.read:
                self.fault(str(name), f"not a field here; allowed: {', '.join(sorted(self.read))}")

    def _node(self, name: str, value: object) -> Node:
        if not isinstance(value, Mapping):
            self.fault(name, "must be a mapping")
            value = {}
        return Node(self.at(name), value, self.faults, set())


def profile_from(plain: object) -> Profile:
    """Build a profile.

    Raises:
        ValueError: It has faults; each is named with its field.
    """
    if not isinstance(plain, Mapping):
        message = "a profile is a mapping"
        raise ValueError(message)  # noqa: TRY004 - one kind of error for whatever is wrong with it
    node = Node("", plain, [], set())
    profile = Profile(
        jurisdiction=str(node.word("jurisdiction", Jurisdiction)),
        version=node.matched("version", _VERSION, 'a version in quotation marks, such as "1.0"'),
        in_force_from=node.day("in_force_from"),
        title=node.text("title"),
        names=_names(node),
        scope=_scope(node),
        tiering=_tiering(node),
        tiers=_keyed(node, "tiers", node.children("tiers", _tier), lambda each: each.tier),
        reviews=_keyed(node, "reviews", node.children("reviews", _review), lambda each: each.kind),
        assessment_days=node.number("assessment_days"),
        answer_days=_answers(node),
        interventions=_keyed(
            node, "interventions", node.children("interventions", _intervention), lambda each: each.category
        ),
        integrated=None if node.value("integrated") is None else _integrated(node),
    )
    node.done()
    if set(profile.tiers) != set(TIERS):
        node.fault("tiers", "must have each of 1, 2, 3 and 4 once")
    if node.faults:
        raise ValueError("; ".join(node.faults))
    return profile


def _keyed(node: Node, name: str, items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, Item]:
    found: dict[Key, Item] = {}
    for number, item in enumerate(items):
        if key(item) in found:
            node.fault(f"{name}[{number}]", "stands twice")
        found[key(item)] = item
    return found


def _names(node: Node) -> Mapping[str, str]:
    if node.value("names") is None:
        return {}
    names = node.child("names")
    for name in names.body:
        if name not in TERMS:
            names.fault(str(name), f"not a term of the model; allowed: {', '.join(TERMS)}")
    return {str(name): names.text(str(name)) for name in names.body}


def _scope(node: Node) -> tuple[ScopeRule, ...]:
    rules = node.children("scope", _scope_rule)
    if not rules:
        node.fault("scope", "must have a rule")
    dates = [rule.since for rule in rules]
    if dates != sorted(set(dates)):
        node.fault("scope", "must stand in the order of their dates, each date once")
    return rules


def _scope_rule(node: Node) -> ScopeRule:
    clauses = node.children("any_of", _clause)
    if not clauses:
        node.fault("any_of", "must have a clause")
    return ScopeRule(
        name=node.matched("name", _WORD, "a name of letters, digits and hyphens"),
        since=node.day("from"),
        source=node.text("source"),
        any_of=clauses,
    )


def _clause(node: Node) -> ScopeClause:
    clause = ScopeClause(
        sentences=frozenset(map(str, node.words("sentences", SentenceType))),
        days_min=node.maybe("days_min"),
        age_min=node.maybe("age_min", most=150),
        age_below=node.maybe("age_below", most=150),
        days_left_over=node.maybe("days_left_over"),
        rosh=frozenset(map(str, node.words("rosh", Rosh))),
        prolific=None if node.value("prolific") is None else node.flag("prolific"),
        routes=node.words("routes", IcmRoute),
    )
    if clause == ScopeClause():
        # Else a slip of indentation would take everybody in.
        node.faults.append(f"{node.where}: must state something")
    return clause


def _tiering(node: Node) -> Tiering:
    child = node.child("tiering")
    factors = child.children("factors", _factor)
    tiering = Tiering(
        rules=child.matched("rules", _WORD, "a name of letters, digits, full stops and hyphens"),
        factors=_keyed(child, "factors", factors, lambda each: each.code),
    )
    child.done()
    return tiering


def _factor(node: Node) -> TierFactor:
    return TierFactor(
        code=node.matched("code", _CODE, "a code in capital letters"),
        kind=node.word("kind", FactorKind),
        least_tier=node.number("least_tier", most=max(TIERS)),
    )


def _tier(node: Node) -> Tier:
    escalation = node.children("escalation", _step)
    hours = [step.after_hours for step in escalation]
    acknowledge_hours = node.number("acknowledge_hours")
    if hours != sorted(hours) or any(each < acknowledge_hours for each in hours):
        node.fault("escalation", "must stand in the order of its hours, none before acknowledge_hours")
    return Tier(
        tier=node.number("tier", most=max(TIERS)),
        name=node.text("name"),
        acknowledge_hours=acknowledge_hours,
        escalation=escalation,
        review_days=node.number("review_days"),
        review_lead_days=node.number("review_lead_days"),
        grades=frozenset(node.texts("grades")),
        one_person=node.flag("one_person"),
        line_manager=node.flag("line_manager"),
    )


def _step(node: Node) -> Escalation:
    return Escalation(role=node.word("role", Role), after_hours=node.number("after_hours"))


def _review(node: Node) -> ReviewRule:
    return ReviewRule(
        kind=node.word("kind", ReviewKind),
        lead_days=node.number("lead_days"),
        every_days=node.maybe("every_days", least=1),
        before_release_days=node.maybe("before_release_days", least=1),
        after_change_days=node.maybe("after_change_days", least=1),
        source=node.text("source"),
    )


def _answers(node: Node) -> Mapping[int, int]:
    """Read the days by rung; in a control record, which is JSON, the rungs are texts."""
    child = node.child("answer_days")
    by_rung = Node(child.where, {str(rung): days for rung, days in child.body.items()}, child.faults, set())
    found = {rung: by_rung.number(str(rung)) for rung in RUNGS}
    by_rung.done()
    return found


def _intervention(node: Node) -> InterventionRule:
    category = str(node.word("category", ServiceCategory))
    after = frozenset(map(str, node.words("after", ServiceCategory)))
    if category in after:
        node.fault("after", "a category does not come after itself")
    return InterventionRule(
        category=category,
        after=after,
        best_in=None if node.value("best_in") is None else node.word("best_in", Place),
    )


def _integrated(node: Node) -> IntegratedCaseManagement:
    child = node.child("integrated")
    found = IntegratedCaseManagement(
        core_screen_days=child.number("core_screen_days"),
        enhanced_over_days=child.number("enhanced_over_days"),
        enhanced_sentences=frozenset(map(str, child.words("enhanced_sentences", SentenceType))),
        conference_every_days=child.number("conference_every_days"),
        conference_lead_days=child.number("conference_lead_days"),
        last_conference_before_release_days=child.number("last_conference_before_release_days"),
        conference_people=child.texts("conference_people"),
        family_roles=frozenset(child.texts("family_roles")),
    )
    child.done()
    return found
