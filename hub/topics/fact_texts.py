"""The facts of a decision as canonical JSON: what the ledger seals, and what their digest is taken of.

Facts have few values each, so the text is put together from pieces written once: one per value of a fact, one
per set of values a fact has for all classes. It is the text `canonical_json` gives.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from operator import getitem, itemgetter
from typing import TYPE_CHECKING, Any

from hub.consent.facts import WHOLE, FlatFacts
from hub.consent.vocabulary import BY_CLASS
from hub.topics.plain import canonical_json

if TYPE_CHECKING:
    from hub.consent.class_facts import Column
    from hub.messages.envelope import InformationClass

PIECES_MAX = 4096
"""Pieces kept per fact."""
EVIDENCE = "evidence."
"""What the names of evidence begin with."""
LAYOUTS_MAX = 64
"""Sets of classes whose layout is kept; a message type has one."""


def facts_text(facts: Mapping[str, object]) -> str:
    """Return the facts as canonical JSON."""
    if not isinstance(facts, FlatFacts):
        return canonical_json(facts)
    known = facts.facts
    pick, pieces = _layout(known.classes)
    texts = list(map(getitem, pieces, pick((*known.values, *known.columns))))
    if facts.evidence:
        texts.insert(_before_evidence(), canonical_json(facts.evidence)[1:-1])
    return f"{{{','.join(texts)}}}"


@cache
def _before_evidence() -> int:
    """Return how many pieces stand before the evidence, whose names all begin alike."""
    return sorted((*WHOLE, *(f"{name}." for name in BY_CLASS), EVIDENCE)).index(EVIDENCE)


class _Values(dict[Any, str]):
    """One fact's part of the text, by its value."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = json.dumps(name)

    def __missing__(self, value: Any) -> str:  # noqa: ANN401 - whatever a fact can be
        if len(self) >= PIECES_MAX:
            self.clear()
        found = self[value] = f"{self._name}:{canonical_json(value)}"
        return found


class _Columns(dict["Column", str]):
    """The part of the text of one fact of the classes, by its values for all of them."""

    def __init__(self, name: str, classes: tuple[InformationClass, ...]) -> None:
        super().__init__()
        self._values = tuple(_Values(f"{name}.{each}") for each in classes)

    def __missing__(self, column: Column) -> str:
        if len(self) >= PIECES_MAX:
            self.clear()
        found = self[column] = ",".join(map(getitem, self._values, column))
        return found


@lru_cache(maxsize=LAYOUTS_MAX)
def _layout(
    classes: tuple[InformationClass, ...],
) -> tuple[itemgetter[Any], tuple[_Values | _Columns, ...]]:
    """Return the order of the facts by name, those of a class together, and the pieces of each.

    A fact's name is never the beginning of another's, so what begins with `protocol.` stands together.
    """
    names = (*WHOLE, *(f"{name}." for name in BY_CLASS))
    order = sorted(range(len(names)), key=names.__getitem__)
    every: tuple[_Values | _Columns, ...] = (
        *map(_Values, WHOLE),
        *(_Columns(name, classes) for name in BY_CLASS),
    )
    return itemgetter(*order), tuple(every[index] for index in order)
