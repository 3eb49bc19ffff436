"""Strict pydantic models made from contracts; see docs/decisions/0002-bodies-from-avro.md.

There are two for each contract: one for JSON, where dates and instants are ISO 8601, and one for
values as Avro decodes them. They differ in nothing else, so that both doors hold to one standard.
"""

from __future__ import annotations

import re
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, assert_never

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Strict,
    StringConstraints,
    WithJsonSchema,
    create_model,
)
from pydantic import Field as Bounds
from pydantic_core import PydanticCustomError

from hub.messages.envelope import Role
from hub.topics.check_letters import has_right_letter
from hub.topics.shapes import Choice, Field, ListOf, Record, Scalar, ScalarKind, Shape, TextByName
from hub.topics.values import day_from_text, instant_from_text

if TYPE_CHECKING:
    from collections.abc import Callable

_UNSEEN = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff"
_UNSEEN_LINES = re.compile(f"[{_UNSEEN}]")
_UNSEEN_LINE = re.compile(f"[{_UNSEEN}\\t\\n]")
_RANGES: dict[str, tuple[int, int]] = {
    "int": (-(2**31), 2**31 - 1),
    "date": (-(2**31), 2**31 - 1),
    "long": (-(2**63), 2**63 - 1),
    "instant": (-(2**63), 2**63 - 1),
}
_NAME_LENGTH_MAX = 200
_ROLES = frozenset(role.value for role in Role)


class Body(BaseModel):
    """What every derived model has in common: exact types, and nothing the contract does not name."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


@cache
def model_of(record: Record, *, native: bool) -> type[Body]:
    """Return the model senders' values must fit.

    Fields the hub itself makes are left out of it; in Avro, where every field is there, they must be null.
    """
    fields: dict[str, Any] = {
        field.name: definition(field, native=native) for field in record.fields if not field.made_by_hub
    }
    if native:
        fields |= {field.name: (None, None) for field in record.fields if field.made_by_hub}
    return create_model(record.name, __base__=Body, __doc__=record.doc, **fields)


def definition(field: Field, *, native: bool) -> tuple[Any, Any]:
    """Return type and default of one field, as pydantic's create_model takes them."""
    described = Bounds(description=field.doc)
    accepted: Any = Annotated[_accepted(field.shape, field, native=native), described]
    if field.nullable:
        return (accepted | None, Bounds(None, description=field.doc))
    if field.has_default and isinstance(field.shape, TextByName):
        return (accepted, Bounds(default_factory=dict))
    return (accepted, ...)


def _accepted(shape: Shape, field: Field, *, native: bool) -> Any:  # noqa: ANN401 - a type made at run time
    """Return the type of one value with every bound the contract states."""
    match shape:
        case Scalar(kind):
            return _scalar(kind, field, native=native)
        case Choice(_, symbols, _):
            return Literal[symbols]
        case ListOf(item):
            inner: Any = _accepted(item, field, native=native)
            return Annotated[
                list.__class_getitem__(inner), Strict(), Bounds(max_length=field.bound("maxItems"))
            ]
        case TextByName():
            return _text_by_name(field)
        case Record():
            return model_of(shape, native=native)
        case _:
            assert_never(shape)


def _scalar(kind: ScalarKind, field: Field, *, native: bool) -> Any:  # noqa: ANN401 - as above
    """Return the type of a single value."""
    match kind:
        case "string":
            return _text(field)
        case "bytes":
            low, high = field.bound("minLength"), field.bound("maxLength")
            return Annotated[bytes, Strict(), Bounds(min_length=low, max_length=high)]
        case "boolean":
            return Annotated[bool, Strict()]
        case "double":
            low, high = field.bound("minimum"), field.bound("maximum")
            return Annotated[float, Strict(), Bounds(ge=low, le=high, allow_inf_nan=False)]
        case "int" | "long":
            return _whole(kind, field)
        case "date" | "instant":
            return _whole(kind, field) if native else _moment(*_MOMENTS[kind], field)
        case _:
            assert_never(kind)


def _whole(kind: ScalarKind, field: Field) -> Any:  # noqa: ANN401 - as above
    """Return a whole number within the contract's bounds, or else within Avro's."""
    least, most = _RANGES[kind]
    low, high = field.bound("minimum"), field.bound("maximum")
    return Annotated[
        int, Strict(), Bounds(ge=least if low is None else low, le=most if high is None else high)
    ]


def _moment(read: Callable[[object], int], json_format: str, field: Field) -> Any:  # noqa: ANN401 - as above
    """Return a date or instant: text at the door, a number behind it."""
    low, high = field.bound("minimum"), field.bound("maximum")
    shown = WithJsonSchema({"type": "string", "format": json_format})
    return Annotated[int, Bounds(ge=low, le=high), BeforeValidator(read), shown]


def _text(field: Field) -> Any:  # noqa: ANN401 - as above
    """Return text with its length, pattern and check letter, free of characters nobody sees."""
    unseen = _UNSEEN_LINES if field.properties.get("lines") is True else _UNSEEN_LINE
    bounds = StringConstraints(
        min_length=field.bound("minLength"),
        max_length=field.bound("maxLength"),
        pattern=field.text("pattern"),
    )
    checks: list[object] = [bounds, AfterValidator(partial(_seen, unseen))]
    identifier_format = field.text("format")
    if identifier_format is not None:
        checks.append(AfterValidator(partial(_checked, identifier_format)))
    return Annotated[(str, Strict(), *checks)]


def _text_by_name(field: Field) -> Any:  # noqa: ANN401 - as above
    """Return a map from names to text, both bounded."""
    name = Annotated[str, Strict(), StringConstraints(max_length=_NAME_LENGTH_MAX)]
    text = Annotated[str, Strict(), StringConstraints(max_length=field.bound("maxLength"))]
    return Annotated[dict[name, text], Strict(), Bounds(max_length=field.bound("maxItems"))]


def _refusal(*, rule: str) -> PydanticCustomError:
    """Return a refusal by rule; hub.topics.faults has the words for it."""
    return PydanticCustomError(rule, "refused")


def _seen(unseen: re.Pattern[str], text: str) -> str:
    """Refuse control characters, direction overrides and text that shows nothing at all."""
    if unseen.search(text):
        raise _refusal(rule="characters")
    if text and not text.strip():
        raise _refusal(rule="blank")
    return text


def _checked(identifier_format: str, text: str) -> str:
    """Refuse a role there is not, or an identifier whose check letter does not follow from its digits."""
    if identifier_format == "role" and text not in _ROLES:
        raise _refusal(rule="role")
    if not has_right_letter(identifier_format, text):
        raise _refusal(rule="check-letter")
    return text


def _day(value: object) -> int:
    """Read a date at the door."""
    try:
        return day_from_text(value if isinstance(value, str) else "")
    except ValueError:
        raise _refusal(rule="date") from None


def _instant(value: object) -> int:
    """Read an instant at the door."""
    try:
        return instant_from_text(value if isinstance(value, str) else "")
    except ValueError:
        raise _refusal(rule="instant") from None


_MOMENTS: dict[str, tuple[Callable[[object], int], str]] = {
    "date": (_day, "date"),
    "instant": (_instant, "date-time"),
}
