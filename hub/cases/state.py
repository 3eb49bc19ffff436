"""A case as canonical JSON and back: what the router's tables and the database hold of it.

Readers and writers are built once per type from the dataclass annotations, so that a new field with a
default needs no change here and an older record is read as if it had the default.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import NewType, Union, cast, get_args, get_origin, get_type_hints

from hub.cases.case import Case

Convert = Callable[[object], object]
_NO_DEFAULT = object()


def to_json(case: Case) -> bytes:
    """Return the case as JSON: names sorted, defaults left out, no spaces; equal cases give equal bytes."""
    plain = _writer(Case)(case)
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def from_json(data: bytes) -> Case:
    """Return the case that `to_json` wrote; ValueError if it is something else."""
    try:
        return cast("Case", _reader(Case)(json.loads(data)))
    except (AttributeError, KeyError, TypeError) as fault:
        message = "not the canonical JSON of a case"
        raise ValueError(message) from fault


def _same(value: object) -> object:
    return value


def _plain_type(kind: object) -> object:
    """Take away what is not there at run time: a NewType's name, and None in an optional type."""
    while isinstance(kind, NewType):
        kind = kind.__supertype__
    if get_origin(kind) in {Union, UnionType}:
        return _plain_type(next(option for option in get_args(kind) if option is not NoneType))
    return kind


@cache
def _writer(kind: object) -> Convert:
    kind = _plain_type(kind)
    origin = get_origin(kind)
    if origin in {tuple, frozenset}:
        return _write_many(_writer(get_args(kind)[0]), in_order=origin is tuple)
    if isinstance(kind, type) and is_dataclass(kind):
        return _write_record(kind)
    return _same


@cache
def _reader(kind: object) -> Convert:
    kind = _plain_type(kind)
    origin = get_origin(kind)
    if origin in {tuple, frozenset}:
        return _read_many(_reader(get_args(kind)[0]), tuple if origin is tuple else frozenset)
    if isinstance(kind, type) and is_dataclass(kind):
        return _read_record(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    return _same


def _write_many(item: Convert, *, in_order: bool) -> Convert:
    def write(values: object) -> object:
        written = [item(value) for value in cast("Iterable[object]", values)]
        return written if in_order else sorted(written, key=str)

    return write


def _read_many(item: Convert, gather: Callable[[list[object]], object]) -> Convert:
    def read(values: object) -> object:
        if not isinstance(values, list):
            raise TypeError
        return gather([item(value) for value in values])

    return read


def _write_record(kind: type) -> Convert:
    hints = get_type_hints(kind)
    plan = [
        (field.name, _NO_DEFAULT if field.default is MISSING else field.default, _writer(hints[field.name]))
        for field in fields(kind)
    ]

    def write(record: object) -> object:
        written: dict[str, object] = {}
        for name, default, convert in plan:
            value = getattr(record, name)
            if value is not default and value != default:
                written[name] = None if value is None else convert(value)
        return written

    return write


def _read_record(kind: type) -> Convert:
    hints = get_type_hints(kind)
    plan = {field.name: _reader(hints[field.name]) for field in fields(kind)}
    former: frozenset[str] = getattr(kind, "FORMER", frozenset())

    def read(written: object) -> object:
        if not isinstance(written, dict):
            raise TypeError
        if former:
            written = {name: value for name, value in written.items() if name not in former}
        return kind(**{name: None if value is None else plan[name](value) for name, value in written.items()})

    return read
