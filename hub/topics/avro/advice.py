"""Reasons why one schema cannot read another, in sentences, each with a change that would be compatible.

The words depend on which of the two is the newer, for only that one can still be changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from hub.topics.avro.compatibility import Incompatibility, Rule
from hub.topics.avro.schema import Array, Enum, Fixed, Map, Primitive, Record, Type, Union
from hub.topics.findings import Finding

_NAMES_TOLD_MAX = 8


class Direction(StrEnum):
    """Who reads whom."""

    BACKWARD = "backward"
    """The new version reads what was written with an older one."""
    FORWARD = "forward"
    """An older version reads what is written with the new one."""


def told(found: Incompatibility, direction: Direction, *, new: str, old: str) -> Finding:
    """Return a reason as a finding about the new version.

    Args:
        found: From `hub.topics.avro.compatibility.check`.
        direction: Whether the new version was the reader or the writer.
        new: How the new version is called.
        old: How the older one is called.
    """
    backward = direction is Direction.BACKWARD
    reader, writer = _sides(found, backward=backward)
    why, fix = _WORDS[found.rule](found, direction)
    who = f"{new} could not read what was written with {old}"
    if not backward:
        who = f"{old} could not read what is written with {new}"
    return Finding(
        rule=found.rule.value,
        schema=new,
        where=found.path,
        what=f"{who}: {why}.",
        old=writer if backward else reader,
        new=reader if backward else writer,
        fix=fix,
    )


def short(kind: Type) -> str:
    """Return a type in a few words."""
    match kind:
        case Primitive():
            logical = kind.properties.get("logicalType")
            return f"{kind.kind} ({logical})" if isinstance(logical, str) else kind.kind
        case Union():
            return f"[{', '.join(map(_name, kind.branches))}]"
        case Array():
            return f"array of {_name(kind.items)}"
        case Map():
            return f"map of {_name(kind.values)}"
        case Fixed():
            return f"fixed {kind.name} of {kind.size} bytes"
    return f"{kind.kind} {kind.name}"


def _name(kind: Type) -> str:
    return kind.name if isinstance(kind, Record | Enum | Fixed) else kind.kind


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - _NAMES_TOLD_MAX
    return ", ".join(names[:_NAMES_TOLD_MAX]) + (f" and {more} more" if more > 0 else "")


def _leaf(path: str) -> str:
    """What the last field of a path is called, for a new one beside it."""
    return path.rpartition(".")[2].rstrip("[]{}") or "it"


def _sides(found: Incompatibility, *, backward: bool) -> tuple[str, str]:
    """What the reader and what the writer has, in short."""
    if found.rule is Rule.FIELD_NO_DEFAULT:
        return f"{short(found.reader)}, no default", "no such field" if backward else "field removed"
    if found.rule is Rule.ALIAS_AMBIGUOUS:
        return "one field by name or alias", _listed(found.names)
    if isinstance(found.reader, Enum) and isinstance(found.writer, Enum) and found.names:
        return _listed(found.reader.symbols), _listed(found.writer.symbols)
    return short(found.reader), short(found.whole or found.writer)


def _no_default(found: Incompatibility, direction: Direction) -> tuple[str, str]:
    if direction is Direction.BACKWARD:
        renamed = f"; if it is {found.names[0]} renamed, give it that as an alias" if found.names else ""
        return "the field was not there, and has no default", f"{_default_for(found.reader)}{renamed}"
    beside = f"; {found.names[0]} can stand beside it" if found.names else ""
    return (
        "the field is gone, and there it has no default",
        f"keep the field and mark it as deprecated in its doc{beside}",
    )


def _default_for(kind: Type) -> str:
    if isinstance(kind, Array | Map):
        return f"give it a default: {'[]' if isinstance(kind, Array) else '{}'}"
    if isinstance(kind, Union):
        kinds = [branch.kind for branch in kind.branches]
        if "null" in kinds:
            first = "" if kinds[0] == "null" else ', with "null" the first of its types'
            return f"give it a default: null{first}"
        return 'give it a default: put "null" first among its types, with default null'
    own = "; an enum's own default is for unknown symbols only" if isinstance(kind, Enum) else ""
    return f'give it a default: make it ["null", {_quoted(kind)}] with default null{own}'


def _quoted(kind: Type) -> str:
    logical = kind.properties.get("logicalType") if isinstance(kind, Primitive) else None
    if isinstance(logical, str):
        return f'{{"type": "{kind.kind}", "logicalType": "{logical}"}}'
    if isinstance(kind, Array):
        return f'{{"type": "array", "items": "{_name(kind.items)}"}}'
    if isinstance(kind, Map):
        return f'{{"type": "map", "values": "{_name(kind.values)}"}}'
    return f'"{_name(kind)}"'


def _type(found: Incompatibility, direction: Direction) -> tuple[str, str]:
    reads, wrote = short(found.reader), short(found.writer)
    why = f"it reads {reads}, and finds {wrote}"
    if found.writer.kind == "null":
        nullable = f'["null", {_quoted(found.reader)}]'
        if direction is Direction.BACKWARD:
            return why, f"keep it nullable: make it {nullable}"
        return (
            why,
            f"keep it {reads}, and add a new field {nullable} with default null beside {_leaf(found.path)}",
        )
    kept, wanted = (wrote, reads) if direction is Direction.BACKWARD else (reads, wrote)
    return why, f"keep it {kept}, and add a new field for the {wanted} beside {_leaf(found.path)}"


def _other_name(found: Incompatibility, direction: Direction) -> tuple[str, str]:
    why = f"it knows the type as {_name(found.reader)}, and finds {_name(found.writer)}"
    if direction is Direction.BACKWARD:
        return (
            why,
            f'keep the name {_name(found.writer)}, or give the type "aliases": ["{_name(found.writer)}"]',
        )
    return why, f"keep the name {_name(found.reader)}: aliases help only the reader that has them"


def _size(found: Incompatibility, direction: Direction) -> tuple[str, str]:
    kept = found.writer if direction is Direction.BACKWARD else found.reader
    return (
        f"it reads {short(found.reader)}, and finds {short(found.writer)}",
        f"keep {short(kept)}, and add a new field of another fixed type beside {_leaf(found.path)}",
    )


def _symbols(found: Incompatibility, direction: Direction) -> tuple[str, str]:
    names = _listed(found.names)
    why = f"it does not know {names}, and the enum has no default"
    if direction is Direction.BACKWARD:
        return why, f"keep {names} and mark as deprecated in the enum's doc, or give the enum a default"
    return why, f"keep the symbols, and add a new field beside {_leaf(found.path)} for what {names} would say"


def _branch(found: Incompatibility, direction: Direction) -> tuple[str, str]:
    wrote = short(found.writer)
    why = f"none of {short(found.reader)} reads {wrote}"
    if direction is Direction.BACKWARD:
        return why, f"keep {_quoted(found.writer)} among the types of the union"
    nullable = f'["null", {_quoted(found.writer)}]'
    return why, f"keep the union, and add a new field {nullable} with default null beside {_leaf(found.path)}"


def _alias(found: Incompatibility, direction: Direction) -> tuple[str, str]:
    names = _listed(found.names)
    why = f"by its name and aliases the field could be any of {names}"
    if direction is Direction.BACKWARD:
        return why, f"remove aliases until only one of {names} is left"
    return why, f"give the new field a name that is none of {names}"


_WORDS: Mapping[Rule, Callable[[Incompatibility, Direction], tuple[str, str]]] = {
    Rule.FIELD_NO_DEFAULT: _no_default,
    Rule.TYPE_MISMATCH: _type,
    Rule.NAME_MISMATCH: _other_name,
    Rule.FIXED_SIZE: _size,
    Rule.SYMBOL_MISSING: _symbols,
    Rule.UNION_BRANCH_MISSING: _branch,
    Rule.ALIAS_AMBIGUOUS: _alias,
}
"""For each rule: why it cannot be read, and what to do instead."""
