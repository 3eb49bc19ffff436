"""Whether a reader's schema can read everything a writer's schema can write, judged as Avro Java does.

The verdict is that of SchemaCompatibility.checkReaderWriterCompatibility of Avro Java 1.12.2, for every
pair: names compare without their namespace, a pair of records met again while it is judged counts as
compatible, and a field that two of the writer's fields could fill is no. What Java says in one word for a
union is said here for the branch that was meant.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from hub.topics.avro.errors import SchemaRefused
from hub.topics.avro.names import PRIMITIVES, simple_name
from hub.topics.avro.schema import Array, Enum, Field, Fixed, Map, Record, Type, Union
from hub.topics.avro.steps import Steps

PAIRS_MAX = 200_000
"""Of types compared in one check; two messages like ours need about a hundred."""
FINDINGS_MAX = 100
"""Told of one record; who has mended these asks again."""
_READS_ALSO = frozenset(
    {
        ("long", "int"),
        ("float", "int"),
        ("float", "long"),
        ("double", "int"),
        ("double", "long"),
        ("double", "float"),
        ("bytes", "string"),
        ("string", "bytes"),
    }
)
"""Reader and writer."""


Trail = tuple["Trail", str] | None
"""Where something is: what it is in, and `.name`, `[]` or `{}`. Most are never told, so none is joined."""


class Rule(StrEnum):
    """Why a reader cannot read what a writer wrote."""

    TYPE_MISMATCH = "TYPE-MISMATCH"
    NAME_MISMATCH = "NAME-MISMATCH"
    FIXED_SIZE = "FIXED-SIZE"
    SYMBOL_MISSING = "SYMBOL-MISSING"
    FIELD_NO_DEFAULT = "FIELD-NO-DEFAULT"
    UNION_BRANCH_MISSING = "UNION-BRANCH-MISSING"
    ALIAS_AMBIGUOUS = "ALIAS-AMBIGUOUS"


_OF_BRANCHES = frozenset({Rule.TYPE_MISMATCH, Rule.UNION_BRANCH_MISSING})


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Incompatibility:
    """One reason; hub.topics.avro.advice puts it in words, which differ by who is the newer."""

    rule: Rule
    trail: Trail
    reader: Type
    """What the reader has there; for a field the writer lacks, the type of that field."""
    writer: Type
    """What the writer has there; for a field the writer lacks, the record that lacks it."""
    names: tuple[str, ...] = ()
    """Symbols the reader lacks; the writer's fields that an alias leaves open, or that have the lacking
    one's type and no counterpart."""
    whole: Union | None = None
    """The writer's union, where `writer` is a branch of it."""

    @property
    def path(self) -> str:
        """Where it is: dotted, `[]` after a list and `{}` after a map; empty for the schema itself."""
        parts: list[str] = []
        trail = self.trail
        while trail is not None:
            trail, part = trail
            parts.append(part)
        return "".join(reversed(parts)).removeprefix(".")


_Question = tuple[Type, Type, Trail]
"""Reader, writer and where they are."""
_Found = tuple[Incompatibility, ...]
_Step = Generator[_Question, _Found, _Found]


def check(reader: Type, writer: Type) -> tuple[Incompatibility, ...]:
    """Return every reason why the reader cannot read what the writer writes; none if it always can.

    A problem of a type that is used at several places is told at the first.

    Raises:
        SchemaRefused: The two have too many types to compare.
    """
    try:
        return Steps[_Question, _Found](_Check().begin, depth_max=PAIRS_MAX).answer((reader, writer, None))
    except _Ambiguous as told:
        return (told.found,)


class _Ambiguous(Exception):
    """Java ends the whole check here, whatever a union's other branches would say."""

    def __init__(self, found: Incompatibility) -> None:
        super().__init__(found.rule)
        self.found = found


class _Check:
    """One reader against one writer."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], _Found] = {}
        self._pairs = 0

    def begin(self, question: _Question) -> _Found | _Step:
        """Answer at once where no further pair decides it, else return the step that does."""
        reader, writer, trail = question
        self._pairs += 1
        if self._pairs > PAIRS_MAX:
            fix = "compare smaller schemas"
            raise SchemaRefused("", f"more than {PAIRS_MAX} pairs of types to compare", fix=fix)
        while True:
            if isinstance(reader, Array) and isinstance(writer, Array):
                reader, writer, trail = reader.items, writer.items, (trail, "[]")
            elif isinstance(reader, Map) and isinstance(writer, Map):
                reader, writer, trail = reader.values, writer.values, (trail, "{}")
            else:
                break
        if _reads_at_once(reader, writer):
            return ()
        key = (id(reader), id(writer))
        known = self._known.get(key)
        if known is not None:
            return known
        step = _step(reader, writer, trail)
        return _leaf(reader, writer, trail) if step is None else self._remembered(key, step)

    def _remembered(self, key: tuple[int, int], step: _Step) -> _Step:
        # Whoever comes back here before the end takes the pair for compatible. As in Java that holds for
        # unions, too, and can leave a pair within them compatible that by itself would not be.
        self._known[key] = ()
        self._known[key] = yield from step
        return self._known[key]


def _step(reader: Type, writer: Type, trail: Trail) -> _Step | None:
    """The step that compares two types, None if no further pair decides."""
    if isinstance(writer, Union):
        return _from_union(reader, writer, trail)
    if isinstance(reader, Union):
        return _into_union(reader, writer, trail)
    if isinstance(reader, Record) and isinstance(writer, Record):
        return _record(reader, writer, trail)
    return None


def _record(reader: Record, writer: Record, trail: Trail) -> _Step:
    found: list[Incompatibility] = _names(reader, writer, trail)
    there = {field.name: field for field in writer.fields}
    for field in reader.fields:
        other = there.get(field.name)
        if field.aliases:
            other = _through_aliases(field, there, reader, writer, trail)
        if other is None:
            if not field.has_default:
                found.append(_no_default(field, reader, writer, trail))
            continue
        # Most fields are settled here; a step for each would take twice the time.
        if not _reads_at_once(field.type, other.type):
            found.extend((yield field.type, other.type, (trail, f".{field.name}")))
    return _once(found)


def _once(found: Sequence[Incompatibility]) -> _Found:
    """Each finding once, and not more than anybody reads."""
    return tuple({id(each): each for each in found}.values())[:FINDINGS_MAX] if found else ()


def _from_union(reader: Type, writer: Union, trail: Trail) -> _Step:
    """Whatever the writer chose must be readable."""
    found: list[Incompatibility] = []
    for branch in _unsettled(reader, writer):
        for each in (yield reader, branch, trail):
            of_branch = each.rule in _OF_BRANCHES and each.trail is trail and each.whole is None
            found.append(replace(each, whole=writer) if of_branch else each)
    return _once(found)


def _into_union(reader: Union, writer: Type, trail: Trail) -> _Step:
    """Some branch must be able to read it; else the one that was meant tells why not."""
    meant: _Found = ()
    for branch in reader.branches:
        found = yield branch, writer, trail
        if not found:
            return ()
        if not meant and branch.kind == writer.kind and not _names(branch, writer, trail):
            meant = found
    return meant or (
        Incompatibility(rule=Rule.UNION_BRANCH_MISSING, trail=trail, reader=reader, writer=writer),
    )


def _reads_at_once(reader: Type, writer: Type) -> bool:
    """Tell whether no records need comparing to see that everything the writer chose is readable."""
    if isinstance(writer, Union):
        return not _unsettled(reader, writer)
    return _reads_leaf(reader, writer)


def _unsettled(reader: Type, writer: Union) -> list[Type]:
    """Return the writer's branches that are not plainly readable."""
    return [branch for branch in writer.branches if not _reads_leaf(reader, branch)]


def _reads_leaf(reader: Type, writer: Type) -> bool:
    """Tell whether a primitive type is surely readable: by the reader, or by a branch of it."""
    kind = writer.kind
    if kind not in PRIMITIVES:
        return False
    if reader.kind == kind or (reader.kind, kind) in _READS_ALSO:
        return True
    if isinstance(reader, Union):
        for branch in reader.branches:
            if branch.kind == kind or (branch.kind, kind) in _READS_ALSO:
                return True
    return False


def _leaf(reader: Type, writer: Type, trail: Trail) -> _Found:
    if isinstance(reader, Enum) and isinstance(writer, Enum):
        return (*_names(reader, writer, trail), *_symbols(reader, writer, trail))
    if isinstance(reader, Fixed) and isinstance(writer, Fixed):
        found = _names(reader, writer, trail)
        if reader.size != writer.size:
            found.append(Incompatibility(rule=Rule.FIXED_SIZE, trail=trail, reader=reader, writer=writer))
        return tuple(found)
    if _reads_leaf(reader, writer):
        return ()
    return (Incompatibility(rule=Rule.TYPE_MISMATCH, trail=trail, reader=reader, writer=writer),)


def _symbols(reader: Enum, writer: Enum, trail: Trail) -> _Found:
    if reader.default is not None or reader.symbols == writer.symbols:
        return ()
    known = frozenset(reader.symbols)
    lacking = tuple(symbol for symbol in writer.symbols if symbol not in known)
    if not lacking:
        return ()
    return (
        Incompatibility(rule=Rule.SYMBOL_MISSING, trail=trail, reader=reader, writer=writer, names=lacking),
    )


def _names(reader: Type, writer: Type, trail: Trail) -> list[Incompatibility]:
    """Named types must have one simple name, or the reader the writer's full name as an alias."""
    if not isinstance(reader, Record | Enum | Fixed) or not isinstance(writer, Record | Enum | Fixed):
        return []
    if simple_name(reader.name) == simple_name(writer.name):
        return []
    # Java writes an alias without a namespace, of a type with one, as `.Name`, which no writer is called.
    if writer.name in reader.aliases and ("." in writer.name or "." not in reader.name):
        return []
    return [Incompatibility(rule=Rule.NAME_MISMATCH, trail=trail, reader=reader, writer=writer)]


def _through_aliases(
    field: Field, there: dict[str, Field], reader: Record, writer: Record, trail: Trail
) -> Field | None:
    """The one field of the writer that has the field's name or an alias of it."""
    matches = [there[name] for name in (field.name, *field.aliases) if name in there]
    if len(matches) > 1:
        raise _Ambiguous(
            Incompatibility(
                rule=Rule.ALIAS_AMBIGUOUS,
                trail=(trail, f".{field.name}"),
                reader=reader,
                writer=writer,
                names=tuple(match.name for match in matches),
            )
        )
    return matches[0] if matches else None


def _no_default(field: Field, reader: Record, writer: Record, trail: Trail) -> Incompatibility:
    read = {each.name for each in reader.fields}
    return Incompatibility(
        rule=Rule.FIELD_NO_DEFAULT,
        trail=(trail, f".{field.name}"),
        reader=field.type,
        writer=writer,
        names=tuple(
            each.name for each in writer.fields if each.name not in read and each.type.kind == field.type.kind
        ),
    )
