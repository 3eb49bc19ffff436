"""Golden cases: what somebody must be told of a message, written from the sources, asked of the rules.

A file of `tests/golden` holds cases in the field's own words. What a case does not list as told is withheld:
each says all that goes, so that a rule that lets one field more go is found out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from hub.consent.compile import Policy
from hub.consent.decide import ENVELOPE_SPECS, decide
from hub.consent.decision import Decision, FieldSpec, Outcome, Scope
from hub.consent.paths import general_of, walk
from hub.consent.redact import cut
from hub.consent.rules import names_field
from hub.messages.envelope import InformationClass, MessageName, Subject
from hub.topics.library import SchemaLibrary
from tests.unit.golden_situations import Situation, situation, yes_or_no

FOLDER = Path(__file__).resolve().parents[1] / "golden"
OUTCOMES = {
    "disclosed": Outcome.DISCLOSE,
    "generalised": Outcome.GENERALISE,
    "held back by name": Outcome.REDACT,
}
"""How a case says what becomes of a field."""
WHOSE = {"own": (Scope.THEIRS,), "others": (Scope.OTHERS,), "all": (Scope.ALL, Scope.THEIRS, Scope.OTHERS)}
CASE_WORDS = frozenset(
    {"title", "source", "message", "recipient", "given", "gets", "because", "delivered", "gate", "gains"}
)
GROUP_WORDS = frozenset({*OUTCOMES, "basis", "whose", "because"})
VALUES = {"month": 20_000, "year": 7_000, "band": 61, "area": "LS1 4AP"}
"""Values that can be generalised, by the way it is done."""
LIBRARY = SchemaLibrary.load()

Place = tuple[str, Scope]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must become of one field: outcome, the basis it goes on and others that would do, the reason."""

    outcome: Outcome
    bases: tuple[str, ...] = ()
    reason: str | None = None

    def rests_on(self, bases: Sequence[str]) -> bool:
        """Tell whether the first basis is the one expected, and the others are among those that would do."""
        return not self.bases or (tuple(bases[:1]) == self.bases[:1] and set(self.bases) <= set(bases))


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """One case asked of one message: who is told what, and where that is written."""

    file: str
    title: str
    source: str
    message: MessageName
    situation: Situation
    specs: tuple[FieldSpec, ...]
    """The fields of its contract, with those a case says it gains."""
    expected: Mapping[Place, Expected]
    """What is expected; of a message that gains fields, of those only."""
    delivered: bool
    gate: str | None
    gains: bool

    @property
    def name(self) -> str:
        """How the case is called in a list of tests."""
        return f"{self.file}: {self.title} [{self.message}]"


@cache
def golden_cases() -> tuple[Golden, ...]:
    """Read every golden case, one for each message it speaks of."""
    found: list[Golden] = []
    for file in sorted(FOLDER.glob("*.yaml")):
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
        for body in read["cases"]:
            unknown = set(body) - CASE_WORDS
            assert not unknown, f"{file.name}, {body.get('title')}: {unknown} is not a word of a golden case"
            messages = tuple(_messages(body["message"]))
            _check_words(body, messages)
            for message, recipient, given in product(
                messages, _each_of(body["recipient"]), _given(body.get("given", {}))
            ):
                asked_of = {**body, "message": message, "recipient": recipient, "given": given}
                found.append(_golden(file.stem, asked_of, read.get("bases", {})))
    return tuple(found)


def _check_words(body: Mapping[str, Any], messages: tuple[MessageName, ...]) -> None:
    """Refuse a case with a word or a field that means nothing: what is misspelt would expect nothing."""
    groups = [] if body["gets"] == "nothing" else body["gets"]
    named = list(body.get("because", {}))
    for group in groups:
        assert set(group) <= GROUP_WORDS, f"{body['title']}: {set(group) - GROUP_WORDS} is not known"
        named += [word for outcome in OUTCOMES.keys() & group.keys() for word in group[outcome]]
    for word in named if "gains" not in body else ():
        known = any(_names(word.removeprefix("but "), spec) for each in messages for spec in specs_of(each))
        assert known, f"{body['title']}: no message of it has {word}"


def _given(said: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Read what is given; why the message concerns the recipient may be one thing or several in turn."""
    for concern in _many(said.get("concern", "team")):
        yield {**said, "concern": concern}


def _each_of(said: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Read who is told: a role, or several in turn, at an organisation, or at several in turn."""
    names = list(said)
    for values in product(*(_many(said[name]) for name in names)):
        yield dict(zip(names, values, strict=True))


def _many(said: Any) -> list[Any]:  # noqa: ANN401 - as YAML has it
    """Take one or several as several."""
    return said if isinstance(said, list) else [said]


def _messages(said: Any) -> Iterator[MessageName]:  # noqa: ANN401 - as YAML has it
    """Read which messages a case speaks of: one, several, every, or every but some."""
    words = _many(said)
    if words[0] == "every":
        yield from (name for name in MessageName if f"but {name}" not in words)
    else:
        yield from map(MessageName, words)


def _golden(file: str, body: Mapping[str, Any], bases: Mapping[str, Mapping[str, str]]) -> Golden:
    """Read one case for one message and one recipient."""
    message, recipient = body["message"], body["recipient"]
    groups = [] if body["gets"] == "nothing" else body["gets"]
    contract = LIBRARY.fields(message, "1.0")
    gained = tuple(_gained(body.get("gains", ()), contract))
    specs = gained or tuple(spec for spec in (*ENVELOPE_SPECS, *contract) if not spec.is_general)
    expected = {
        (spec.path, scope): Expected(outcome=Outcome.WITHHOLD) for spec in specs for scope in scopes_of(spec)
    }
    for group in groups:
        for word in OUTCOMES.keys() & group.keys():
            told = Expected(
                outcome=OUTCOMES[word],
                bases=_bases(group.get("basis"), recipient, bases),
                reason=group.get("because"),
            )
            meant = _meant(specs, group[word], WHOSE[group.get("whose", "all")])
            expected.update(dict.fromkeys(meant, told))
    for path, reason in body.get("because", {}).items():
        for place in _meant(specs, [path], WHOSE["all"]):
            expected[place] = Expected(outcome=expected[place].outcome, reason=reason)
    return Golden(
        file=file,
        title=f"{body['title']} ({', '.join(map(str, recipient.values()))})",
        source=body["source"],
        message=message,
        situation=situation(recipient, body["given"], message),
        specs=(*contract, *gained),
        expected=expected,
        delivered=yes_or_no(body.get("delivered", bool(groups))) == "yes",
        gate=body.get("gate"),
        gains=bool(gained),
    )


def _gained(said: Iterable[Mapping[str, Any]], contract: Iterable[FieldSpec]) -> Iterator[FieldSpec]:
    """Read the fields a contract gains, those it does not have already."""
    known = {spec.path for spec in contract}
    for body in said:
        for path in body["paths"]:
            if path not in known:
                yield FieldSpec(
                    path=path,
                    information_class=InformationClass(body["class"]),
                    subject=Subject(body.get("subject", "person")),
                    sensitive=False,
                    own=body.get("own"),
                    general=body.get("general"),
                    generaliser="area" if "general" in body else None,
                )


def _bases(
    said: str | None, recipient: Mapping[str, Any], named: Mapping[str, Mapping[str, str]]
) -> tuple[str, ...]:
    """Read on which bases something goes: a list, or the file's name for what is so at each organisation."""
    if said is None:
        return ()
    of_status = named.get(said, {}).get(recipient.get("legal status", ""))
    text = of_status or (named[said][recipient["at"]] if said in named else said)
    return tuple(text.split(", "))


def specs_of(message: MessageName) -> tuple[FieldSpec, ...]:
    """Return every field of a message that is decided, those of the envelope among them."""
    every = (*ENVELOPE_SPECS, *LIBRARY.fields(message, "1.0"))
    return tuple(spec for spec in every if not spec.is_general)


def scopes_of(spec: FieldSpec) -> tuple[Scope, ...]:
    """Return whose items a field is decided for."""
    return (Scope.THEIRS, Scope.OTHERS) if spec.own else (Scope.ALL,)


def _meant(specs: Iterable[FieldSpec], entries: Iterable[str], scopes: tuple[Scope, ...]) -> Iterator[Place]:
    """Yield the fields that entries mean: a path, `all`, `all <class>`, and `but <path>`."""
    words = list(entries)
    for spec in specs:
        named = any(_names(word, spec) for word in words if not word.startswith("but "))
        left_out = any(_names(word[4:], spec) for word in words if word.startswith("but "))
        if named and not left_out:
            yield from ((spec.path, scope) for scope in scopes_of(spec) if scope in scopes)


def _names(word: str, spec: FieldSpec) -> bool:
    """Tell whether an entry means a field."""
    if word == "all":
        return True
    if word.startswith("all "):
        return spec.information_class is InformationClass(word[4:])
    return names_field(word, spec.path)


def payload_of(golden: Golden) -> dict[str, object]:
    """Return a message with a value of its own in every field, in each of two items of every list."""
    payload: dict[str, object] = {}
    owns = {Scope.THEIRS: golden.situation.candidate.organisation, Scope.OTHERS: "another-provider"}
    for spec in LIBRARY.fields(golden.message, "1.0"):
        head, _, rest = spec.path.partition("[].")
        value: object = VALUES.get(spec.generaliser or "", f"«{spec.path}»")
        if spec.is_general:
            payload[spec.path] = None
        elif not rest:
            payload[head] = value
        else:
            items = payload.setdefault(head, [{}, {}])
            assert isinstance(items, list)
            for item, scope in zip(items, owns, strict=True):
                item[rest] = owns[scope] if spec.own in {spec.path, rest} else f"«{scope} {rest}»"
    return payload


def asked(golden: Golden, policy: Policy) -> Decision:
    """Ask the rules."""
    where = golden.situation
    return decide(
        policy,
        envelope=where.envelope,
        specs=golden.specs,
        case=where.case,
        organisation=where.organisation,
        candidate=where.candidate,
        now=where.now,
        about=where.about,
        payload=payload_of(golden),
    )


def differences(golden: Golden, decision: Decision) -> list[str]:
    """Say where a decision is not what the case expects."""
    generals = {general_of(spec) for spec in LIBRARY.fields(golden.message, "1.0") if spec.general}
    found = []
    for item in decision.fields:
        if item.path in generals or (item.path, item.scope) not in golden.expected:
            continue
        want = golden.expected[item.path, item.scope]
        bases = (item.basis, *item.alternates) if item.basis else ()
        if item.outcome is not want.outcome:
            said = f"{item.outcome.name} ({item.reason}; {', '.join(bases)})"
            found.append(f"{item.path} ({item.scope}): {said}, expected {want.outcome.name}")
        elif not want.rests_on(bases):
            found.append(f"{item.path} ({item.scope}): on {bases}, expected {want.bases}")
        elif want.reason is not None and item.reason != want.reason:
            found.append(f"{item.path} ({item.scope}): {item.reason}, expected {want.reason}")
    if decision.gate != golden.gate and golden.gate is not None:
        found.append(f"gate {decision.gate}, expected {golden.gate}")
    if decision.delivers is not golden.delivered and not golden.gains:
        found.append(f"delivers {decision.delivers} ({decision.gate}), expected {golden.delivered}")
    return found


def wrongly_cut(golden: Golden, decision: Decision) -> set[Place]:
    """Return the fields that have a value in what is cut and should not, or should and have none."""
    specs = golden.specs
    candidate = golden.situation.candidate
    payload = payload_of(golden)
    result, _ = cut(payload, specs, decision, candidate)
    generals = {spec.path: general_of(spec) for spec in specs if spec.general}
    left = {(leaf.path, leaf.scope) for leaf in walk(result, specs, candidate)}
    wanted: set[Place] = set()
    for (path, scope), want in golden.expected.items():
        if decision.delivers and not path.startswith("@"):
            if want.outcome is Outcome.DISCLOSE:
                wanted.add((path, scope))
            elif want.outcome is Outcome.GENERALISE:
                wanted.add((generals[path], scope))
    return left ^ set(_with_whole_items(wanted, specs))


def _with_whole_items(wanted: set[Place], specs: Iterable[FieldSpec]) -> Iterator[Place]:
    """Yield what is left once the items of a list are gone whose key is, or of which only the key is left."""
    keys = {spec.path for spec in specs if spec.key and "[]" in spec.path}
    for path, scope in wanted:
        head, _, inside = path.partition("[].")
        of_item = {each for each, whose in wanted if whose is scope and each.startswith(f"{head}[].")}
        key = {each for each in keys if each.startswith(f"{head}[].")}
        if not inside or (key <= of_item and of_item - key):
            yield path, scope
