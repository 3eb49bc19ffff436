"""Names as Avro Java 1.12 takes them: letters and digits of any script below U+10000."""

from __future__ import annotations

PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
_LAST_OF_ONE_UNIT = "\uffff"


def is_name(text: object) -> bool:
    """Tell whether a simple name is one: a letter or underscore, then letters, digits, underscores."""
    if not isinstance(text, str) or not text:
        return False
    if text.isascii():
        return text.isidentifier()
    return not text[0].isdecimal() and all(map(_may_stand, text))


def is_full_name(full: str) -> bool:
    """Tell whether a name and every part of its namespace are names."""
    return all(map(is_name, full.split(".")))


def full_name(name: str, space: str | None) -> str:
    """Return the full name; a name with a dot has its namespace before the last one."""
    before, dot, last = name.rpartition(".")
    space = before if dot else space
    return f"{space}.{last}" if space else last


def space_of(full: str) -> str | None:
    """Return the namespace of a full name, None if it has none."""
    return full.rpartition(".")[0] or None


def simple_name(full: str) -> str:
    """Return a full name without its namespace."""
    return full.rpartition(".")[2]


def _may_stand(letter: str) -> bool:
    """Letters (Unicode L) and decimal digits (Nd), of those Java keeps in one unit."""
    return letter == "_" or (letter <= _LAST_OF_ONE_UNIT and (letter.isalpha() or letter.isdecimal()))
