"""The last look at what leaves: nothing held back stands in its bytes, its key or its headers (R-DIS-01).

It knows nothing of how a record was cut. It walks over the bytes as they will be sent and holds every
place against what the decision allows (`hub.consent.allowance`); texts held back are looked for as bytes,
everywhere. Numbers, dates and choices are short and occur by chance, so of them it is the place that is
looked at: where nothing may stand, null must. Headers have closed forms and are held to those.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from hub.consent.allowance import AUTHOR_ORGANISATION, CAUSATION
from hub.consent.obligations import is_told
from hub.consent.screen import AUTHOR, contained
from hub.errors import HubError
from hub.topics.delivery_headers import ALWAYS, SOMETIMES
from hub.topics.shapes import ListOf, Record

if TYPE_CHECKING:
    from hub.consent.allowance import Allowance, Outline
    from hub.messages.envelope import Envelope
    from hub.routing.outcome import Delivery
    from hub.topics.codec import Encoded
    from hub.topics.guard import Inner, Offsets
    from hub.topics.library import Contract, SchemaLibrary

LEFT_IN = "GUARD-LEFT-IN"
"""Gate of a decision whose delivery held something it must not, and was not sent."""
_NULL = b"\x00"
_SHAPES_KEPT_MAX = 4096
_MOMENT = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"
_Places = tuple[tuple[str, ...], "dict[str, tuple[int, _Places]]"]
"""The names of a record's fields; of those that are records or lists of them, which of the inner offsets
are theirs, and the same for what is inside."""


class LeftIn(HubError):
    """A record about to leave holds what was held back; it must not be sent."""

    code = LEFT_IN


def check_given(payload: Mapping[str, object], allowed: Allowance) -> None:
    """Look at what a recipient is given before it is brought down to an older version.

    Raises:
        LeftIn: There is something where nothing may be.
    """
    if allowed.holds_back:
        _check_names(payload, allowed.outline)


class LastLook:
    """Looks at the bytes of one record after the other; those of one message come in a row."""

    def __init__(self, library: SchemaLibrary) -> None:
        """Walk and read with this library."""
        self._library = library
        self._own: tuple[Envelope, frozenset[bytes]] | None = None

    def check_bytes(self, body: bytes, view: Contract, delivery: Delivery, *, as_decided: bool) -> None:
        """Look at the bytes of a record, whoever wrote them.

        Args:
            body: The record, without its frame.
            view: The schema it is written with.
            delivery: What it is a record of.
            as_decided: Whether it is in the version the decision speaks of, so that names can be compared.

        Raises:
            LeftIn: A place that must be empty is not, or a text held back stands in it.
            NotReadable: The bytes are not one record of the view.
        """
        allowed, envelope = delivery.allowed, delivery.source.envelope
        if self._own is None or self._own[0] is not envelope:
            self._own = (envelope, own_references(envelope))
        for reference in self._own[1]:
            if reference in body:
                raise left_in("a reference of the hub's own")
        if as_decided and allowed.holds_back:
            _check_places(body, self._library.check(view, body), allowed.outline, _places(view.shape))
        # Among bytes only letters of ASCII have small forms; of others it is assumed that they stand there.
        low = body.lower() if allowed.sought else b""
        if any(not text.isascii() or text in low for text in allowed.sought):
            _check_texts(self._library.decode(view, body), view, allowed)


def check_envelope(record: Encoded, delivery: Delivery, *, redacted: frozenset[str]) -> None:
    """Look at the key and the headers a record leaves with: each has one form, and no room for more.

    Args:
        record: The record as Kafka gets it; other channels carry the same headers.
        delivery: What it is a record of.
        redacted: The fields its recipient may know were held back, as its own version names them.

    Raises:
        LeftIn: The key is not the delivery's id, or a header is none of those that leave, says what its
            recipient may not know, or has another form than its own.
    """
    if record.key != delivery.delivery_id.encode():
        raise left_in("its key")
    said = _said(delivery)
    for name, value in record.headers:
        text = value.decode()
        if name in said:
            fits = said[name] == text
        elif name == "hub-redacted":
            fits = redacted.issuperset(text.split(","))
        elif name == "hub-caveats":
            fits = all(map(is_told, text.split(",")))
        else:
            fits = name in _FORMS and bool(_FORMS[name](text))
        if not fits:
            raise left_in(f"its header {name}" if name in _FORMS else "a header that never leaves")


def _said(delivery: Delivery) -> dict[str, str | None]:
    """Return the headers that repeat what somebody said, each with all it may say to this recipient."""
    source, allowed = delivery.source.envelope, delivery.allowed.envelope
    names_organisation = AUTHOR_ORGANISATION in allowed
    agreed = delivery.terms.contract
    said: dict[str, str | None] = {
        "hub-author": source.author if AUTHOR in allowed else None,
        "hub-author-role": source.author_role.value if names_organisation else None,
        "hub-author-organisation": source.organisation if names_organisation else None,
        "hub-contract": None if agreed is None else agreed.name,
        "ce_successor": None if agreed is None else agreed.alternative,
    }
    return said if CAUSATION in allowed else said | {"hub-causation": None}


def _form_of(described: Mapping[str, object]) -> Callable[[str], object]:
    """Return a test for the form a header is described to have."""
    if "const" in described:
        return str(described["const"]).__eq__
    if isinstance(listed := described.get("enum"), list):
        return frozenset(map(str, listed)).__contains__
    pattern = described.get("pattern", _MOMENT if described.get("format") == "date-time" else "")
    return re.compile(str(pattern), re.ASCII).fullmatch


_FORMS: Mapping[str, Callable[[str], object]] = {
    name: _form_of(described) for name, described in {**ALWAYS, **SOMETIMES}.items()
}


def own_references(envelope: Envelope) -> frozenset[bytes]:
    """Return the hub's own references in a message: none leaves, not even to who may know what it names."""
    own = (envelope.message_id, envelope.case, envelope.correlation, envelope.causation, envelope.digest)
    return frozenset(each.encode() for each in own if each)


def _check_places(body: bytes, offsets: Offsets, outline: Outline, shape: _Places) -> None:
    """Hold one record's places against what may stand in them, and those of the records in it."""
    marks, inner = offsets
    names, insides = shape
    begins = marks[0]
    for name, ends in zip(names, marks[1:], strict=True):
        if name not in outline and (ends - begins != 1 or body[begins]):
            raise left_in(name)
        begins = ends
    for name, (where, fields) in insides.items():
        allowed = outline.get(name, True)
        if allowed is not True:
            _check_inside(body, inner[where], allowed, fields, name=name)


def _check_inside(body: bytes, found: Inner, allowed: object, fields: _Places, *, name: str) -> None:
    """Hold a record in a record, or the items of a list, against what may stand there."""
    if isinstance(found, list):
        if not isinstance(allowed, list) or len(found) != len(allowed):
            raise left_in(f"the number of items of {name}")
        for offsets, outline in zip(found, allowed, strict=True):
            _check_places(body, offsets, outline, fields)
    elif found is not None and isinstance(allowed, Mapping):
        _check_places(body, found, allowed, fields)


def _check_names(payload: Mapping[str, object], outline: Outline) -> None:
    """Hold the values of one record against what may stand there."""
    for name, value in payload.items():
        allowed = outline.get(name)
        if value is None or allowed is True:
            continue
        if isinstance(value, Mapping) and isinstance(allowed, Mapping):
            _check_names(value, allowed)
        elif isinstance(value, list) and isinstance(allowed, list):
            if len(value) != len(allowed):
                raise left_in(f"the number of items of {name}")
            for item, each in zip(value, allowed, strict=True):
                _check_names(item, each)
        else:
            raise left_in(name)


def _check_texts(payload: Mapping[str, object], view: Contract, allowed: Allowance) -> None:
    """Judge the texts of a record in which one held back seems to occur.

    What is disclosed was screened for names when it was decided on (`hub.consent.screen`); its keys were
    not, because without them there is no record.
    """
    keys = frozenset(spec.path for spec in view.specs if spec.key)
    secret = contained(allowed.secret)
    for path, text in _texts(payload, ""):
        disclosed = text in allowed.disclosed
        if disclosed and path in keys:
            continue
        by_itself = not disclosed and any(each in text for each in allowed.apart)
        if by_itself or (secret is not None and secret.search(text)):
            raise left_in(path)


def _texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Yield every text of a record with the path of its field."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, f"{path}[]" if isinstance(item, Mapping) else path)


@lru_cache(maxsize=_SHAPES_KEPT_MAX)
def _places(shape: Record) -> _Places:
    """Return the names of a record's fields in order, and where the offsets inside some of them stand."""
    insides: dict[str, tuple[int, _Places]] = {}
    for field in shape.fields:
        inner = field.shape.item if isinstance(field.shape, ListOf) else field.shape
        if isinstance(inner, Record):
            insides[field.name] = (len(insides), _places(inner))
    return tuple(field.name for field in shape.fields), insides


def left_in(where: str) -> LeftIn:
    """Return the refusal of something about to leave, with where in it the fault is; no value."""
    message = f"what was written for this recipient holds something kept back ({where})"
    return LeftIn(message, fix="nothing was delivered; the hub is at fault")
