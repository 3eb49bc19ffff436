"""Schema files (.avsc) as people write them: bounded, and named in every refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.errors import NotConfigured
from hub.topics.avro.errors import SchemaRefused
from hub.topics.avro.parse import parse
from hub.topics.avro.text import check_json, read_json

if TYPE_CHECKING:
    from pathlib import Path

    from hub.topics.avro.schema import Type

BYTES_MAX = 1_048_576
"""No schema file is larger."""


def read_schema_text(file: Path) -> str:
    """Return the text of a schema file; NotConfigured if there is none, or it is too large or not UTF-8."""
    try:
        if file.stat().st_size > BYTES_MAX:
            message = f"{file} is larger than {BYTES_MAX} bytes"
            raise NotConfigured(message, fix="give one Avro schema")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        message = f"{file} cannot be read: {type(fault).__name__}"
        raise NotConfigured(message, fix="give the path of an Avro schema") from fault


def read_schema(file: Path) -> object:
    """Return the JSON of a schema file, within the limits of hub.topics.avro.text.

    Raises:
        NotConfigured: Names the file, what is wrong in it and the fix.
    """
    text = read_schema_text(file)
    try:
        found = read_json(text)
        check_json(found)
    except SchemaRefused as refused:
        message = f"{file}: {refused}"
        raise NotConfigured(message, fix=refused.fix) from refused
    return found


def read_parsed(file: Path) -> tuple[object, Type]:
    """Return the JSON of a schema file and what it stands for in Avro.

    Raises:
        NotConfigured: As `read_schema`; or it is no Avro schema.
    """
    found = read_schema(file)
    try:
        return found, parse(found)
    except SchemaRefused as refused:
        message = f"{file}: {refused}"
        raise NotConfigured(message, fix=refused.fix) from refused


def read_record_schema(file: Path) -> dict[str, object]:
    """Return the JSON of a file that must hold a record, as every contract of the hub is one.

    Raises:
        NotConfigured: As `read_schema`; or it holds another schema.
    """
    found = read_schema(file)
    if not isinstance(found, dict):
        message = f"{file}: a schema that is no record"
        raise NotConfigured(message, fix='write a record: {"type": "record", "name": ..., "fields": [...]}')
    return found
