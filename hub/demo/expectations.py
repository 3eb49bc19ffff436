"""What the files of `expected/` say: for each step its end, and for each recipient every field of it.

The files are written by hand from the requirements and their sources. Nothing in this package computes
them, and nothing here knows the hub's own rules.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).with_name("expected")


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
    """What one recipient gets of one step: every field posted is in exactly one of the four."""

    shown: tuple[str, ...]
    general: Mapping[str, str]
    """Exact field to the general sibling that stands for it."""
    held: Mapping[str, str]
    """Path to the reason, with its source."""
    source: str
    replaced: tuple[str, ...] = ()
    """References that are there, but not as the sender wrote them: nobody can put two together."""
    envelope: frozenset[str] | None = None
    """Of the headers that say who wrote it, those that may be there; None: as for all of that kind."""
    joined: str | None = None
    """The step by which the recipient joined, where it gets this then and not before (R-CASE-06)."""
    again: tuple[str, ...] = ()
    """Steps by which somebody else came into the same role, who gets it once more."""

    @property
    def late(self) -> bool:
        """Whether it comes, or comes again, after what happened since: the state as it was said."""
        return self.joined is not None or bool(self.again)


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
class Telling:
    """Which headers may, and which must, say who wrote a message, by kind of reader and of author."""

    to: frozenset[str]
    by: frozenset[str]
    may: frozenset[str]
    must: frozenset[str]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """The whole folder: by likeness of step, what the hub must say of its own accord, who wrote it."""

    steps: Mapping[str, Expected]
    raised: tuple[Raised, ...]
    envelope: tuple[Telling, ...] = ()


class NotExpectationsError(ValueError):
    """The file does not have the form of expectations; the message names the place."""


class _Strict(yaml.SafeLoader):
    """Refuses a key said twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - the signature is PyYAML's
        said: set[str] = set()
        for key, _ in node.value:
            if key.value in said and key.tag != "tag:yaml.org,2002:merge":
                raise NotExpectationsError(f"{key.value} is said twice, again{key.start_mark}")
            said.add(key.value)
        return super().construct_mapping(node, deep=deep)


def load_expectations(folder: Path = FOLDER) -> Expectations:
    """Read every file of the folder as one; what two files both say is refused."""
    steps: dict[str, Expected] = {}
    raised: list[Raised] = []
    envelope: list[Telling] = []
    for file in sorted(folder.glob("*.yaml")):
        found = expectations_from(yaml.load(file.read_text(encoding="utf-8"), Loader=_Strict))  # noqa: S506 - a safe loader
        if twice := steps.keys() & found.steps.keys():
            raise NotExpectationsError(f"{file.name} repeats {', '.join(sorted(twice))}")
        steps |= found.steps
        raised += found.raised
        envelope += found.envelope
    return Expectations(steps=steps, raised=tuple(raised), envelope=tuple(envelope))


def expectations_from(document: object) -> Expectations:
    """Read the parsed file; lists may nest, so that groups of fields can be named by anchors."""
    top = _mapping(document, "the file")
    steps = {
        str(name): _expected(_mapping(entry, str(name)), str(name))
        for name, entry in _mapping(top.get("steps") or {}, "steps").items()
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
    envelope = tuple(
        Telling(
            to=frozenset(_flat(entry["to"])),
            by=frozenset(_flat(entry["by"])),
            may=frozenset(_flat(entry.get("may") or [])),
            must=frozenset(_flat(entry.get("must") or [])),
            source=_source(entry, "envelope"),
        )
        for entry in (_mapping(item, "envelope") for item in _sequence(top.get("envelope") or [], "envelope"))
    )
    return Expectations(steps=steps, raised=raised, envelope=envelope)


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
        replaced=tuple(_flat(entry.get("replaced") or [])),
        envelope=frozenset(_flat(entry["envelope"])) if "envelope" in entry else None,
        joined=_text(entry.get("joined")),
        again=tuple(_flat(entry.get("again") or [])),
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
