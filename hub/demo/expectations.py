"""What `expected.yaml` says: for each step its end, and for each recipient every field of it.

The file is written by hand from the requirements and their sources. Nothing in this package computes
it, and nothing here knows the hub's own rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class End(StrEnum):
    """What becomes of a submission."""

    ROUTED = "routed"
    REFUSED = "refused"
    """Taken at the door, set aside by the router; the reason is for staff."""
    AT_THE_DOOR = "at_the_door"
    """Answered with a named problem at once."""
    SET_ASIDE = "set_aside"
    """A Kafka record that could not be taken; there is nobody to answer."""
    REPEATED = "repeated"
    """Known already: the first answer again, nothing sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one recipient gets of one step: every field posted is in exactly one of the three."""

    shown: tuple[str, ...]
    general: Mapping[str, str]
    """Exact field to the general sibling that stands for it."""
    held: Mapping[str, str]
    """Path to the reason, with its source."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What one step (or all steps of one likeness) must come to."""

    source: str
    end: End
    status: int | None
    code: str | None
    pointer: str | None
    recipients: Mapping[str, Share]
    """Recipient, written `organisation/role`, to its share; everybody else gets nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """An exception report the hub itself must make (R-MSG-11): about whom, which, told to whom."""

    person: str
    code: str
    recipients: frozenset[str]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """The whole file: by likeness of step, and what the hub must say of its own accord."""

    steps: Mapping[str, Expected]
    raised: tuple[Raised, ...]


class NotExpectationsError(ValueError):
    """The file does not have the form of expectations; the message names the place."""


def expectations_from(document: object) -> Expectations:
    """Read the parsed file; lists may nest, so that groups of fields can be named by anchors."""
    top = _mapping(document, "the file")
    steps = {
        str(name): _expected(_mapping(entry, str(name)), str(name))
        for name, entry in _mapping(top.get("steps"), "steps").items()
    }
    raised = tuple(
        Raised(
            person=str(entry["person"]),
            code=str(entry["code"]),
            recipients=frozenset(_flat(entry["recipients"])),
            source=str(entry["source"]),
        )
        for entry in (_mapping(item, "raised") for item in _sequence(top.get("raised") or [], "raised"))
    )
    return Expectations(steps=steps, raised=raised)


def _expected(entry: Mapping[str, object], name: str) -> Expected:
    recipients = _mapping(entry.get("recipients") or {}, f"{name}.recipients")
    status = entry.get("status")
    return Expected(
        source=_source(entry, name),
        end=End(str(entry.get("end", End.ROUTED))),
        status=status if isinstance(status, int) else None,
        code=_text(entry.get("code")),
        pointer=_text(entry.get("pointer")),
        recipients={
            str(who): _share(_mapping(share, str(who)), f"{name}/{who}") for who, share in recipients.items()
        },
    )


def _share(entry: Mapping[str, object], name: str) -> Share:
    held: dict[str, str] = {}
    for group in _sequence(entry.get("held") or [], f"{name}.held"):
        reason = _mapping(group, f"{name}.held")
        held |= dict.fromkeys(_flat(reason.get("fields")), f"{reason.get('why')} ({_source(reason, name)})")
    general = _mapping(entry.get("general") or {}, f"{name}.general")
    return Share(
        shown=tuple(_flat(entry.get("shown") or [])),
        general={str(exact): str(sibling) for exact, sibling in general.items()},
        held=held,
        source=_source(entry, name),
    )


def _source(entry: Mapping[str, object], name: str) -> str:
    if not (source := _text(entry.get("source"))):
        raise NotExpectationsError(f"{name} names no source paragraph")
    return source


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _flat(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for inner in value:
            yield from _flat(inner)
    elif value is not None:
        yield str(value)


def _mapping(value: object, place: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise NotExpectationsError(f"{place} is not a mapping")
    return value


def _sequence(value: object, place: str) -> Sequence[object]:
    if not isinstance(value, list):
        raise NotExpectationsError(f"{place} is not a list")
    return value
