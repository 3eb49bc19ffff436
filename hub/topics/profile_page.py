"""A jurisdiction profile in words and tables, for people: what `hub profile show` prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from hub.cases.profile import Escalation, Profile, ScopeClause, Tier
from hub.messages.identifiers import Instant


def in_markdown(profile: Profile) -> str:
    """Return a profile as a page, or part of one."""
    return "\n".join(_lines(profile)) + "\n"


def day(instant: Instant) -> str:
    """Return the date of a moment in UTC."""
    return f"{datetime.fromtimestamp(instant / 1000, UTC):%Y-%m-%d}"


def _lines(profile: Profile) -> Iterator[str]:
    yield f"## {profile.title}"
    yield ""
    yield f"`{profile.jurisdiction}`, version {profile.version}, in force from {day(profile.in_force_from)}."
    yield from _names(profile)
    yield from _scope(profile)
    yield from _tiers(profile)
    yield from _factors(profile)
    yield from _times(profile)
    yield from _interventions(profile)
    yield from _integrated(profile)


def _names(profile: Profile) -> Iterator[str]:
    if profile.names:
        yield ""
        said = (f"the {term} is the {local}" for term, local in profile.names.items())
        yield f"Here {'; '.join(said)}."


def _scope(profile: Profile) -> Iterator[str]:
    yield from ("", "### Who is in scope", "")
    rows = []
    for rule in profile.scope:
        clauses = "; or ".join(_clause(clause) for clause in rule.any_of)
        rows.append((day(rule.since), rule.name, clauses, rule.source))
    yield from _table(("from", "rule", "in scope", "source"), rows)


def _clause(clause: ScopeClause) -> str:
    said = [
        ("sentence", "", " or ".join(_words(clause.sentences))),
        ("of at least", " days", clause.days_min),
        ("aged at least", "", clause.age_min),
        ("aged under", "", clause.age_below),
        ("more than", " days left to serve", clause.days_left_over),
        ("risk of serious harm", "", " or ".join(_words(clause.rosh))),
        ("route", "", " or ".join(_words(clause.routes))),
    ]
    found = [f"{before} {value}{after}" for before, after, value in said if value not in (None, "")]
    if clause.prolific is not None:
        found.append("" if clause.prolific else "not ")
        found[-1] += "a Prolific and other Priority Offender"
    return ", ".join(found)


def _tiers(profile: Profile) -> Iterator[str]:
    yield from ("", "### What a tier asks for", "")
    head = (
        "tier",
        "alert acknowledged within",
        "if not, told",
        "plan reviewed every",
        "grades of OM",
        "one person",
    )
    rows = [
        (
            f"{tier.tier} {tier.name}",
            f"{tier.acknowledge_hours} h",
            ", then ".join(_step(step) for step in tier.escalation),
            f"{tier.review_days} days, triggered {tier.review_lead_days} before",
            " or ".join(sorted(tier.grades)) or "any",
            _one_person(tier),
        )
        for tier in sorted(profile.tiers.values(), key=lambda each: each.tier)
    ]
    yield from _table(head, rows)


def _step(step: Escalation) -> str:
    return f"{step.role.replace('_', ' ')} after {step.after_hours} h"


def _one_person(tier: Tier) -> str:
    said = "OM and OS should be one" if tier.one_person else "no rule"
    return f"{said}; the line manager hears of every exception" if tier.line_manager else said


def _factors(profile: Profile) -> Iterator[str]:
    yield from ("", f"### Tiering rules `{profile.tiering.rules}`", "")
    factors = profile.tiering.factors.values()
    rows = [
        (
            str(least),
            ", ".join(f"`{each.code}` ({each.kind})" for each in factors if each.least_tier == least),
        )
        for least in sorted({each.least_tier for each in factors})
    ]
    yield from _table(("least tier", "factors that ask for it"), rows)


def _times(profile: Profile) -> Iterator[str]:
    yield from ("", "### Times", "")
    answers = ", ".join(f"{days} days at rung {rung}" for rung, days in sorted(profile.answer_days.items()))
    yield f"- A provider answers a referral within {answers}."
    yield f"- A case has its first assessment within {profile.assessment_days} days."
    for rule in profile.reviews.values():
        due = [
            f"every {rule.every_days} days" if rule.every_days else "",
            f"{rule.before_release_days} days before release" if rule.before_release_days else "",
            f"{rule.after_change_days} days after the change" if rule.after_change_days else "",
        ]
        said = " and ".join(filter(None, due)) or "at the tier's interval"
        kind = rule.kind.replace("_", " ").lower()
        yield f"- Review, {kind}: {said}, triggered {rule.lead_days} days before ({rule.source})."


def _interventions(profile: Profile) -> Iterator[str]:
    if not profile.interventions:
        return
    yield from ("", "### Interventions in sequence", "")
    rows = [
        (rule.category, ", ".join(sorted(rule.after)) or "nothing", rule.best_in or "either")
        for rule in profile.interventions.values()
    ]
    yield from _table(("category", "comes after", "better delivered in"), rows)


def _integrated(profile: Profile) -> Iterator[str]:
    rules = profile.integrated
    if rules is None:
        return
    yield from ("", "### Integrated Case Management", "")
    yield f"- Core Screen within {rules.core_screen_days} days of reception."
    sentences = ", ".join(_words(rules.enhanced_sentences))
    yield f"- Enhanced route: over {rules.enhanced_over_days} days, or {sentences}; else as stated."
    yield (
        f"- Case conference every {rules.conference_every_days} days, convened {rules.conference_lead_days} "
        f"before; the last {rules.last_conference_before_release_days} days before release."
    )
    yield f"- Asked to come: {'; '.join(rules.conference_people)}."
    roles = ", ".join(f"`{role}`" for role in sorted(rules.family_roles))
    yield f"- Only with the person's consent: {roles}, and whoever is named as a third party."


def _words(codes: Iterable[str]) -> list[str]:
    return [f"`{code}`" for code in sorted(codes)]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('---' for _ in head)}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
