"""Whether a field's default is a value of its type, by the rule of Avro Java 1.12.

That is the specification's rule save that any branch of a union will do, that any text stands for an
enum's symbol or for fixed bytes, and that a `float` or `double` field may give its number as text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Generator

from hub.topics.avro.schema import Array, Field, Map, Record, Type, Union
from hub.topics.avro.steps import Steps

_Question = tuple[Type, object]
_Step = Generator[_Question, bool, bool]
_DEPTH_MAX = 1024
"""Each level of a default adds at most two steps, and JSON has at most 256 levels."""
_WHOLE = {"int": range(-(2**31), 2**31), "long": range(-(2**63), 2**63)}
_JAVA_DOUBLE = re.compile(
    r"[+-]?(?:NaN|Infinity|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
    r"|0[xX](?:[0-9a-fA-F]+\.?|[0-9a-fA-F]*\.[0-9a-fA-F]+)[pP][+-]?[0-9]+)[fFdD]?)"
)
_BLANK = "".join(map(chr, range(0x21)))


class Circle(Exception):
    """A default needs the fields of a record that wait for this very default."""


def as_read(field: Field) -> object:
    """Return a field's default as Java reads it: the text of a number is that number.

    Raises:
        ValueError: It should be such a text and is none.
    """
    if field.type.kind not in {"float", "double"} or not isinstance(field.default, str):
        return field.default
    text = field.default.strip(_BLANK)
    if not _JAVA_DOUBLE.fullmatch(text):
        raise ValueError
    if "x" not in text.lower():
        return float(text.rstrip("fFdD"))
    try:
        return float.fromhex(text.rstrip("fFdD"))
    except OverflowError:
        return float("-inf" if text.startswith("-") else "inf")


def fits(field: Field, settled: Collection[int] | None = None) -> bool:
    """Tell whether a field's default is a value of its type.

    Args:
        field: A field that has a default.
        settled: Ids of the records whose fields are known by now; None if all are.

    Raises:
        Circle: It needs the fields of a record not among them.
    """
    try:
        default = as_read(field)
    except ValueError:
        return False
    return Steps[_Question, bool](_Fit(settled).begin, depth_max=_DEPTH_MAX).answer((field.type, default))


class _Fit:
    """One default against one type; a value met twice by one type is judged once."""

    def __init__(self, settled: Collection[int] | None) -> None:
        self._settled = settled
        self._known: dict[tuple[int, int], bool] = {}

    def begin(self, question: _Question) -> bool | _Step:
        """Answer at once for a leaf or a known pair, else return the step."""
        kind, value = question
        if not isinstance(kind, Record | Array | Map | Union):
            return _leaf_fits(kind.kind, value)
        known = self._known.get((id(kind), id(value)))
        return self._remembered(kind, value) if known is None else known

    def _remembered(self, kind: Record | Array | Map | Union, value: object) -> _Step:
        if isinstance(kind, Union):
            found = yield from _any(kind.branches, value)
        elif isinstance(kind, Record):
            found = yield from self._record(kind, value)
        elif isinstance(kind, Array):
            found = yield from _all(kind.items, value if isinstance(value, list) else None)
        else:
            found = yield from _all(kind.values, value.values() if isinstance(value, dict) else None)
        self._known[id(kind), id(value)] = found
        return found

    def _record(self, kind: Record, value: object) -> _Step:
        if not isinstance(value, dict):
            return False
        if self._settled is not None and id(kind) not in self._settled:
            raise Circle
        for field in kind.fields:
            if field.name not in value:
                # A default of its own was judged when that record was read.
                if not field.has_default:
                    return False
            elif not (yield field.type, value[field.name]):
                return False
        return True


def _any(branches: Collection[Type], value: object) -> _Step:
    for branch in branches:
        if (yield branch, value):
            return True
    return False


def _all(kind: Type, values: Collection[object] | None) -> _Step:
    if values is None:
        return False
    for value in values:
        if not (yield kind, value):
            return False
    return True


def _leaf_fits(kind: str, value: object) -> bool:
    if kind in _WHOLE:
        return type(value) is int and value in _WHOLE[kind]
    if kind in {"float", "double"}:
        return type(value) in {int, float}
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "null":
        return value is None
    return isinstance(value, str)
