"""Reads JSON from outside so that every reader would read it alike, and says what is wrong where.

Python's own reader takes NaN, lets the last of two equal keys win and recurses as deep as the text
tells it to. A message about a person must not mean one thing here and another elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass, field

from hub.errors import Fault, InvalidBody

_FAULTS_MAX = 100
_INT64_DIGITS_MAX = 19
_INT64 = range(-(2**63), 2**63)
# A string that never ends is taken to the end of the text: one pass, whatever the text.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.?)*+(?:"|\Z)|[\[\]{}]', re.DOTALL)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class _Unusable:
    """Stands where a number stood that cannot be taken, until its pointer is known."""

    fix: str


class _Object(list[tuple[str, object]]):
    """A JSON object's pairs in order, duplicates included."""


@dataclass(slots=True)
class _Walk:
    """Turns what was parsed into plain values and collects what is wrong with it."""

    faults: list[Fault] = field(default_factory=list)

    def fault(self, pointer: str, rule: str, fix: str) -> None:
        """Note one fault, up to the most that are worth listing."""
        if len(self.faults) < _FAULTS_MAX:
            self.faults.append(Fault(pointer=pointer, rule=rule, fix=fix))

    def value(self, value: object, pointer: str) -> object:
        """Return the plain value at this pointer; depth is bounded before the walk begins."""
        match value:
            case _Object():
                return self.object(value, pointer)
            case list():
                return [self.value(item, f"{pointer}/{index}") for index, item in enumerate(value)]
            case str():
                self.text(value, pointer)
            case _Unusable():
                self.fault(pointer, "number", value.fix)
            case _:
                pass
        return value

    def object(self, pairs: _Object, pointer: str) -> dict[str, object]:
        """Return the object as a dict; a key named twice is a fault, for readers differ on which counts."""
        plain: dict[str, object] = {}
        for key, value in pairs:
            here = f"{pointer}/{segment(key)}"
            self.text(key, here)
            if key in plain:
                self.fault(here, "duplicate-key", "name each key once")
            plain[key] = self.value(value, here)
        return plain

    def text(self, value: str, pointer: str) -> None:
        """Refuse characters that databases and other readers cannot hold."""
        if "\x00" in value:
            self.fault(pointer, "character", "leave out the NUL character")
        if any("\ud800" <= character <= "\udfff" for character in value):
            self.fault(pointer, "character", "write surrogate pairs whole")


def segment(key: str) -> str:
    """Return a key as a segment of a JSON pointer; one that is no field name is not repeated."""
    return key if _NAME.fullmatch(key) else "*"


def read_object(raw: bytes, *, depth_max: int) -> dict[str, object]:
    """Return the JSON object these bytes are.

    Raises:
        InvalidBody: with every fault found.

    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _invalid(rule="utf-8", fix=f"send UTF-8; byte {error.start} is not") from None
    _bound_depth(text, depth_max)
    try:
        parsed = json.loads(
            text, object_pairs_hook=_Object, parse_constant=_constant, parse_int=_integer, parse_float=_float
        )
    except json.JSONDecodeError as error:
        raise _invalid(
            rule="json", fix=f"mend the JSON at line {error.lineno}, column {error.colno}"
        ) from None
    if not isinstance(parsed, _Object):
        raise _invalid(rule="object", fix="send one JSON object")
    walk = _Walk()
    plain = walk.object(parsed, "")
    if walk.faults:
        raise InvalidBody(tuple(walk.faults))
    return plain


def canonical_digest(document: dict[str, object]) -> str:
    """Return the SHA-256, hexadecimal, of a document, whatever the order of its keys and its spaces."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _bound_depth(text: str, depth_max: int) -> None:
    """Refuse nesting before parsing, since the parser recurses with it."""
    depth = 0
    for token in _TOKEN.finditer(text):
        opening = text[token.start()]
        if opening in "[{":
            depth += 1
            if depth > depth_max:
                raise _invalid(rule="depth", fix=f"nest at most {depth_max} levels")
        elif opening in "]}":
            depth -= 1


def _constant(_: str) -> _Unusable:
    return _Unusable("NaN and Infinity are not JSON")


def _integer(digits: str) -> object:
    if len(digits.removeprefix("-")) > _INT64_DIGITS_MAX or int(digits) not in _INT64:
        return _Unusable("use a whole number of at most 64 bits")
    return int(digits)


def _float(digits: str) -> object:
    number = float(digits)
    return number if math.isfinite(number) else _Unusable("use a number that a 64-bit float can hold")


def _invalid(*, rule: str, fix: str) -> InvalidBody:
    return InvalidBody((Fault(pointer="", rule=rule, fix=fix),))
