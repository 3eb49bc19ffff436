"""Choices: the first symbol is the most cautious, and what a reader does not know reads as the default.

So a default that moves, a first symbol that changes places or a symbol that goes can turn an unknown risk
into a low one without anybody noticing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hub.topics.avro.schema import Enum
from hub.topics.findings import Weight
from hub.topics.gates.pairs import TypePair
from hub.topics.gates.said import Change


def enums(types: Iterable[TypePair]) -> Iterator[Change]:
    """Yield what changed in the choices of two versions, and new ones with a default that is not cautious."""
    for each in types:
        if not isinstance(each.new, Enum):
            continue
        if not isinstance(each.old, Enum):
            yield from _cautious(each.path, each.new)
            continue
        yield from _default(each.path, each.old, each.new)
        yield from _first(each.path, each.old, each.new)
        yield from _retired(each.path, each.old, each.new)


def _cautious(path: str, new: Enum) -> Iterator[Change]:
    """A default must be the first symbol."""
    if new.default is not None and new.default != new.symbols[0]:
        yield Change(
            "ENUM-DEFAULT",
            path,
            "the default is not the first symbol: what a reader does not know would read as harmless",
            old="",
            new=new.default,
            fix=f"let the default be {new.symbols[0]}, or put the most cautious symbol first",
        )


def _default(path: str, old: Enum, new: Enum) -> Iterator[Change]:
    """A default stays; one given where there was none must be the first symbol."""
    if old.default == new.default:
        return
    if old.default is None:
        yield from _cautious(path, new)
        return
    higher = new.default == new.symbols[0] and new.default not in old.symbols
    yield Change(
        "ENUM-DEFAULT-CHANGED",
        path,
        "what a reader does not know would read as another symbol than before",
        old=old.default,
        new=new.default or "no default",
        fix="have it signed off that the new symbol is the most cautious"
        if higher
        else f"keep the default {old.default}",
        weight=Weight.SIGN_OFF if higher else Weight.REFUSED,
    )


def _first(path: str, old: Enum, new: Enum) -> Iterator[Change]:
    """The most cautious symbol stays first; a new one before it is for somebody to sign."""
    if not old.symbols or not new.symbols or old.symbols[0] == new.symbols[0]:
        return
    added = new.symbols[0] not in old.symbols
    weight = Weight.SIGN_OFF if added else Weight.REFUSED
    if old.default is None and new.default is None:
        weight = Weight.WARNING
    yield Change(
        "SYMBOL-REORDERED-FIRST",
        path,
        "the first symbol is the most cautious one, and it is another than before",
        old=old.symbols[0],
        new=new.symbols[0],
        fix=f"put {old.symbols[0]} first"
        if not added
        else "add symbols at the end unless it is more cautious",
        weight=weight,
    )


def _retired(path: str, old: Enum, new: Enum) -> Iterator[Change]:
    """A symbol that goes makes stored records read as the default, which must be the most cautious."""
    gone = [symbol for symbol in old.symbols if symbol not in new.symbols]
    if not gone:
        return
    safe = new.default is not None and new.default == new.symbols[0] == old.symbols[0]
    yield Change(
        "SYMBOL-RETIRED",
        path,
        "stored records that say so will read as the default, the most cautious symbol"
        if safe
        else "stored records that say so could be read by nobody, or would read as something harmless",
        old=", ".join(gone),
        new=new.default or "no default",
        fix="tell receivers before it is released"
        if safe
        else "keep the symbol; say in its doc not to use it",
        weight=Weight.WARNING if safe else Weight.REFUSED,
    )
