"""Values of the core as plain JSON: what a control record, a fact or a field decision is written as."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass


def to_plain(value: object) -> object:
    """Return the value as dict, list, str, int, float, bool or None; sets come sorted."""
    plain: object = json.loads(canonical_json(value))
    return plain


def canonical_json(value: object) -> str:
    """Return one JSON text for equal values: sorted names, no spaces."""
    return _ENCODER.encode(value)


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


# Made once: `json.dumps` would make it for each text.
_ENCODER = json.JSONEncoder(default=_shallow, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
