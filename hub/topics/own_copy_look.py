"""The last look at the person's own copy: nothing held back stands in what is handed over (R-PLAN-03).

As with deliveries (`hub.topics.leaving`), it knows nothing of how the copy was cut or written: it holds every
place of what is given, and the finished text, against what the decision allows.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hub.consent.screen import contained
from hub.topics.leaving import check_given, left_in, own_references

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hub.routing.own_copy import OwnCopy


def check_page(copy: OwnCopy, page: str, *, own_words: Iterable[str]) -> None:
    """Look at the page that is handed over.

    Args:
        copy: What it is a page of.
        page: The whole text.
        own_words: What the page says of itself, whatever the plan says, with what surrounds it there, so that
            the same words in the plan's own text are looked at.

    Raises:
        LeftIn: Something is given that may not be, or a text held back stands on the page.
    """
    said = page
    for words in sorted(own_words, key=len, reverse=True):
        said = said.replace(words, "\n")
    _check(copy, [said])


def check_document(copy: OwnCopy, document: str) -> None:
    """Look at the copy for a program.

    Raises:
        LeftIn: Something is given that may not be, or a text held back stands in it.
    """
    _check(copy, list(_texts(json.loads(document))))


def _check(copy: OwnCopy, texts: list[str]) -> None:
    allowed = copy.allowed
    check_given(copy.payload, allowed)
    if not allowed.redacted.issuperset(copy.redacted):
        raise left_in("a part named as held back that may not be")
    references = [each.decode() for each in own_references(copy.source)]
    secret, apart = contained(allowed.secret), contained(allowed.apart)
    for text in texts:
        if any(each in text for each in references):
            raise left_in("a reference of the hub's own")
        if secret is not None and secret.search(text):
            raise left_in("a text held back")
        if apart is not None and apart.search(_without(text, allowed.disclosed)):
            raise left_in("a text held back")


def _without(text: str, disclosed: frozenset[str]) -> str:
    """Return a text without what is given anyway: that may speak of what does not come over by itself."""
    for each in sorted(disclosed, key=len, reverse=True):
        text = text.replace(each, "\n")
    return text


def _texts(value: object) -> Iterator[str]:
    """Yield every text of a document, the names of its parts aside."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
