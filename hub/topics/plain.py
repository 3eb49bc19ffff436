"""Frozen dataclasses of the core as plain JSON values, and back, driven by their annotations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, NewType, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_plain(value: object) -> object:
    """Return the value as dict, list, str, int, float, bool or None; sets come sorted."""
    plain: object = json.loads(canonical_json(value))
    return plain


def canonical_json(value: object) -> str:
    """Return one JSON text for equal values: sorted names, no spaces."""
    return json.dumps(value, default=_shallow, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _shallow(value: object) -> object:
    """One level of what JSON does not know; the encoder comes back for what is inside."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    message = f"{type(value).__name__} has no plain form"
    raise TypeError(message)


def from_plain(kind: type[T], value: object) -> T:
    """Build an instance of `kind` from what `canonical_json` wrote of one, parsed."""
    built: T = _build(kind, value)
    return built


def _build(kind: Any, value: Any) -> Any:  # noqa: ANN401 - annotations are values here
    if isinstance(kind, NewType):
        return _build(kind.__supertype__, value)
    if get_origin(kind) is not None:
        return _build_generic(get_origin(kind), get_args(kind), value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _build(hints[name], item) for name, item in value.items() if name in hints})
    return value


def _build_generic(origin: Any, arguments: tuple[Any, ...], value: Any) -> Any:  # noqa: ANN401 - as above
    """Optional fields, tuples of one kind, sets and mappings: what the core's dataclasses are made of."""
    if origin in {Union, UnionType}:
        kind = next(option for option in arguments if option is not NoneType)
        return None if value is None else _build(kind, value)
    if origin in {tuple, frozenset}:
        return origin(_build(arguments[0], item) for item in value)
    return {_build(arguments[0], key): _build(arguments[1], item) for key, item in value.items()}


@cache
def _hints(kind: type[object]) -> dict[str, Any]:
    return get_type_hints(kind)
