"""The record of processing activities (DPA 2018 s.61): what the system really has, point by point.

Purposes, categories of people, data and recipients, legal bases and security follow from the rules, the
contracts and the catalogue of topics. What only the controller knows is a place marked to be filled in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hub.consent.compile import Policy
from hub.consent.decide import lines_of
from hub.consent.decision import FieldSpec, Outcome
from hub.consent.matrix import KINDS, columns
from hub.consent.obligations import in_words
from hub.consent.parties import Purpose
from hub.consent.prove import most_that_goes
from hub.consent.purposes import PURPOSES
from hub.consent.rules import Effect, Rule
from hub.consent.rules_page import sections
from hub.consent.sentences import ROLES, class_in_words, gateway_of
from hub.consent.vocabulary import BASES, Value
from hub.messages.envelope import InformationClass, MessageName, Subject
from hub.topics.catalogue import Catalogue, Topic
from hub.topics.controller import Controller
from hub.topics.library import SchemaLibrary
from hub.topics.security_measures import MEASURES

_DAY_MS = 86_400_000
_GONE: Mapping[Outcome, str] = {
    Outcome.DISCLOSE: "disclosed",
    Outcome.GENERALISE: "in general form",
    Outcome.REDACT: "named as held back",
}
_SUBJECTS: Mapping[Subject, str] = {
    Subject.PERSON: "people convicted of an offence, or awaiting sentence, who are supervised",
    Subject.VICTIM: "victims",
    Subject.WITNESS: "witnesses",
    Subject.FAMILY: "family, friends and associates of the person",
    Subject.STAFF: "staff of probation, prisons and partner organisations",
    Subject.OTHER: "others, or nobody: references and arrangements",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of the record."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point that the law asks for, and what the record says to it."""

    place: str
    """Where it stands, e.g. 61(2)(d)."""
    asks: str
    says: tuple[str, ...]
    tables: tuple[Table, ...] = ()


def points(policy: Policy, library: SchemaLibrary, controller: Controller) -> tuple[Point, ...]:
    """Return every point of s.61(2) by its letter, then those of s.61(4) for whoever runs it for others."""
    return (
        *_who(controller),
        _purposes(library),
        _recipients(policy, library, controller),
        _categories(library),
        _profiling(),
        _transfers(controller),
        _legal_bases(policy),
        _time_limits(policy, controller),
        _security(controller),
        *_processor(controller),
    )


def _who(controller: Controller) -> Iterator[Point]:
    """Yield (a) to (c): who answers for the processing."""
    yield Point(
        place="61(2)(a)",
        asks="The name and contact details of the controller",
        says=(controller.said("controller"),),
    )
    yield Point(
        place="61(2)(b)",
        asks="Where applicable, those of the joint controller",
        says=(
            controller.said("joint_controller"),
            "Every organisation decides for itself what it does with what it has got by the hub.",
        ),
    )
    yield Point(
        place="61(2)(c)",
        asks="Where applicable, those of the data protection officer",
        says=(controller.said("data_protection_officer"),),
    )


def _purposes(library: SchemaLibrary) -> Point:
    """Say (d): every message type has exactly one purpose."""
    rows = tuple(
        (_words(purpose), f"`{message}`", library.current(message).shape.doc)
        for purpose in Purpose
        for message, meant in PURPOSES.items()
        if meant is purpose
    )
    return Point(
        place="61(2)(d)",
        asks="The purposes of the processing",
        says=(
            _text(
                "The management of offenders and the execution of sentences (DPA 2018 s.31). Every",
                "message has exactly one purpose; an organisation gets those it is registered for,",
                "and corrections.",
            ),
        ),
        tables=(Table(head=("purpose", "message", "what it is"), rows=rows),),
    )


def _recipients(policy: Policy, library: SchemaLibrary, controller: Controller) -> Point:
    """Say (e): each role on each rung, with the most the rules let it have of each class in any state."""
    selections = _selections(policy, library)
    rows = []
    for role, rung in columns():
        fixed: dict[str, frozenset[Value]] = {
            "role": frozenset({role}),
            "kind": frozenset({KINDS[role]}),
            "rung": frozenset({rung}),
            "court_order": frozenset({False}),
            "override": frozenset({False}),
        }
        goes: dict[Outcome, list[str]] = {}
        for name, selected in selections.items():
            most = min(most_that_goes(rules, fixed) for rules in selected)
            goes.setdefault(most, []).append(class_in_words(name))
        said = "; ".join(f"{word}: {', '.join(goes[most])}" for most, word in _GONE.items() if most in goes)
        rows.append((ROLES[role], _words(KINDS[role]), str(rung), said or "nothing"))
    return Point(
        place="61(2)(e)",
        asks="The categories of recipients, including third countries and international organisations",
        says=(
            _text(
                "By role on the case, kind of organisation and brokerage rung, with the classes of",
                "which the rules let at least something go in some state of a case. What goes by",
                "default is far less (`hub policy matrix`); who was really told what stands in the",
                "ledger (`hub ledger list`). An order of a court or an override, which name",
                "recipient, class and end, can open more.",
            ),
            controller.said("recipients_abroad"),
        ),
        tables=(Table(head=("role", "organisation", "rung", "at most"), rows=tuple(rows)),),
    )


def _selections(
    policy: Policy, library: SchemaLibrary
) -> Mapping[InformationClass, tuple[tuple[Rule, ...], ...]]:
    """Return, for each class, the rules of every kind of field there is of it, each selection once."""
    found: dict[InformationClass, dict[tuple[str, ...], tuple[Rule, ...]]] = {}
    for message in MessageName:
        specs = library.current(message).specs
        for spec, classes, _ in lines_of(policy, message, specs, {}):
            if spec.path.startswith("@") or len(classes) > 1:
                continue
            for name, rules in classes:
                found.setdefault(name, {})[tuple(rule.rule for rule in rules)] = rules
    return {name: tuple(selected.values()) for name, selected in found.items()}


def _categories(library: SchemaLibrary) -> Point:
    """Say (f): whose data, and which, by the classes of every field of every message."""
    specs = [
        (message, spec)
        for message in MessageName
        for spec in library.current(message).specs
        if not spec.is_general
    ]
    people = tuple(
        (_SUBJECTS[subject], _listed(name for name in InformationClass if _held(specs, name, subject)))
        for subject in Subject
    )
    data = tuple(_data(specs, name) for name in InformationClass)
    return Point(
        place="61(2)(f)",
        asks="A description of the categories of data subject and of personal data",
        says=(
            _text(
                "Read off the contracts, in which every field has a class, says whose data it is,",
                "whether it is sensitive (s.35(8)) and whether it is fact or assessment (s.38(2)).",
            ),
        ),
        tables=(
            Table(head=("data subjects (s.38(3))", "classes of data"), rows=people),
            Table(head=("class", "fields", "of them sensitive", "in messages", "what"), rows=data),
        ),
    )


def _held(specs: Sequence[tuple[MessageName, FieldSpec]], name: InformationClass, subject: Subject) -> bool:
    return any(spec.information_class is name and spec.subject is subject for _, spec in specs)


def _data(specs: Sequence[tuple[MessageName, FieldSpec]], name: InformationClass) -> tuple[str, ...]:
    """Describe one class: how many fields, how many sensitive, in which messages, which."""
    own = [(message, spec) for message, spec in specs if spec.information_class is name]
    fields = dict.fromkeys(spec.path.rpartition(".")[2].removesuffix("[]") for _, spec in own)
    return (
        class_in_words(name),
        str(len(own)),
        str(sum(spec.sensitive for _, spec in own)),
        ", ".join(dict.fromkeys(str(message) for message, _ in own)),
        ", ".join(each.replace("_", " ") for each in fields),
    )


def _profiling() -> Point:
    return Point(
        place="61(2)(g)",
        asks="Where applicable, details of the use of profiling",
        says=(
            _text(
                "The hub profiles nobody: scores, bands and levels of risk are made by people and tools",
                "outside, and carried. A tier is stated by people, or is the highest that the factors they",
                "state ask for, by published rules; they may allocate otherwise. The band of a score goes",
                "where the score itself may not be known.",
            ),
            _text(
                "What each recipient may know is decided by rules, without a person, for every",
                "message; each decision keeps its rules, facts and legal basis. It decides on",
                "disclosure, never on the person.",
            ),
        ),
    )


def _transfers(controller: Controller) -> Point:
    return Point(
        place="61(2)(h)",
        asks="Where applicable, the categories of transfers to third countries or organisations",
        says=(
            _text(
                "Recipients fetch from the hub; it keeps data in the one Kafka and the one PostgreSQL",
                "it is given. It does not know in which country an organisation is.",
            ),
            controller.said("transfers"),
        ),
    )


def _legal_bases(policy: Policy) -> Point:
    """Say (i): every basis, where it is open, and which classes some permit lets go on it."""
    permits = [
        (name, rule) for name, rules in policy.rules.items() for rule in rules if rule.effect is Effect.PERMIT
    ]
    rows = []
    for basis in BASES:
        on_it = [(name, rule) for name, rule in permits if any(arm.basis == basis.code for arm in rule.arms)]
        classes = dict.fromkeys(class_in_words(name) for name, _ in on_it)
        rows.append((f"`{basis.code}`", basis.says, gateway_of(basis.code), ", ".join(classes)))
    necessary = sorted({rule.strictly_necessary for _, rule in permits if rule.strictly_necessary})
    by_purpose = tuple((_words(purpose), ", ".join(_bases_for(permits, purpose))) for purpose in Purpose)
    return Point(
        place="61(2)(i)",
        asks="An indication of the legal basis for the processing operations, including transfers",
        says=(
            _text(
                "Every field that goes has its basis in the ledger, the narrowest that is open.",
                f"Sensitive data without consent go where strictly necessary: {'; '.join(necessary)}.",
            ),
            "The rules know no basis for a transfer.",
        ),
        tables=(
            Table(head=("code", "basis", "open where", "classes"), rows=tuple(rows)),
            Table(head=("purpose", "bases"), rows=by_purpose),
        ),
    )


def _bases_for(permits: Sequence[tuple[InformationClass, object]], purpose: Purpose) -> Iterator[str]:
    """Yield the bases on which something of a message of this purpose may go."""
    messages = {message for message, meant in PURPOSES.items() if meant is purpose}
    used = {
        arm.basis
        for _, rule in permits
        if (named := getattr(rule, "messages", None)) is None or named & messages
        for arm in getattr(rule, "arms", ())
    }
    yield from (basis.code for basis in BASES if basis.code in used)


def _time_limits(policy: Policy, controller: Controller) -> Point:
    """Say (j): what each topic keeps, what the database keeps, and what recipients are told to destroy."""
    topics = tuple(
        (f"`{topic.name}`", topic.purpose, kept(topic)) for topic in Catalogue().topics(("<organisation>",))
    )
    terms = {
        term: [rule.rule for rules in sections(policy).values() for rule in rules if term in rule.caveats]
        for rules in sections(policy).values()
        for rule in rules
        for term in rule.caveats
        if term.startswith("DESTROY")
    }
    told = tuple((in_words(term), ", ".join(f"`{rule}`" for rule in rules)) for term, rules in terms.items())
    return Point(
        place="61(2)(j)",
        asks="Where possible, the envisaged time limits for erasure of the different categories of data",
        says=(
            _text(
                "What is said of a person is sealed under that person's key, wherever it stands;",
                "erasing the one key erases the content in the log, the changelogs and the database",
                "at once. No command does so yet: it is done in the store of keys.",
            ),
            _text(
                "PostgreSQL holds a projection of these topics, sealed alike, without a time limit of",
                "its own, but for whole messages: they stay there for the days that are set after their last",
                "recipient is done with them (14, at most 30), so that what was lost can be had again, and",
                "never longer than in the log; idempotency keys, which say nothing of a person, are kept",
                "for the days that are set.",
            ),
            controller.said("erasure_limits"),
        ),
        tables=(
            Table(head=("topic", "what it holds", "kept"), rows=topics),
            Table(head=("recipients are told", "by the rules"), rows=told),
        ),
    )


def kept(topic: Topic) -> str:
    """Say how long a topic keeps its records."""
    policy, limit = topic.config["cleanup.policy"], topic.config.get("retention.ms", "-1")
    age = "for ever" if limit == "-1" else f"{int(limit) // _DAY_MS} days"
    if policy == "compact":
        return "the latest of each key, until it is taken away"
    return age if policy == "delete" else f"{age}; sooner once it is taken back"


def _security(controller: Controller) -> Point:
    rows = tuple((each.what, f"`{each.where}`") for each in MEASURES if each.there)
    lacking = "; ".join(each.what for each in MEASURES if not each.there)
    return Point(
        place="61(2)(k)",
        asks="Where possible, a general description of technical and organisational security (s.66)",
        says=(f"Not there yet: {lacking}.", controller.said("organisational_measures")),
        tables=(Table(head=("measure", "where it is made"), rows=rows),),
    )


def _processor(controller: Controller) -> Iterator[Point]:
    """Yield s.61(4), for whoever runs the hub on behalf of a controller."""
    told = (
        (
            "a",
            "The name and contact details of the processor and of other processors it engages",
            "processor",
        ),
        ("b", "Those of the controller on behalf of which it acts", "controller"),
        ("c", "Where applicable, those of the data protection officer", "processor_data_protection_officer"),
    )
    for letter, asks, name in told:
        yield Point(place=f"61(4)({letter})", asks=asks, says=(controller.said(name),))
    for letter, asks, says in (
        (
            "d",
            "The categories of processing carried out on behalf of the controller",
            "Receiving, storing, deciding on disclosure, delivering, recording it: as (d) to (f) above.",
        ),
        ("e", "Where applicable, details of transfers, where explicitly instructed", "As (h) above."),
        ("f", "Where possible, the security measures (s.66)", "As (k) above."),
    ):
        yield Point(place=f"61(4)({letter})", asks=asks, says=(says,))


def _text(*lines: str) -> str:
    return " ".join(lines)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _listed(names: Iterator[InformationClass]) -> str:
    return ", ".join(class_in_words(name) for name in names) or "none"
