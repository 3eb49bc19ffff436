"""The text of a schema as JSON, read as Avro Java reads it, within limits of our own."""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn

from hub.topics.avro.errors import SchemaRefused

TEXT_CHARS_MAX = 1_000_000
VALUES_MAX = 1_000_000
LEVELS_MAX = 256
"""Of lists and objects in one another; 64 schemas in one another need no more than this."""
_DIGITS_MAX = 1000
_STRING_OR_COMMENT = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*"?)|//[^\r\n]*|/\*(?:.*?\*/|.*)', re.DOTALL)
_BLANK = re.compile(r"[ \t\r\n]*")
_BLANK_AFTER = "".join(map(chr, range(0x21)))
"""What Java's trim takes away."""
_MEND_TEXT = "send one JSON value that is an Avro schema, in UTF-8"


def read_json(text: str) -> object:
    """Return the JSON value a schema's text stands for.

    As in Avro Java, comments may stand before and within it and the last of two equal names counts.

    Raises:
        SchemaRefused: It is no JSON, something follows it, or it is beyond a limit.
    """
    if len(text) > TEXT_CHARS_MAX:
        raise SchemaRefused("", f"longer than {TEXT_CHARS_MAX} characters", fix="divide the schema")
    bare = _STRING_OR_COMMENT.sub(_keep_string, text) if "/" in text else text
    begin = _BLANK.match(bare)
    try:
        found, end = _DECODER.raw_decode(bare, begin.end() if begin else 0)
    except RecursionError:
        raise SchemaRefused("", "too many levels of JSON", fix=f"use at most {LEVELS_MAX}") from None
    except ValueError as fault:
        place = f" (line {fault.lineno})" if isinstance(fault, json.JSONDecodeError) else ""
        raise SchemaRefused("", f"not JSON{place}", fix=_MEND_TEXT) from None
    if text[end:].strip(_BLANK_AFTER):
        raise SchemaRefused("", "something follows the schema", fix="remove what stands after it")
    return found


def check_json(source: object) -> None:
    """Refuse what no JSON text decodes to, or what has more levels or values than we read.

    Java takes a number too great for a double and cannot write it again; it is refused here.

    Raises:
        SchemaRefused: Naming which of these it is. A value that contains itself has too many levels.
    """
    level, values = [source], 0
    for _ in range(LEVELS_MAX):
        values += len(level)
        if values > VALUES_MAX:
            raise SchemaRefused("", f"more than {VALUES_MAX} values", fix="divide the schema")
        inner: list[object] = []
        for value in level:
            if isinstance(value, dict):
                if not all(isinstance(name, str) for name in value):
                    raise SchemaRefused("", "a name that is no text", fix=_MEND_TEXT)
                inner.extend(value.values())
            elif isinstance(value, list):
                inner.extend(value)
            elif isinstance(value, float) and not math.isfinite(value):
                raise SchemaRefused("", "a number beyond what a double holds", fix="write it as text")
            elif value is not None and not isinstance(value, str | int | float):
                raise SchemaRefused("", f"a Python {type(value).__name__}, not JSON", fix=_MEND_TEXT)
        if not inner:
            return
        level = inner
    raise SchemaRefused("", "too many levels of JSON", fix=f"use at most {LEVELS_MAX}")


def _keep_string(found: re.Match[str]) -> str:
    """Blank out a comment, character for character, so that places stay what they were."""
    return found[1] or " " * len(found[0])


def _no_constant(_: str) -> NoReturn:
    """NaN and Infinity, which JSON does not have."""
    raise ValueError


def _whole(digits: str) -> int:
    """Read a whole number; longer ones than Java's reader takes are refused before they cost time."""
    if len(digits) > _DIGITS_MAX:
        raise ValueError
    return int(digits)


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_int=_whole)
