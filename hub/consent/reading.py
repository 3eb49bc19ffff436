"""What is in a message besides its fields' names: which values are there, and which texts name others.

Worked out once per message, however many are told of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hub.consent.decision import Candidate, FieldDecision, FieldSpec, Scope
from hub.consent.paths import owners, walk
from hub.consent.screen import named_in_text, telling
from hub.messages.identifiers import OrganisationId

_NOBODY = OrganisationId("")


@dataclass(slots=True, eq=False)
class Reading:
    """One message's payload, read for all its recipients."""

    payload: Mapping[str, object]
    specs: Sequence[FieldSpec]
    naming: bool
    """Whether some text of it could name another value of it."""
    _by_owner: bool
    _present: dict[OrganisationId, frozenset[tuple[str, Scope]]] = field(default_factory=dict)

    def present(self, candidate: Candidate) -> frozenset[tuple[str, Scope]]:
        """Return the fields that have a value, list items told apart by whether they are the candidate's."""
        owner = candidate.organisation if self._by_owner else _NOBODY
        found = self._present.get(owner)
        if found is None:
            leaves = walk(self.payload, self.specs, candidate)
            found = self._present[owner] = frozenset((leaf.path, leaf.scope) for leaf in leaves)
        return found

    def screened(self, fields: tuple[FieldDecision, ...], candidate: Candidate) -> tuple[FieldDecision, ...]:
        """Withhold every disclosed text that contains a value held back elsewhere in the message."""
        return named_in_text(self.payload, self.specs, fields, candidate) if self.naming else fields


def read_payload(payload: Mapping[str, object], specs: Sequence[FieldSpec], anybody: Candidate) -> Reading:
    """Read a payload; whose list items are makes no difference to what names what, so `anybody` will do."""
    texts = {leaf.value for leaf in walk(payload, specs, anybody) if isinstance(leaf.value, str)}
    return Reading(
        payload=payload, specs=specs, naming=_some_name_others(texts), _by_owner=bool(owners(specs))
    )


def _some_name_others(texts: Iterable[str]) -> bool:
    """Tell whether a text could contain another; of letters beyond ASCII, whose cases vary, it is assumed.

    What is held back is looked for in what goes, whole words in any case. A text that holds no other even as
    a part of it cannot name one, whoever gets what.
    """
    told = {text for text in map(telling, texts) if text is not None}
    longest = sorted((text.strip().lower() for text in texts), key=len, reverse=True)
    if not all(text.isascii() for text in texts):
        return bool(told)
    for text in {each.lower() for each in told}:
        for other in longest:
            if len(other) <= len(text):
                break
            if text in other:
                return True
    return False
