"""How answers about who may know what are shown: lines that wrap, or plain data for JSON."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import Enum, IntEnum
from typing import TYPE_CHECKING

from hub.consent.decision import Scope
from hub.routing.outcome import Verdict

if TYPE_CHECKING:
    from hub.app.questions import Explanation
    from hub.app.what_if import Supposed
    from hub.consent.decision import Decision, Outcome
    from hub.consent.explain import FieldExplained
    from hub.consent.looking import ClauseSeen, RuleSeen
    from hub.consent.why_not import WhyNot
    from hub.routing.whatif import Differs

WIDTH = 110
SETS_SHOWN_MAX = 8
GENERALISED = 1
OUTCOMES = {0: "disclosed", 1: "generalised", 2: "held back by name", 3: "withheld"}
SCOPES = {"all": "", "theirs": " (its own items)", "others": " (others' items)"}


VERDICTS = {
    None: "first decision",
    Verdict.RELEASE: "again, released",
    Verdict.REPLACE: "again, replaced by less",
    Verdict.STOP: "again, stopped",
}
"""What a decision meant for its delivery."""


def moment(instant: int) -> str:
    """Say a moment to the millisecond: what waits can be decided again several times in a second."""
    found = datetime.fromtimestamp(instant / 1000, tz=UTC).astimezone()
    return f"{found:%Y-%m-%d %H:%M:%S}.{instant % 1000:03} {found:%Z}"


def plain(value: object) -> object:
    """Return an answer as JSON has it."""
    if isinstance(value, Enum):
        return value.name.lower() if isinstance(value, IntEnum) else value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(plain(name)): plain(each) for name, each in value.items()}
    if isinstance(value, frozenset | set):
        return sorted((plain(each) for each in value), key=str)
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def line(text: str, *, indent: int = 0, hang: int = 4) -> None:
    """Print one line of words, wrapped."""
    print(
        textwrap.fill(
            text,
            WIDTH,
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent + hang),
            break_on_hyphens=False,
            break_long_words=False,
        )
    )


def said(value: object) -> str:
    """Say a value of a fact."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).replace("_", " ")


def decision_plain(decision: Decision) -> dict[str, object]:
    """Return a decision for JSON: without its facts, which stand with the clauses that asked for them."""
    found = plain(dataclasses.replace(decision, facts={}))
    return {name: each for name, each in found.items() if name != "facts"} if isinstance(found, dict) else {}


def show_decision(explanation: Explanation) -> None:
    """Say whom a decision was about, what became of it, and by what it was made."""
    decision, candidate = explanation.decision, explanation.decision.candidate
    line(
        f"{decision.message_name} {decision.message} of the case {decision.case}, "
        f"decided {moment(decision.decided_at)}, {VERDICTS[explanation.entered.verdict]}"
    )
    line(f"decision {decision.decision_id} for {candidate.organisation} as {candidate.role}", indent=2)
    if decision.delivers:
        line(f"it was told: delivery {explanation.entered.delivery_id}", indent=2)
        if decision.caveats:
            line(f"on terms: {', '.join(decision.caveats)}", indent=2)
    else:
        line(f"nothing went [{decision.gate}]: {explanation.explained.closed_by}", indent=2)
    line(
        f"for {said(decision.purpose)}, by the rules {decision.policy}, contract {decision.contract}, "
        f"case version {decision.case_version}",
        indent=2,
    )
    if not explanation.explained.is_consistent:
        line("THE RULES AND FACTS DO NOT GIVE WHAT WAS RECORDED; the fields are marked.", indent=2)


def show_fields(fields: Iterable[FieldExplained], given: frozenset[str] | None) -> None:
    """Say field by field what was decided, fields decided alike together.

    `given` is what stands in the delivery: what might have gone and is not there was not in the message.
    """
    alike: dict[tuple[object, ...], list[FieldExplained]] = {}
    for each in fields:
        absent = given is not None and each.outcome <= GENERALISED and each.path not in given
        key = (each.outcome, each.reason, each.basis, each.decided_by, each.step, each.note, absent)
        alike.setdefault(key, []).append(each)
    for (*_, left_out), group in sorted(alike.items(), key=lambda each: (each[1][0].outcome, each[0][-1])):
        first = group[0]
        word = "not in the message, else disclosed" if left_out else OUTCOMES[first.outcome]
        names = ", ".join(f"{each.path}{SCOPES[each.scope]}" for each in group)
        print()
        line(f"{word}: {names}", indent=2)
        _show_ground(first)


def _show_ground(each: FieldExplained) -> None:
    line(f"because  {each.reason}: {each.says}", indent=4)
    if each.basis is not None:
        others = f"; also {', '.join(each.alternates)}" if each.alternates else ""
        line(f"basis    {each.basis}, {each.basis_says}{others}", indent=4)
    line(f"rules    {', '.join(each.decided_by) or 'none permitted it'}", indent=4)
    if each.note:
        line(f"{each.step}  {each.note}", indent=4)


def show_field(each: FieldExplained, gates: Iterable[RuleSeen]) -> None:
    """Say everything of one field: its rules, those that decided first, clause by clause."""
    print()
    classes = " and ".join(map(said, each.classes))
    line(f"{each.path}{SCOPES[each.scope]}, {classes}: {OUTCOMES[each.outcome]}", indent=2)
    _show_ground(each)
    rules = sorted(
        (*(gate for gate in gates if gate.fired), *each.rules),
        key=lambda one: (one.rule not in each.decided_by, not one.fired),
    )
    for rule in rules:
        print()
        what = f"{rule.effect} {OUTCOMES[rule.outcome]}"
        of = f" for {said(rule.information_class)}" if rule.information_class else ""
        deciding = ", decided" if rule.rule in each.decided_by else ""
        line(f"{rule.rule} ({what}{of}{', guard' if rule.guard else ''}): {_fired(rule)}{deciding}", indent=4)
        line(rule.says, indent=6, hang=0)
        for clause in rule.clauses:
            _show_clause(clause, indent=6)
        for basis in rule.bases:
            line(f"basis {basis.code}: {_holds(('open', 'not open'), holds=basis.holds)}", indent=6)
            for clause in basis.clauses:
                _show_clause(clause, indent=8)


def _fired(rule: RuleSeen) -> str:
    if rule.fired:
        return "fired" if rule.holds else "fired, because a fact is not known"
    return "held, with no basis open" if rule.holds else "did not fire"


def _holds(words: tuple[str, str], *, holds: bool | None) -> str:
    return "not known" if holds is None else words[0 if holds else 1]


def _show_clause(clause: ClauseSeen, *, indent: int) -> None:
    wanted = " or ".join(said(each) for each in clause.wanted)
    text = f"{_holds(('held', 'failed'), holds=clause.holds)}: {clause.says} was {said(clause.value)}"
    line(f"{text}; the rule asks for {wanted}  [{clause.fact}]", indent=indent)


def show_why_nots(answers: Iterable[WhyNot]) -> None:
    """Say the smallest sets of changes, or what stands in the way; fields with the same answer together."""
    alike: dict[WhyNot, list[str]] = {}
    for each in answers:
        same = dataclasses.replace(each, path="", scope=Scope.ALL)
        alike.setdefault(same, []).append(f"{each.path}{SCOPES[each.scope]}")
    for found, names in alike.items():
        print()
        _show_why_not(found, f"why not {', '.join(names)}: ")


def _show_why_not(found: WhyNot, lead: str) -> None:
    if found.goes:
        line(f"{lead}it went.", indent=2)
        return
    if found.obstacles:
        but = ", but an override agreed by a second person," if found.by_override else ""
        line(f"{lead}no change people can make{but} would let it go. In the way:", indent=2)
        for obstacle in found.obstacles:
            by = f"{obstacle.rule} ({obstacle.reason})" if obstacle.rule else obstacle.reason
            line(f"{by}: {obstacle.says}", indent=4)
        return
    size = len(found.sets[0])
    line(f"{lead}it would be {OUTCOMES[found.wanted]} with {size} change{'s' * (size > 1)}:", indent=2)
    for number, changes in enumerate(found.sets[:SETS_SHOWN_MAX], 1):
        for index, change in enumerate(changes):
            start = f"{number}." if index == 0 else "  "
            line(f"{start} {change.says}  [{change.fact} was {said(change.now)}]", indent=4, hang=5)
    if len(found.sets) > SETS_SHOWN_MAX:
        line(f"and {len(found.sets) - SETS_SHOWN_MAX} more as small as these; see --json", indent=4)
    if found.by_override:
        line("An override, agreed by a second person, would do instead.", indent=4)


def show_supposed(answer: Supposed) -> None:
    """Say what would be otherwise, then who would be told what."""
    print("Supposed: " + ("; ".join(answer.suppositions) or "nothing otherwise"))
    if answer.as_recorded is not None:
        same = "exactly what" if answer.as_recorded else "NOT what"
        print(f"As things were, the rules give {same} the ledger records.")
    for name, result in (("As things are", answer.found.as_is), ("As supposed", answer.found.supposed)):
        if result.rejection is not None:
            line(f"{name}, it is set aside: {result.rejection.code}, {result.rejection.detail}")
    print()
    print("Otherwise:" if answer.found.differs else "Nothing would be otherwise for anybody.")
    for each in answer.found.differs:
        _show_differs(each)
    if answer.found.supposed.decisions:
        print()
        print("Who would be told what:")
    for decision in answer.found.supposed.decisions:
        _show_told(decision)


def _show_differs(each: Differs) -> None:
    before, after = (None if one is None else one.gate for one in (each.before, each.after))
    told = (_told(each.before), _told(each.after))
    said_so = f"{told[0]} -> {told[1]}" if told[0] != told[1] else f"{told[1]}, with other fields"
    line(f"{_whom(each.decision)}: {said_so}", indent=2)
    if before != after:
        line(f"why nothing went: {before or '-'} -> {after or '-'}", indent=4)
    alike: dict[tuple[Outcome | None, Outcome | None, str | None, str | None], list[str]] = {}
    for field in each.fields:
        key = (field.before, field.after, field.reason_before, field.reason_after)
        alike.setdefault(key, []).append(f"{field.path}{SCOPES[field.scope]}")
    for (old, new, why, why_now), names in alike.items():
        words = " -> ".join("not decided" if one is None else OUTCOMES[one] for one in (old, new))
        line(f"{words} [{why or '-'} -> {why_now or '-'}]: {', '.join(names)}", indent=4)


def _whom(decision: Decision) -> str:
    candidate = decision.candidate
    return f"{candidate.organisation} as {candidate.role}, {decision.message_name}"


def _told(decision: Decision | None) -> str:
    if decision is None:
        return "not concerned"
    return "told" if decision.delivers else "told nothing"


def _show_told(decision: Decision) -> None:
    gate = f" [{decision.gate}]" if decision.gate else ""
    line(f"{_whom(decision)}: {_told(decision)}{gate}", indent=2)
    for outcome, word in OUTCOMES.items() if decision.delivers else ():
        paths = [f"{one.path}{SCOPES[one.scope]}" for one in decision.fields if one.outcome == outcome]
        if paths:
            line(f"{word}: {', '.join(paths)}", indent=4)
