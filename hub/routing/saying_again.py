"""Says again what was said before, as a message of its own: still its author's word, of the day it was said.

The words are in the log. A case keeps where, and which of the fields still hold; what has been corrected,
retracted or stated anew since is left out, whatever the log says.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from hub.cases.keeping import field_of
from hub.consent.paths import fields_of
from hub.errors import ReadBackNeeded
from hub.messages.envelope import Submission
from hub.messages.identifiers import MessageId, derived_id
from hub.messages.records import altered
from hub.routing.bringing_up import is_today

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hub.cases.case import Kept
    from hub.consent.decision import FieldSpec
    from hub.messages.envelope import InformationClass, MessageName
    from hub.messages.identifiers import CaseRef
    from hub.routing.outcome import View


def read_back(
    kept: Sequence[Kept], case: CaseRef, message: MessageName, view: View
) -> list[Submission] | None:
    """Return messages as the log has them; None where one of them cannot be given again.

    That is so where nobody knows where it stands, it can no longer be read, or it is in a version only a
    newer hub knows: nothing of it can be judged then.

    Raises:
        ReadBackNeeded: The view does not have them all yet.
    """
    offsets = [each.offset for each in kept if each.offset is not None]
    if len(offsets) < len(kept) or not all(is_today(each, message, view.contracts) for each in kept):
        return None
    found = [view.read_back(case, offset) for offset in offsets]
    wanted = frozenset((case, offset) for offset, entry in zip(offsets, found, strict=True) if entry is None)
    if wanted:
        raise ReadBackNeeded(wanted)
    same = [
        entry
        for each, entry in zip(kept, found, strict=True)
        if isinstance(entry, Submission) and entry.envelope.message_id == each.message
    ]
    return same if len(same) == len(kept) else None


def read_all_back(
    pieces: Iterable[tuple[MessageName, Sequence[Kept]]], case: CaseRef, view: View
) -> list[list[Submission] | None]:
    """Return what each of several is read back as; where the log has to be read first, all is asked at once.

    Raises:
        ReadBackNeeded: The view does not have them all yet.
    """
    found: list[list[Submission] | None] = []
    wanted: frozenset[tuple[str, int]] = frozenset()
    for message, kept in pieces:
        try:
            found.append(read_back(kept, case, message, view))
        except ReadBackNeeded as needed:
            wanted |= needed.records
    if wanted:
        raise ReadBackNeeded(wanted)
    return found


def said_again(
    kept: Sequence[Kept], read: Sequence[Submission], *, view: View, cause: str
) -> tuple[Submission, tuple[FieldSpec, ...]]:
    """Return messages kept as one: the latest, with what those before it state beside it.

    `kept` and `read` are the same messages, oldest first; what each no longer gives is left out of it.
    """
    latest = read[-1].envelope
    specs = view.contracts.fields(latest.message, latest.contract)
    payload: dict[str, object] = {**fields_of(specs).nothing}
    declared: dict[str, InformationClass] = {}
    for held, said in zip(kept, read, strict=True):
        still = held.fields & said.payload.keys()
        payload |= {name: said.payload[name] for name in payload if name in still}
        of_held = said.envelope.declared.items()
        declared |= {path: of_class for path, of_class in of_held if field_of(path) in held.fields}
    envelope = altered(
        latest,
        message_id=MessageId(derived_id("again", latest.message_id, cause)),
        causation=latest.message_id,
        digest=_digest(payload),
        declared=declared,
    )
    return Submission(envelope=envelope, payload=payload), specs


def _digest(payload: Mapping[str, object]) -> str:
    given = {name: value for name, value in payload.items() if value is not None}
    text = json.dumps(given, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
