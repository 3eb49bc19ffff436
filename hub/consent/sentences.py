"""Says every rule in a sentence that somebody who does not read YAML can check.

Each sentence has all of the rule: whom it is for and every condition, what of which messages, what happens,
on which legal basis, why, and how it is to be handled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hub.consent.decision import Outcome
from hub.consent.obligations import in_words
from hub.consent.parties import Kind
from hub.consent.rules import Clause, Effect, Rule
from hub.consent.vocabulary import BASIS, FACTS, NAMING, Value, values_of
from hub.messages.envelope import InformationClass, Role

_NAMES = tuple(FACTS)

ROLES: Mapping[str, str] = {
    Role.OFFENDER_MANAGER: "Offender Manager",
    Role.OFFENDER_SUPERVISOR: "Offender Supervisor",
    Role.CASE_ADMINISTRATOR: "Case Administrator",
    Role.KEY_WORKER: "Key Worker",
    Role.OFFENDER_MANAGEMENT_UNIT: "Offender Management Unit",
    Role.SERVICE_MANAGER: "service manager",
    Role.LINE_MANAGER: "line manager",
    Role.SUBSCRIBER: "subscriber to alerts",
    Role.SYSTEM: "system",
    Role.PERSON: "person under supervision",
}
"""Every role as people call it."""

DENIALS: Mapping[str, str] = {
    "purpose_registered": "it is not registered for the purpose",
    "on_team": "it is not on the Offender Management Team",
    "engaged": "it is neither on the team nor has an open referral",
    "own_referral": "the message is not about a referral it provides",
    "responsible": "the person is not held in its prison",
    "relevant": "the message does not bear on its own work",
    "from_other_provider": "no other provider wrote it",
    "policy_document": "it lacks the policy document that sensitive data need (DPA 2018 s.42)",
    "protocol": "no protocol is live for the class",
    "court_order": "no order of a court opens the class to it",
    "override": "no override opens the class to it",
    "excluded": "its organisation is not excluded from the case",
    "limited": "access is not limited, or it is named",
    "confidential": "the Offender Manager does not hold the class back from it",
    "om_threatened": "staff details are not held back from it",
}
"""What it means that a fact which is yes or no is no."""

_VALUES: Mapping[str, Mapping[Value, str]] = {
    "kind": {
        "probation": "probation",
        "prison": "a prison",
        "partner": "a partner organisation",
        "person": "no organisation",
    },
    "legal_status": {
        "in_house": "in house",
        "under_arrangements": "under provider arrangements",
        "listed": "listed by statute",
        "none": "none",
    },
    "concern": {
        "team": "it is on the team",
        "handover": "it hands the case over",
        "referred": "it has a referral",
        "held_there": "the person is held there",
        "moved": "the person moves from or to it",
        "exception": "it attends to exceptions",
        "subscribed": "it has subscribed to alerts",
    },
    "scope": {
        "all": "in no list whose items belong to somebody",
        "theirs": "its own",
        "others": "another organisation's",
    },
    "consent": {"none": "not recorded"},
}
_PERMITTED: Mapping[Outcome, str] = {
    Outcome.DISCLOSE: "{is_} disclosed to {who}",
    Outcome.GENERALISE: "{goes}, in general form only, to {who}",
    Outcome.REDACT: "{is_} named as held back, not disclosed, to {who}",
}
_AT_MOST: Mapping[Outcome, str] = {
    Outcome.GENERALISE: "{goes}, in general form at most, to {who}",
    Outcome.REDACT: "{is_} at most named as held back, not disclosed, to {who}",
    Outcome.WITHHOLD: "{is_} withheld from {who}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A rule in words, in the parts it can be set in."""

    rule: str
    says: str
    """For whom, what and when."""
    basis: str
    """On which legal bases; empty where nothing goes."""
    why: str
    handling: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """The whole of it."""
        parts = [self.says]
        if self.basis:
            parts.append(f"Basis: {self.basis}.")
        parts.append(f"Why: {self.why}")
        if self.handling:
            parts.append(f"Handling: {'; '.join(self.handling)}.")
        return " ".join((*parts, *self.notes))


def sentence_of(rule: Rule, classes: Iterable[InformationClass] = ()) -> Sentence:
    """Say a rule; for one that stands for several classes, of which."""
    conditions = tuple(conditions_of(rule.clauses))
    when = f" if {listed(conditions, 'and')}" if conditions else ""
    if rule.effect is Effect.PERMIT:
        done = _PERMITTED[rule.outcome]
    else:
        # What is not known lets a rule that holds back hold.
        unsure = ", or if that is not known" if _can_be_unknown(rule.clauses) else ""
        done, when = _AT_MOST[rule.outcome], f"{when}{unsure}, whatever permits it"
    several = rule.fields is not None and len(rule.fields) > 1
    said = done.format(
        is_="are" if several else "is", goes="go" if several else "goes", who=_who(rule.clauses)
    )
    what = what_of(rule, tuple(classes))
    return Sentence(
        rule=rule.rule,
        says=f"{what[0].upper()}{what[1:]} {said}{when}.",
        basis=listed([_basis(arm.basis) for arm in rule.arms], "or"),
        why=rule.says if rule.says.endswith(".") else f"{rule.says}.",
        handling=tuple(map(in_words, rule.caveats)),
        notes=tuple(_notes(rule)),
    )


def _notes(rule: Rule) -> Iterator[str]:
    """Yield what else holds of a rule."""
    if rule.strictly_necessary:
        yield f"For sensitive data it is strictly necessary: {rule.strictly_necessary}."
    if rule.guard:
        yield "A guard: it stays, even where another rule already holds back the same."


def _who(clauses: Sequence[Clause]) -> str:
    """Say whom a rule is for: role, kind of organisation, rung, legal status."""
    found = {_NAMES[slot]: values_of(_NAMES[slot], mask) for slot, mask in clauses}
    who = "anybody"
    if found.get("role") == (Role.PERSON,):
        who = f"the {ROLES[str(found.pop('role')[0])]}, for their own copy"
    elif "role" not in found and found.get("kind") == (Kind.PERSON,):
        who = f"the {ROLES[str(found.pop('kind')[0])]}, for their own copy"
    if "role" in found:
        who = _a(listed([ROLES[str(role)] for role in found["role"]], "or"))
    if "kind" in found:
        who += f" in {listed([_said('kind', value) for value in found['kind']], 'or')}"
    if "rung" in found:
        rungs = found["rung"]
        any_rung = len(rungs) == len(FACTS["rung"].domain)
        who += " on any rung" if any_rung else f" on rung {listed([str(rung) for rung in rungs], 'or')}"
    if "legal_status" in found:
        status = listed([_said("legal_status", value) for value in found["legal_status"]], "or")
        who += f" with the legal status {status}"
    return who


_SAID_IN_WHO = frozenset({"role", "kind", "rung", "legal_status"})


def conditions_of(clauses: Iterable[Clause]) -> Iterator[str]:
    """Yield every condition that is not said of whom a rule is for."""
    for slot, mask in clauses:
        if _NAMES[slot] not in _SAID_IN_WHO:
            yield condition(_NAMES[slot], values_of(_NAMES[slot], mask))


def fact_in_words(name: str, values: Sequence[Value]) -> str:
    """Say that a fact has one of these values; whom a rule is for, too."""
    if name == "role":
        return f"{FACTS[name].says} is {listed([value_in_words(name, value) for value in values], 'or')}"
    return condition(name, values)


def value_in_words(name: str, value: Value) -> str:
    """Say a value of a fact as people call it."""
    return ROLES[str(value)] if name == "role" else _said(name, value)


def condition(name: str, values: Sequence[Value]) -> str:
    """Say that a fact has one of these values."""
    if name in DENIALS:
        if len(values) == len(FACTS[name].domain):
            return f"it is known whether {FACTS[name].says}"
        return FACTS[name].says if values[0] is True else DENIALS[name]
    words = listed([_said(name, value) for value in values], "or")
    if name == "concern":
        return f"the message concerns it because {words}"
    if name == "scope":
        return f"the item is {words}"
    if name == "statement":
        return f"its author states {_a(words)}"
    return f"{FACTS[name].says} is {words}"


def _said(name: str, value: Value) -> str:
    """Say a value of a fact."""
    known = _VALUES.get(name, {})
    return known[value] if value in known else str(value).lower().replace("_", " ")


def what_of(rule: Rule, classes: Sequence[InformationClass] = ()) -> str:
    """Say what of which messages a rule speaks of."""
    what = "everything"
    if rule.fields is not None:
        what = listed([field_in_words(entry) for entry in rule.fields], "and")
    if rule.subjects is not None:
        what += f" about {listed([_subject(each) for each in sorted(rule.subjects)], 'or')}"
    named = (rule.information_class,) if rule.information_class is not None else tuple(classes)
    if len(named) == len(InformationClass):
        what += " of every information class"
    elif named:
        what += f" of the {_plural('class', named)} {listed([class_in_words(each) for each in named], 'and')}"
    if rule.sensitive is not None:
        what += " (sensitive fields only)" if rule.sensitive else " (no sensitive fields)"
    if rule.messages is not None:
        what += f" in {listed([str(name) for name in sorted(rule.messages)], 'or')} messages"
    return what


def class_in_words(information_class: str) -> str:
    """Return an information class as people call it."""
    return information_class.replace("_", " ")


def field_in_words(entry: str) -> str:
    """Say a field: `objectives[].by` is `by (of objectives)`, `@author` is `author (of the message)`."""
    if entry.startswith("@"):
        return f"{entry[1:].replace('_', ' ')} (of the message)"
    owner, item, name = entry.rpartition("[].")
    if item:
        return f"{name.replace('_', ' ')} (of {owner.replace('_', ' ')})"
    return entry.removesuffix("[]").replace("_", " ")


def name_of_basis(code: str) -> str:
    """Return a legal basis by its short name."""
    return BASIS[code].says.partition(":")[0].partition(" (Data")[0].partition(" (common")[0]


def _basis(code: str) -> str:
    """Say a legal basis; one that itself names recipient and class is the only condition, so it is said."""
    named = f"{name_of_basis(code)} ({code})"
    return f"{named}, where {gateway_of(code)}" if code in NAMING else named


def gateway_of(code: str) -> str:
    """Say without what a legal basis cannot be used."""
    conditions = [condition(name, values) for name, values in BASIS[code].gateway]
    return listed(conditions, "and") or "always open"


def _can_be_unknown(clauses: Iterable[Clause]) -> bool:
    """Tell whether a condition hangs on something that may not be known."""
    return any(FACTS[_NAMES[slot]].may_be_unknown for slot, _ in clauses)


def _subject(subject: str) -> str:
    return "the person" if subject == "person" else subject


def _plural(word: str, many: Sequence[object]) -> str:
    if len(many) == 1:
        return word
    return f"{word}es" if word.endswith("s") else f"{word}s"


def _a(words: str) -> str:
    return f"{'an' if words[:1].lower() in 'aeiou' else 'a'} {words}"


def listed(words: Sequence[str], joined_by: str) -> str:
    """List words as a sentence does."""
    if len(words) < 2:  # noqa: PLR2004 - one word needs no list
        return "".join(words)
    return f"{', '.join(words[:-1])} {joined_by} {words[-1]}"
