"""The facts of a decision as the ledger keeps them: what is sealed, and what their digest is taken of.

It is canonical JSON in which nothing is said twice: the classes are named once, a fact of the classes comes
as one value for each of them in that order, or as one for all where all have the same; what shows a fact, as
one text for each class it opens.

    {"classes":["health","risk"],"each":{"consent":"none","protocol":[false,true]},
     "evidence":{"protocol":[null,"p"]},"whole":{"role":"key_worker","rung":2}}

Facts have few values each, so the text is put together from pieces written once: one per combination of some
neighbouring facts, one per set of values a fact has for all classes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from hub.consent.common import Column
from hub.consent.facts import EVIDENCE, WHOLE, Evidence, FlatFacts, Values, flattened
from hub.consent.vocabulary import BY_CLASS
from hub.messages.envelope import InformationClass
from hub.topics.plain import canonical_json

PIECES_MAX = 4096
"""Pieces kept per fact of the classes, or per group of facts of the whole."""
LAYOUTS_MAX = 64
"""Sets of classes whose layout is kept; a message type has one."""
GROUP = 6
"""So many facts of the whole are written at once: their combinations are few enough to be kept."""
TEXTS_MAX = 4096
"""Whole texts kept: the same recipient of the same case is mostly decided for by the same facts."""
_Text = Callable[..., bytes]
_PARTS = frozenset({"classes", "each", "evidence", "whole"})


_texts: dict[tuple[Values, tuple[Column, ...], tuple[InformationClass, ...], Evidence], bytes] = {}


def facts_text(facts: Mapping[str, object]) -> bytes:
    """Return the facts as the ledger keeps them; equal facts give one text, however they are handed over."""
    if isinstance(facts, FlatFacts):
        known = facts.facts
        key = (known.values, known.columns, known.classes, facts.evidence)
        found = _texts.get(key)
        if found is None:
            if len(_texts) >= TEXTS_MAX:
                _texts.clear()
            found = _texts[key] = _layout(known.classes)(known.values, facts.evidence, *known.columns)
        return found
    return canonical_json(_packed(facts) or facts).encode()


def facts_from(text: bytes) -> dict[str, object]:
    """Return the facts by name, as they were before they were written."""
    read: dict[str, Any] = json.loads(text)
    if read.keys() != _PARTS:
        # Each by its full name: so all were written at first, and those of a decision made without rules are.
        return read
    each = {
        name: value if isinstance(value, list) else [value] * len(read["classes"])
        for name, value in read["each"].items()
    }
    return flattened(read["whole"], read["classes"], each, read["evidence"])


def named_text(facts: Mapping[str, object]) -> bytes:
    """Return the facts as the ledger kept them at first: each by its full name."""
    return canonical_json(facts).encode()


def _packed(facts: Mapping[str, object]) -> dict[str, object] | None:
    """Return facts given by name as they are written; None where they are not those of a decision."""
    classes = sorted(name.partition(".")[2] for name in facts if name.startswith(f"{BY_CLASS[0]}."))
    whole = {name: value for name, value in facts.items() if "." not in name}
    each = {fact: [facts.get(f"{fact}.{name}") for name in classes] for fact in BY_CLASS}
    shown = {fact: [facts.get(f"{EVIDENCE}.{fact}.{name}") for name in classes] for fact in BY_CLASS}
    evidence = {fact: column for fact, column in shown.items() if any(column)}
    if not classes or flattened(whole, classes, each, evidence).keys() != facts.keys():
        return None
    short = {fact: _short(column) for fact, column in each.items()}
    return {"classes": classes, "each": short, "evidence": evidence, "whole": whole}


def _short(column: Sequence[object]) -> object:
    """Return one value where all are the same, else all."""
    return column[0] if column.count(column[0]) == len(column) else column


class _Pieces(dict[Any, bytes]):
    """A part of the text by the values it says."""

    def __init__(self, write: Callable[[Any], str]) -> None:
        """Write what this makes of values."""
        super().__init__()
        self._write = write

    def __missing__(self, values: Any) -> bytes:  # noqa: ANN401 - whatever facts can be
        if len(self) >= PIECES_MAX:
            self.clear()
        found = self[values] = self._write(values).encode()
        return found


@lru_cache(maxsize=PIECES_MAX)
def _word(value: object) -> str:
    """Write one value; a fact has few, and what shows one comes again for the other classes."""
    return canonical_json(value)


def _column(before: str, order: Sequence[int], values: Sequence[object]) -> str:
    """Write one fact of the classes, in the order of their names."""
    if values.count(values[0]) == len(values):
        return before + _word(values[0])
    return f"{before}[{','.join([_word(values[index]) for index in order])}]"


def _shown(order: Sequence[int], evidence: tuple[str, Sequence[str | None]]) -> str:
    """Write what shows one fact, in the order of the classes' names."""
    fact, texts = evidence
    return f'"{fact}":[{",".join([_word(texts[index]) for index in order])}]'


def _named(before: str, names: Sequence[str], values: Sequence[object]) -> str:
    """Write some facts of the whole."""
    return before + ",".join([f'"{name}":{_word(value)}' for name, value in zip(names, values, strict=True)])


@lru_cache(maxsize=LAYOUTS_MAX)
def _layout(classes: tuple[InformationClass, ...]) -> _Text:
    """Generate what writes the facts of these classes: looked up piece by piece, joined once."""
    order = sorted(range(len(classes)), key=classes.__getitem__)
    known: dict[str, object] = {"shown": _Pieces(partial(_shown, order))}
    terms = []
    before = f'{{"classes":{canonical_json(sorted(classes))},"each":{{'
    for fact in sorted(BY_CLASS):
        known[f"e_{fact}"] = _Pieces(partial(_column, f'{before}"{fact}":', order))
        terms.append(f"e_{fact}[c{BY_CLASS.index(fact)}]")
        before = ","
    terms.append("""b'},"evidence":{'""")
    terms.append("""(b",".join([shown[each] for each in evidence]) if evidence else b"")""")
    before = '},"whole":{'
    for group in _groups():
        known[f"w_{group[0]}"] = _Pieces(partial(_named, before, group))
        terms.append(f"w_{group[0]}[{' '.join(f'w[{WHOLE.index(name)}],' for name in group)}]")
        before = ","
    source = f"""
def text(w, evidence, {", ".join(f"c{index}" for index in range(len(BY_CLASS)))}):
    return b"".join(({", ".join(terms)}, b"}}}}"))
"""
    exec(compile(source, "<facts>", "exec"), known)  # noqa: S102 - names of facts and numbers alone
    text: _Text = known["text"]  # type: ignore[assignment]
    return text


def _groups() -> list[tuple[str, ...]]:
    """Return the facts of the whole as they are written, some at a time."""
    names = sorted(WHOLE)
    return [tuple(names[first : first + GROUP]) for first in range(0, len(names), GROUP)]
