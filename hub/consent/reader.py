"""Reads the policy documents into rules, refusing every word outside the closed vocabulary.

All faults are gathered, each naming file, rule and field, with the word that was probably meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.consent.decision import Outcome
from hub.consent.entries import Entry, entries_of, many, one_of, only
from hub.consent.obligations import terms_of
from hub.consent.overriding import Authority, at_odds, never_opened, read_authority
from hub.consent.parties import nearest
from hub.consent.rules import Arm, Clause, Effect, Rule, clause
from hub.consent.vocabulary import (
    BASIS,
    BASIS_ORDER,
    BY_CLASS,
    CAVEATS,
    CLASSES,
    FACTS,
    MESSAGES,
    NAMING,
    SUBJECTS,
    WINDOWS,
    Value,
    bit,
)
from hub.messages.envelope import InformationClass, MessageName, Subject

GATES = "gates"
"""Name of the document with the message gates and the rules for every class."""
FAMILIES = (
    "LAW",
    "NEED",
    "PURP",
    "TIME",
    "CONS",
    "TIER",
    "BROK",
    "GUARD",
    "QUAL",
    "OBL",
    "FACT",
    "HOLD",
    "OVR",
)

_CLASS_FILE = frozenset({"class", "owner", "review_by", "about", "rules", "accepts"})
_GATES_FILE = frozenset(
    {"owner", "review_by", "about", "gates", "everywhere", "keys_inform", "overrides", "accepts"}
)
_COMMON = frozenset(
    {
        "id",
        "effect",
        "when",
        "messages",
        "statement",
        "reason",
        "says",
        "tells",
        "owner",
        "review_by",
        "guard",
    }
)
_NARROWING = _COMMON | {"outcome", "subjects", "sensitive", "fields"}
_EVERYWHERE = frozenset({"classes"})
_PERMIT = _NARROWING | {"basis", "window", "caveats", "obligations", "strictly_necessary"}
_PERMIT_OUTCOMES = {"disclose": Outcome.DISCLOSE, "generalise": Outcome.GENERALISE, "redact": Outcome.REDACT}
_HELD_OUTCOMES = {
    "generalise": Outcome.GENERALISE,
    "redact": Outcome.REDACT,
    "withhold": Outcome.WITHHOLD,
}
_REASON = re.compile(r"[A-Z]+(?:-[A-Z0-9]+)+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_ID = re.compile(r"[a-z0-9_]+(?:[.-][a-z0-9_]+)*")


@dataclass(slots=True)
class Documents:
    """What has been read so far, and every fault found on the way."""

    gates: list[Rule] = field(default_factory=list)
    everywhere: list[tuple[Rule, frozenset[InformationClass]]] = field(default_factory=list)
    """Rules that stand once for several classes, each with those it is for."""
    classes: dict[InformationClass, list[Rule]] = field(default_factory=dict)
    keys_inform: frozenset[MessageName] = frozenset()
    authorities: list[Authority] = field(default_factory=list)
    """Who may open what beyond the rules."""
    accepts: dict[str, str] = field(default_factory=dict)
    """Findings the owners of the rules accept, by name, and why."""
    faults: list[str] = field(default_factory=list)


def read_documents(documents: Mapping[str, object]) -> Documents:
    """Read every policy document; the faults are in the result, not raised."""
    read = Documents()
    for name, body in documents.items():
        if not isinstance(body, Mapping):
            read.faults.append(f"{name}.yaml: must be a mapping")
        elif name == GATES:
            _read_gates(body, read)
        else:
            _read_class(name, body, read)
    for missing in sorted(set(CLASSES) - {str(item) for item in read.classes}):
        read.faults.append(
            f"{missing}.yaml: there must be one file per information class; this one is missing"
        )
    if GATES not in documents:
        read.faults.append("gates.yaml: the message gates are missing")
    own = ((rule, (name,)) for name, rules in read.classes.items() for rule in rules)
    read.faults.extend(at_odds(read.authorities))
    read.faults.extend(never_opened(read.authorities, (*read.everywhere, *own)))
    seen: set[str] = set()
    for rule in (
        *read.gates,
        *(r for r, _ in read.everywhere),
        *(r for rules in read.classes.values() for r in rules),
    ):
        if rule.rule in seen:
            read.faults.append(f"rule {rule.rule}: the id is used twice")
        seen.add(rule.rule)
    return read


def _read_class(name: str, body: Mapping[str, object], read: Documents) -> None:
    """Read the file of one information class."""
    only(f"{name}.yaml", body, _CLASS_FILE, read.faults)
    stated = body.get("class")
    if stated not in CLASSES:
        read.faults.append(f"{name}.yaml, class: {stated!r} is not allowed{nearest(stated, CLASSES)}")
        return
    information_class = InformationClass(str(stated))
    if name != information_class:
        read.faults.append(f"{name}.yaml, class: the file of class {stated} is called {stated}.yaml")
    rules = read.classes.setdefault(information_class, [])
    rules.extend(
        _rule(entry, information_class, tuple(Effect))
        for entry in entries_of(name, body, "rules", read.faults)
    )
    _read_accepts(name, body, read)


def _read_gates(body: Mapping[str, object], read: Documents) -> None:
    """Read the message gates, the rules for every class, and whose keys inform."""
    only("gates.yaml", body, _GATES_FILE, read.faults)
    for entry in entries_of(GATES, body, "gates", read.faults):
        read.gates.append(_rule(entry, None, (Effect.FORBID,)))
        when = entry.body.get("when")
        for name in when if isinstance(when, Mapping) else ():
            if name in {*BY_CLASS, "scope"}:
                entry.fault(f"when.{name}", "a gate is for the message as a whole; this differs by field")
    for entry in entries_of(GATES, body, "everywhere", read.faults):
        rule = _rule(entry, None, tuple(Effect), also=_EVERYWHERE)
        read.everywhere.append((rule, _classes_of(entry, rule)))
    for entry in entries_of(GATES, body, "overrides", read.faults):
        _check_text(entry)
        read.authorities.append(read_authority(entry))
    _read_accepts(GATES, body, read)
    head = Entry("gates.yaml", body, {}, read.faults)
    words = head.words("keys_inform", MESSAGES) or ()
    read.keys_inform = frozenset(MessageName(word) for word in words if word in MESSAGES)


def _read_accepts(name: str, body: Mapping[str, object], read: Documents) -> None:
    """Read which findings the owner of a file accepts, and why."""
    for entry in entries_of(name, body, "accepts", read.faults):
        only(entry.where, entry.body, frozenset({"finding", "reason"}), read.faults)
        read.accepts[entry.text("finding")] = entry.text("reason")


def _classes_of(entry: Entry, rule: Rule) -> frozenset[InformationClass]:
    """Read which classes a rule under `everywhere` is for: all, unless it names some; a permit names them.

    A permit there rests on nothing but a decision that itself names recipient and class.
    """
    if any(arm.basis not in NAMING for arm in rule.arms):
        entry.fault("basis", f"a permit under everywhere rests on nothing but {' or '.join(NAMING)}")
    words = entry.words("classes", CLASSES)
    if words is None and rule.effect is Effect.PERMIT:
        entry.fault("classes", "a permit under everywhere names the classes it is for")
    return frozenset(InformationClass(word) for word in (words or CLASSES) if word in CLASSES)


def _rule(
    entry: Entry,
    information_class: InformationClass | None,
    effects: tuple[Effect, ...],
    *,
    also: frozenset[str] = frozenset(),
) -> Rule:
    """Read one rule; a faulty one is noted and comes back as far as it could be read."""
    effect = _effect(entry, effects)
    permits = effect is Effect.PERMIT
    # What else a rule may say hangs on its effect; where that cannot be read, nothing else is a fault.
    only(entry.where, entry.body, (_NARROWING if effect and not permits else _PERMIT) | also, entry.faults)
    bases = entry.words("basis", BASIS) or ()
    if permits and not bases:
        entry.fault("basis", "a permit names its legal basis")
    sensitive = _sensitive(entry, permits=permits)
    subjects = entry.words("subjects", SUBJECTS)
    messages = entry.words("messages", MESSAGES)
    fields = tuple(str(item) for item in many(entry.body["fields"])) if "fields" in entry.body else None
    _check_text(entry)
    if "DPA48" in bases and messages != ("correction",):
        entry.fault("basis", "DPA48 is the duty to tell recipients; it carries corrections only")
    if permits and sensitive is not False and set(bases) != {"CONSENT"}:
        entry.text("strictly_necessary")
    return Rule(
        rule=entry.text("id"),
        effect=effect or Effect.FORBID,
        outcome=Outcome.WITHHOLD if effect is None else _outcome(entry, effect),
        information_class=information_class,
        clauses=_clauses(entry),
        arms=_arms(bases),
        reason=entry.text("reason"),
        says=entry.text("says"),
        tells=entry.text("tells", needed=False),
        owner=entry.text("owner"),
        review_by=entry.text("review_by"),
        messages=None if messages is None else frozenset(MessageName(m) for m in messages if m in MESSAGES),
        subjects=None if subjects is None else frozenset(Subject(s) for s in subjects if s in SUBJECTS),
        sensitive=sensitive,
        fields=fields,
        caveats=(*(entry.words("caveats", CAVEATS) or ()), *_obligations(entry)),
        strictly_necessary=entry.text("strictly_necessary", needed=False),
        guard=entry.flag("guard"),
    )


def _effect(entry: Entry, effects: tuple[Effect, ...]) -> Effect | None:
    """Read what a rule does; None where it is no word for that."""
    known: dict[str, Effect | None] = {str(item): item for item in effects}
    return one_of(entry, "effect", known, None)


def _obligations(entry: Entry) -> tuple[str, ...]:
    """Read what a permit obliges to, as terms beside its caveats."""
    if "obligations" not in entry.body:
        return ()
    terms, faults = terms_of(entry.body["obligations"])
    for name, text in faults:
        entry.fault(name, text)
    return terms


def _check_text(entry: Entry) -> None:
    """Check the form of id, reason and review date."""
    reason = entry.body.get("reason")
    if isinstance(reason, str):
        family = reason.split("-")[0]
        if not _REASON.fullmatch(reason) or family not in FAMILIES:
            entry.fault(
                "reason", f"{reason!r} must begin with a family of reasons{nearest(family, FAMILIES)}"
            )
    if not _ID.fullmatch(str(entry.body.get("id", ""))):
        entry.fault("id", "lower-case words joined by full stops or hyphens")
    if not _DATE.fullmatch(str(entry.body.get("review_by", entry.defaults.get("review_by")))):
        entry.fault("review_by", "must be a date, year-month-day, in quotation marks")


def _outcome(entry: Entry, effect: Effect) -> Outcome:
    """Read what a permit lets through, or the least that a ceiling or forbid holds back."""
    if effect is Effect.PERMIT:
        return one_of(entry, "outcome", _PERMIT_OUTCOMES, Outcome.REDACT)
    if effect is Effect.FORBID:
        if entry.body.get("outcome", "withhold") != "withhold":
            entry.fault("outcome", "a forbid withholds; for less, use a ceiling")
        return Outcome.WITHHOLD
    return one_of(entry, "outcome", _HELD_OUTCOMES, Outcome.WITHHOLD)


def _sensitive(entry: Entry, *, permits: bool) -> bool | None:
    """Read whether a rule is for sensitive fields: a permit says so, what holds back covers all."""
    stated = entry.body.get("sensitive", False if permits else "any")
    if stated == "any":
        return None
    if not isinstance(stated, bool):
        entry.fault("sensitive", "must be true, false or any")
        return None if not permits else False
    return stated


def _clauses(entry: Entry) -> tuple[Clause, ...]:
    """Read the conditions of a rule: its `when`, `statement` and `window`."""
    when = entry.body.get("when", {})
    if not isinstance(when, Mapping):
        entry.fault("when", "must be a mapping of facts")
        return ()
    found = []
    for name, stated in when.items():
        if name not in FACTS:
            entry.fault(f"when.{name}", f"not a fact{nearest(name, FACTS)}")
            continue
        found.append(clause(name, *_values(entry, name, stated)))
    if "statement" in entry.body:
        found.append(clause("statement", *_values(entry, "statement", entry.body["statement"])))
    if "window" in entry.body:
        window = one_of(entry, "window", WINDOWS, WINDOWS["membership"])
        found.append(clause(window[0], *window[1]))
    return tuple(found)


def _values(entry: Entry, name: str, stated: object) -> tuple[Value, ...]:
    """Read the values of one fact that satisfy, or with `not` those that do not."""
    negated = isinstance(stated, Mapping) and set(stated) == {"not"}
    inner = stated["not"] if isinstance(stated, Mapping) and negated else stated
    domain = FACTS[name].domain
    values: list[Value] = []
    for item in many(inner):
        if isinstance(item, str | int | bool) and bit(name, item):
            values.append(item)
        else:
            entry.fault(f"when.{name}", f"{item!r} is not allowed{nearest(item, map(_plain, domain))}")
    if not values:
        entry.fault(f"when.{name}", "must allow at least one value")
    if not negated:
        return tuple(values)
    excluded = {bit(name, value) for value in values}
    return tuple(value for value in domain if bit(name, value) not in excluded)


def _arms(bases: tuple[str, ...]) -> tuple[Arm, ...]:
    """Open the gateway of each basis, narrowest first."""
    known = sorted((code for code in bases if code in BASIS), key=BASIS_ORDER.__getitem__)
    return tuple(
        Arm(basis=code, clauses=tuple(clause(name, *values) for name, values in BASIS[code].gateway))
        for code in known
    )


def _plain(value: Value) -> str:
    """Write a value as the files do."""
    return str(value).lower() if isinstance(value, bool) else str(value)
