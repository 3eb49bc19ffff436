"""Finds what is held back inside what is not: a name in a note is still a name (R-DIS-06)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from hub.consent.decision import Candidate, FieldDecision, FieldSpec, Outcome, Scope
from hub.consent.forms import form_of, said_in
from hub.consent.outcomes import read_fields
from hub.consent.partner_contracts import NOT_IN_VIEW
from hub.consent.paths import fields_of, walked

LENGTH_MIN = 4
"""Shorter values say nothing by themselves (LOW, MDI) and are not looked for."""
AUTHOR = "@author"
NUMBERED = frozenset({"objectives[].sequence"})
"""Fields that number the items of a list in which one may be held back from somebody."""
_SYMBOL = re.compile(r"[A-Z]+(?:_[A-Z]+)*|[a-z]+(?:[_-][a-z]+)*")


def telling(value: object) -> str | None:
    """Return a text worth looking for elsewhere: long enough, and not one word of a list of codes."""
    if not isinstance(value, str) or len(value.strip()) < LENGTH_MIN or _SYMBOL.fullmatch(value):
        return None
    return value.strip()


def contained(held: Iterable[str]) -> re.Pattern[str] | None:
    """Return a pattern that finds any of the held-back texts as whole words, in any case."""
    words = sorted(set(held), key=len, reverse=True)
    if not words:
        return None
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", re.IGNORECASE)


def named_in_text(
    payload: Mapping[str, object],
    specs: Sequence[FieldSpec],
    fields: tuple[FieldDecision, ...],
    candidate: Candidate,
    *,
    author: str = "",
    items_held: Iterable[str] = (),
) -> tuple[FieldDecision, ...]:
    """Withhold every disclosed text that contains a value held back elsewhere in the message.

    So is one that names its author, or what an item says that is held back as a whole.
    """
    codes, keys = read_fields(fields).codes, fields_of(specs).keys
    shown, items = without(payload, keys, frozenset(items_held))
    held: dict[str, None] = {}
    open_texts: list[tuple[str, Scope, str]] = []
    known: set[str] = set()
    for path, scope, value in _said(shown, specs, candidate):
        code = codes.get((path, scope))
        if code is Outcome.DISCLOSE:
            open_texts.append((path, scope, value))
        elif code == NOT_IN_VIEW:
            # Only its contract leaves it out: it may be known.
            known.add(value.strip().casefold())
        elif text := telling(value):
            held[text] = None
    unsaid: list[object] = [value for item in items for value in item.values()]
    if codes.get((AUTHOR, Scope.ALL)) is not Outcome.DISCLOSE:
        unsaid.append(author)
    held |= {text: None for value in unsaid if (text := telling(value))}
    naming = _naming(open_texts, held, known, keys)
    if not naming:
        return fields
    return tuple(
        replace(item, outcome=Outcome.WITHHOLD, reason="GUARD-NAMED-IN-TEXT", basis=None, alternates=())
        if (item.path, item.scope) in naming
        else item
        for item in fields
    )


def _said(
    payload: Mapping[str, object], specs: Sequence[FieldSpec], candidate: Candidate
) -> list[tuple[str, Scope, str]]:
    """Return every text of a payload, and where it stands."""
    form = form_of(payload, specs)
    if form is not None:
        return [(name, Scope.ALL, said) for name, said in said_in(payload, form.texts)]
    leaves = walked(payload, specs, candidate).leaves
    return [(path, scope, value) for path, scope, value in leaves if isinstance(value, str)]


def _naming(
    texts: Sequence[tuple[str, Scope, str]], held: dict[str, None], known: set[str], keys: frozenset[str]
) -> set[tuple[str, Scope]]:
    """Return the fields with a text that names what is held back.

    What is withheld for what it names takes the other texts of its field along: those are held back then,
    too, and are no longer disclosed where another text speaks of them. So it is looked again until no more
    is found.
    """
    naming: set[tuple[str, Scope]] = set()
    while True:
        disclosed = known | {text.strip().casefold() for _, _, text in texts}
        looked_for = [text for text in held if text.casefold() not in disclosed]
        pattern = contained(possible(looked_for, [text for _, _, text in texts]))
        if pattern is None:
            return naming
        more = {(path, scope) for path, scope, text in texts if path not in keys and pattern.search(text)}
        if not more:
            return naming
        naming |= more
        held |= {
            text: None for path, scope, said in texts if (path, scope) in more and (text := telling(said))
        }
        texts = [each for each in texts if each[:2] not in more]


def possible(held: Sequence[str], texts: Sequence[str]) -> Sequence[str]:
    """Return which of the held-back texts could stand in others: a pattern of all of them costs far more.

    Letters beyond ASCII vary in their cases, so where there are any all are looked for.
    """
    together = "\n".join(texts).lower()
    if not together.isascii() or not all(map(str.isascii, held)):
        return held
    return [text for text in held if text.lower() in together]


def without_gaps(fields: tuple[FieldDecision, ...], items_held: Iterable[str]) -> tuple[FieldDecision, ...]:
    """Withhold the numbers of a list's items from whoever may not know of one: a gap would tell of it."""
    if not [*items_held]:
        return fields
    return tuple(
        replace(item, outcome=Outcome.WITHHOLD, reason="GUARD-GAP", basis=None, alternates=())
        if item.path in NUMBERED
        else item
        for item in fields
    )


def without(
    payload: Mapping[str, object], keys: frozenset[str], items_held: frozenset[str]
) -> tuple[Mapping[str, object], list[Mapping[str, object]]]:
    """Return a payload without the list items that are held back by their key, and those items."""
    gone: list[Mapping[str, object]] = []
    if not items_held:
        return payload, gone
    shown = dict(payload)
    for name, value in payload.items():
        if isinstance(value, list | tuple):
            there = [item for item in value if isinstance(item, Mapping)]
            found = [
                item for item in there if any(item[n] in items_held for n in item if f"{name}[].{n}" in keys)
            ]
            shown[name] = [item for item in value if item not in found]
            gone += found
    return shown, gone
