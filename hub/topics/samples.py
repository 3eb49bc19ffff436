"""Records made up from a contract alone: every field filled with a canary, or only what must be there.

A canary is a text that stands nowhere else and names its field, so that where it turns up says what went
where it should not. Nothing in a sample is about anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from hub.topics.shapes import Choice, Field, ListOf, Record, Scalar, ScalarKind, Shape, TextByName

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHORT = 12
_NUMBERS = {"date": 20_514, "instant": 1_772_442_900_500}


def full(record: Record) -> dict[str, object]:
    """Return a record with every field filled, values as Avro holds them."""
    return {field.name: _value(field.shape, field, field.name) for field in record.fields}


def least(record: Record) -> dict[str, object]:
    """Return a record with nothing but what must be there."""
    return {
        field.name: None if field.nullable else _value(field.shape, field, field.name)
        for field in record.fields
    }


def canaries(record: Record, payload: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """Return every text of a full record by its path, as far as it is long enough to be looked for."""
    found: dict[str, str] = {}
    for field in record.fields:
        path, value = f"{prefix}{field.name}", payload.get(field.name)
        match field.shape, value:
            case ListOf(Record() as item), [dict(first), *_]:
                found |= canaries(item, first, f"{path}[].")
            case Record() as inner, dict():
                found |= canaries(inner, value, f"{path}.")
            case Scalar("string"), str() if len(value) >= _SHORT:
                found[path] = value
            case ListOf(Scalar("string")), [str(first), *_] if len(first) >= _SHORT:
                found[path] = first
    return found


def _value(shape: Shape, field: Field, path: str) -> object:
    """Return one value of a shape within the bounds its field states."""
    match shape:
        case Scalar(kind):
            return _scalar(kind, field, path)
        case Choice(symbols=symbols):
            return symbols[-1]
        case ListOf(item):
            return [_value(item, field, path)]
        case TextByName():
            return {"name": f"canary-{path}"}
        case Record():
            return {inner.name: _value(inner.shape, inner, f"{path}.{inner.name}") for inner in shape.fields}
        case _:
            assert_never(shape)


def _scalar(kind: ScalarKind, field: Field, path: str) -> object:
    """Return one single value: text names its field, a number lies within its bounds."""
    if kind in {"string", "bytes"}:
        text = f"canary-{path}"[: field.bound("maxLength") or None]
        return text.encode() if kind == "bytes" else text
    if kind == "boolean":
        return True
    if kind == "double":
        return float(field.bound("maximum") or 1)
    number, low, high = _NUMBERS.get(kind, 1), field.bound("minimum"), field.bound("maximum")
    return max(number if low is None else low, number if high is None else min(number, high))
