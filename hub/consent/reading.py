"""What is in a message besides its fields' names: which values are there, and which texts name others.

Worked out once per message, however many are told of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hub.consent.decision import Candidate, FieldDecision, FieldSpec, Scope
from hub.consent.forms import Form, Treatment, form_of, texts_in, treatment_of
from hub.consent.outcomes import read_fields
from hub.consent.paths import owners, texts_of, walked
from hub.consent.screen import AUTHOR, LENGTH_MIN, named_in_text, possible, telling
from hub.messages.identifiers import OrganisationId

_NOBODY = OrganisationId("")
Place = tuple[str, Scope]
_Screened = tuple[tuple[FieldDecision, ...], tuple[FieldDecision, ...]]
"""Decisions on fields, and what is left of them once every text was looked at."""


class _Texts(NamedTuple):
    """All texts of a payload."""

    together: str
    """One after the other, in small letters."""
    naming: bool
    """Whether some text of it could name another."""


@dataclass(slots=True, eq=False)
class Reading:
    """One message's payload, read for all its recipients."""

    payload: Mapping[str, object]
    specs: Sequence[FieldSpec]
    form: Form | None
    _texts: _Texts | None = None
    """Its texts put together, once they have been asked for."""
    _author: tuple[str, bool] | None = None
    """Who wrote it, and whether some text of it could name them or anything else."""
    _could: dict[tuple[Treatment, str], bool] = field(default_factory=dict)
    """Whether what goes could name what does not, by what becomes of each field, and by the author."""
    _screened: dict[tuple[object, ...], _Screened] = field(default_factory=dict)
    """What was screened for recipients so far; others often get the same."""
    _present: dict[OrganisationId, frozenset[Place]] = field(default_factory=dict)

    def has_any(self, places: tuple[Place, ...], candidate: Candidate) -> bool:
        """Tell whether any of these fields has a value, in list items that are the candidate's or others'."""
        for path, scope in places:
            if scope is _ALL and isinstance(self.payload.get(path), _SIMPLE):
                return True
        return bool(places) and not self.there(candidate).isdisjoint(places)

    def could_name(self, fields: tuple[FieldDecision, ...], author: str) -> bool:
        """Tell whether a text that goes could name a value that does not, or an author not to be known."""
        read = read_fields(fields)
        if self.form is None:
            return self.naming or (AUTHOR not in read.envelope and self.names_another(author))
        treatment = treatment_of(self.form, read)
        if not treatment.open or (treatment.author and not treatment.held):
            return False
        key = (treatment, author)
        found = self._could.get(key)
        if found is None:
            found = self._could[key] = _could_name(self.payload, *key)
        return found

    @property
    def naming(self) -> bool:
        """Whether some text of it could name another value of it, whoever gets what."""
        return self._read().naming

    def names_another(self, author: str) -> bool:
        """Tell whether some text of it could name another value of it, or who wrote it."""
        known = self._author
        if known is None or known[0] != author:
            known = self._author = (author, self._names(author))
        return known[1]

    def _names(self, author: str) -> bool:
        if self.naming or telling(author) is None:
            return self.naming
        # Letters beyond ASCII vary in their cases, so of these it is assumed.
        return not author.isascii() or author.strip().lower() in self._read().together

    def _read(self) -> _Texts:
        if self._texts is None:
            self._texts = _texts(self.payload)
        return self._texts

    def screened(
        self,
        fields: tuple[FieldDecision, ...],
        candidate: Candidate,
        *,
        author: str,
        items_held: tuple[str, ...],
    ) -> tuple[FieldDecision, ...]:
        """Withhold every disclosed text that names what is held back elsewhere, or an author who is."""
        key = (id(fields), self._owner(candidate), author, items_held)
        found = self._screened.get(key)
        if found is None or found[0] is not fields:
            left = named_in_text(
                self.payload, self.specs, fields, candidate, author=author, items_held=items_held
            )
            found = self._screened[key] = (fields, left)
        return found[1]

    def _owner(self, candidate: Candidate) -> OrganisationId:
        """Return who is asked for, where it makes a difference whose the items of a list are."""
        return candidate.organisation if owners(self.specs) else _NOBODY

    def there(self, candidate: Candidate) -> frozenset[Place]:
        """Return the fields that have a value, in list items that are the candidate's or others'."""
        owner = self._owner(candidate)
        found = self._present.get(owner)
        if found is None:
            leaves = walked(self.payload, self.specs, candidate).leaves
            found = self._present[owner] = frozenset([(leaf.path, leaf.scope) for leaf in leaves])
        return found


_ALL = Scope.ALL
_SIMPLE = (str, int, float, bytes)


def read_payload(payload: Mapping[str, object], specs: Sequence[FieldSpec]) -> Reading:
    """Read a payload."""
    return Reading(payload, specs, form_of(payload, specs))


def _could_name(payload: Mapping[str, object], treatment: Treatment, author: str) -> bool:
    """Tell whether what goes of a payload that has a form could name what does not."""
    held = [text for said in texts_in(payload, treatment.held) if (text := telling(said))]
    if not treatment.author and (text := telling(author)):
        held.append(text)
    return bool(held and possible(held, texts_in(payload, treatment.open)))


def _texts(payload: Mapping[str, object]) -> _Texts:
    texts = set(texts_of(payload))
    lowered = [text.strip().lower() for text in texts]
    together = "\n".join(lowered)
    return _Texts(together, _some_name_others(texts, lowered, together))


def _some_name_others(texts: set[str], lowered: list[str], together: str) -> bool:
    """Tell whether a text could contain another; of letters beyond ASCII, whose cases vary, it is assumed.

    What is held back is looked for in what goes, whole words in any case. A text that stands once in all of
    them put together stands in no other, whoever gets what; the same text twice is looked into for nothing.
    """
    if not together.isascii():
        return any(map(telling, texts))
    count = together.count
    for text, low in zip(texts, lowered, strict=True):
        if len(low) >= LENGTH_MIN and count(low) > 1 and telling(text):
            return True
    return False
