"""The class gate: a new version may not let out more than the one before, whatever Avro says of it.

Refused: what lets out more, and what takes away a mark that holds something back. A looser or lost
class, a sensitive mark or a pairwise reference given up, a key or an owner given up, a field without a
class. No signature makes these right; a new field under a new name does.

Sign-off: what only people can judge. Two classes that open different cells of the matrix, data said to
be about somebody else, a field dropped while one like it appears under a looser class. Somebody who
answers for the rules says by name that it is meant (hub.topics.gates.signing).

Warning: what lets out less. It may be released; partners that get the field today may no longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from hub.consent.compile import Policy
from hub.consent.looseness import Comparison, Relation
from hub.topics.avro.schema import Field, Record, Type
from hub.topics.findings import Finding, Weight
from hub.topics.gates.labels import Gate, class_of, is_sensitive, message_of, subject_of, text_of
from hub.topics.gates.marks import marks, owners
from hub.topics.gates.pairs import Alone, Kept, Pairs, names_in, pair
from hub.topics.gates.relabelled import relabelled, too_loose_parents

_LOOSE = {Relation.STRICTER: 0, Relation.EQUAL: 1, Relation.NOT_COMPARABLE: 2, Relation.LOOSER: 3}
_TELL = "tell the partners that get it today before it is released"


def class_gate(old: Type, new: Type, *, policy: Policy, schema: str) -> tuple[Finding, ...]:
    """Return what a new version lets out that the old one does not, and every mark it gave up.

    Args:
        old: the version before.
        new: the version to be released.
        policy: the rules in force; "looser" is what they make of it.
        schema: what findings call the new version, e.g. `progress 1.1`.

    Raises:
        SchemaRefused: The schemas have more paths, or differ in more fields, than one comparison takes.
    """
    return _judged(pair(old, new), Gate(policy=policy, message=message_of(new), schema=schema))


def class_gates(
    new: Type, older: Sequence[tuple[str, Type]], *, policy: Policy, schema: str
) -> tuple[Finding, ...]:
    """Hold a new version against every older one, so that a name given again is held to its first class.

    What the version before has unchanged was judged when that was released, and is not judged again.

    Args:
        new: the version to be released.
        older: version and schema of all before it, oldest first; none: every field is new.
        policy: the rules in force.
        schema: what findings call the new version.

    Raises:
        SchemaRefused: The schemas have more paths, or differ in more fields, than one comparison takes.
    """
    gate = Gate(policy=policy, message=message_of(new), schema=schema)
    before = older[-1][1] if older else Record(name="", aliases=(), fields=(), properties={})
    pairs = pair(before, new)
    found = [*_judged(pairs, gate)]
    touched = _changed(pairs)
    names = {name for each in touched.values() for name in (each.name, *each.aliases)}
    for version, early in reversed(older[:-1]):
        if names.isdisjoint(names_in(early)):
            continue
        again = pair(early, new)
        kept = (each for each in again.kept if each.path in touched)
        types = (each for each in again.types if each.path.rstrip("[]{}") in touched)
        known = {(each.rule, each.where, each.weight) for each in found}
        further = (*_of_kept(gate, kept, f" in {version}"), *owners(gate, types))
        found += (each for each in further if (each.rule, each.where, each.weight) not in known)
    return tuple(found)


def _changed(pairs: Pairs) -> Mapping[str, Field]:
    """Return, by path, the fields that are new, and those of which the new version says something else."""
    return {each.path: each.field for each in pairs.added} | {
        each.path: each.new for each in pairs.kept if not each.says_the_same or each.owns[0] != each.owns[1]
    }


def _judged(pairs: Pairs, gate: Gate) -> tuple[Finding, ...]:
    """Judge all that two versions next to each other differ in."""
    return (
        *_of_added(gate, pairs.added),
        *_of_kept(gate, pairs.kept, ""),
        *owners(gate, pairs.types),
        *relabelled(gate, pairs),
        *too_loose_parents(gate, pairs),
    )


def _of_added(gate: Gate, added: Iterable[Alone]) -> Iterator[Finding]:
    """Refuse new fields without a class, or with one there is not."""
    for each in added:
        if class_of(each.field) is not None:
            continue
        if "infoClass" in each.field.properties:
            yield _unknown(gate, each.path)
            continue
        yield gate.finding(
            "CLASS-MISSING",
            each.path,
            "a new field without an information class: nobody could say who may know it",
            fix="state infoClass, sensitive, subject and statement",
        )


def _unknown(gate: Gate, path: str) -> Finding:
    """Refuse a class there is not."""
    return gate.finding(
        "CLASS-UNKNOWN",
        path,
        "its information class is none of the ten, so no rule speaks of it",
        fix="state one of the ten classes: hub policy matrix lists them",
    )


def _of_kept(gate: Gate, kept: Iterable[Kept], since: str) -> Iterator[Finding]:
    """Judge fields of both versions; `since` says which older version is meant, if not the one before."""
    for each in kept:
        if each.says_the_same:
            continue
        yield from _labelled(gate, each, since)
        yield from marks(gate, each, since)


def _labelled(gate: Gate, both: Kept, since: str) -> Iterator[Finding]:
    """Judge a field's class, sensitive mark, subject and name by what they let out."""
    was, becomes = text_of(both.old, "infoClass"), text_of(both.new, "infoClass")
    if was and not becomes:
        yield gate.finding(
            "CLASS-LOST",
            both.path,
            f"it was of class {was}{since} and has no class any more: no rule would hold it back",
            old=was,
            new="none",
            fix=f"keep class {was}",
        )
        return
    if class_of(both.new) is None:
        if becomes != was:
            yield _unknown(gate, both.path)
        return
    compared = gate.compare((both.old_path, both.old), (both.path, both.new), own=bool(both.owns[1]))
    if compared is None:
        return
    yield from _sensitive(gate, both, compared, since)
    yield from _subject(gate, both, compared, since)
    if was == becomes:
        yield from _renamed(gate, both, compared, since)
    else:
        yield _reclassed(gate, both, compared, since)


def _reclassed(gate: Gate, both: Kept, compared: Comparison, since: str) -> Finding:
    """Say what a change of class does to who may know.

    The field as it is labelled decides, and beside it the two classes as the matrix shows them: a class is
    more than what today's rules make of one field, and consents and protocols are given by class.
    """
    was, becomes = text_of(both.old, "infoClass"), text_of(both.new, "infoClass")
    relation, told, weight = compared.relation, compared.sentence, Weight.REFUSED
    by_class = gate.compare_classes(both.old, both.new)
    if by_class is not None and _LOOSE[by_class.relation] > _LOOSE[relation]:
        # What this one field shows is stricter all the same: somebody may sign for it.
        weight = Weight.SIGN_OFF if relation is Relation.STRICTER else Weight.REFUSED
        relation, told = by_class.relation, by_class.sentence
    match relation:
        case Relation.LOOSER:
            rule, how = "CLASS-LOOSER", "which is looser"
            fix = f"keep class {was}; what really is of class {becomes} comes as a field of a new name"
        case Relation.STRICTER if (opens := gate.opens_somewhere(both)) is not None:
            rule, weight, how = "CLASS-NOT-COMPARABLE", Weight.SIGN_OFF, "which is stricter only usually"
            told = f"more of it would go with {opens}"
            fix = f"keep class {was}, or have the owner of both classes sign it off in the manifest"
        case Relation.STRICTER:
            rule, weight, how, fix = "CLASS-STRICTER", Weight.WARNING, "which is stricter", _TELL
        case _:
            rule, weight, how = "CLASS-NOT-COMPARABLE", Weight.SIGN_OFF, "and neither is the stricter here"
            fix = f"keep class {was}, or have the owner of both classes sign it off in the manifest"
            if relation is Relation.EQUAL:
                told = "no cell of the matrix differs today, but consents and protocols are for a class"
    return gate.finding(
        rule,
        both.path,
        f"class {was}{since} became {becomes}, {how}: {told}",
        old=was,
        new=becomes,
        fix=fix,
        weight=weight,
    )


def _renamed(gate: Gate, both: Kept, compared: Comparison, since: str) -> Iterator[Finding]:
    """Judge a field of the same class under another name: rules may speak of one name only."""
    if both.path == both.old_path or compared.relation in {Relation.EQUAL, Relation.STRICTER}:
        return
    yield gate.finding(
        "NAME-LOOSER",
        both.path,
        f"the name {both.old_path}{since} became {both.path}, and rules speak of names: {compared.sentence}",
        old=both.old_path,
        new=both.path,
        fix=f"keep the name {both.old_path}, or choose one that no rule opens",
        weight=Weight.REFUSED if compared.relation is Relation.LOOSER else Weight.SIGN_OFF,
    )


def _sensitive(gate: Gate, both: Kept, compared: Comparison, since: str) -> Iterator[Finding]:
    """Refuse a sensitive field that is so no more; warn of one that became so."""
    was, becomes = is_sensitive(both.old), both.new.properties.get("sensitive")
    if becomes == both.old.properties.get("sensitive"):
        return
    if was and becomes is not True:
        yield gate.finding(
            "SENSITIVE-LOST",
            both.path,
            f"it was sensitive{since} and is so no more: rules for ordinary data would let it out",
            old="sensitive",
            new="not sensitive",
            fix="keep sensitive true",
        )
    elif not was and is_sensitive(both.new):
        looser = compared.relation is Relation.LOOSER
        yield gate.finding(
            "SENSITIVE-GAINED",
            both.path,
            f"it became sensitive: {compared.sentence}",
            old="not sensitive",
            new="sensitive",
            fix=_TELL,
            weight=Weight.SIGN_OFF if looser else Weight.WARNING,
        )


def _subject(gate: Gate, both: Kept, compared: Comparison, since: str) -> Iterator[Finding]:
    """Judge data said to be about somebody else: refused where that lets out more or names nobody."""
    was, becomes = text_of(both.old, "subject"), text_of(both.new, "subject")
    if was == becomes:
        return
    known = subject_of(both.new) is not None
    refused = not known or compared.relation is Relation.LOOSER
    told = compared.sentence if known else "no such category of data subject is known"
    yield gate.finding(
        "SUBJECT-CHANGED",
        both.path,
        f"whose data it is changed from {was or 'unsaid'}{since}: {told}",
        old=was,
        new=becomes if known else "unknown",
        fix="keep the subject; what is about somebody else comes as a field of a new name",
        weight=Weight.REFUSED if refused else Weight.SIGN_OFF,
    )
