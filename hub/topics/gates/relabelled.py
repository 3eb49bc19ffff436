"""What a comparison field by field cannot see: a field that came back under another name, a loose parent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hub.consent.looseness import Comparison, Relation
from hub.topics.avro.errors import SchemaRefused
from hub.topics.avro.schema import Fixed, Primitive, Type
from hub.topics.findings import Finding, Weight
from hub.topics.gates.labels import Gate, text_of
from hub.topics.gates.pairs import Alone, Pairs, core

PAIRS_MAX = 10_000
"""Of a field dropped and one added; a version that changes a hundred each way is another message."""
_FAMILY = {
    "int": "number",
    "long": "number",
    "float": "number",
    "double": "number",
    "bytes": "text",
    "string": "text",
}


def relabelled(gate: Gate, pairs: Pairs) -> Iterator[Finding]:
    """Find fields dropped and one of the same type added in the same step, under a label not stricter.

    Renaming without an alias looks like this, and so does hiding a looser class from the gate. Which it
    is only people can say, so it is for sign-off.

    Raises:
        SchemaRefused: More than PAIRS_MAX pairs of a field dropped and one added.
    """
    if len(pairs.dropped) * len(pairs.added) > PAIRS_MAX:
        message = f"{len(pairs.dropped)} fields dropped and {len(pairs.added)} added in one step"
        raise SchemaRefused("", message, fix="change it in several versions, or make it a message of its own")
    dropped: dict[str, list[Alone]] = {}
    for each in pairs.dropped:
        dropped.setdefault(_family(each.field.type), []).append(each)
    for each in pairs.added:
        found = _loosest(gate, dropped.get(_family(each.field.type), ()), each)
        if found is None:
            continue
        was, compared = found
        old, new = text_of(was.field, "infoClass"), text_of(each.field, "infoClass")
        yield gate.finding(
            "CLASS-RELABELLED",
            each.path,
            f"the field {was.path} of class {old} is dropped and this, of class {new} and the same type,"
            f" appears: if it says the same, {compared.sentence}",
            old=f"{was.path}: {old}",
            new=f"{each.path}: {new}",
            fix="give it the dropped field's class, or have it signed off that it says something else",
            weight=Weight.SIGN_OFF,
        )


def _loosest(gate: Gate, alike: Sequence[Alone], added: Alone) -> tuple[Alone, Comparison] | None:
    """Return the dropped field against which an added one lets out most, if against any."""
    found = None
    for was in alike:
        compared = gate.compare((was.path, was.field), (added.path, added.field), own=False)
        if compared is None or compared.relation in {Relation.EQUAL, Relation.STRICTER}:
            continue
        if compared.relation is Relation.LOOSER:
            return was, compared
        found = found or (was, compared)
    return found


def _family(one: Type) -> str:
    """Return what sort of value a type holds, null apart: types of one family can carry the same."""
    around, inner = core(one)
    logical = inner.properties.get("logicalType") if isinstance(inner, Primitive | Fixed) else None
    return " of ".join((*around, str(logical or _FAMILY.get(inner.kind, inner.kind))))


def too_loose_parents(gate: Gate, pairs: Pairs) -> Iterator[Finding]:
    """Find fields under a field of a class that is looser than theirs, where that was not so before.

    What goes is decided on the fields inside, so nothing leaks by it; the outer class misleads whoever
    reads the contract. Hence a warning.
    """
    new = {each.path: each.field for each in pairs.added} | {each.path: each.new for each in pairs.kept}
    old = {each.path: each.old for each in pairs.kept}
    for path, child in new.items():
        parent = path.rpartition(".")[0]
        outer = parent.rstrip("[]{}")
        if outer not in new:
            continue
        classes = text_of(new[outer], "infoClass"), text_of(child, "infoClass")
        if outer in old and path in old:
            before = text_of(old[outer], "infoClass"), text_of(old[path], "infoClass")
            if before == classes:
                continue
        compared = gate.compare((path, child), (path, new[outer]), own=False)
        if compared is not None and compared.relation is Relation.LOOSER:
            yield gate.finding(
                "PARENT-LOOSER",
                path,
                f"it is of class {classes[1]}, but {outer} around it of class {classes[0]}, which is looser",
                old="",
                new=f"{classes[0]} around {classes[1]}",
                fix=f"give {outer} the strictest class of the fields inside",
                weight=Weight.WARNING,
            )
