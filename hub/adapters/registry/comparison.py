"""What a registry has, lacks, or has otherwise than the hub; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from hub.adapters.registry.canonical import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hub.adapters.registry.client import HttpRegistry, Stored
    from hub.topics.published import PublishedSchema


class Kind(StrEnum):
    """How a registry may differ."""

    LACKS = "lacks"
    """It has no such version of the subject, and the schema under no other."""
    DIFFERENT = "different"
    """It has another schema as that version."""
    OTHER_ID = "other-id"
    """It has the schema, under another id than the hub's records carry."""
    BESIDES = "besides"
    """It has a version the hub does not know."""


_SAID = {
    Kind.LACKS: "the registry does not have it",
    Kind.DIFFERENT: "the registry has another schema as this version",
    Kind.OTHER_ID: "the registry has it under another id than the hub's records carry",
    Kind.BESIDES: "the registry has this version, the hub does not",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference between hub and registry."""

    kind: Kind
    subject: str
    version: int
    """The hub's version; the registry's where the hub has none."""
    hub_id: int | None
    registry_id: int | None

    @property
    def sentence(self) -> str:
        """Say what differs."""
        return f"{self.subject} {self.version}: {_SAID[self.kind]}"


async def compare(registry: HttpRegistry, schemas: Sequence[PublishedSchema]) -> tuple[Difference, ...]:
    """Return every difference, subject by subject in the order given; none: the registry is as the hub.

    A schema counts as there whichever version number the registry counts it by. Subjects that are none
    of the hub's are not looked at. Raises as HttpRegistry.
    """
    subjects: dict[str, list[PublishedSchema]] = {}
    for schema in schemas:
        subjects.setdefault(schema.subject, []).append(schema)
    found: list[Difference] = []
    for subject, ours in subjects.items():
        numbers = await registry.versions(subject)
        theirs = [stored for number in numbers if (stored := await registry.version(subject, number))]
        found += _differences(ours, theirs)
    return tuple(found)


def _differences(ours: Sequence[PublishedSchema], theirs: Sequence[Stored]) -> Iterator[Difference]:
    """Yield what differs within one subject."""
    there = {digest_of(stored.schema): stored for stored in reversed(theirs)}
    unmatched = {stored.version: stored for stored in theirs}
    for schema in ours:
        if schema.digest in there:
            unmatched.pop(there[schema.digest].version, None)
    for schema in ours:
        stored = there.get(schema.digest)
        if stored is not None:
            if stored.id != schema.id:
                yield _difference(Kind.OTHER_ID, schema, stored)
            continue
        other = unmatched.pop(schema.version, None)
        yield _difference(Kind.LACKS if other is None else Kind.DIFFERENT, schema, other)
    for stored in unmatched.values():
        yield Difference(
            kind=Kind.BESIDES,
            subject=stored.subject,
            version=stored.version,
            hub_id=None,
            registry_id=stored.id,
        )


def _difference(kind: Kind, schema: PublishedSchema, stored: Stored | None) -> Difference:
    return Difference(
        kind=kind,
        subject=schema.subject,
        version=schema.version,
        hub_id=schema.id,
        registry_id=None if stored is None else stored.id,
    )
