"""Payload values between JSON, where dates and instants are ISO 8601, and Avro, where they are numbers."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from hub.topics.shapes import ListOf, Record, Scalar, Shape

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?(Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)
_NO_DATE = "not a date"
_NO_INSTANT = "not an instant"
_MILLISECOND = timedelta(milliseconds=1)


def day_from_text(text: str) -> int:
    """Return the days since 1970 of a date such as 2026-03-02; ValueError if it is none."""
    if not _DATE.fullmatch(text):
        raise ValueError(_NO_DATE)
    return date.fromisoformat(text).toordinal() - _EPOCH_DAY


def day_to_text(days: int) -> str:
    """Return a date as text; ValueError or OverflowError outside the years 1 to 9999."""
    return date.fromordinal(days + _EPOCH_DAY).isoformat()


def instant_from_text(text: str) -> int:
    """Return the milliseconds of an instant such as 2026-03-02T09:15:00Z; ValueError if it is none.

    An offset from UTC must be given and fractions end at the millisecond, so that no precision or
    meaning is lost without a word.
    """
    if not _INSTANT.fullmatch(text):
        raise ValueError(_NO_INSTANT)
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // _MILLISECOND
    except OverflowError as fault:
        raise ValueError(_NO_INSTANT) from fault


def instant_to_text(milliseconds: int) -> str:
    """Return an instant as text in UTC; OverflowError outside the years 1 to 9999."""
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    precision = "milliseconds" if milliseconds % 1000 else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def to_json(record: Record, payload: Mapping[str, object]) -> dict[str, object]:
    """Return a payload as JSON shows it, fields in the contract's order; what is missing is null."""
    return {field.name: _to_json(field.shape, payload.get(field.name)) for field in record.fields}


def from_json(record: Record, body: Mapping[str, object]) -> dict[str, object]:
    """Return a trusted JSON payload as Avro holds it; ValueError for a date or instant that is none.

    What comes from outside goes through `hub.topics.bodies` instead, which checks every bound.
    """
    return {field.name: _from_json(field.shape, body.get(field.name)) for field in record.fields}


def fitted(record: Record, payload: Mapping[str, object]) -> dict[str, object]:
    """Return a payload without the names that hold nothing and the record does not have, at every depth.

    A value the record has no place for stays: writing it is refused, which a fault elsewhere must meet.
    """
    known = {field.name: field.shape for field in record.fields}
    return {
        name: value if value is None or name not in known else _fitted(known[name], value)
        for name, value in payload.items()
        if value is not None or name in known
    }


def _fitted(shape: Shape, value: object) -> object:
    """Return one value with the records in it fitted."""
    match shape, value:
        case ListOf(Record() as item), list():
            return [fitted(item, each) for each in value]
        case Record(), Mapping():
            return fitted(shape, value)
    return value


def _to_json(shape: Shape, value: object) -> object:
    """Return one value as JSON shows it."""
    match shape, value:
        case Scalar("date"), int(days):
            return day_to_text(days)
        case Scalar("instant"), int(milliseconds):
            return instant_to_text(milliseconds)
        case Scalar("bytes"), bytes(raw):
            return base64.b64encode(raw).decode()
        case ListOf(item), list(items):
            return [_to_json(item, each) for each in items]
        case Record(), Mapping():
            return to_json(shape, value)
    return value


def _from_json(shape: Shape, value: object) -> object:
    """Return one value as Avro holds it."""
    match shape, value:
        case Scalar("date"), str(text):
            return day_from_text(text)
        case Scalar("instant"), str(text):
            return instant_from_text(text)
        case Scalar("bytes"), str(text):
            return base64.b64decode(text, validate=True)
        case ListOf(item), list(items):
            return [_from_json(item, each) for each in items]
        case Record(), Mapping():
            return from_json(shape, value)
    return value
