"""Schemas as JSON, in few words, for the tests of hub.topics.avro."""

from __future__ import annotations

from typing import Any


def record(*fields: object, name: str = "p.R", **rest: object) -> dict[str, Any]:
    """A record, named p.R unless said."""
    return {"type": "record", "name": name, **rest, "fields": list(fields)}


def field(name: str, kind: object, **rest: object) -> dict[str, Any]:
    """A field, with whatever else it says."""
    return {"name": name, "type": kind, **rest}


def enum(*symbols: str, **rest: object) -> dict[str, Any]:
    """An enum named p.Level."""
    return {"type": "enum", "name": "p.Level", "symbols": list(symbols), **rest}


def fixed(size: int, name: str = "p.Hash") -> dict[str, Any]:
    """Fixed bytes."""
    return {"type": "fixed", "name": name, "size": size}
