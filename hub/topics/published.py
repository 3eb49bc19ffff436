"""A schema as registries and their clients know it: an id on the wire, a subject, a version, the text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.consent.partner_contracts import Direction
from hub.messages.envelope import MessageName
from hub.topics.views import views_ever

if TYPE_CHECKING:
    from hub.consent.partner_contracts import PartnerContract
    from hub.topics.library import Contract, SchemaLibrary


_SUBMISSION = "submission"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSchema:
    """One schema as the Confluent API speaks of it."""

    id: int
    """The id in the frame of every record written with it: magic 0, then this, four bytes."""
    subject: str
    """Topic and record name, e.g. `hub.to.river-drug-service-hub.referral.v1.ReferralMessage`."""
    version: int
    """Its version under the subject, from 1."""
    schema: str
    """The schema as JSON text."""
    digest: str
    """SHA-256 of its canonical JSON, which covers information classes."""


def message_schemas(library: SchemaLibrary) -> tuple[PublishedSchema, ...]:
    """Return every message's own schema in every version; the subject is the record's full name.

    And that of `submission`, in which whoever sends by Kafka wraps its messages.
    """
    names = (*MessageName, _SUBMISSION)
    contracts = (library.contract(name, version) for name in names for version in library.every_version(name))
    return tuple(_numbered((_full_name(each), each) for each in contracts))


def view_schemas(library: SchemaLibrary, agreed: Iterable[PartnerContract]) -> tuple[PublishedSchema, ...]:
    """Return the views of contracts, ended ones too: records written by them may still be read.

    The subject is topic and record name, as Confluent's TopicRecordNameStrategy has it.
    """
    views = (
        (f"hub.to.{terms.partner}-{_full_name(view)}", view)
        for terms in sorted(agreed, key=lambda each: (each.partner, each.message, each.number))
        if terms.direction is Direction.RECEIVES
        for version in library.every_version(terms.message)
        if terms.covers(version)
        for view in views_ever(library, terms, version)
    )
    return tuple(_numbered(views))


def _full_name(contract: Contract) -> str:
    return f"{contract.schema['namespace']}.{contract.schema['name']}"


def _numbered(named: Iterable[tuple[str, Contract]]) -> Iterator[PublishedSchema]:
    """Number the schemas of each subject; one that stands there already is not numbered twice."""
    seen: dict[str, dict[int, None]] = {}
    for subject, contract in named:
        known = seen.setdefault(subject, {})
        if contract.id not in known:
            known[contract.id] = None
            yield PublishedSchema(
                id=contract.id,
                subject=subject,
                version=len(known),
                schema=json.dumps(contract.schema, ensure_ascii=False),
                digest=contract.digest,
            )
