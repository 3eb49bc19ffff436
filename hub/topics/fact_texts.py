"""The facts of a decision as canonical JSON: what the ledger seals, and what their digest is taken of.

Facts have few values each, so the text is put together from pieces written once: one per value of a fact, one
per set of values a fact has for all classes. It is the text `canonical_json` gives.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from operator import getitem, itemgetter
from typing import TYPE_CHECKING, Any

from hub.consent.facts import FlatFacts
from hub.consent.vocabulary import BY_CLASS, FACTS
from hub.topics.plain import canonical_json

if TYPE_CHECKING:
    from hub.messages.envelope import InformationClass

PIECES_MAX = 4096
"""Pieces kept per fact."""
LAYOUTS_MAX = 64
"""Sets of classes whose layout is kept; a message type has one."""
_WHOLE = tuple(name for name in FACTS if name not in BY_CLASS and name != "scope")
_whole_of = itemgetter(*_WHOLE)


def facts_text(facts: Mapping[str, object]) -> str:
    """Return the facts as canonical JSON."""
    if not isinstance(facts, FlatFacts):
        return canonical_json(facts)
    pick, pieces = _layout(facts.classes)
    values = pick((*_whole_of(facts.whole), *facts.columns))
    return f"{{{','.join(map(getitem, pieces, values))}}}"


class _Pieces(dict[Any, str]):
    """One fact's part of the text, by its value, or by its values for all classes."""

    def __init__(self, names: tuple[str, ...], *, by_class: bool) -> None:
        super().__init__()
        self._names = names
        self._by_class = by_class

    def __missing__(self, value: Any) -> str:  # noqa: ANN401 - whatever a fact can be
        if len(self) >= PIECES_MAX:
            self.clear()
        values = value if self._by_class else (value,)
        said = zip(self._names, values, strict=True)
        found = self[value] = ",".join(f"{json.dumps(name)}:{canonical_json(each)}" for name, each in said)
        return found


@lru_cache(maxsize=LAYOUTS_MAX)
def _layout(classes: tuple[InformationClass, ...]) -> tuple[itemgetter[Any], tuple[_Pieces, ...]]:
    """Return the order of the facts by name, those of a class together, and the pieces of each.

    A fact's name is never the beginning of another's, so what begins with `protocol.` stands together.
    """
    names = (*_WHOLE, *(f"{name}." for name in BY_CLASS))
    order = sorted(range(len(names)), key=names.__getitem__)
    pieces = tuple(
        _Pieces((names[index],), by_class=False)
        if index < len(_WHOLE)
        else _Pieces(tuple(f"{names[index]}{each}" for each in classes), by_class=True)
        for index in order
    )
    return itemgetter(*order), pieces
