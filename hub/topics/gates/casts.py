"""Whether a step between two versions moves a field to where it is less well protected, or has no room."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hub.consent.looseness import Label, Relation, compare
from hub.messages.envelope import MessageName
from hub.topics.findings import Finding, Weight
from hub.topics.shapes import ListOf, Record, TextByName

if TYPE_CHECKING:
    from hub.consent.compile import Policy
    from hub.consent.decision import FieldSpec
    from hub.topics.casts import Step
    from hub.topics.library import SchemaLibrary


_REFERRAL = "referral"
"""References to others' referrals are replaced by this name, wherever it stands (hub.routing.disclosing)."""


def check_casts(library: SchemaLibrary, policy: Policy) -> tuple[Finding, ...]:
    """Return every declared move to a field that is looser by the rules in force, or has room for less.

    Fields of one name are the class gate's: it compares all versions whether a step moves them or not.
    """
    return tuple(
        found
        for name in MessageName
        for step in library.chain(name).all_steps()
        for found in (*_looser(library, name, step, policy), *_narrower(library, name, step))
    )


def _narrower(library: SchemaLibrary, name: MessageName, step: Step) -> Iterator[Finding]:
    """Yield every list that may be longer than the version it is taken to has room for."""
    if step.target not in library.versions(name):
        return
    there = dict(_lists(library.contract(name, step.target).shape, ""))
    for path, items in _lists(library.contract(name, step.source).shape, ""):
        room = there.get(step.path(path) or "", items)
        if items > room:
            yield Finding(
                rule="CAST-COUNT",
                schema=f"{name} {step.source} to {step.target}",
                where=path,
                what=f"A list of up to {items} items would go where there is room for {room}: what is longer "
                "could not be written for whoever has that version, and would not arrive.",
                old=str(items),
                new=str(room),
                fix=f"keep maxItems {room} until {step.target} is retired, or put more in a field of its own",
            )


def _lists(record: Record, prefix: str) -> Iterator[tuple[str, int]]:
    """Yield every list of a record with the number of its items; depth is bounded by hub.topics.shapes."""
    for field in record.fields:
        path, inner = f"{prefix}{field.name}", field.shape
        if isinstance(inner, ListOf | TextByName):
            yield path, field.bound("maxItems") or 0
        if isinstance(inner, ListOf):
            path, inner = f"{path}[]", inner.item
        if isinstance(inner, Record):
            yield from _lists(inner, f"{path}.")


def _looser(library: SchemaLibrary, name: MessageName, step: Step, policy: Policy) -> Iterator[Finding]:
    source = {spec.path: spec for spec in library.contract(name, step.source).specs}
    target = {spec.path: spec for spec in library.contract(name, step.target).specs}
    pairwise = [dict(library.contract(name, each).pairwise) for each in (step.source, step.target)]
    for begin, end in step.moves.items():
        marks = [
            (pairwise[0].get(begin), source[begin].own, source[begin].key, begin.endswith(_REFERRAL)),
            (pairwise[1].get(end), target[end].own, target[end].key, end.endswith(_REFERRAL)),
        ]
        if marks[0] != marks[1]:
            yield Finding(
                rule="CAST-MARKS",
                schema=f"{name} {step.source} to {step.target}",
                where=end,
                what=f"What protects {begin} besides its class would be lost as {end}: whose items they are, "
                "that it is a key, or that it is a reference to be replaced for each recipient.",
                fix="keep the name, and the properties pairwise, own and key, as they are",
            )
        compared = compare(policy, _label(source[begin]), _label(target[end]), message=name)
        if compared.relation not in {Relation.LOOSER, Relation.NOT_COMPARABLE}:
            continue
        yield Finding(
            rule="CAST-LOOSER",
            schema=f"{name} {step.source} to {step.target}",
            where=end,
            what=f"What was said as {begin} would be known as {end}: {compared.sentence}.",
            old=f"{begin}: {source[begin].information_class}",
            new=f"{end}: {target[end].information_class}",
            fix="move it to a field that is as well protected, or let it be dropped",
            weight=Weight.REFUSED,
        )


def _label(spec: FieldSpec) -> Label:
    return Label(
        information_class=spec.information_class,
        subject=spec.subject,
        sensitive=spec.sensitive,
        field=spec.path,
        general=spec.general is not None,
    )
